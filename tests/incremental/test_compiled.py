"""Compiled passes: OpenVINO's scores are the module's, and it is used where it is there alone."""

import math
import os
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benchmarks.zoo import made
from torch import Tensor, nn
from torch.nn import functional

import iqaudit
from iqaudit._core.patches import Patch, Patched
from iqaudit._core.picture import Pixels
from iqaudit._core.process import COMPILER, COMPILING
from iqaudit._incremental.compiled import Compiled, NotCompiledError, compiled
from iqaudit._incremental.dense_pass import DensePass
from iqaudit._incremental.network import Network
from iqaudit._incremental.rescorer import Rescorer
from iqaudit._incremental.session import Session
from iqaudit._runs.store import versions
from iqaudit.testing import synthetic_picture

pytestmark = pytest.mark.skipif(find_spec(COMPILER) is None, reason="OpenVINO is not installed")

HEIGHT, WIDTH = 160, 192


@pytest.fixture(autouse=True)
def compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have networks compiled, although they are small, and a call takes longer."""
    monkeypatch.delenv(COMPILING)
    monkeypatch.setattr("iqaudit._incremental.rescorer.WORTH_COMPILING", 0)
    for cost in ("STEP", "CALL", "OPERATOR", "HANDED"):
        monkeypatch.setattr(f"iqaudit._incremental.work.{cost}", 0.0)


class _Small(nn.Module):
    """Convolutions whose late windows cover the map, and statistics of an early one."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.early = nn.Sequential(nn.Conv2d(3, 24, 3, 2, 1), nn.BatchNorm2d(24), nn.ReLU6())
        self.late = nn.Sequential(*(nn.Conv2d(24, 24, 5, 2, 2) for _ in range(5)))
        self.head = nn.Linear(3 * 24, 1)

    def forward(self, x: Tensor) -> Tensor:
        early = self.early(x)
        moments = torch.var_mean(early, dim=(2, 3))
        late = functional.hardswish(self.late(early)).mean((2, 3))
        score: Tensor = self.head(torch.cat((*moments, late), 1))
        return score


def _session(module: nn.Module, height: int = HEIGHT, width: int = WIDTH) -> Session:
    faults: list[str] = []
    session = Rescorer(module.eval(), 1.0, faults.append).open(height, width)
    assert session is not None
    assert faults == []
    return session


def _changes(base: Pixels, count: int, seed: int = 0) -> list[Patched]:
    """Return changes in small windows, and of the whole picture, each next to the last accepted."""
    draw, changes = np.random.default_rng(seed), []
    for number in range(count):
        if number % 4 == 3:
            pixels = draw.integers(0, 256, base.shape, np.uint8)
            patches = [Patch(0, 0, pixels)]
        else:
            corners = draw.integers(0, min(base.shape[:2]) - 9, (2, 2)).tolist()
            patches = [
                Patch(top, left, draw.integers(0, 256, (9, 7, 3), np.uint8))
                for top, left in corners
            ]
        changes.append(Patched(base, tuple(patches)))
        if number % 3 == 1:
            base = changes[-1].painted()
    return changes


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["strided", "local-norm", "reflecting", "squeeze", "hybrid", "percentiles", "crops"]
)
def test_networks_of_the_zoo_score_as_they_do(name: str) -> None:
    height, width = 224, 256
    module = made(name)
    session = _session(module, height, width)
    assert session.network.whole is not None
    for change in _changes(synthetic_picture(height, width), 12):
        [score] = session.scores([(session, change)])
        assert score == pytest.approx(session.dense.score(change.painted()), rel=1e-4, abs=1e-5)
    session.close()
    assert session.trust.fault == ""


def test_windows_end_where_a_compiled_pass_takes_over() -> None:
    session = _session(_Small())
    network = session.network
    assert isinstance(network.tail, Compiled)
    assert "late" not in " ".join(step.name for step in network.steps)
    assert 0 < len(network.steps) < 6
    # Statistics of an early map are updated by difference; the map itself is not handed over.
    assert any("var_mean" in name for name in network.tail.inputs)
    for change in _changes(synthetic_picture(HEIGHT, WIDTH), 12):
        [score] = session.scores([(session, change)])
        assert score == pytest.approx(session.dense.score(change.painted()), rel=1e-5, abs=1e-6)


def test_a_search_that_goes_on_gets_the_same_bytes() -> None:
    module = _Small()
    changes = _changes(synthetic_picture(HEIGHT, WIDTH), 14)
    session = _session(module)
    scores = [session.score(change) for change in changes]
    later = _session(module)
    for change in changes[:9]:
        later.recall(change)
    assert [later.score(change) for change in changes[9:]] == scores[9:]


