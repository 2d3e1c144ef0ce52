"""The attack on a torch module of your own."""

import torch
from skimage import data
from torch import Tensor, nn

import iqaudit


class Sharpness(nn.Module):
    """A toy scorer, 0 to 100: the mean gradient of the luminance. Yours stands here."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Score pictures (n, 3, height, width) in [0, 1]."""
        luminance = pictures.mean(1)
        down, across = luminance.diff(dim=1).abs(), luminance.diff(dim=2).abs()
        return 100 * torch.tanh(10 * (down.mean((1, 2)) + across.mean((1, 2))))


results = iqaudit.attack(
    [data.astronaut(), data.chelsea()],
    Sharpness(),
    score_range=(0, 100),
    attack="guided",
    queries=300,
)
for result in results:
    print(f"{result.clean_score:.2f} -> {result.adversarial_score:.2f} ({result.direction.value})")
