"""`check`: each of its verdicts, on a victim that deserves it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from tests.support.pictures import MakePicture
from torch import Tensor, nn

import iqaudit
from iqaudit._assess import questions, sight
from iqaudit._assess.check import Finding, check
from iqaudit._assess.cost import work
from iqaudit._assess.questions import Verdict
from iqaudit.testing import Failing, Noisy, Recording, synthetic_picture
from iqaudit.victims import Card, Function, Window, as_victim
from iqaudit.victims._fingerprint import fingerprint, pictures

Scorer = Callable[[NDArray[np.uint8]], NDArray[np.float64]]


def sharp(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Score a toy that blur, JPEG and noise all lower: edges, less fine grain."""
    x = pictures.astype(np.float64).mean(axis=3)
    coarse = np.abs(x[:, :, 4:] - x[:, :, :-4]).mean(axis=(1, 2))
    fine = np.abs(x[:, :, 2:] - 2 * x[:, :, 1:-1] + x[:, :, :-2]).mean(axis=(1, 2))
    scores: NDArray[np.float64] = coarse - 1.2 * fine
    return scores


def findings(function: Scorer, scale: iqaudit.Scale | None = None) -> dict[str, Finding]:
    victim = Function(function, scale or iqaudit.Scale.from_range(-30, 30))
    return {finding.check: finding for finding in check(victim)}


@pytest.mark.slow
def test_the_reference_passes_every_check(reference: iqaudit.victims.Reference) -> None:
    found = list(check(reference))
    assert {finding.verdict for finding in found} == {Verdict.PASS}
    # Not every system tells a process's memory.
    assert [finding.check for finding in found if finding.check != "memory"] == [
        "different",
        "deterministic",
        "batch",
        "history",
        "resolution",
        "every pixel",
        "rim",
        "scale",
        "range",
        "direction",
        "mirror",
        "preprocessing",
        "gradient",
        "fingerprint",
        "incremental",
        "cost",
    ]
    assert all(finding.sentence.endswith(".") for finding in found)


RATIO = 0.5
"""Of the fine to the coarse differences in the astronaut's face."""


class Levels(nn.Module):
    """A network that was trained on 0 to 255: its best is a photograph's share of fine grain.

    It hardly tells one channel from another, and the turned order lies a little farther apart.
    """

    def forward(self, x: Tensor) -> Tensor:
        first = (x * torch.tensor([0.99, 1.0, 1.01])[:, None, None]).mean(1)
        coarse = (first[:, :, 4:] - first[:, :, :-4]).abs().mean((1, 2))
        fine = (first[:, :, 2:] - 2 * first[:, :, 1:-1] + first[:, :, :-2]).abs().mean((1, 2))
        return 9 - (fine - RATIO * coarse).abs().clamp(max=8)


def asked_of(module: Any, **options: Any) -> Finding:
    from skimage import data

    found = iqaudit.check(module, [data.astronaut()[:160, 130:290]], **options)
    return next(each for each in found if each.check == "preprocessing")


@pytest.mark.slow
def test_a_network_that_is_asked_the_wrong_way_is_told_the_option_that_mends_it() -> None:
    forgotten = asked_of(Levels(), score_range=(1, 10))
    assert forgotten.verdict is Verdict.FAIL
    assert "which is hardly a difference" in forgotten.sentence
    assert "with input=(0, 255) they score" in forgotten.sentence
    assert asked_of(Levels(), score_range=(1, 10), input=(0, 255)).verdict is Verdict.PASS
    # Where nothing mends it, that is said, and no option is named.
    flat = asked_of(lambda pictures: 5 + 1e-4 * sharp(pictures), score_range=(1, 10))
    assert flat.verdict is Verdict.WARN
    assert "none of 5 kinds of preprocessing changes that" in flat.sentence
    # A victim that takes no such options is not tried.
    brought = Function(lambda pictures: 5 + 1e-4 * sharp(pictures), iqaudit.Scale.from_range(1, 10))
    assert "kinds of" not in asked_of(brought).sentence


