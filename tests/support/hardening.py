"""A small network that tests harden, named as ``python:tests.support.hardening:net``, and pictures.

Its features are the contrasts of neighbours from fine to coarse. Clean pictures' scores could hang
on any of them; its head reads the finest, which a few levels move most.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import iqaudit
from iqaudit._core.picture import Pixels

SPEC = "python:tests.support.hardening:net,range=0:100"
SIDE = 48
SCALES = (1, 2, 4, 8, 16)


def contrasts(x: Tensor) -> Tensor:
    """Return the mean distances of horizontal neighbours at each scale, (n, 5)."""
    grey = x.mean(dim=1, keepdim=True)
    maps = [functional.avg_pool2d(grey, scale) for scale in SCALES]
    rows = [(each[..., 1:] - each[..., :-1]).abs().mean(dim=(1, 2, 3)) for each in maps]
    return torch.stack(rows, dim=1)


class Net(nn.Module):
    """From pictures to 0-100, by the finest contrast alone."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(len(SCALES), 1)
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor([[97.0, 0, 0, 0, 0]]))
            self.head.bias.fill_(-3.3)

    def forward(self, x: Tensor) -> Tensor:
        return 100 * torch.sigmoid(self.head(contrasts(x)).squeeze(1))


net = Net().eval()


def rated(folder: Path, count: int = 20, seed: int = 0) -> Path:
    """Write `parts`, and return the CSV of their opinion scores, on 0-10."""
    folder.mkdir()
    rows = ["image,mos"]
    for number, (pixels, opinion) in enumerate(parts(count, seed)):
        iqaudit.write(folder / f"p{number:02}.png", pixels)
        rows.append(f"p{number:02}.png,{opinion:.3f}")
    file = folder / "scores.csv"
    file.write_text("\n".join(rows))
    return file


def parts(count: int, seed: int) -> Iterator[tuple[Pixels, float]]:
    """Yield checks with a fine grain, and made-up opinion scores, which say how strong both are."""
    draw = np.random.default_rng(seed)
    for number in range(count):
        strength = 0.25 + 0.75 * (number * 7 % count + draw.uniform()) / count
        coarse, grain = (2 * draw.integers(2, size=(2, side, side)) - 1 for side in (6, SIDE))
        checks = coarse[0].repeat(SIDE // 6, axis=0).repeat(SIDE // 6, axis=1)
        grey = 128 + strength * (40 * checks + 10 * grain[0])
        pixels = np.repeat(grey.round().astype(np.uint8)[..., None], 3, axis=2)
        yield pixels, 10 * strength - 1 + draw.uniform(-0.2, 0.2)
