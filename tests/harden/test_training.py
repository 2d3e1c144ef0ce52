"""A network is steadied by training: the same bytes on any cores, and where it was stopped."""

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.hardening import contrasts, parts
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from iqaudit import InputError, Scale
from iqaudit._core import distortions
from iqaudit._core.picture import Pixels
from iqaudit._harden import training
from iqaudit._harden.records import EpochRecord
from iqaudit._harden.training import Rated, Trainer, Training, refuse_unless_trainable, train
from iqaudit._harden.weights import content
from iqaudit.measures import srocc

SCALE = Scale.from_range(0, 100)
HOW = Training(epochs=4, batch=8, rate=0.1)


class Net(nn.Module):
    """From pictures to 0-100, by the finest contrast alone; its weights are of the size of 1."""

    def __init__(self, sign: int = 1) -> None:
        super().__init__()
        self.sign, self.head = sign, nn.Linear(5, 1)
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor([[1.0, 0, 0, 0, 0]]))
            self.head.bias.fill_(-3.3)

    def forward(self, x: Tensor) -> Tensor:
        return 100 * torch.sigmoid(self.sign * self.head(97 * contrasts(x)).squeeze(1))


def some(count: int, seed: int = 0) -> Rated:
    pictures, opinions = zip(*parts(count, seed), strict=True)
    return Rated(pictures, np.array(opinions))


FITTED, HELD = some(16), some(6, seed=5)


def unheard(_number: int, _epoch: EpochRecord) -> None:
    pass


def trained(
    folder: Path,
    net: nn.Module | None = None,
    how: Training = HOW,
    *,
    scale: Scale = SCALE,
    fitted: Rated = FITTED,
    told: Callable[[int, EpochRecord], None] = unheard,
) -> tuple[Mapping[str, Tensor], tuple[EpochRecord, ...]]:
    folder.mkdir(exist_ok=True)
    return train(net or Net(), scale, fitted, HELD, how, folder, told)


