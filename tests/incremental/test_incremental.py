"""Incremental scoring gives a dense pass's scores, whatever the network and its windows."""

import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

import iqaudit
from iqaudit._core.patches import Patch, Patched
from iqaudit._core.picture import Pixels
from iqaudit._incremental.network import Network, read
from iqaudit._incremental.operators import Pointwise
from iqaudit._incremental.plan import Planner
from iqaudit._incremental.recording import record
from iqaudit._incremental.rescorer import Rescorer
from iqaudit._incremental.session import Session
from iqaudit.victims import TorchModule

HEIGHT, WIDTH = 37, 45
SCALE = iqaudit.Scale.from_range(-1, 1)

# Each takes a map with four channels to one with four channels, of any size.
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "conv": lambda: nn.Conv2d(4, 4, 3, padding=1),
    "wide": lambda: nn.Conv2d(4, 4, 5, padding=2, bias=False),
    "strided": lambda: nn.Conv2d(4, 4, 3, stride=2, padding=1),
    "dilated": lambda: nn.Conv2d(4, 4, 3, dilation=2, padding=2),
    "grouped": lambda: nn.Conv2d(4, 4, 3, groups=2, padding=1),
    "depthwise": lambda: nn.Conv2d(4, 4, 5, groups=4, padding=2),
    "leaping": lambda: nn.Conv2d(4, 4, 1, stride=2),
    "unpadded": lambda: nn.Conv2d(4, 4, 3),
    "point": lambda: nn.Conv2d(4, 4, 1),
    "norm": lambda: _Norm(),  # noqa: PLW0108 (it is defined below)
    "conv-norm-relu": lambda: nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), _Norm(), nn.ReLU()),
    "relu6": nn.ReLU6,
    "gelu": nn.GELU,
    "prelu": lambda: nn.PReLU(4),
    "max": lambda: nn.MaxPool2d(2),
    "max-ceil": lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True),
    "max-over": lambda: nn.MaxPool2d(2, ceil_mode=True),
    "avg": lambda: nn.AvgPool2d(3, 2, 1),
    "avg-inside": lambda: nn.AvgPool2d(2),
    "avg-uneven": lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "avg-ceil": lambda: nn.AvgPool2d((2, 3), 2, (0, 1), ceil_mode=True),
    "zero-pad": lambda: nn.ZeroPad2d((1, 0, 2, 1)),
    "constant-pad": lambda: nn.ConstantPad2d((1, 2, 0, 1), 0.7),
    "pad-conv": lambda: nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(4, 4, 3, 2)),
    "up": lambda: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
    "nearest": lambda: nn.Upsample(scale_factor=2),
    "shrink": lambda: _Call(lambda x: functional.interpolate(x, (9, 11), mode="bicubic")),
    "half": lambda: nn.Upsample(scale_factor=0.5, mode="bilinear"),
    "factor": lambda: _Call(
        lambda x: functional.interpolate(x, scale_factor=0.37, mode="bicubic", antialias=True)
    ),
    "quarter": lambda: _Call(
        lambda x: functional.interpolate(
            x, scale_factor=(0.25, 0.5), mode="bilinear", antialias=True
        )
    ),
    "adaptive": lambda: nn.AdaptiveAvgPool2d((7, 5)),
    "residual": lambda: _Residual(nn.Conv2d(4, 4, 3, padding=1)),
    "branches": lambda: _Branches(),  # noqa: PLW0108
    "down": lambda: _Down(),  # noqa: PLW0108
    "gdn": lambda: _Call(lambda x: x / torch.sqrt(1 + x.pow(2).mean(1, keepdim=True))),
    "unit": lambda: _Call(lambda x: functional.normalize(x + 0.1)),
    "softmax": lambda: _Call(lambda x: functional.softmax(x, 1)),
    "dilated-far": lambda: nn.Conv2d(4, 4, 3, dilation=8, padding=8),
    "picked": lambda: _Call(lambda x: x[:, [2, 0, 3, 1]]),
    "shuffle": lambda: _Call(
        lambda x: x.view(len(x), 2, 2, *x.shape[2:]).transpose(1, 2).reshape(x.shape)
    ),
    "grey": lambda: _Call(lambda x: (x[:, 0] - 0.6 * x[:, 1]).unsqueeze(1) + x),
    "turned": lambda: _Call(
        lambda x: torch.stack([x[:, 3], x[:, 1] * x[:, 2], *x[:, :2].unbind(1)], 1)
    ),
    "swap": lambda: _Call(lambda x: torch.cat((x[:, 2:], x[:, :2]), 1)),
    "halves": lambda: _Call(lambda x: torch.cat([h.abs() for h in torch.split(x, 2, 1)], 1)),
    "crop": lambda: _Call(lambda x: x[:, :, 1:-1, 2:]),
    "haar": lambda: _Call(_haar),
    "mirror": lambda: _Call(lambda x: x.flip(3)),
    "patches": lambda: _Call(_patches),
    "strided-patches": lambda: _Call(_strided_patches),
    "lines": lambda: _Call(lambda x: x[:, :, torch.tensor([0, 2, 1])][..., torch.tensor([3, 1])]),
    "reflect": lambda: nn.ReflectionPad2d((2, 1, 0, 3)),
    "replicate": lambda: nn.ReplicationPad2d((1, 3, 2, 0)),
    "reflect-conv": lambda: nn.Conv2d(4, 4, 3, 2, 1, padding_mode="reflect"),
    "replicate-conv": lambda: nn.Conv2d(4, 4, 5, 1, 2, padding_mode="replicate"),
    "same": lambda: _Same(4, 4, (4, 3), padding="same", dilation=(1, 2)),
    "valid": lambda: nn.Conv2d(4, 4, 3, padding="valid"),
    "blocks": lambda: nn.Sequential(_Call(_even), nn.PixelUnshuffle(2), nn.Conv2d(16, 4, 1)),
    "columns": lambda: _Call(_columns),
    "channel-max": lambda: _Call(lambda x: x / (1 + x.max(1, keepdim=True)[0].abs())),
    "einsum": lambda: _Mixing(),  # noqa: PLW0108
    "sign": lambda: _Call(lambda x: torch.where(x > 0, x, x.sign() * x.square())),
    "channels-last": lambda: _ChannelsLast(),  # noqa: PLW0108
    "in-place": lambda: _Residual(nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(inplace=True))),
    "unruled": lambda: _Call(lambda x: x.cumsum(2) / x.shape[2]),
    "neighbours": lambda: _Call(lambda x: x[:, :, :, 1:] * x[:, :, :, :-1]),
    "frame": lambda: _Frame(),  # noqa: PLW0108
    "fold": lambda: _Call(lambda x: x + x.flip(3)),
    "vignette": lambda: _Call(lambda x: x * torch.linspace(0.5, 1.5, x.shape[3])),
    "coordinates": lambda: _Call(_with_rows),
    "masked": lambda: _Call(lambda x: torch.where(_with_rows(x)[:, :1] > 0.3, x, -x)),
    "planes": lambda: nn.Sequential(
        _Call(lambda x: x.reshape(-1, 2, *x.shape[2:]).contiguous()), nn.Conv2d(2, 4, 1)
    ),
    "beside-swapped": lambda: _Call(lambda x: torch.cat((x, x[:, [2, 0, 3, 1]]), 0)),
    "side-by-side": lambda: _Call(lambda x: torch.cat((x, x.square()), 0)),
    "transposed": lambda: nn.ConvTranspose2d(4, 4, 4, 2, 1),
    "transposed-out": lambda: nn.ConvTranspose2d(4, 4, 3, 2, 1, 1, groups=2, bias=False),
    "transposed-apart": lambda: nn.ConvTranspose2d(4, 4, (1, 2), 3, (0, 2), (2, 1), dilation=2),
    "shuffled": lambda: nn.Sequential(nn.Conv2d(4, 16, 1), nn.PixelShuffle(2)),
    "one-channel": lambda: _Call(_less_a_channel),
    "rolled": lambda: _Call(lambda x: x * x.roll((1, -2), (2, 3)) + x.roll(1, 3)),
    "circular": lambda: nn.Conv2d(4, 4, (3, 5), 1, (1, 2), padding_mode="circular"),
    "circular-strided": lambda: nn.Conv2d(4, 4, 3, 2, 1, padding_mode="circular"),
    "stacked": lambda: _Call(lambda x: torch.stack((x, x.abs(), x.neg()), 1).flatten(0, 1)),
}