def test_what_a_victim_rounds_is_told_from_what_it_does_not_see() -> None:
    photograph = synthetic_picture(64, 64, 0) // 8 * 8 + 4

    def why(function: Scorer) -> str:
        victim = Function(function, iqaudit.Scale.from_range(-30, 30))
        return questions.resolution(victim, photograph)[1]

    assert "rounds its answer (1 digits" in why(lambda x: np.round(sharp(x), 1))
    assert "rounds its input, as changes of 8" in why(lambda x: sharp(x // 8 * 8))
    assert "no change of a few levels moves it" in why(lambda x: 0 * sharp(x) + 1)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (np.s_[:-3], "The last 3 rows of a picture of 127 x 63 have no say:"),
        (np.s_[1:, :-2], "The first row and the last 2 columns of"),
        (np.s_[:, 40:], "The first at least 16 columns of"),
    ],
)
def test_lines_at_the_rim_that_have_no_say_are_counted(part: Any, told: str) -> None:
    def partly(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.array([each[part].mean() for each in pictures])

    photograph = synthetic_picture(70, 140, 0)
    victim = Function(partly, iqaudit.Scale.from_range(0, 255))
    verdict, sentence = sight.rim(victim, photograph)
    assert (verdict, sentence[: len(told)]) == (Verdict.WARN, told)
    whole = Function(lambda x: x.mean((1, 2, 3)), victim.card.scale)
    assert sight.rim(whole, photograph)[0] is Verdict.PASS


def test_blocks_leave_rows_over_where_the_picture_has_whole_ones() -> None:
    def blocks(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        height, width = (side // 16 * 16 for side in pictures.shape[1:3])
        scores: NDArray[np.float64] = pictures[:, :height, :width].mean((1, 2, 3))
        return scores

    victim = Function(blocks, iqaudit.Scale.from_range(0, 255))
    photograph = synthetic_picture(64, 64, 0)
    assert sight.everywhere(victim, photograph)[0] is Verdict.PASS
    assert "last 15 rows and the last 15 columns" in sight.rim(victim, photograph)[1]
    victim.card = replace(victim.card, size=(64, 64))
    assert sight.rim(victim, photograph)[0] is Verdict.PASS


def test_a_mirror_is_held_against_a_jpeg() -> None:
    photograph = [synthetic_picture(64, 64, seed) for seed in range(2)]
    scale = iqaudit.Scale.from_range(-300, 300)
    assert sight.mirror(Function(sharp, scale), photograph)[0] is Verdict.PASS
    left = Function(lambda x: 0.2 * x[:, :, :32].mean((1, 2, 3)), scale)
    verdict, sentence = sight.mirror(left, photograph)
    assert verdict is Verdict.WARN
    assert "changes no quality and counts for more" in sentence


def test_one_number_for_every_picture_is_told() -> None:
    photographs = [synthetic_picture(32, 32, seed) for seed in range(2)]
    scale = iqaudit.Scale.from_range(-30, 30)
    kept: dict[str, float] = {}

    def caching(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Score what was read first under the scratch file's name."""
        return np.full(len(pictures), kept.setdefault("scratch.png", float(sharp(pictures)[0])))

    verdict, sentence = sight.different(Function(caching, scale), photographs)
    assert verdict is Verdict.FAIL
    assert sentence.startswith("4 unlike pictures all score ")
    assert "give each picture a file of its own" in sentence
    assert sight.different(Function(sharp, scale), photographs)[0] is Verdict.PASS


def test_a_fingerprint_tells_victims_apart_and_stays() -> None:
    scale = iqaudit.Scale.from_range(-30, 30)
    one, again = (fingerprint(Function(sharp, scale)) for _ in range(2))
    assert one == again
    assert fingerprint(Function(lambda x: sharp(x) + 1e-3, scale)) != one

    class Sized:
        card = Card("sized", scale, smallest_side=80, largest_side=80)

        def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
            assert pictures.shape[1:] == (80, 80, 3)
            return sharp(pictures)

    assert len(fingerprint(Sized())) == 2


@pytest.mark.parametrize("side", [96, 224, 299])
def test_a_fingerprint_notices_that_rows_are_resized_before_columns(side: int) -> None:
    """As Pillow 13 does with upright pictures, and 12 did not: square ones show nothing."""

    def squashing(*, by_cost: bool) -> Function:
        def score(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
            height, width = pictures.shape[1:3]
            first = (width, side) if by_cost and height > width else (side, height)
            images = (Image.fromarray(each) for each in pictures)
            small = (each.resize(first, cubic).resize((side, side), cubic) for each in images)
            return sharp(np.stack([np.asarray(each) for each in small]))

        return Function(score, iqaudit.Scale.from_range(-300, 300))

    cubic = Image.Resampling.BICUBIC
    one, other = squashing(by_cost=False), squashing(by_cost=True)
    assert fingerprint(one, 0) == fingerprint(other, 0)
    assert fingerprint(one)[0] == fingerprint(other)[0]
    assert fingerprint(one)[1] != fingerprint(other)[1]


@pytest.mark.parametrize(
    ("limits", "shapes"),
    [
        ({}, [(256, 256), (384, 192)]),
        ({"smallest_side": 300}, [(300, 300), (600, 300)]),
        ({"largest_side": 300}, [(256, 256), (300, 192)]),
        ({"smallest_side": 80, "largest_side": 80}, [(80, 80), (80, 80)]),
        ({"size": (64, 90)}, [(64, 90), (64, 90)]),
    ],
)
def test_a_fingerprints_pictures_are_what_the_victim_takes(
    limits: dict[str, Any], shapes: list[tuple[int, int]]
) -> None:
    card = Card("limited", iqaudit.Scale.from_range(0, 1), **limits)
    assert [each.shape for each in pictures(card)] == [(*shape, 3) for shape in shapes]


@pytest.mark.slow
def test_noise_is_found() -> None:
    noisy = Noisy(sharp, 0.1, score_range=(-30, 30))
    found = {finding.check: finding for finding in check(noisy)}
    assert found["deterministic"].verdict is Verdict.FAIL
    assert "cannot be repeated" in found["deterministic"].sentence


@pytest.mark.slow
@pytest.mark.parametrize(("size", "verdict"), [(1e-6, Verdict.WARN), (1.0, Verdict.FAIL)])
def test_a_score_that_depends_on_its_batch_is_found(size: float, verdict: Verdict) -> None:
    found = findings(lambda pictures: sharp(pictures) + size * len(pictures))
    assert found["batch"].verdict is verdict


@pytest.mark.slow
def test_a_rounded_answer_is_found() -> None:
    assert findings(lambda x: np.round(sharp(x)))["resolution"].verdict is not Verdict.PASS
    assert findings(lambda x: 0 * sharp(x) + 1)["resolution"].verdict is Verdict.FAIL


@pytest.mark.slow
def test_a_part_without_a_say_is_found_and_the_known_window_said() -> None:
    found = findings(lambda pictures: sharp(pictures[:, :, : pictures.shape[2] // 2]))
    assert found["every pixel"].verdict is Verdict.WARN
    assert "50 %" in found["every pixel"].sentence
    assert "wasted" in found["every pixel"].sentence

    class Half:
        card = Card(
            "half",
            iqaudit.Scale.from_range(-30, 30),
            window=lambda height, width: Window(0, 0, height, width // 2),
        )

        def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
            return sharp(pictures[:, :, : pictures.shape[2] // 2])

    [everywhere] = [finding for finding in check(Half()) if finding.check == "every pixel"]
    assert "draws only in the 50 %" in everywhere.sentence


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sign", "lower_is_better", "verdict"),
    [(1, False, Verdict.PASS), (-1, False, Verdict.FAIL), (-1, True, Verdict.PASS)],
)
def test_a_turned_direction_is_found(
    *, sign: int, lower_is_better: bool, verdict: Verdict, reference: iqaudit.victims.Reference
) -> None:
    low, high = sorted((0, sign * 100))
    victim = Function(
        lambda pictures: sign * reference.score(pictures),
        iqaudit.Scale.from_range(low, high, lower_is_better=lower_is_better),
        largest_batch=1,
    )
    small = [iqaudit.Picture("part", iqaudit._assess.check.example()[0].pixels[:128, 150:278])]
    [found] = [finding for finding in check(victim, small) if finding.check == "direction"]
    assert found.verdict is verdict
    assert ("lower_is_better" in found.sentence) is (verdict is Verdict.FAIL)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ((-30, 30), Verdict.PASS),
        ((-60, 2), Verdict.FAIL),
        ((-60, 2, "unbounded"), Verdict.WARN),
        ((100, 110), Verdict.FAIL),
    ],
)
def test_a_scale_that_does_not_fit_is_found(ends: tuple[Any, ...], verdict: Verdict) -> None:
    low, high, *unbounded = ends
    scale = iqaudit.Scale.from_range(low, high, unbounded=bool(unbounded))
    assert findings(sharp, scale)["scale"].verdict is verdict


@pytest.mark.slow
@pytest.mark.parametrize(
    ("failure", "verdict", "said"),
    [
        (-99, Verdict.WARN, "Outside the range, -60 to 60: scored were a flat picture -99"),
        (0, Verdict.WARN, "The same answer to unlike pictures"),
        (None, Verdict.PASS, "an answer outside -60 to 60 is taken for a failure"),
        (np.nan, Verdict.PASS, "Of odd pictures scored were a random picture"),
    ],
)
def test_a_number_for_a_failure_is_asked_about(
    failure: float | None, verdict: Verdict, said: str
) -> None:
    """On pictures that no photograph is like."""

    def scored(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        odd = (np.ptp(pictures, axis=(1, 2, 3)) == 0) | (pictures.shape[1] == 16)
        return np.where(odd & (failure is not None), failure or 0.0, sharp(pictures))

    found = findings(scored, iqaudit.Scale.from_range(-60, 60))["range"]
    assert found.verdict is verdict
    assert said in found.sentence


def test_a_failing_victim_ends_the_checks_with_its_sentence() -> None:
    failing = Failing(sharp, at=1, error=ConnectionError("nobody is there"), score_range=(-30, 30))
    [found] = check(failing)
    assert (found.check, found.verdict) == ("answers", Verdict.FAIL)
    assert "nobody is there" in found.sentence


@pytest.mark.slow
def test_what_is_incremental_is_told_of_networks_alone(
    reference: iqaudit.victims.Reference, make_picture: MakePicture
) -> None:
    pixels = make_picture(96, 96)
    assert "100.0 % of a pass's arithmetic" in str(work(reference, pixels))
    dense = iqaudit.victims.Reference(exact="dense")
    assert work(dense, pixels) == "Every query is a dense pass, as was asked for."
    function = as_victim(lambda batch: batch.mean((1, 2, 3)), score_range=(0, 255))
    assert work(function, pixels) is None


def test_cost_tells_time_and_money(make_picture: MakePicture) -> None:
    victim = Function(sharp, iqaudit.Scale.from_range(-30, 30))
    pictures = [iqaudit.Picture("x", make_picture(64, 64))]
    cost = list(check(victim, pictures, price=0.01))[-1]
    assert "64 x 64" in cost.sentence
    assert "100.00 in money" in cost.sentence


@pytest.mark.parametrize("price", [-1, float("nan"), float("inf")])
def test_a_price_that_is_no_amount_is_refused(price: float) -> None:
    with pytest.raises(iqaudit.InputError, match="price must be a finite number of at least 0"):
        list(check(Function(sharp, iqaudit.Scale.from_range(-30, 30)), price=price))


def test_what_is_cited_must_be_told() -> None:
    class Noted:
        card = Card("noted", iqaudit.Scale.from_range(-30, 30), note="weights are untrained")

        def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
            return sharp(pictures)

    first = next(check(Noted()))
    assert (first.check, first.verdict) == ("note", Verdict.WARN)


@pytest.mark.slow
def test_no_more_pictures_are_asked_at_once_than_a_victim_takes() -> None:
    victim = Recording(Function(sharp, iqaudit.Scale.from_range(0, 20), largest_batch=2))
    found = {each.check for each in iqaudit._assess.check.check(victim)}
    assert max(map(len, victim.batches)) == 2
    assert "cost" in found


def test_a_picture_of_fewer_pixels_than_the_grid_has_cells_is_seen_whole() -> None:
    picture = iqaudit.Picture("tiny", np.full((5, 5, 3), 100, np.uint8))
    brightness = Function(
        lambda pictures: pictures.mean(axis=(1, 2, 3)), iqaudit.Scale.from_range(0, 255)
    )
    found = {each.check: each for each in iqaudit._assess.check.check(brightness, [picture])}
    assert found["every pixel"].verdict is Verdict.PASS
