"""A network in the manner of NIMA: the model of docs/guides/bring-your-model.md.

`python nima.py` trains it for about a minute on degraded photographs, and writes its weights; yours
are there already. Its answer is a distribution over the votes 1 to 10, its input is normalised
as ImageNet's networks are, and that is said by options: nothing here knows of iqaudit.
"""

import io
from itertools import pairwise

import numpy as np
import torch
from PIL import Image
from skimage import data
from torch import Tensor, nn

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Nima(nn.Module):
    """From normalised pictures (n, 3, height, width) to shares of the votes 1 to 10, (n, 10)."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 12, 24, 48)
        layers = [
            nn.Sequential(
                nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()
            )
            for before, after in pairwise(widths)
        ]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(widths[-1], 10), nn.Softmax(dim=1))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the shares."""
        shares: Tensor = self.classifier(self.features(pictures).mean((2, 3)))
        return shares


network = Nima()


def degraded(picture: Image.Image, draw: np.random.Generator) -> tuple[Image.Image, float]:
    """Return a copy that is blurred, compressed or noisy, and the vote that it deserves."""
    strength = draw.random()
    kind = draw.integers(3)
    if kind == 0:
        side = round(SIDE * (1 - 0.85 * strength))
        copy = picture.resize((side, side)).resize(picture.size)
    elif kind == 1:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=round(90 - 85 * strength))
        copy = Image.open(buffer).convert("RGB")
    else:
        noise = draw.normal(0, 45 * strength, (SIDE, SIDE, 3))
        copy = Image.fromarray((np.asarray(picture) + noise).clip(0, 255).astype(np.uint8))
    return copy, 8.5 - 7 * strength


SIDE, STEPS, BATCH = 64, 1500, 16


def train() -> None:
    """Train the network, and save its weights."""
    torch.manual_seed(0)
    draw = np.random.default_rng(0)
    names = ("astronaut", "chelsea", "coffee", "rocket")
    photographs = [getattr(data, name)() for name in names]
    mean, std = (torch.tensor(each).reshape(3, 1, 1) for each in (MEAN, STD))
    votes = torch.arange(1.0, 11)
    optimiser = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, STEPS)
    for step in range(STEPS):
        inputs, targets = [], []
        for _ in range(BATCH):
            whole = photographs[draw.integers(len(photographs))]
            top, left = (int(draw.integers(side - SIDE)) for side in whole.shape[:2])
            copy, vote = degraded(
                Image.fromarray(whole[top : top + SIDE, left : left + SIDE]), draw
            )
            inputs.append((torch.from_numpy(np.array(copy)).permute(2, 0, 1) / 255 - mean) / std)
            targets.append(torch.softmax(-((votes - vote) ** 2) / 2, 0))
        shares = network(torch.stack(inputs))
        # NIMA's loss: the distance of the cumulative distributions.
        loss = ((shares.cumsum(1) - torch.stack(targets).cumsum(1)) ** 2).mean().sqrt()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step}: loss {loss:.3f}")
    torch.save(network.state_dict(), "nima.pth")
    print("nima.pth is written")


if __name__ == "__main__":
    train()
