"""Each defence is its plain statement, and says what cannot be one in a sentence."""

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from skimage.restoration import denoise_tv_chambolle

import iqaudit
from iqaudit import defences
from iqaudit._core.picture import Pixels
from iqaudit.defences._base import Draw, question
from iqaudit.defences._registry import DEFENCES, chain, form, named, spec
from iqaudit.testing import synthetic_picture

PICTURE = synthetic_picture(30, 41)
PICTURE.flags.writeable = False


def windows(picture: Pixels, side: int) -> np.ndarray:
    """Return the square around every pixel, the border's pixels beyond it."""
    reach = side // 2
    padded = np.pad(picture, [(reach, reach), (reach, reach), (0, 0)], mode="edge")
    height, width = picture.shape[:2]
    rows = [[padded[y : y + side, x : x + side] for x in range(width)] for y in range(height)]
    return np.array(rows, np.float64)


def coded(picture: Pixels, form: str) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, form, quality=75)
    return np.array(Image.open(file).convert("RGB"))


def gaussian(picture: Pixels) -> Pixels:
    weights = np.exp(-(np.array([-2, -1, 0, 1, 2]) ** 2) / (2 * 1.1**2))
    weights /= weights.sum()
    blurred = np.einsum("yxijc,i,j->yxc", windows(picture, 5), weights, weights)
    nearest: Pixels = np.floor(blurred + 0.5).astype(np.uint8)
    return nearest


def resized(picture: Pixels) -> Pixels:
    image = Image.fromarray(picture)
    small = image.resize(
        (round(0.5 * image.width), round(0.5 * image.height)), Image.Resampling.BICUBIC
    )
    return np.array(small.resize(image.size, Image.Resampling.BICUBIC))


PLAIN: dict[str, Callable[[Pixels], Pixels]] = {
    "jpeg:75": lambda x: coded(x, "JPEG"),
    "webp:75": lambda x: coded(x, "WEBP"),
    "blur:5": gaussian,
    "median:3": lambda x: np.median(windows(x, 3), axis=(2, 3)).astype(np.uint8),
    "bits:4": lambda x: (17 * np.floor(x / 17 + 0.5)).astype(np.uint8),
    "resize:0.5": resized,
    "denoise:0.05": lambda x: np.floor(
        255 * denoise_tv_chambolle(x / 255, weight=0.05, channel_axis=2) + 0.5
    ).astype(np.uint8),
    "round:0.1": lambda x: x,
    "sawtooth:0.5": lambda x: x,
    "stairs:0.5": lambda x: x,
}


@pytest.mark.parametrize("text", PLAIN)
def test_one_picture_is_that_of_the_plain_statement(text: str) -> None:
    [made] = named(text).pictures(PICTURE, None)
    np.testing.assert_array_equal(made, PLAIN[text](PICTURE))


def test_several_pictures_are_those_of_the_plain_statement() -> None:
    mirrored = named("mirror-mean").pictures(PICTURE, None)
    np.testing.assert_array_equal(mirrored, [PICTURE, PICTURE[:, ::-1]])
    tiles = named("median-crops:3").pictures(PICTURE, None)
    plain = [PICTURE[y : y + 10, x : x + 13] for y in (0, 10, 20) for x in (0, 13, 26)]
    np.testing.assert_array_equal(tiles, plain)


@pytest.mark.parametrize(
    ("text", "scores", "answer"),
    [
        ("mirror-mean", [1, 4], 2.5),
        ("smooth:5@8", [5, 1, 9, 2, 3], 3),
        ("smooth:4@8", [5, 1, 9, 2], 3.5),
        ("median-crops:2", [0, 10, 4, 5], 4.5),
        ("round:0.5", [3.3], 3.5),
        ("sawtooth:0.5", [3.3], 3.7),  # its interval's centre is 3.5
        ("stairs:0.5", [3.3], 3.48),
        ("jpeg:75", [3.3], 3.3),
    ],
)
def test_an_answer_is_that_of_the_plain_statement(
    text: str, scores: list[float], answer: float
) -> None:
    assert named(text).answer(np.array(scores, np.float64)) == pytest.approx(answer, abs=1e-12)


