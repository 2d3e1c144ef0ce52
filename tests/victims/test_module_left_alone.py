"""A module that is attacked, and the process, are afterwards as they were."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import iqaudit
from iqaudit.victims import TorchModule

SCALE = iqaudit.Scale.from_range(-1, 1)
PICTURE = np.random.default_rng(0).integers(0, 256, (24, 28, 3), dtype=np.uint8)
KEPT: dict[Any, Tensor] = {}


@lru_cache
def _window(height: int, width: int) -> Tensor:
    return torch.outer(torch.hann_window(height), torch.hann_window(width))


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    KEPT.clear()
    _window.cache_clear()
    yield
    KEPT.clear()


class _Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.drop, self.last = nn.Dropout(), nn.Linear(4, 1)

    def maps(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(x)))

    def forward(self, x: Tensor) -> Tensor:
        score: Tensor = self.last(self.drop(self.maps(x).mean((2, 3))))
        return score


class _Cached(_Net):
    """Its window is made on first use, and is any caller's."""

    def forward(self, x: Tensor) -> Tensor:
        return (self.maps(x) * _window(*x.shape[-2:])).mean((1, 2, 3))


class _Buffer(_Net):
    """A buffer is None until its first use."""

    ramp: Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("ramp", None)

    def forward(self, x: Tensor) -> Tensor:
        if self.ramp is None:
            self.ramp = KEPT["ramp"] = torch.linspace(0, 1, x.shape[-1])
        return (self.maps(x) * self.ramp).mean((1, 2, 3))


class _OfThePicture(_Net):
    """Its constant is of the type and the device of the first picture."""

    def forward(self, x: Tensor) -> Tensor:
        if x.shape not in KEPT:
            KEPT[x.shape] = torch.linspace(0, 1, x.shape[-1]).type_as(x) + torch.zeros_like(x[:1])
        return (self.maps(x) * KEPT[x.shape].mean(1)).mean((1, 2, 3))


class _Remembers(_Net):
    """It keeps its last maps, as those do that are looked into."""

    def forward(self, x: Tensor) -> Tensor:
        KEPT["maps"] = self.maps(x)
        return super().forward(x)


class _Hooked(_Net):
    def __init__(self) -> None:
        super().__init__()
        self.conv.register_forward_hook(lambda _m, _i, maps: KEPT.update(maps=maps))


@pytest.mark.parametrize("kind", [_Cached, _Buffer, _OfThePicture, _Remembers, _Hooked])
def test_what_a_module_keeps_of_a_run_is_real_and_can_be_trained_with(kind: type[_Net]) -> None:
    net = kind()
    # Not guided: some of its windows gain so little that rounding decides which way it goes.
    asked: dict[str, Any] = {"attack": "bidirectional", "score_range": (-1, 1), "queries": 120}
    [dense] = iqaudit.attack(PICTURE, kind(), exact="dense", **asked)
    KEPT.clear()
    _window.cache_clear()
    [result] = iqaudit.attack(PICTURE, net, **asked)
    np.testing.assert_allclose(result.scores, dense.scores, atol=1e-6)
    kept = [*KEPT.values(), _window(24, 28)]
    assert all(type(each) is Tensor and not each.is_inference() for each in kept)
    net.train()
    net(torch.rand(2, 3, 24, 28)).sum().backward()
    assert all(each.grad is not None for each in net.conv.parameters())


def _describe(module: nn.Module) -> str:
    return TorchModule(module, SCALE).incremental(24, 28)


class _EvalFails(_Net):
    def eval(self) -> "_EvalFails":
        raise NotImplementedError("as an exported program's module")


class _Frozen(_Net):
    """Its statistics never train; and it returns nothing, as many do."""

    def train(self, mode: bool = True) -> None:  # type: ignore[override]  # noqa: FBT001, FBT002
        super().train(mode)
        self.norm.eval()


class _Moded(_Net):
    """Its way to score hangs on more than a flag."""

    mode = "train"

    def train(self, mode: bool = True) -> "_Moded":  # noqa: FBT001, FBT002
        self.mode = "train" if mode else "eval"
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * (1 if self.mode == "eval" else 1000)


class _ChangesMode(_Net):
    """It switches a part of its own, and switches it back unless it fails."""

    fails = False

    def forward(self, x: Tensor) -> Tensor:
        self.drop.train(self.fails)
        if self.fails:
            raise ValueError("no such picture")
        return super().forward(x)


def _modes(module: nn.Module) -> list[bool]:
    return [part.training for part in module.modules()]


