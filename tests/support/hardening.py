"""Small networks that tests harden, named as ``python:tests.support.hardening:net``, and photos."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from skimage import data
from torch import Tensor, nn

import iqaudit
from iqaudit._core import distortions
from iqaudit._core.picture import Pixels

SPEC = "python:tests.support.hardening:net,range=0:100"
SIDE = 48


class Net(nn.Module):
    """A random trunk, whose mean and deviation of channels a linear head reads; 0-100."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.trunk = nn.Sequential(
                nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2), nn.ReLU()
            )
            self.head = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.trunk(x).flatten(2)
        features = torch.cat([maps.mean(dim=2), maps.std(dim=2)], dim=1)
        return 100 * torch.sigmoid(self.head(features).squeeze(1))


def fitted(net: Net) -> Net:
    """Return a network with a head fitted to some of the photos, as a product's is."""
    opinions, features = [], []
    net.head.register_forward_hook(lambda _, taken, __: features.append(taken[0][0].double()))
    with torch.no_grad():
        for pixels, opinion in parts(60, 9):
            net(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()).float() / 255)
            opinions.append(opinion)
        net.head._forward_hooks.clear()
        x, wanted = torch.stack(features), torch.logit(torch.tensor(opinions).double() / 10)
        ones = torch.cat([x, torch.ones(len(x), 1)], dim=1)
        normal = ones.T @ ones + 1e-6 * torch.eye(33, dtype=torch.float64)
        solved = torch.linalg.solve(normal, ones.T @ wanted)
        net.head.weight.copy_(solved[None, :-1])
        net.head.bias.copy_(solved[-1:])
    return net.eval()


def rated(folder: Path, count: int = 20, seed: int = 0) -> Path:
    """Write `parts`, and return the CSV of their opinion scores."""
    folder.mkdir()
    rows = ["image,mos"]
    for number, (pixels, opinion) in enumerate(parts(count, seed)):
        iqaudit.write(folder / f"p{number:02}.png", pixels)
        rows.append(f"p{number:02}.png,{opinion:.3f}")
    file = folder / "scores.csv"
    file.write_text("\n".join(rows))
    return file


def parts(count: int, seed: int) -> Iterator[tuple[Pixels, float]]:
    """Yield parts of photographs, sharp and degraded, with made-up opinion scores on 0-10.

    A part's score is less by what was done to it.
    """
    draw = np.random.default_rng(seed)
    photographs = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    for number in range(count):
        photograph = photographs[number % 4]
        top, left = (int(draw.integers(side - SIDE)) for side in photograph.shape[:2])
        pixels = photograph[top : top + SIDE, left : left + SIDE]
        grade = number // 4 % 4
        worse = distortions.noise(pixels, 12 * grade) if grade else pixels
        yield np.ascontiguousarray(worse), 9 - 2.4 * grade + draw.uniform(-0.5, 0.5)


net = fitted(Net())