def test_answers_stay_near_the_score_and_stairs_keep_the_order() -> None:
    scores = np.linspace(-3, 3, 1001)
    for text, most in (("round:0.5", 0.25), ("sawtooth:0.5", 0.5), ("stairs:0.5", 0.225)):
        answers = np.array([named(text).answer(np.array([score])) for score in scores])
        assert np.abs(answers - scores).max() == pytest.approx(most, abs=0.01)
        if text.startswith("stairs"):
            assert (np.diff(answers) > 0).all()


def test_noise_has_its_deviation_and_each_draw_is_another() -> None:
    grey = np.full((120, 120, 3), 128, np.uint8)
    draw = np.random.default_rng(0)
    copies = named("smooth:4@8").pictures(grey, draw)
    assert copies.std(axis=(1, 2, 3)) == pytest.approx(8, rel=0.02)
    assert len({copy.tobytes() for copy in copies}) == 4
    [noisy] = named("noise:2").pictures(grey, draw)
    assert noisy.std() == pytest.approx(np.hypot(2, 1 / np.sqrt(12)), rel=0.02)  # and the rounding


def test_crops_are_parts_that_lie_anywhere() -> None:
    crop, draw = named("crop:0.9"), np.random.default_rng(0)
    made = [crop.pictures(PICTURE, draw)[0] for _ in range(60)]
    assert {each.shape for each in made} == {(27, 37, 3)}
    assert len({each.tobytes() for each in made}) > 15  # of the twenty that there are


@pytest.mark.parametrize("text", ["blur:3", "blur:7", "crop:0.8", "mirror-mean", "median-crops:3"])
def test_an_exact_gradient_is_that_of_finite_differences(text: str) -> None:
    """Of a scorer that is linear, so that the rounding to 8 bits is all that is between them."""
    draw = np.random.default_rng(1)
    shape = named(text).pictures(PICTURE, np.random.default_rng(7)).shape
    weights = draw.normal(size=shape)

    def answer(picture: Pixels) -> float:
        asked = question([named(text)], picture, np.random.default_rng(7))
        return asked.answer(np.einsum("nyxc,nyxc->n", weights, asked.pictures.astype(float)))

    asked = question([named(text)], PICTURE, np.random.default_rng(7))
    scores = np.einsum("nyxc,nyxc->n", weights, asked.pictures.astype(float))
    slope = asked.pull_back(scores, weights.astype(np.float32))
    assert slope.shape == PICTURE.shape
    moved = np.clip(PICTURE + 20 * np.sign(slope), 0, 255).astype(np.uint8)
    if text.startswith("median"):  # whose median lies in another tile then
        moved = np.clip(PICTURE + np.rint(0.01 * np.sign(slope)), 0, 255).astype(np.uint8)
    foretold = float((slope * (moved.astype(float) - PICTURE)).sum())
    assert answer(moved) - answer(PICTURE) == pytest.approx(foretold, rel=0.02, abs=1e-6)


@pytest.mark.parametrize("text", ["jpeg:75", "median:3", "bits:4", "noise:2", "round:0.1"])
def test_a_rounding_stage_counts_as_the_identity(text: str) -> None:
    asked = question([named(text)], PICTURE, np.random.default_rng(0))
    slopes = np.random.default_rng(1).normal(size=(1, *PICTURE.shape)).astype(np.float32)
    np.testing.assert_array_equal(asked.pull_back(np.ones(1), slopes), slopes[0])
    assert named(text).estimated is not text.startswith("noise")  # whose derivative that is


def test_a_median_passes_the_gradient_of_the_middle_score() -> None:
    asked = question([named("smooth:3@8")], PICTURE, np.random.default_rng(0))
    slopes = np.arange(3, dtype=np.float32)[:, None, None, None] * np.ones((1, *PICTURE.shape))
    assert (asked.pull_back(np.array([5.0, 2.0, 9.0]), slopes.astype(np.float32)) == 0).all()
    assert (asked.pull_back(np.array([5.0, 7.0, 9.0]), slopes.astype(np.float32)) == 1).all()