@pytest.mark.parametrize("attack", [pytest.param("square", marks=pytest.mark.slow), "pgd"])
@pytest.mark.parametrize("kind", [_Net, _EvalFails, _Frozen, _Moded])
def test_every_part_is_in_its_mode_again(kind: type[_Net], attack: str) -> None:
    net = kind()
    net.train()
    net.norm.training = net.drop.training = False
    before = _modes(net)
    statistics = {name: each.clone() for name, each in net.state_dict().items()}
    [result] = iqaudit.attack(PICTURE, net, score_range=(-1, 1), queries=120, attack=attack)
    assert _modes(net) == before
    assert getattr(net, "mode", "train") == "train"
    assert all(torch.equal(each, statistics[name]) for name, each in net.state_dict().items())
    with torch.no_grad():
        score = _Net().eval()(torch.from_numpy(PICTURE.copy()).permute(2, 0, 1)[None] / 255)
    assert result.clean_score == pytest.approx(float(score), abs=1e-6)


def test_every_part_is_in_its_mode_again_after_a_failure() -> None:
    net = _ChangesMode()
    net.fails = True
    net.norm.training = False
    before = _modes(net)
    with pytest.raises(iqaudit.VictimError, match="no such picture"):
        iqaudit.attack(PICTURE, net, score_range=(-1, 1), queries=120)
    assert _modes(net) == before


@pytest.mark.slow
def test_weights_keep_their_gradients_flags_and_versions() -> None:
    net = _Net()
    net(torch.rand(2, 3, 24, 28)).sum().backward()
    net.last.weight.requires_grad_(False)
    net.conv.weight.register_hook(  # type: ignore[no-untyped-call]
        lambda _: pytest.fail("a gradient of the weights was asked")
    )

    def state() -> list[Any]:
        return [
            (id(each), each._version, each.requires_grad, id(each.grad), each.is_leaf)
            for each in net.parameters()
        ]

    before = state()
    for attack in ("square", "pgd"):
        iqaudit.attack(PICTURE, net, score_range=(-1, 1), queries=120, attack=attack)
    assert state() == before