UNRULED = {"unruled", "fold"}
"""They hold an operator without a rule."""

ENDS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda x: x.mean((2, 3)),
    "sum": lambda x: x.sum((2, 3)) / 100,
    "double": lambda x: (x.double() ** 2).mean((2, 3)).float(),
    "of-flat": lambda x: torch.cat(
        (x.flatten(2).mean(2), x.view(len(x), 4, -1).std(-1), x.flatten(2).amax(-1)), 1
    ),
    "deviation": lambda x: x.std((2, 3)) if min(x.shape[2:]) > 1 else x.flatten(1),
    "moments": lambda x: torch.cat(torch.var_mean(x, dim=(2, 3), correction=0), 1),
    "pool": lambda x: functional.adaptive_avg_pool2d(x, 1).flatten(1),
    "largest": lambda x: x.amax((2, 3)),
    "least": lambda x: x.amin((2, 3), keepdim=True),
    "covariance": lambda x: (
        (x[..., 1:] * x[..., :-1]).mean((2, 3)) - x[..., 1:].mean((2, 3)) * x[..., :-1].mean((2, 3))
    ),
    "of-all": lambda x: torch.cat(
        (x.mean((1, 2, 3)), x.sum((0, 2, 3)) / 100, x.std((1, 2, 3)), x.mean().reshape(1))
    ),
    "flat": lambda x: torch.flatten(x, 1) / x.shape[2],
    "view": lambda x: x.contiguous().view(x.shape[0], -1) / x.shape[2],
    "bilinear": lambda x: (x.flatten(2) @ x.flatten(2).transpose(1, 2)).flatten(1) / 100,
}


