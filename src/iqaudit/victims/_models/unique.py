"""UNIQUE: a ResNet-34 whose last stage is pooled with itself, with a mean and a variance head.

Zhang, Ma, Zhai, Yang, "Uncertainty-Aware Blind Image Quality Assessment in the Laboratory and
Wild", IEEE TIP 2021.
"""

from torch import Tensor, nn

from iqaudit.victims._models.paper import Normalise, PaperVictim, bilinear
from iqaudit.victims._models.resnet import ResNet


class UNIQUENet(nn.Module):
    """(n, 3, h, w) in [0, 1], each side at least 32, to n scores; the authors' tensor names."""

    def __init__(self) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.backbone = ResNet(34)
        self.fc = nn.Linear(512 * 512, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Score each picture: the mean head; the variance head is not asked."""
        features = self.backbone(self.normalise(x))[-1]
        scores: Tensor = self.fc(bilinear(features, features))
        return scores[:, 0]


class UNIQUE(PaperVictim):
    """UNIQUE with its authors' checkpoint; it sees the whole picture.

    Parameters
    ----------
    checkpoint : path, optional
        The authors' state dict; loaded strictly, and a file that holds code is refused.
    untrained : bool
        Whether seeded random weights take its place, for benchmarks; results say so.
    dataset : {"live", "csiq", "tid2013"}, optional
        The checkpoint's training set, which fixes the paper's score scale.
    device : str
        Where it computes, as ``"cpu"`` or ``"cuda:0"``.
    exact : {"incremental", "dense"}
        The way in which a search scores; see `TorchModule`.
    **declared
        A scale in place of the paper's, `score_range` and `lower_is_better` or `scale`, as
        `Scale.declared` reads it.

    Raises
    ------
    InputError
        If there is neither a checkpoint nor `untrained`, the file does not fit, torch has no such
        device, or no scale is declared.
    """

    model = "unique"
    net = UNIQUENet
    smallest_side = 32