def test_defences_follow_one_another() -> None:
    """The first one's pictures meet the second one each; its answer is of the second one's."""
    asked = question(chain(["mirror-mean", "median-crops:2", "bits:4"]), PICTURE, None)
    assert asked.pictures.shape == (8, 15, 20, 3)
    np.testing.assert_array_equal(asked.pictures[0], PLAIN["bits:4"](PICTURE[:15, :20]))
    np.testing.assert_array_equal(asked.pictures[5], PLAIN["bits:4"](PICTURE[:15, ::-1][:, 20:40]))
    assert asked.answer(np.array([1, 2, 3, 4, 10, 20, 30, 90.0])) == (2.5 + 25) / 2


def test_a_question_with_the_same_draw_is_the_same_question() -> None:
    both = [
        question(chain(["crop:0.9", "smooth:2@3"]), PICTURE, np.random.default_rng(5)).pictures
        for _ in range(2)
    ]
    np.testing.assert_array_equal(both[0], both[1])


@pytest.mark.parametrize("name", DEFENCES)
def test_a_string_says_its_defence(name: str) -> None:
    text = {"smooth": "smooth:50@8"}.get(name, name)
    whole = spec(named(text))
    assert named(whole) == named(text)
    assert re.sub(r"[\d.]+", "N", whole) == re.sub(r"[A-Z]+", "N", form(name))
    before = PICTURE.copy()
    named(text).pictures(PICTURE, np.random.default_rng(0))
    np.testing.assert_array_equal(PICTURE, before)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("jpeg:0", "from 1 to 95"),
        ("jpeg:96", "from 1 to 95"),
        ("jpeg:high", "not of the form jpeg:QUALITY"),
        ("jpeg:75@3", "not of the form"),
        ("webp:0", "from 1 to 95"),
        ("median:4", "odd"),
        ("blur:1", "odd"),
        ("bits:8", "from 1 to 7"),
        ("resize:1.5", "between 0 and 1"),
        ("resize:nan", "between 0 and 1"),
        ("denoise:-1", "above 0"),
        ("noise:0", "above 0"),
        ("noise:inf", "above 0"),
        ("crop:0", "between 0 and 1"),
        ("smooth", "smooth:COPIES@SIGMA"),
        ("smooth:50", "smooth:COPIES@SIGMA"),
        ("smooth:0@8", "at least 1"),
        ("median-crops:1", "at least 2"),
        ("round:0", "above 0"),
        ("sawtooth:-1", "above 0"),
        ("mirror-mean:2", "not of the form mirror-mean"),
        ("smoth:5@8", 'did you mean "smooth"'),
        ("", "There is no defence"),
        ("python:nowhere:it", "nowhere"),
        ("python:os:sep", "pictures"),
    ],
)
def test_what_is_no_defence_is_said(text: str, sentence: str) -> None:
    with pytest.raises(iqaudit.InputError, match=re.escape(sentence)):
        named(text)


class Brighter:
    """A defence of one's own, with the two functions alone."""

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:
        assert draw is None
        picture += 1  # its own to write into
        return picture[None]

    def answer(self, scores: np.ndarray) -> float:
        return 2 * float(scores[0])


def test_ones_own_has_two_functions() -> None:
    assert isinstance(Brighter(), defences.Defence)
    asked = question(chain([Brighter(), "bits:4"]), PICTURE, None)
    np.testing.assert_array_equal(asked.pictures[0], PLAIN["bits:4"](PICTURE + 1))
    assert asked.answer(np.array([3.0])) == 6
    by_string = named("python:tests.defences.test_defences:Brighter")
    np.testing.assert_array_equal(by_string.pictures(PICTURE, None)[0], PICTURE + 1)


@pytest.mark.parametrize(
    "made",
    [PICTURE, PICTURE[None] / 255, PICTURE[None, ..., :1], PICTURE[None][:0], None],
    ids=["one", "real", "grey", "none", "nothing"],
)
def test_what_ones_own_makes_is_looked_at(made: object) -> None:
    class Bad(Brighter):
        def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:  # noqa: ARG002
            return made  # type: ignore[return-value]

    with pytest.raises(iqaudit.InputError, match="Bad"):
        question(chain([Bad()]), PICTURE, None)
