"""Victims and pictures that the tests share; all offline, all deterministic."""

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import iqaudit
from iqaudit._audit.spec import Campaign, Data
from iqaudit._core.picture import Pixels
from iqaudit.victims._spec import VictimSpec

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the optional folder of real data beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("needs the optional folder ../shared")
    return SHARED


@pytest.fixture(scope="session")
def reference() -> iqaudit.victims.Reference:
    """Return the bundled victim, loaded once."""
    return iqaudit.victims.Reference()


def hears_ctrl_c() -> None:
    """Run in a child before its program: it inherits that a background job ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def roughness(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Score by the mean absolute difference of horizontal neighbours: exact on any machine."""
    wide = pictures.astype(np.int64)
    scores: NDArray[np.float64] = np.abs(np.diff(wide, axis=2)).sum(axis=(1, 2, 3)) / wide[0].size
    return scores


@pytest.fixture
def rough() -> iqaudit.victims.Function:
    """Return a victim that is fast and exact; small differences score low."""
    return iqaudit.victims.Function(roughness, iqaudit.Scale.from_range(0, 20), name="rough")


MakePicture = Callable[..., Pixels]


@pytest.fixture(scope="session")
def make_picture() -> MakePicture:
    """Return a maker of pictures: a gradient with noise that reaches both ends of 0-255."""

    def make(height: int, width: int, seed: int = 0) -> Pixels:
        rng = np.random.default_rng(seed)
        ramp = np.linspace(-20, 275, height * width).reshape(height, width, 1)
        noisy = ramp + rng.normal(0, 6, (height, width, 3))
        pixels: Pixels = noisy.clip(0, 255).astype(np.uint8)
        return pixels

    return make


@pytest.fixture
def photos(tmp_path: Path, make_picture: MakePicture) -> Path:
    """Return a folder of three small pictures."""
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        iqaudit.write(tmp_path / "photos" / f"p{seed}.png", make_picture(20 + seed, 24, seed))
    return tmp_path / "photos"


@pytest.fixture
def campaign(photos: Path) -> Campaign:
    """Return an audit of twenty queries on each of those."""
    return Campaign(
        (VictimSpec("python:tests.support.audited:rough"),),
        Data(pictures=(str(photos),)),
        queries=20,
    )


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return a counter of what the victims of `tests.support.audited` were asked."""
    from tests.support import audited

    monkeypatch.setenv(audited.LOG, str(tmp_path / "asked"))
    return lambda: len(audited.log(str(tmp_path / "asked")))
