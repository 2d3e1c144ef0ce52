"""A whole network is steadied by training: the same bytes on any cores, and where it was stopped."""

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.hardening import Net, contrasts, parts
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from iqaudit import InputError, Scale
from iqaudit._core.picture import Pixels
from iqaudit._harden import training
from iqaudit._harden.records import EpochRecord
from iqaudit._harden.training import Rated, Trainer, Training, refuse_unless_trainable, train
from iqaudit._harden.weights import content
from iqaudit.measures import srocc

SCALE = Scale.from_range(0, 100)
HOW = Training(epochs=4, batch=8, rate=0.3)


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


class Inverse(Net):
    """Lower is better."""

    def forward(self, x: Tensor) -> Tensor:
        return 100 - super().forward(x)


@pytest.mark.parametrize("lower_is_better", [False, True])
def test_it_is_moved_less_and_agrees_still(tmp_path: Path, lower_is_better: bool) -> None:  # noqa: FBT001
    net = Inverse() if lower_is_better else Net()
    scale = Scale.from_range(0, 100, lower_is_better=lower_is_better)
    weights, epochs = trained(tmp_path, net, Training(epochs=30, batch=8, rate=2.0), scale=scale)
    after = loaded(net, weights)
    assert moved(after, scale=scale) < 0.6 * moved(net, scale=scale)
    assert agreement(after, scale=scale) > 0.95
    assert epochs[-1].movement < 0.6 * epochs[0].movement
