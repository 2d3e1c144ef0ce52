"""Preprocessing by options: the same numbers that code of one's own would make, for every kind."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit._core.patches import Patch, Patched
from iqaudit.testing import synthetic_picture
from iqaudit.victims import TorchModule, Victim, as_victim

PICTURE = synthetic_picture(48, 60, 0)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Net(nn.Module):
    """A network whose score hangs on every channel's every value, and on its padding."""

    def __init__(self, channels: int = 3, outputs: int = 1) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Conv2d(channels, 4, 3, padding=1)
        self.head = nn.Linear(4, outputs)

    def forward(self, x: Tensor) -> Any:
        return self.head(torch.relu(self.body(x)).mean((2, 3)))


class Seen(nn.Module):
    """Keeps what it was given."""

    given: Tensor

    def forward(self, x: Tensor) -> Tensor:
        self.given = x
        return x.mean((1, 2, 3))


def given(picture: NDArray[np.uint8] = PICTURE, **options: Any) -> NDArray[np.float32]:
    """Return what a module is given of a picture, channels last."""
    module = Seen()
    usual: dict[str, Any] = {"score_range": (0, 1), "unbounded": True}
    as_victim(module, **usual | options).score(picture[None])
    return module.given[0].permute(1, 2, 0).numpy()


def test_the_values_are_those_of_ones_own_code() -> None:
    unit = (torch.from_numpy(PICTURE).float() / 255).numpy()
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)
    np.testing.assert_array_equal(given(normalise="imagenet"), (unit - mean) / std)
    bgr = given(normalise="imagenet", colour="bgr")
    np.testing.assert_array_equal(bgr, ((unit - mean) / std)[..., ::-1])
    np.testing.assert_array_equal(given(normalise=(0.5, 0.25)), (unit - 0.5) / np.float32(0.25))
    np.testing.assert_allclose(given(input=(0, 255)), PICTURE, atol=1e-4)
    caffe = given(colour="bgr", input=(0, 255), normalise="103.9:116.8:123.7/1")
    np.testing.assert_allclose(caffe, PICTURE[..., ::-1] - [103.9, 116.8, 123.7], atol=1e-3)


@pytest.mark.parametrize(("colour", "mode"), [("grey", "L"), ("ycbcr", "YCbCr")])
def test_colours_are_pillows(colour: str, mode: str) -> None:
    expected = np.asarray(Image.fromarray(PICTURE).convert(mode))
    found = 255 * given(colour=colour)
    np.testing.assert_allclose(found, expected.reshape(found.shape), atol=1)  # Pillow cuts them


