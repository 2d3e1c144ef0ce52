"""EONSS, a published blind image-quality network, as a second real victim for tests.

Wang, Athar, Wang, "Blind Quality Assessment of Multiply Distorted Images Using Deep Neural
Networks", ICIAR 2019. Written from the description beside its weights.
"""

from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

import iqaudit

WEIGHTS = Path(__file__).parents[3] / "shared" / "weights" / "eonss.pt"
PATCH, STRIDE = 235, 128


class GDN(nn.Module):
    """Generalised divisive normalisation (Ballé et al., 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.eye(channels))
        self.beta = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.gamma.T[:, :, None, None]
        return x / torch.sqrt(functional.conv2d(x**2, weight, self.beta))


class EONSS(nn.Module):
    """(n, 3, h, w) in [0, 1], each side at least 235, to n scores: the mean over patches."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.gdn1 = nn.Conv2d(3, 8, 5, 2, 2), GDN(8)
        self.conv2, self.gdn2 = nn.Conv2d(8, 16, 5, 2, 2), GDN(16)
        self.conv3, self.gdn3 = nn.Conv2d(16, 32, 5, 2, 2), GDN(32)
        self.conv4, self.gdn4 = nn.Conv2d(32, 64, 3), GDN(64)
        self.st2_fc1, self.st2_gdn1 = nn.Conv2d(64, 256, 1), GDN(256)
        self.st2_fc2 = nn.Conv2d(256, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        patches = x.unfold(2, PATCH, STRIDE).unfold(3, PATCH, STRIDE)
        each = patches.shape[2] * patches.shape[3]
        y = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, PATCH, PATCH)
        for number in range(1, 5):
            y = self.get_submodule(f"gdn{number}")(self.get_submodule(f"conv{number}")(y))
            y = functional.max_pool2d(y, 2)
        scores: Tensor = self.st2_fc2(self.st2_gdn1(self.st2_fc1(y)))
        return scores.reshape(-1, each).mean(dim=1)


@cache
def load() -> iqaudit.victims.TorchModule:
    """Return the victim; its range is that of its scores on photographs and ruined copies."""
    net = EONSS()
    state = torch.load(WEIGHTS, map_location="cpu", weights_only=True)["state_dict"]
    net.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})
    scale = iqaudit.Scale.from_range(0, 30)
    return iqaudit.victims.TorchModule(net, scale, name="eonss", smallest_side=PATCH)


def __getattr__(name: str) -> Any:
    """Load the weights when ``python:tests.support.eonss:eonss`` asks for them."""
    if name != "eonss":
        raise AttributeError(name)
    return load()