def loaded(net: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    other = copy.deepcopy(net).eval()
    other.load_state_dict(weights)
    return other


def quality(net: nn.Module, x: Tensor, scale: Scale = SCALE) -> Tensor:
    sign = -1 if scale.lower_is_better else 1
    return 10 / (1 + torch.exp(-sign * (net(x).reshape(-1) - scale.center) / scale.spread))


def tensors(pictures: Sequence[Pixels]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def moved(net: nn.Module, rated: Rated = HELD, scale: Scale = SCALE) -> float:
    """Return how far ten signed gradient steps either way move quality, the mean of pictures."""
    x, way = tensors(rated.pictures), 0.0
    for sign in (-1, 1):
        near = x.clone()
        for _ in range(10):
            near.requires_grad_()
            [slope] = torch.autograd.grad(quality(net, near, scale).sum(), near)
            near = (near + sign / 255 * slope.sign()).detach()
            near = near.clamp(x - 3 / 255, x + 3 / 255).clamp(0, 1)
        way += float((quality(net, near, scale) - quality(net, x, scale)).abs().mean().detach())
    return way / 2


def agreement(net: nn.Module, rated: Rated = FITTED, scale: Scale = SCALE) -> float:
    with torch.no_grad():
        return srocc(quality(net, tensors(rated.pictures), scale).numpy(), rated.opinions)


@pytest.mark.parametrize("lower_is_better", [False, True])
def test_it_is_moved_less_and_agrees_still(tmp_path: Path, lower_is_better: bool) -> None:  # noqa: FBT001
    net = Net(-1 if lower_is_better else 1)
    scale = Scale.from_range(0, 100, lower_is_better=lower_is_better)
    how = Training(epochs=12, batch=4, rate=0.1, steadiness=(0.1, 1), loss=0.1)
    weights, epochs = trained(tmp_path, net, how, scale=scale)
    after = loaded(net, weights)
    assert moved(after, scale=scale) < 0.6 * moved(net, scale=scale)
    assert agreement(after, scale=scale) > 0.9
    assert epochs[-1].movement < 0.6 * epochs[0].movement


def test_the_weights_are_the_same_on_any_cores_and_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for cores in (1, 2, 3):
        monkeypatch.setattr(training, "cores", lambda cores=cores: cores)
        weights, epochs = trained(tmp_path / str(cores))
        made.append((content(weights), epochs))

    def stopping(_number: int, _epoch: EpochRecord) -> None:
        raise KeyboardInterrupt

    for _ in range(HOW.epochs):
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "stopped", told=stopping)
    weights, epochs = trained(tmp_path / "stopped")
    assert [*made, (content(weights), epochs)] == [made[0]] * 4
    assert len(epochs) == HOW.epochs


def plain_step(
    net: nn.Module, rated: Rated, how: Training, weight: float, scale: Scale = SCALE
) -> tuple[list[Tensor], float, float]:
    """Return the gradient of a first step, said a second time, a picture at a time.

    And the sums of squares of errors and of movements.
    """
    total, errors, movements = torch.zeros(()), 0.0, 0.0
    limit = how.levels / 255
    for number, (pixels, opinion) in enumerate(zip(*rated, strict=True)):
        draw = np.random.default_rng([how.seed, 0, number])
        height, width = pixels.shape[:2]
        rows, columns = min(how.side, height), min(how.side, width)
        top, left = draw.integers(height - rows + 1), draw.integers(width - columns + 1)
        part = pixels[top : top + rows, left : left + columns]
        if draw.random() < 0.5:
            part = np.fliplr(part)
        x = tensors([part])
        noise = torch.from_numpy(draw.uniform(-limit, limit, (1, 3, rows, columns)))
        change = noise.float()
        away = draw.random() < 0.5
        near = (x + change).clamp(0, 1)
        begun = quality(net, near, scale)[0]
        error = (begun - opinion) ** 2
        up = bool(begun > opinion) if away else bool(begun < 5)
        for size in (1, 1, 0.5):
            near = (x + change).clamp(0, 1).requires_grad_()
            [slope] = torch.autograd.grad(quality(net, near, scale).sum(), near)
            step = size * limit * slope.sign()
            change = torch.clamp(change + (step if up else -step), -limit, limit)
        movement = (quality(net, (x + change).clamp(0, 1), scale)[0] - begun.detach()) ** 2
        kind, level, seed = draw.integers(3), draw.integers(3), int(draw.integers(2**32))
        part = np.ascontiguousarray(part)
        copied = (
            distortions.jpeg(part, (40, 20, 10)[level]),
            distortions.blur(part, (1.0, 2.0, 3.0)[level]),
            distortions.noise(part, (6, 12, 25)[level], seed),
        )[kind]
        wanted = begun.detach() - (0.5, 1.0, 1.5)[level]
        lacks = (quality(net, tensors([copied]), scale)[0] - wanted).clamp(min=0) ** 2
        terms = error + weight * movement + how.ranking * lacks
        total = total + terms / len(rated.pictures)
        errors, movements = errors + error.item(), movements + movement.item()
    return list(torch.autograd.grad(total, list(net.parameters()))), errors, movements


SIZES = Rated([*FITTED.pictures[:5], FITTED.pictures[5][:40], FITTED.pictures[6][:, :44]],
              FITTED.opinions[:7])  # fmt: skip


@pytest.mark.parametrize("fitted", [FITTED, SIZES], ids=["one size", "several sizes"])
def test_a_step_is_the_plain_one(tmp_path: Path, fitted: Rated) -> None:
    how = Training(epochs=1, batch=len(fitted.pictures), side=46)
    gradients, error, movement = plain_step(Net(), fitted, how, 0.02)
    length = torch.cat([each.reshape(-1) for each in gradients]).norm()
    found = []

    class Looking(Trainer):
        def _stepped(self, batch: Any, steps: int) -> Any:
            sums = super()._stepped(batch, steps)
            found.append([(each.grad, sums) for each in self._weights if each.grad is not None])
            return sums

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "Trainer", Looking)
        _, [epoch] = trained(tmp_path, how=how, fitted=fitted)
    [step] = found
    for (gradient, sums), expected in zip(step, gradients, strict=True):
        shortened = expected * torch.clamp(training.LONGEST / length, max=1)
        assert gradient is not None
        assert torch.allclose(gradient, shortened, rtol=1e-5, atol=1e-5)
        assert sums == pytest.approx([error, movement], rel=1e-5)
    root = np.sqrt(np.array([error, movement]) / len(fitted.pictures))
    assert (epoch.error, epoch.movement) == pytest.approx(tuple(root), rel=1e-5)