@pytest.mark.parametrize("size", ["24", "30x20"])
def test_resizing_is_pillows_but_for_its_rounding(size: str) -> None:
    found = 255 * given(resize=size)
    height, width = found.shape[:2]
    assert (height, width) == ((24, 30) if size == "24" else (20, 30))
    resized = Image.fromarray(PICTURE).resize((width, height), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(found, np.asarray(resized), atol=1.1)


def test_a_crop_is_the_centre_and_all_that_is_seen() -> None:
    np.testing.assert_array_equal(given(crop="20x16"), given()[16:32, 20:40])
    for options in ({"crop": 20}, {"resize": 30, "crop": 20}, {"resize": (64, 64), "crop": 24}):
        victim = as_victim(Net(), score_range=(-9, 9), normalise="imagenet", **options)
        window = victim.card.window(*PICTURE.shape[:2])
        inside = np.zeros(PICTURE.shape, bool)
        inside[window.slices] = True
        scored = [
            np.asarray(victim.score(picture[None])).item()
            for picture in (PICTURE, np.where(inside, PICTURE, 255 - PICTURE))
        ]
        assert scored[0] == scored[1]
        assert not inside.all()
        # No wider than it has to be, but for the pixels whose weight is nought.
        inner = PICTURE.copy()
        rows, columns = window.slices
        inner[rows.start + 2, columns] ^= 255
        assert np.asarray(victim.score(inner[None])).item() != scored[0]


@pytest.mark.parametrize(
    "options",
    [
        {"normalise": "imagenet"},
        {"normalise": "0.5/0.5", "colour": "bgr", "input": (0, 2)},
        {"colour": "ycbcr"},
        {"normalise": "imagenet", "crop": 40},
    ],
)
def test_searches_stay_incremental(options: dict[str, Any]) -> None:
    victim = as_victim(Net(), score_range=(-9, 9), **options)
    session: Any = victim.open_session(*PICTURE.shape[:2], 1000)  # type: ignore[attr-defined]
    assert session is not None
    changed = Patched(PICTURE, (Patch(20, 20, 255 - PICTURE[20:26, 20:26]),))
    for change in (Patched(PICTURE), changed):
        [found] = session.scores([(session, change)])
        expected = np.asarray(victim.score(change.painted()[None])).item()
        assert found == pytest.approx(expected, abs=1e-5)
    assert victim.incremental(48, 60).startswith("100.0 %")  # type: ignore[attr-defined]


def test_bins_are_a_mean_and_logits_are_refused() -> None:
    softmax = nn.Sequential(Net(outputs=10), nn.Softmax(1))
    victim = as_victim(softmax, bins=(1, 10))
    assert (victim.card.scale.low, victim.card.scale.high) == (1, 10)
    with torch.no_grad():
        shares = softmax(torch.from_numpy(PICTURE).permute(2, 0, 1)[None].float() / 255)
    expected = (shares.double().numpy() @ np.arange(1, 11)).item()
    assert np.asarray(victim.score(PICTURE[None])).item() == pytest.approx(expected, abs=1e-5)
    session: Any = victim.open_session(*PICTURE.shape[:2], 1000)  # type: ignore[attr-defined]
    [found] = session.scores([(session, Patched(PICTURE))])
    assert found == pytest.approx(expected, abs=1e-5)
    with pytest.raises(VictimError, match=r"is no distribution .* may lack a softmax"):
        as_victim(Net(outputs=10), bins=(1, 10)).score(PICTURE[None])


def own(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    means: NDArray[np.float64] = pictures.astype(float).mean(axis=(1, 2, 3))
    return means


def test_functions_files_and_modules_are_given_the_same(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "resize": 32,
        "crop": 24,
        "colour": "bgr",
        "normalise": "imagenet",
        "score_range": (-9, 9),
    }
    kinds: list[Victim] = [as_victim(Seen(), **options), as_victim(own, **options)]
    file = tmp_path / "seen.pt"
    torch.export.save(torch.export.export(Mean(), (torch.rand(1, 3, 24, 24),)), file)
    kinds.append(
        as_victim(f"torch:{file},resize=32,crop=24,colour=bgr,normalise=imagenet,range=-9:9")
    )
    scores = [np.asarray(each.score(PICTURE[None].copy())).item() for each in kinds]
    assert scores == pytest.approx([scores[0]] * 3, abs=1e-6)
    assert len({each.card.window(48, 60) for each in kinds}) == 1
    # A function takes whole levels unless it is told of others.
    levels = as_victim(lambda pictures: [pictures.dtype == np.uint8], score_range=(0, 1), resize=24)
    assert np.asarray(levels.score(PICTURE[None])).item() == 1


class Mean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(1, 2, 3))


def test_strings_and_arguments_are_one(tmp_path: Path) -> None:
    torch.save(Net(outputs=10).state_dict(), tmp_path / "net.pth")
    (tmp_path / "preprocessed_net.py").write_text(
        "from tests.victims.test_preprocessing import Net\nfrom torch import nn\nnet = Net()\n"
    )
    spec = iqaudit.victims.as_victim
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        text = spec(
            "python:preprocessed_net:net,range=-9:9,normalise=.5:.4:.3/.2,resize=30x20,input=0:2"
        )
        call = spec(
            Net(),
            score_range=(-9, 9),
            normalise=(np.array([0.5, 0.4, 0.3]), 0.2),
            resize=(20, 30),
            input=(0, 2),
        )
    assert text.score(PICTURE[None]) == call.score(PICTURE[None])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"normalise": "imagnet"}, "normalise is imagenet, clip or MEAN/STD"),
        ({"normalise": "0.5/0"}, "normalise is imagenet"),
        ({"resize": 0}, "resize is pixels"),
        ({"crop": "1x2x3"}, "crop is pixels"),
        ({"colour": "hsv"}, "colour of a network's input"),
        ({"resize": 20, "crop": 30}, "resized to 20 has no part of 30"),
        ({"normalise": "imagenet", "input": (0, 255)}, "leave input out"),
        ({"normalise": "imagenet", "colour": "grey"}, "red, green and blue"),
        ({"normalise": ((1, 2, 3), 1), "colour": "grey"}, "one channel"),
    ],
)
def test_what_cannot_be_is_said(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        as_victim(Net(), score_range=(0, 1), **options)


def test_a_module_stays_as_it_is() -> None:
    """Its mode, its names and the device and type that its constants follow."""
    module = Net().train()
    victim = TorchModule(module, iqaudit.Scale.from_range(-9, 9), normalise="imagenet")
    before = np.asarray(victim.score(PICTURE[None])).item()
    assert module.training
    assert victim.weights is module
    module.double()
    after = np.asarray(victim.score(PICTURE[None])).item()
    assert after != before
    assert after == pytest.approx(before, abs=1e-5)
