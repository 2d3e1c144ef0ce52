"""Two scorers under the same attack on the same pictures."""

from skimage import data
from torch import Tensor, nn

import iqaudit


class Contrast(nn.Module):
    """A toy scorer, 0 to 0.5: the standard deviation of the pixels. Yours stands here."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Score pictures (n, 3, height, width) in [0, 1]."""
        return pictures.std((1, 2, 3))


contrast = iqaudit.victims.TorchModule(
    Contrast(), iqaudit.Scale.from_range(0, 0.5), name="contrast"
)
iqaudit.audit(
    victims=["reference", contrast],
    data=[data.astronaut(), data.chelsea()],
    attacks=["bidirectional"],
    queries=300,
    out="compared",
    engine="serial",
)
for board in iqaudit.compare(["compared"]):
    for standing in board.standings:
        rgo = standing.row.values["rgo"]
        print(f"{standing.rank}. {standing.row.victim}: RGO {rgo.value:.3f}")
