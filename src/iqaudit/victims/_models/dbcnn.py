"""DB-CNN: two trunks, one for content and one for distortion, pooled bilinearly.

Zhang, Ma, Yan, Deng, Wang, "Blind Image Quality Assessment Using a Deep Bilinear Convolutional
Neural Network", IEEE TCSVT 2020.
"""

from torch import Tensor, nn
from torch.nn import functional

from iqaudit.victims._models.paper import Normalise, PaperVictim, bilinear

VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Simonyan and Zisserman's configuration D: width and convolutions of each stage."""

SCNN = (*((48, 1), (48, 2), (64, 1), (64, 2), (64, 1), (64, 2)), *((128, 1), (128, 1), (128, 2)))
"""The distortion trunk: width and stride of its nine 3 x 3 convolutions."""


class DBCNNNet(nn.Module):
    """(n, 3, h, w) in [0, 1], each side at least 32, to n scores; the authors' tensor names."""

    def __init__(self) -> None:
        super().__init__()
        self.normalise = Normalise()
        layers: list[nn.Module] = []
        inside = 3
        for stage, (width, repeats) in enumerate(VGG16):
            if stage:  # the last pooling is left out
                layers.append(nn.MaxPool2d(2))
            for _ in range(repeats):
                layers += [nn.Conv2d(inside, width, 3, padding=1), nn.ReLU()]
                inside = width
        self.features1 = nn.Sequential(*layers)
        layers, inside = [], 3
        for width, stride in SCNN:
            layers += [nn.Conv2d(inside, width, 3, stride, 1), nn.BatchNorm2d(width), nn.ReLU()]
            inside = width
        self.features2 = nn.Sequential(*layers)
        self.fc = nn.Linear(512 * 128, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Score each picture."""
        x = self.normalise(x)
        content, distortion = self.features1(x), self.features2(x)
        if content.shape[2:] != distortion.shape[2:]:  # one rounds odd sizes down, the other up
            distortion = functional.interpolate(
                distortion, content.shape[2:], mode="bilinear", align_corners=True
            )
        scores: Tensor = self.fc(bilinear(content, distortion))
        return scores[:, 0]


class DBCNN(PaperVictim):
    """DB-CNN with its authors' checkpoint; it sees the whole picture.

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

    model = "dbcnn"
    net = DBCNNNet
    smallest_side = 32
