"""TReS: four stages of a ResNet-50, pooled and related to each other by a transformer.

Golestaneh, Dadsetan, Kitani, "No-Reference Image Quality Assessment via Transformers, Relative
Ranking, and Self-Consistency", WACV 2022. Its second pass over the mirrored picture only feeds a
training loss and is left out.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from iqaudit._core.patches import Window
from iqaudit.victims._models.paper import Normalise, PaperVictim
from iqaudit.victims._models.resnet import ResNet

CROP = 224
"""Pixels: the side of the central square that is seen, as in the paper's experiments."""

GRID = 7
"""Cells a side of the four pooled stages, which lie side by side in the channels."""

STAGES = (256, 512, 1024, 2048)
WIDTH = sum(STAGES)
HEADS, HIDDEN, LAYERS = 16, 64, 2


class _L2Pooling(nn.Module):
    """The root of the locally averaged square (Hénaff and Simoncelli, 2016), stride 1."""

    filter: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        hann = torch.tensor([0.5, 1.0, 0.5])
        window = torch.outer(hann, hann)
        window = (window / window.sum())[None, None].repeat(channels, 1, 1, 1)
        self.register_buffer("filter", window)

    def forward(self, x: Tensor) -> Tensor:
        """Pool (n, c, h, w) to the same size."""
        mean = functional.conv2d(x**2, self.filter, padding=1, groups=x.shape[1])
        return torch.sqrt(mean + 1e-12)


class _Layer(nn.Module):
    """A transformer's encoder layer, normalised first; positions go to queries and keys."""

    def __init__(self) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(WIDTH, HEADS)
        self.linear1, self.linear2 = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """Transform (cells, n, width)."""
        y = self.norm1(x)
        asks = y + positions
        x = x + self.self_attn(asks, asks, y, need_weights=False)[0]
        y = self.linear2(functional.relu(self.linear1(self.norm2(x))))
        z: Tensor = x + y
        return z


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([_Layer() for _ in range(LAYERS)])
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x, positions)
        y: Tensor = self.norm(x)
        return y


class TReSNet(nn.Module):
    """(n, 3, h, w) in [0, 1], each side at least 224, to n scores; the authors' tensor names."""

    positions: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.normalise = Normalise()
        for number, channels in enumerate(STAGES, start=1):
            self.add_module(f"L2pooling_l{number}", _L2Pooling(channels))
        self.model = ResNet(50)
        self.transformer = nn.ModuleDict({"encoder": _Encoder()})
        self.fc2 = nn.Linear(WIDTH, STAGES[-1])
        self.fc = nn.Linear(2 * STAGES[-1], 1)
        self.register_buffer("positions", _sine_positions(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Score each picture's central square."""
        rows, columns = centre(x.shape[2], x.shape[3]).slices
        stages = self.model(self.normalise(x[:, :, rows, columns]))
        pooled = []
        for number, stage in enumerate(stages, start=1):
            smooth = self.get_submodule(f"L2pooling_l{number}")(functional.normalize(stage))
            pooled.append(functional.avg_pool2d(smooth, 16 >> number))
        cells = torch.cat(pooled, dim=1).flatten(2).permute(2, 0, 1)
        related = self.transformer["encoder"](cells, self.positions).mean(dim=0)
        content = functional.avg_pool2d(stages[-1], GRID).flatten(1)
        scores: Tensor = self.fc(torch.cat((self.fc2(related), content), dim=1))
        return scores[:, 0]


def centre(height: int, width: int) -> Window:
    """Return the central square of a picture.

    Parameters
    ----------
    height, width : int
        The picture's, in pixels; each at least 224.
    """
    return Window((height - CROP) // 2, (width - CROP) // 2, CROP, CROP)


def _sine_positions() -> Tensor:
    """Return (cells, 1, width) sine and cosine codes of the rows, then of the columns.

    Carion et al., "End-to-End Object Detection with Transformers", ECCV 2020, appendix.
    """
    half = WIDTH // 2
    wavelengths = 10000 ** (2 * (torch.arange(half) // 2) / half)
    places = torch.arange(1, GRID + 1) / (GRID + 1e-6) * 2 * math.pi
    angles = places[:, None] / wavelengths
    codes = torch.stack((angles[:, 0::2].sin(), angles[:, 1::2].cos()), dim=2).flatten(1)
    rows = codes[:, None].expand(GRID, GRID, half)
    columns = codes[None].expand(GRID, GRID, half)
    return torch.cat((rows, columns), dim=2).reshape(GRID * GRID, 1, WIDTH)


class TReS(PaperVictim):
    """TReS with its authors' checkpoint; it sees the central 224 x 224 pixels.

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

    model = "tres"
    net = TReSNet
    smallest_side = CROP
    window = staticmethod(centre)