def test_maps_are_made_once_windows_would_have_spared_as_much() -> None:
    session, picture = _session(_Small()), synthetic_picture(HEIGHT, WIDTH)
    planner, draw = session._activations.planner, np.random.default_rng(0)
    spares = 1 - planner.cost(1, 9, 7)
    after = math.ceil(planner.anchoring / spares)
    assert after > 1
    for _ in range(2):  # it is the search for a whole picture that may go on so
        other = draw.integers(0, 256, picture.shape, np.uint8)
        session.score(Patched(picture, (Patch(0, 0, other),)))
    for _ in range(2):  # what was held before counts for nothing once there are maps
        picture = draw.integers(0, 256, picture.shape, np.uint8)
        for number in range(1, after + 3):
            patch = Patch(5, 6, draw.integers(0, 256, (9, 7, 3), np.uint8))
            change = Patched(picture, (patch,))
            score = session.score(change)
            assert (session._base is picture) == (number >= after)
            assert score == pytest.approx(session.dense.score(change.painted()), rel=1e-5, abs=1e-6)


def test_a_search_that_goes_on_by_windows_holds_no_compiled_pass() -> None:
    """As the paper's: stripes, then squares. Their maps are made with the first one."""
    session, picture = _session(_Small()), synthetic_picture(HEIGHT, WIDTH)
    whole, stripes = session.network.whole, synthetic_picture(HEIGHT, WIDTH, 1)
    assert whole is not None
    before = whole._request
    first = Patched(picture, (Patch(0, 0, stripes),))
    assert session.score(first) == session.dense.score(stripes)
    for change in _changes(stripes, 3):
        session.score(change)
    assert session._base is not None
    assert before is not None
    assert whole._request is None
    score = session.score(Patched(picture, (Patch(0, 0, picture[::-1]),)))
    assert whole._request is not None
    assert score == pytest.approx(session.dense.score(picture[::-1]), rel=1e-5, abs=1e-6)


def test_the_first_compiled_pass_of_a_whole_picture_is_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one before it is the module's own, and says nothing of it."""
    session, picture = _session(_Small()), synthetic_picture(HEIGHT, WIDTH)
    draw, dense = np.random.default_rng(0), []
    monkeypatch.setattr(type(session.network.whole), "run", lambda *_: torch.tensor([7.0]))
    for _ in range(3):
        other = draw.integers(0, 256, picture.shape, np.uint8)
        dense.append(session.dense.score(other))
        assert session.score(Patched(picture, (Patch(0, 0, other),))) == dense[-1]
    assert "7 where a dense pass gives" in session.trust.fault