def _with_rows(x: Tensor) -> Tensor:
    rows = torch.linspace(-1, 1, x.shape[2])[:, None].expand(len(x), 1, *x.shape[2:])
    return torch.cat((rows, x[:, :3]), 1)


def _less_a_channel(x: Tensor) -> Tensor:
    x = x.clone()
    x[:, 1] -= 0.3 * x[:, 2]
    x[:, 2:].mul_(0.7)
    return x


def _patches(x: Tensor) -> Tensor:
    if min(x.shape[2:]) < 6:
        return x
    return x.unfold(2, 6, 3).unfold(3, 6, 3).permute(0, 2, 3, 1, 4, 5).reshape(-1, 4, 6, 6)


def _strided_patches(x: Tensor) -> Tensor:
    n, channels, height, width = x.shape
    if min(height, width) < 6 or n > 1:
        return x
    rows, columns = height // 6, width // 6
    shape = (rows, columns, channels, 6, 6)
    strides = (6 * width, 6, height * width, width, 1)
    return x.contiguous().as_strided(shape, strides).reshape(-1, channels, 6, 6)


def _even(x: Tensor) -> Tensor:
    return x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]


def _haar(x: Tensor) -> Tensor:
    x = _even(x)
    quarters = [x[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)]
    return torch.cat([quarters[0] + quarters[3], quarters[1] - quarters[2]], 1)[:, 2:6]


def _columns(x: Tensor) -> Tensor:
    if min(x.shape[2:]) < 6 or len(x) > 1:
        return x
    columns = functional.unfold(x, 6, stride=5)
    return columns.transpose(1, 2).reshape(-1, x.shape[1], 6, 6)


class _Same(nn.Conv2d):
    """One with a row more behind than before, of which torch warns."""

    def forward(self, x: Tensor) -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return super().forward(x)