class Deep(nn.Module):
    """With batch normalisation and dropout, and a view that takes for granted how maps lie."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.trunk, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.drop, self.head = nn.Dropout(0.5), nn.Linear(4, 1)
        with torch.no_grad():
            for each in self.parameters():
                each.copy_(torch.rand(each.shape, generator=generator) - 0.5)
            self.norm.running_mean = torch.full((4,), 0.1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.drop(self.norm(self.trunk(x)).relu())
        score: Tensor = self.head(y.view(len(y), 4, -1).std(2))
        return 50 + score


def test_nothing_of_the_callers_changes_nor_statistics(tmp_path: Path) -> None:
    net = Deep().train()
    net.drop.eval()
    net.trunk.weight.requires_grad_(False)
    net.head.weight.grad = torch.ones(1, 4)
    before, state = content(net.state_dict()), torch.random.get_rng_state()
    torch.set_num_threads(3)
    weights, _ = trained(tmp_path / "a", net)
    assert torch.get_num_threads() == 3
    torch.set_num_threads(1)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert content(net.state_dict()) == before
    assert (net.training, net.norm.training, net.drop.training) == (True, True, False)
    flags = {name: each.requires_grad for name, each in net.named_parameters()}
    assert [name for name, flag in flags.items() if not flag] == ["trunk.weight"]
    assert torch.equal(net.head.weight.grad, torch.ones(1, 4))
    assert all(each.grad is None for each in net.parameters() if each is not net.head.weight)
    own = net.state_dict()
    same = {name for name, each in weights.items() if torch.equal(each, own[name])}
    assert same == {"norm.running_mean", "norm.running_var", "norm.num_batches_tracked"}
    again, _ = trained(tmp_path / "b", copy.deepcopy(net).eval())
    assert content(again) == content(weights)


class Noting(nn.Module):
    """Notes down what its layer gives, and looks for it there, as networks with hooks do."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.seen = Net(), list[Tensor]()
        self.net.head.register_forward_hook(self._note)

    def _note(self, _module: nn.Module, _given: object, output: Tensor) -> None:
        self.seen.append(output)

    def forward(self, x: Tensor) -> Tensor:
        self.net(x)
        output = self.seen[-1]
        self.seen.clear()
        return 100 * torch.sigmoid(output)


def script() -> nn.Module:
    layers = nn.Conv2d(3, 2, 3), nn.AvgPool2d(46), nn.Flatten(), nn.Linear(2, 1)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        made: nn.Module = torch.jit.script(nn.Sequential(*layers))
    return made


@pytest.mark.parametrize("kind", [Noting, lambda: parametrized(Net()), script])
def test_what_a_network_notes_down_is_a_threads_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Callable[[], nn.Module]
) -> None:
    net, found = kind(), []
    for cores in (1, 4):
        monkeypatch.setattr(training, "cores", lambda cores=cores: cores)
        weights, _ = trained(tmp_path / str(cores), net, Training(epochs=4, batch=16, rate=0.1))
        found.append(content(weights))
    assert found[0] == found[1] != content(net.state_dict())


def parametrized(net: Net) -> Net:
    parametrizations.weight_norm(net.head)
    return net


@pytest.mark.parametrize(
    ("agreements", "epochs", "chosen"),
    [
        ([0.5, 0.9, 0.895, 0.7, 0.89, 0.6], 6, 5),
        ([0.9, 0.8, 0.8, 0.8, 0.95], 4, 1),
        ([0.5, 0.6, 0.7, 0.8, 0.9, 0.6], 6, 5),
        ([-1.0] * 6, 6, 6),
        ([0.9, 0.8, 0.8, 0.895, 0.8, 0.8], 6, 4),
    ],
)
def test_the_last_near_the_best_is_taken_and_patience_ends(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    agreements: list[float],
    epochs: int,
    chosen: int,
) -> None:
    means = []

    def agreement(trainer: Trainer, held: Rated) -> float:
        assert held is HELD
        means.append(content(trainer._mean.module.state_dict()))
        return agreements[len(means) - 1]

    monkeypatch.setattr(Trainer, "_agreement", agreement)
    weights, found = trained(tmp_path, how=Training(epochs=6, batch=16, rate=0.1))
    assert [each.srocc for each in found] == agreements[:epochs]
    assert len(set(means)) == epochs
    assert means.index(content(weights)) + 1 == chosen


class Rounded(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).detach()


class Mean(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).mean()


class Breaking(Net):
    def forward(self, x: Tensor) -> Tensor:
        y = self.head.weight.exp()
        y += 1
        return y.sum() * super().forward(x)


class Fragile(Net):
    """Its score is no number as soon as its bias moves far."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + (0.1 - (self.head.bias + 3.3).square()).sqrt()


class Unknown(Fragile):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + (x.sum((1, 2, 3)) * -1).log()


class Derived(Net):
    def __init__(self) -> None:
        super().__init__()
        self.twice = 2 * self.head.weight


class Whole(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((1, 2, 3))


@pytest.mark.parametrize(
    ("net", "sentence"),
    [
        (Rounded(), "no gradient"),
        (Mean(), "gives 2 pictures 1 scores"),
        (Breaking(), "cannot be trained: .*inplace"),
        (Unknown(-(10**6)), "are no numbers"),
        (Derived(), "cannot be trained: Only Tensors"),
        (Whole(), "no weights that can be trained"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_cannot_be_trained_is_one_sentence(net: nn.Module, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as raised:
        refuse_unless_trainable(net, np.stack(FITTED.pictures[:2]))
    assert "\n" not in str(raised.value)
    assert all(each.grad is None for each in net.parameters())


def test_a_training_that_runs_away_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="in training are no numbers"):
        trained(tmp_path, Fragile(), Training(epochs=3, batch=4, rate=20))
