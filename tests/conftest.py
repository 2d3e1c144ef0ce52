"""Victims and pictures that the tests share; all offline, all deterministic."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import iqaudit
from iqaudit._audit.spec import AuditSpec, Data
from iqaudit._core.process import COMPILING
from iqaudit.testing import synthetic_picture
from iqaudit.victims._spec import VictimSpec
from tests.support.pictures import MakePicture
from tests.support.scorers import roughness
from tests.support.serving import Hours, Server, running

# How long an example takes is the machine's affair; pytest's own limit ends what hangs. Examples
# are the same in every run, so that a change fails for itself alone: another profile,
# `--hypothesis-profile=search`, looks for new ones.
settings.register_profile("iqaudit", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("iqaudit")

SHARED = Path(__file__).parents[2] / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs in a browser."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.fixture(scope="session", autouse=True)
def uncompiled() -> Iterator[None]:
    """Have networks as torch computes them, here and in every process begun: seconds less each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(COMPILING, "0")
        yield


@pytest.fixture(scope="session", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Have runs remembered in a folder of the tests', not in the user's."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        yield folder


@pytest.fixture
def server() -> Iterator[Server]:
    """Return a service that does as it is told."""
    with running() as made:
        yield made


@pytest.fixture
def hours() -> Hours:
    """Return a clock that does not wait."""
    return Hours()


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


@pytest.fixture
def rough() -> iqaudit.victims.Function:
    """Return a victim that is fast and exact; small differences score low."""
    return iqaudit.victims.Function(roughness, iqaudit.Scale.from_range(0, 20), name="rough")


@pytest.fixture(scope="session")
def make_picture() -> MakePicture:
    """Return a maker of pictures: a gradient with noise that reaches both ends of 0-255."""
    return synthetic_picture


@pytest.fixture
def photos(tmp_path: Path, make_picture: MakePicture) -> Path:
    """Return a folder of three small pictures."""
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        iqaudit.write(tmp_path / "photos" / f"p{seed}.png", make_picture(20 + seed, 24, seed))
    return tmp_path / "photos"


@pytest.fixture
def campaign(photos: Path) -> AuditSpec:
    """Return an audit of twenty queries on each of those."""
    return AuditSpec(
        (VictimSpec("python:tests.support.audited:rough"),),
        Data(pictures=(str(photos),)),
        ("bidirectional",),
        queries=20,
    )


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return a counter of what the victims of `tests.support.audited` were asked."""
    from tests.support import audited

    monkeypatch.setenv(audited.LOG, str(tmp_path / "asked"))
    return lambda: len(audited.log(str(tmp_path / "asked")))