@pytest.mark.parametrize(
    "end",
    [
        lambda x: 100 * functional.avg_pool2d(x, 3, 2, 1, ceil_mode=True).mean((1, 2, 3)),
        lambda x: ((100 * x).long() // 7).float().mean((1, 2, 3)),
    ],
)
def test_what_openvino_computes_otherwise_is_not_compiled(end: Any) -> None:
    """A row that is there for its being rounded up; and quotients of negative whole numbers."""

    class Other(_Small):
        def forward(self, x: Tensor) -> Tensor:
            score: Tensor = end(self.early[0](x))
            return score

    victim = iqaudit.victims.TorchModule(Other(), iqaudit.Scale.from_range(0, 1))
    assert "computes it otherwise" in victim.incremental(HEIGHT + 2, WIDTH)
    session: Any = victim.open_session(HEIGHT + 2, WIDTH, 1000)
    assert session.network.whole is None
    assert session.network.steps != ()
    for change in _changes(synthetic_picture(HEIGHT + 2, WIDTH), 8):
        [score] = session.scores([(session, change)])
        assert score == pytest.approx(session.dense.score(change.painted()), rel=1e-5, abs=1e-6)
    assert session.trust.fault == ""


def test_a_module_that_is_compiled_stays_as_it_was() -> None:
    module = _Small().train()
    module.early[1].eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    victim = iqaudit.victims.TorchModule(module, iqaudit.Scale.from_range(0, 1))
    session = victim.open_session(HEIGHT, WIDTH, 1000)
    assert session is not None
    session.score(_changes(synthetic_picture(HEIGHT, WIDTH), 1)[0])
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert [each.training for each in module.early] == [True, False, True]
    assert "OpenVINO" in victim.incremental(HEIGHT, WIDTH)


@pytest.mark.parametrize("pixels", [True, False])
def test_what_is_not_compiled_is_computed_by_torch(
    *, pixels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = compiled

    def refusing(*args: object, **options: bool) -> Compiled:
        if options["pixels"] is pixels:
            raise NotCompiledError("no")
        return inner(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("iqaudit._incremental.split.compiled", refusing)
    session = _session(_Small())
    network: Network = session.network
    assert (network.whole is None) is pixels
    assert isinstance(network.tail, Compiled) is pixels
    for change in _changes(synthetic_picture(HEIGHT, WIDTH), 5):
        [score] = session.scores([(session, change)])
        assert score == pytest.approx(session.dense.score(change.painted()), rel=1e-5, abs=1e-6)


def test_a_network_that_no_window_rule_covers_is_compiled() -> None:
    class Mixing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x.flatten(1).cumsum(1) / x.numel()).mean(1)

    session = _session(Mixing(), 40, 44)
    assert session.network.steps == ()
    assert session.network.tail is session.network.whole
    for change in _changes(synthetic_picture(40, 44), 5):
        [score] = session.scores([(session, change)])
        assert score == pytest.approx(session.dense.score(change.painted()), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("size", [16, 24, (16, 8), (32, 16)])
@pytest.mark.parametrize("axes", [(2, 3), (3, 2), (-1,), (2,)])
def test_pieces_are_the_modules(size: int | tuple[int, int], axes: tuple[int, ...]) -> None:
    """Beside each other, overlapping, and with a rest; of 160 x 192 pixels."""
    side, step = (size, size) if isinstance(size, int) else size

    class Cutting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.first = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            pieces = self.first(x)
            for axis in axes:
                pieces = pieces.unfold(axis, side, step)
            weights = torch.arange(1, pieces.numel() + 1).cos().reshape(pieces.shape)
            score: Tensor = 100 * (pieces * weights).mean().reshape(1)
            return score

    whole = _session(Cutting()).network.whole
    assert whole is not None
    picture = synthetic_picture(HEIGHT, WIDTH)
    [score] = whole.run([picture[None]]).tolist()
    assert score == pytest.approx(DensePass(Cutting()).score(picture), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("channels", [3, 24])
@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 2},
        {"kernel_size": (3, 2), "stride": (2, 3), "padding": 1},
        {"kernel_size": 3, "padding": 1, "count_include_pad": False},
        {"kernel_size": 3, "ceil_mode": True},
        {"kernel_size": 2, "divisor_override": 3},
        {"kernel_size": 3, "padding": 1, "count_include_pad": False, "divisor_override": 5},
    ],
)
def test_averages_are_the_modules(options: dict[str, Any], channels: int) -> None:
    """Those of few channels go by a convolution, where that does the same."""

    class Averaging(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.first = nn.Conv2d(3, channels, 1)
            self.last = nn.Conv2d(channels, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            averaged = functional.avg_pool2d(self.first(x), **options)
            score: Tensor = self.last(averaged).square().mean((1, 2, 3))
            return score

    session = _session(Averaging())
    whole = session.network.whole
    assert whole is not None
    for seed in range(2):
        picture = synthetic_picture(HEIGHT, WIDTH, seed)
        [score] = whole.run([picture[None]]).tolist()
        assert score == pytest.approx(session.dense.score(picture), rel=1e-5, abs=1e-6)


def test_it_is_compiled_where_a_pass_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iqaudit._incremental.rescorer.WORTH_COMPILING", 1e12)
    assert _session(_Small()).network.whole is None


def test_other_types_than_float32_are_not_compiled() -> None:
    session = _session(_Small().double())
    assert session.network.whole is None
    assert not isinstance(session.network.tail, Compiled)


def test_it_is_told_among_the_versions_unless_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    assert COMPILER in versions()
    monkeypatch.setenv(COMPILING, "0")
    assert COMPILER not in versions()
    assert _session(_Small()).network.whole is None


def test_reports_to_its_makers_are_kept_out(tmp_path: Path) -> None:
    """Its companion package is not imported, even where it is installed."""
    told = tmp_path / "told"
    (tmp_path / "openvino_telemetry").mkdir()
    content = f"open({str(told)!r}, 'w').close()\nraise ImportError('not for tests')"
    (tmp_path / "openvino_telemetry" / "__init__.py").write_text(content)
    code = "from iqaudit._incremental.compiled import runtime; assert runtime() is not None"
    subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        check=True,
    )
    assert not told.exists()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system pins no thread")
def test_a_pass_is_pinned_to_no_core() -> None:
    """Or it shares that with every other process which scores, while the other cores are idle."""
    session, base = _session(_Small()), synthetic_picture(HEIGHT, WIDTH)
    other = Patched(base, (Patch(0, 0, 255 - base),))
    own, seen, done = threading.get_native_id(), set[frozenset[int]](), threading.Event()

    def look() -> None:
        while not done.wait(1e-4):
            seen.add(frozenset(os.sched_getaffinity(own)))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(50):
            session.scores([(session, other)])
    finally:
        done.set()
        looking.join()
    assert seen == {frozenset(os.sched_getaffinity(0))}