class _Mixing(nn.Module):
    """Channels mixed by an operator that has no rule of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Parameter(torch.randn(4, 4) / 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("oc,nchw->nohw", self.mix, x)


class _Call(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class _Norm(nn.BatchNorm2d):
    def __init__(self) -> None:
        super().__init__(4)
        self.running_mean = torch.randn(4) / 3
        self.running_var = torch.rand(4) + 0.5
        nn.init.normal_(self.weight)
        nn.init.normal_(self.bias)


class _Residual(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.inner(x))


class _Branches(nn.Module):
    """Two ways of different reach that meet again."""

    def __init__(self) -> None:
        super().__init__()
        self.near, self.far = nn.Conv2d(4, 2, 1), nn.Conv2d(4, 2, 5, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.near(x), torch.sigmoid(self.far(x))), 1)


class _Down(nn.Module):
    """Two ways whose windows begin alike and end otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.strided = nn.Conv2d(4, 4, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        down: Tensor = functional.max_pool2d(x, 2, ceil_mode=True) + self.strided(x)
        return down


class _Frame(nn.Module):
    """A map without its rim against what unpadded convolutions left of it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Conv2d(4, 4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) - x[:, :, 2:-2, 2:-2] if min(x.shape[2:]) > 4 else x


class _ChannelsLast(nn.Module):
    """Layers over the channels, which lie behind meanwhile, as in a block of ConvNeXt's."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = nn.Sequential(
            nn.LayerNorm(4), nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 4, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.inside(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return x + 0.3 * y


class _Drawn(nn.Module):
    """A network of drawn layers, and a drawn end."""

    def __init__(self, layers: list[str], end: str, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.layers = nn.ModuleList(LAYERS[name]() for name in layers)
        self.end = ENDS[end]

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x - 0.5)
        for layer in self.layers:
            if min(x.shape[2:]) >= 4:  # too small for the next: it is left out
                x = layer(x)
        y = self.end(x)
        weights = torch.arange(y.numel()).cos().reshape(y.shape)
        return (y * weights).sum().reshape(1)


@pytest.fixture(autouse=True)
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have pictures scored through windows although they are small, and a call takes longer."""
    for cost in ("STEP", "CALL", "OPERATOR"):
        monkeypatch.setattr(f"iqaudit._incremental.work.{cost}", 0.0)


def _picture(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def _rescorer(module: nn.Module) -> Rescorer:
    return Rescorer(module, 1.0, lambda _: None)


def _network(module: nn.Module, height: int = HEIGHT, width: int = WIDTH) -> Network:
    return read(record(module, torch.rand(1, 3, height, width)))


def _session(module: nn.Module, pixels: Pixels) -> Session:
    session = _rescorer(module).open(*pixels.shape[:2])
    assert session is not None
    return session


def _change(draw: np.random.Generator, base: Pixels, largest: int = 12) -> Patched:
    patches = []
    for _ in range(draw.integers(1, 4)):
        height, width = draw.integers(1, largest, 2)
        top = draw.integers(base.shape[0] - height + 1)
        left = draw.integers(base.shape[1] - width + 1)
        pixels = draw.integers(0, 256, (height, width, 3), np.uint8)
        patches.append(Patch(int(top), int(left), pixels))
    return Patched(base, tuple(patches))


def _all_of(base: Pixels, picture: Pixels) -> Patched:
    """Return a change to another picture: too large to be followed."""
    return Patched(base, (Patch(0, 0, picture),))


@pytest.mark.slow
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    layers=st.lists(st.sampled_from(sorted(LAYERS)), min_size=1, max_size=6),
    end=st.sampled_from(sorted(ENDS)),
    seed=st.integers(0, 1000),
)
def test_a_drawn_network_scores_as_a_dense_pass(layers: list[str], end: str, seed: int) -> None:
    # In float64: products of large maps are rounded by 1e-4 of the score in float32.
    _walk(_Drawn(layers, end, seed).double(), seed, within=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_has_a_rule_and_scores_as_a_dense_pass(layer: str) -> None:
    session = _walk(_Drawn([layer, "conv", layer], "mean", 0), 0)
    assert layer in UNRULED or session.network.dense == ()


def test_what_is_read_by_two_ways_that_meet_again_is_one_step_with_them() -> None:
    """As the convolution before a divisive normalisation, of which square and quotient read."""
    steps = _network(_Drawn(["conv", "gdn", "conv"], "mean", 0)).steps
    assert len([step for step in steps if hasattr(step, "kernel")]) == 3
    assert len([step for step in steps if isinstance(step, Pointwise)]) == 1  # of the picture


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["max", "max-over", "avg-inside", "max-ceil"])
@pytest.mark.parametrize("layer", ["conv", "unpadded", "pad-conv"])
def test_maps_that_only_a_pooling_reads_are_not_kept(layer: str, pooling: str) -> None:
    session = _walk(_Drawn([layer, pooling, "conv"], "mean", 0), 0)
    names = [step.name for step in session.network.steps]
    pooled = next(i for i, name in enumerate(names) if "_pool" in name)
    blocks = pooling != "max-ceil"  # whose windows overlap
    assert set(session._activations.planner.anew) == ({names[pooled - 1]} if blocks else set())
    assert not session._activations.planner.anew.keys() & session._activations.maps.keys()


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS)
def test_maps_that_are_computed_anew_are_not_kept_and_score_as_a_dense_pass(
    layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = _session(_Drawn([layer, "conv", "wide"], "mean", 0), _picture(0))._activations.maps
    monkeypatch.setattr("iqaudit._incremental.plan.LARGE", 0)
    monkeypatch.setattr("iqaudit._incremental.plan.LIGHT", np.inf)
    session = _walk(_Drawn([layer, "conv", "wide"], "mean", 0), 0)
    anew = session._activations.planner.anew
    assert anew or layer in UNRULED | {"lines"}  # which leaves a few cells
    assert set(session._activations.maps) == set(kept) - set(anew)


@pytest.mark.parametrize("end", ENDS)
def test_every_end_scores_as_a_dense_pass(end: str) -> None:
    _walk(_Drawn(["conv", "strided"], end, 0), 0)


def _walk(module: nn.Module, seed: int, steps: int = 8, within: float = 1e-5) -> Session:
    """Compare with dense passes along drawn windows and acceptances; return the session."""
    base = _picture(seed)
    session, draw = _session(module, base), np.random.default_rng(seed)
    for step in range(steps):
        change = _change(draw, base) if step % 4 else _all_of(base, _picture(seed + step + 1))
        [score] = session.scores([(session, change)])
        dense = session.dense.score(change.painted())
        assert score == pytest.approx(dense, rel=within, abs=within)
        if draw.random() < 0.5:
            base = change.painted()
    session.close()
    assert session.trust.fault == ""
    return session


def test_a_network_tells_what_it_cannot_follow() -> None:
    network = _network(_Drawn(["conv", "unruled"], "mean", 0))
    assert network.dense == ("cumsum",)
    assert 0.5 < network.share < 1


def test_windows_are_computed_and_not_the_whole_map(monkeypatch: pytest.MonkeyPatch) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3), _mean())
    base = _picture(0, 200, 200)
    session = _session(module, base)
    patch = Patch(50, 60, np.zeros((5, 5, 3), np.uint8))
    session.scores([(session, Patched(base, (patch,)))])
    monkeypatch.setattr(
        type(session.dense), "score", lambda *_: pytest.fail("a dense pass was made")
    )
    cells = []
    for step in session._activations.network.steps:
        compute = step.compute if hasattr(step, "compute") else None
        if compute is not None and hasattr(step, "kernel"):

            def counted(x: Tensor, compute: Any = compute) -> Tensor:
                cells.append(x.shape[0] * x.shape[2] * x.shape[3])
                answer: Tensor = compute(x)
                return answer

            object.__setattr__(step, "compute", counted)
            object.__setattr__(step, "product", None)
    session.scores([(session, Patched(base, (patch._replace(top=90),)))])
    assert cells == [9 * 9, 11 * 11]  # read for 7 x 7 and 9 x 9 cells


def _mean() -> nn.Module:
    return _Call(lambda x: x.mean((1, 2, 3)))


@pytest.mark.slow
def test_an_acceptance_is_no_dense_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    base = _picture()
    session, draw = _session(_Drawn(["conv"], "mean", 0), base), np.random.default_rng(0)
    session.scores([(session, _change(draw, base, 6))])
    anchored = []
    monkeypatch.setattr(session._activations, "anchor", lambda _: anchored.append(1))
    for _ in range(5):
        change = _change(draw, base, 6)
        session.scores([(session, change)])
        base = change.painted()
    assert not anchored
    session.scores([(session, _change(draw, _picture(1), 6))])
    assert anchored


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_what_is_scored_together_does_not_matter_to_the_last_bit(count: int) -> None:
    base, draw = _picture(), np.random.default_rng(0)
    module = _Drawn(["residual", "strided", "depthwise", "max"], "moments", 0)
    alone, together = _session(module, base), _session(module, base)
    changes = [_change(draw, base, 6) for _ in range(64)]
    expected = [alone.scores([(alone, change)])[0] for change in changes]
    scores = [
        score
        for start in range(0, 64, count)
        for score in together.scores([(together, c) for c in changes[start : start + count]])
    ]
    assert scores == expected
    # The first of many becomes the base, though the maps of others have come since.
    base = changes[64 - count].painted()
    last = _change(draw, base, 6)
    assert together.scores([(together, last)]) == alone_after(alone, changes[64 - count], last)


def alone_after(session: Session, accepted: Patched, change: Patched) -> list[float]:
    session.scores([(session, accepted)])
    return session.scores([(session, change)])


@pytest.mark.slow
def test_searches_scored_together_are_those_scored_alone_to_the_last_bit() -> None:
    """Whatever their sizes, with accepted steps between the rounds."""
    module, draw = _Drawn(["conv", "max", "wide"], "moments", 0), np.random.default_rng(0)
    bases = [_picture(0, 37, 45), _picture(1, 50, 33), _picture(2, 37, 45)]
    alone = [_session(module, base) for base in bases]
    rescorer = _rescorer(module)
    together = [rescorer.open(*base.shape[:2]) for base in bases]
    for _ in range(5):
        changes = [_change(draw, base, 6) for base in bases]
        requests = [(s, change) for s, change in zip(together, changes, strict=True) if s]
        scores = Session.scores(requests)
        assert scores == [
            session.scores([(session, change)])[0]
            for session, change in zip(alone, changes, strict=True)
        ]
        for change, score in zip(changes, scores, strict=True):
            assert score == pytest.approx(rescorer.dense.score(change.painted()), abs=1e-5)
        bases = [change.painted() for change in changes]


def test_the_first_change_of_every_size_is_compared_with_a_dense_pass() -> None:
    """Whichever search it comes in; a fault may be that of one size alone."""
    module = TorchModule(_Drawn(["conv"], "mean", 0), SCALE, name="drifting")
    base, draw = _picture(), np.random.default_rng(0)
    for size, left in ((5, False), (5, False), (1, True)):
        session = module.open_session(HEIGHT, WIDTH, 1000)
        assert isinstance(session, Session)
        session.scores([(session, Patched(base))])  # a dense pass itself
        for side in (5, size):
            patch = Patch(9, 9, draw.integers(0, 256, (side, side, 3), np.uint8))
            change = Patched(base, (patch,))
            [score] = session.scores([(session, change)])
            dense = module.rescorer.dense.score(change.painted())
            assert score == dense if left and side == size else score == pytest.approx(dense)
            if left:
                _spoil(session)
    assert "incremental scoring was left: after 3 scores" in module.card.note


def test_what_was_scored_beside_a_fault_is_scored_again() -> None:
    rescorer = _rescorer(_Drawn(["conv"], "mean", 0))
    draw, requests = np.random.default_rng(0), []
    for seed in range(3):
        base = _picture(seed)
        session = rescorer.open(HEIGHT, WIDTH)
        assert session is not None
        session.scores([(session, _change(draw, base, 6))])
        _spoil(session)
        requests.append((session, _change(draw, base, 6)))
    requests[2][0]._moments.next = 0
    dense = [rescorer.dense.score(change.painted()) for _, change in requests]
    assert Session.scores(requests) == dense
    assert rescorer.trust.fault


@pytest.mark.parametrize("size", range(2, 7))
def test_windows_that_overlap_behind_two_ways_are_all_computed(size: int) -> None:
    base, draw = _picture(0, 40, 44), np.random.default_rng(size)
    module = _Drawn(["down", "conv"], "mean", 0)
    session = _session(module, base)
    for _ in range(40):
        top, left = draw.integers(0, 30, 2).tolist()
        places = (top, left), (top + draw.integers(3), left + draw.integers(3))
        pixels = draw.integers(0, 256, (2, size, size, 3), np.uint8)
        patches = (
            Patch(int(row), int(column), p) for (row, column), p in zip(places, pixels, strict=True)
        )
        change = Patched(base, tuple(patches))
        [score] = session.scores([(session, change)])
        assert score == pytest.approx(session.dense.score(change.painted()), abs=1e-6)
    assert session.trust.fault == ""


def test_what_disagrees_with_a_dense_pass_is_left_for_good_and_said() -> None:
    module = TorchModule(_Drawn(["conv"], "mean", 0), SCALE, name="drifting")
    session = module.open_session(HEIGHT, WIDTH, 1000)
    assert isinstance(session, Session)
    base, draw = _picture(), np.random.default_rng(0)
    session.scores([(session, _change(draw, base, 6))])
    _spoil(session)
    session._moments.next = 0
    change = _change(draw, base, 6)
    dense = module.rescorer.dense.score(change.painted())
    assert session.scores([(session, change)]) == [dense]
    assert "incremental scoring was left: after 2 scores" in module.card.note
    change = _change(draw, base, 6)
    assert session.scores([(session, change)]) == [module.rescorer.dense.score(change.painted())]
    assert module.open_session(HEIGHT, WIDTH, 1000) is None


@pytest.mark.parametrize("how", ["score", "whole"])
def test_a_step_that_fails_stops_no_search(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    base = _picture()
    session = _session(_Drawn(["conv"], "mean", 0), base)

    def fail(*_: Any) -> Tensor:
        raise ValueError("no such place")

    monkeypatch.setattr(type(session._activations), how, fail)
    small = _change(np.random.default_rng(0), base, 6)
    change = small if how == "score" else _all_of(base, _picture(1))
    assert session.scores([(session, change)]) == [session.dense.score(change.painted())]
    assert session.trust.fault.endswith("a step failed, ValueError: no such place")
    session.close()


def test_a_base_that_cannot_be_taken_stops_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    base = _picture()
    session = _session(_Drawn(["conv"], "mean", 0), base)
    monkeypatch.setattr(session._activations, "anchor", None)  # not to be called
    change = _change(np.random.default_rng(0), base, 6)
    assert session.scores([(session, change)]) == [session.dense.score(change.painted())]
    assert "a step failed, TypeError" in session.trust.fault


def test_a_module_that_fails_at_the_last_check_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    victim = TorchModule(_Drawn(["conv"], "mean", 0), SCALE)
    close = Session.close

    def failing(session: Session) -> None:
        monkeypatch.setattr(victim.module, "forward", None)
        close(session)

    monkeypatch.setattr(Session, "close", failing)
    [result] = iqaudit.attack(_picture(), victim, queries=120)
    assert result.queries == 120
    assert "its last check failed, TypeError" in victim.card.note


def test_a_graph_that_cannot_be_read_stops_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Network:
        raise KeyError("unheard of")

    monkeypatch.setattr("iqaudit._incremental.rescorer.read", fail)
    rescorer = _rescorer(_Drawn(["conv"], "mean", 0))
    assert rescorer.open(HEIGHT, WIDTH) is None
    assert "unheard of" in rescorer.describe(HEIGHT, WIDTH)


def test_a_rule_that_fails_costs_windows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("unheard of")

    monkeypatch.setattr("iqaudit._incremental.rules.lower", fail)
    network = _rescorer(_Drawn(["conv"], "mean", 0)).network(HEIGHT, WIDTH)
    assert isinstance(network, Network)
    assert network.steps == ()


def test_constants_beside_cells_are_values_and_no_cells() -> None:
    ones = torch.ones(1, 1, HEIGHT, WIDTH)
    network = _walk(_Call(lambda x: torch.cat((x[:, :1], ones), 1).mean((1, 2, 3))), 0).network
    assert network.dense == ()


def test_a_constant_picture_is_scored_beside_the_picture() -> None:
    white = torch.ones(1, 3, HEIGHT, WIDTH)
    trunk = nn.Conv2d(3, 4, 3)

    def distance(x: Tensor) -> Tensor:
        of_both: Tensor = trunk(torch.cat((x, white))).mean((2, 3))
        return (of_both[0] - of_both[1]).abs().mean().reshape(1)

    assert _walk(_Call(distance), 0).network.share > 0.99


@pytest.mark.parametrize(
    ("corner", "whole"), [((50, 60), False), ((0, 196), False), ((195, 60), True), ((50, 0), True)]
)
def test_a_window_at_a_border_that_comes_in_again_changes_the_whole_map(
    corner: tuple[int, int], *, whole: bool
) -> None:
    """And one elsewhere is a window there: products of neighbours are taken of the rolled map."""
    module = _Call(lambda x: (x * x.roll((1, -1), (2, 3))).mean((1, 2, 3)))
    network = _network(module, 200, 200)
    plan = Planner(network).plan([corner], 5, 4)
    assert [plan[name] is None for name in network.shapes if name != "picture"] == [whole, whole]


def test_a_table_read_at_a_maps_values_moves_no_cells() -> None:
    table = torch.arange(256.0).sqrt()
    _walk(_Call(lambda x: table[(255 * x).long().clamp(0, 255)].mean((1, 2, 3))), 0)
    _walk(_Call(lambda x: table.index_select(0, (255 * x).long().flatten()).mean().reshape(1)), 0)


def test_a_search_that_nobody_ended_asks_nothing_at_the_interpreters_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By then torch is half taken down: asked, it ended the process on an assertion of its own."""
    base = _picture(0)
    session = _session(_Drawn(["conv"], "mean", 0), base)
    session.score(_change(np.random.default_rng(0), base))
    asked: list[Pixels] = []
    monkeypatch.setattr(session.dense, "score", asked.append)
    monkeypatch.setattr(sys, "is_finalizing", lambda: True)
    session.close()
    assert asked == []


@pytest.mark.slow
def test_a_base_that_drifted_is_found_when_a_search_ends() -> None:
    session = _session(_Drawn(["conv"], "mean", 0), _picture())
    base = _picture()
    session.scores([(session, _change(np.random.default_rng(0), base, 6))])
    _spoil(session)
    session.close()
    assert "incremental scoring was left" in session.trust.fault


def _spoil(session: Session) -> None:
    """Have a session's maps be another picture's."""
    with torch.inference_mode():
        for kept in session._activations.maps.values():
            kept.rows += 1


class _Draws(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((1, 2, 3)) + torch.rand(1) / 1e6


def test_a_module_that_draws_at_random_is_scored_densely() -> None:
    """Its draws are no constants, however small."""
    assert _rescorer(_Draws()).network(HEIGHT, WIDTH) == "it draws random numbers"


class _Attends(nn.Module):
    """Attention and dropout, which draw at random in training only."""

    def forward(self, x: Tensor) -> Tensor:
        y = functional.dropout(x.flatten(2).transpose(1, 2)[:, :64], 0.5, self.training)
        return functional.scaled_dot_product_attention(y, y, y).mean((1, 2))


def test_attention_and_dropout_draw_nothing_when_they_score() -> None:
    network = _rescorer(_Attends()).network(HEIGHT, WIDTH)
    assert isinstance(network, Network)


@pytest.mark.slow
def test_maps_that_would_fill_the_memory_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    rescorer = _rescorer(_Drawn(["conv"], "mean", 0))
    session = rescorer.open(HEIGHT, WIDTH)
    assert session is not None
    base = _picture()
    session.scores([(session, _change(np.random.default_rng(0), base, 6))])
    size = sum(
        kept.rows.numel() * kept.rows.element_size() for kept in session._activations.maps.values()
    )
    monkeypatch.setattr("iqaudit._incremental.rescorer.MOST_BYTES", size)
    assert rescorer.open(HEIGHT, WIDTH) is not None
    monkeypatch.setattr("iqaudit._incremental.rescorer.MOST_BYTES", size - 1)
    assert rescorer.open(HEIGHT, WIDTH) is None
    assert "GB" in rescorer.describe(HEIGHT, WIDTH)


class _Looks(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((1, 2, 3)) if float(x.sum()) > 1 else x.amax((1, 2, 3))


def test_a_module_that_cannot_be_exported_is_scored_densely() -> None:
    rescorer = _rescorer(_Looks())
    why = rescorer.network(HEIGHT, WIDTH)
    assert not isinstance(why, Network)
    assert "reads a value off its maps" in why
    assert rescorer.open(HEIGHT, WIDTH) is None
    [result] = iqaudit.attack(_picture(), _Looks(), score_range=(0, 1), queries=120)
    assert result.queries == 120


def test_exact_says_how_and_refuses_anything_else() -> None:
    module = _Drawn(["conv"], "mean", 0)
    assert TorchModule(module, SCALE, exact="dense").open_session(HEIGHT, WIDTH, 1000) is None
    assert TorchModule(module, SCALE).open_session(HEIGHT, WIDTH, 99) is None
    with pytest.raises(iqaudit.InputError, match="incremental or dense, not 'fast'"):
        TorchModule(module, SCALE, exact="fast")


@pytest.mark.slow
@pytest.mark.parametrize("goal", ["raise", "lower"])
def test_an_attack_goes_the_dense_way_in_any_batch(goal: str) -> None:
    """The same picture, count and acceptances, whether pictures are searched together or not.

    In float64: rounding to float32 decides near ties, on each processor others.
    """
    pictures = [_picture(0, 60, 70), _picture(1, 64, 64)]
    results = {}
    for name, exact, batch in (
        ("dense", "dense", 1),
        ("one", "incremental", 1),
        ("together", "incremental", 2),
    ):
        module = _Drawn(["residual", "strided", "residual"], "moments", 0).double()
        victim = TorchModule(module, SCALE, exact=exact)
        results[name] = iqaudit.attack(pictures, victim, queries=200, goal=goal, batch=batch)
        assert victim.card.note == ""
    for name, found in results.items():
        for result, dense, one in zip(found, results["dense"], results["one"], strict=True):
            assert np.array_equal(result.adversarial, dense.adversarial), name
            assert [s.query for s in result.trace] == [s.query for s in dense.trace], name
            assert result.asked == dense.asked, name
            assert result.scores == pytest.approx(dense.scores, abs=1e-5), name
            if name != "dense":
                assert result.scores.tolist() == one.scores.tolist(), name
