"""A module that is attacked, and the process, are afterwards as they were."""

import gc
import os
import random
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import iqaudit
from iqaudit._incremental.rescorer import Rescorer
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

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("ramp", None)

    def forward(self, x: Tensor) -> Tensor:
        if self.ramp is None:
            self.ramp = torch.linspace(0, 1, x.shape[-1])
            KEPT["ramp"] = self.ramp
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
    [dense] = iqaudit.attack(PICTURE, kind(), score_range=(-1, 1), queries=120, exact="dense")
    _nothing_kept.__wrapped__ if False else None
    KEPT.clear()
    _window.cache_clear()
    [result] = iqaudit.attack(PICTURE, net, score_range=(-1, 1), queries=120)
    np.testing.assert_allclose(result.scores, dense.scores, atol=1e-6)
    kept = [*KEPT.values(), _window(24, 28)]
    assert all(type(each) is Tensor and not each.is_inference() for each in kept)
    net.train()
    net(torch.rand(2, 3, 24, 28)).sum().backward()
    assert all(each.grad is not None for each in net.conv.parameters())