class _Draws(_Net):
    """It draws from the common generators, and from one of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.own = torch.Generator().manual_seed(0)

    def forward(self, x: Tensor) -> Tensor:
        noise = torch.rand(1) + torch.rand(1, generator=self.own) + np.random.rand()  # noqa: NPY002
        return super().forward(x) + (noise + random.random()) / 1e6  # noqa: S311


def test_reading_a_graph_draws_nothing() -> None:
    net = _Draws()

    def state() -> list[str]:
        generators = random.getstate(), np.random.get_state()  # noqa: NPY002
        tensors = torch.get_rng_state(), net.own.get_state()
        return [*map(repr, generators), *(repr(each.tolist()) for each in tensors)]

    before = state()
    assert "it draws random numbers" in _describe(net)
    assert state() == before


class _Counts(_Net):
    runs: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("runs", torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        self.runs[1:] += 1
        return super().forward(x)


class _Swallows(_Counts):
    def forward(self, x: Tensor) -> Tensor:
        try:
            return super().forward(x)
        except Exception:  # noqa: BLE001 (as some do)
            return torch.zeros(1)


class _SetsUp(_Net):
    """Its statistics are the first picture's."""

    runs: Tensor
    level: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("runs", torch.zeros(()))
        self.register_buffer("level", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        if not self.runs:
            self.level.copy_(x.mean())
            self.runs.fill_(1)
        return super().forward(x / self.level)


@pytest.mark.parametrize("kind", [_Counts, _Swallows, _SetsUp])
def test_a_module_that_writes_into_its_buffers_is_stopped_before_it_does(kind: type[_Net]) -> None:
    net = kind()
    before = {name: each.clone() for name, each in net.state_dict().items()}
    assert "it writes into tensors that are there before it runs" in _describe(net)
    assert all(torch.equal(each, before[name]) for name, each in net.state_dict().items())


def test_weights_that_the_first_run_makes_are_left_to_it() -> None:
    net = nn.Sequential(
        nn.LazyConv2d(4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(1)
    )
    assert "weights that its first run will make" in _describe(net)
    torch.manual_seed(0)
    [result] = iqaudit.attack(PICTURE, net, score_range=(-9, 9), queries=120)
    assert result.clean_score != 0
    assert "is done again only where" in _describe(net)


FOLLOWS: dict[str, Callable[[Tensor], Tensor]] = {
    "in place": lambda x: (x - 0.5).mul_(2).clamp_(0, 1),
    "a channel in place": lambda x: _written(x.clone()),
    "into zeros": lambda x: _written(torch.zeros_like(x)) + x,
    "into what is returned": lambda x: _filled(x),  # noqa: PLW0108
    "a literal": lambda x: (x - torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1)) / 0.2,
    "autocast": lambda x: _half(x),  # noqa: PLW0108 (it is defined below)
    "data": lambda x: x.data * 2,
    "gradients": lambda x: _with_gradients(x),  # noqa: PLW0108
    "vmap": torch.func.vmap(lambda y: y * 2),
}
LEFT: dict[str, Callable[[Tensor], Tensor]] = {
    "numpy": lambda x: x * float(x.detach().numpy().mean()),
    "numpy and back": lambda x: torch.from_numpy(np.sqrt(x.detach().numpy())),
    "a list": lambda x: x * x.mean((0, 2, 3)).tolist()[0],
    "a number": lambda x: x * x.mean().item(),
    "a number that was written": lambda x: x * _filled(x)[0, 0, 0, 0].item(),
    "a way that hangs on it": lambda x: x * 2 if x.mean() > 2 else x,
    "a shape that hangs on it": lambda x: x * x[x > 0.5].shape[0] / x.numel(),
}


def _written(x: Tensor) -> Tensor:
    x[:, 1] = x[:, 1] * 2 + 0.1
    return x


def _filled(x: Tensor) -> Tensor:
    y = torch.zeros(x.shape)
    y[:] = x.mean()
    return y


def _half(x: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return functional.conv2d(x, torch.ones(3, 1, 3, 3) / 9, groups=3).float()


def _with_gradients(x: Tensor) -> Tensor:
    with torch.enable_grad():
        return x * 2


class _After(_Net):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.function(x))


@pytest.mark.parametrize("what", [*FOLLOWS, *LEFT])
def test_code_is_followed_where_it_can_be_and_scored_densely_elsewhere(what: str) -> None:
    net = _After((FOLLOWS | LEFT)[what])
    victim = TorchModule(net, SCALE)
    assert ("there is no graph of it" in victim.incremental(24, 28)) is (what in LEFT)
    asked: dict[str, Any] = {"attack": "bidirectional", "queries": 120}
    [result] = iqaudit.attack(PICTURE, victim, **asked)
    [dense] = iqaudit.attack(PICTURE, net, score_range=(-1, 1), exact="dense", **asked)
    tolerance = 1e-3 if what == "autocast" else 1e-6
    np.testing.assert_allclose(result.scores, dense.scores, atol=tolerance)


PROCESS = """
import logging, os, random, sys, threading, warnings
import numpy as np, torch, iqaudit
from torch import nn
iqaudit.attack  # loads the package's own modules

def state():
    return dict(
        environment=dict(os.environ), folder=os.getcwd(), path=list(sys.path),
        filters=list(warnings.filters), threads=torch.get_num_threads(),
        running=threading.active_count(), type=torch.get_default_dtype(),
        gradients=torch.is_grad_enabled(), recursion=sys.getrecursionlimit(),
        same=torch.are_deterministic_algorithms_enabled(), hook=sys.excepthook,
        attention=torch.backends.mha.get_fastpath_enabled(), level=logging.getLogger().level,
        handlers=list(logging.getLogger().handlers), random=random.getstate(),
        numpy=str(np.random.get_state()), torch=torch.get_rng_state().tolist(),
    )

class Net(nn.Sequential):
    def forward(self, x):
        return super().forward(x) if WORKS else x.median(dim=2).values.mean().item()

for WORKS in (True, False):
    pooled = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    net = Net(nn.Conv2d(3, 4, 3), nn.ReLU(), *pooled, nn.Linear(4, 1))
    before = state()
    picture = np.random.default_rng(0).integers(0, 256, (24, 28, 3), dtype=np.uint8)
    victim = iqaudit.victims.TorchModule(net, iqaudit.Scale.from_range(-9, 9))
    print(victim.incremental(24, 28)[:20])
    if WORKS:
        iqaudit.attack(picture, net, score_range=(-9, 9), queries=120)
    after = state()
    print([key for key in before if before[key] != after[key]])
"""


@pytest.mark.slow
def test_the_process_is_as_it_was_though_torch_was_never_asked_for_a_graph() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROCESS], capture_output=True, text=True, check=True
    )
    first, changed, second, changed_by_failing = ended.stdout.splitlines()
    assert first.startswith("100.0 %")
    assert second.startswith("Every query")
    assert changed == changed_by_failing == "[]"
    assert ended.stderr == ""


def test_a_callers_autocast_changes_no_score() -> None:
    """Neither a dense pass's nor a window's: what precision a module has is said within it."""

    def scores() -> tuple[list[float], list[float]]:
        victim = TorchModule(_Net(), SCALE)
        [result] = iqaudit.attack(PICTURE, victim, attack="bidirectional", queries=110)
        return victim.score(PICTURE[None]).tolist(), result.scores.tolist()

    plain = scores()
    with torch.autocast("cpu", torch.bfloat16):
        assert scores() == plain
        assert torch.is_autocast_enabled("cpu")
