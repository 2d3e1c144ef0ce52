"""A zoo of small networks, in the ways that people build quality models, with random weights.

None is a published model. Together they show what incremental scoring makes of a network that it
has never met: how patches are cut, borders padded, colours brought over, contrast normalised and
maps pooled.
"""
# mypy: disable-error-code="no-any-return"

import math
from collections.abc import Callable
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CROP = 224
"""Pixels: side of the crops of networks that score crops."""

PATCH = 32
"""Pixels: side of the patches of networks that score patches."""


def convolutions(*channels: int, stride: int = 2, kernel: int = 3) -> nn.Sequential:
    """Return convolutions with batch normalisation and ReLU, from channels to channels."""
    layers: list[nn.Module] = []
    for before, after in pairwise(channels):
        layers += [
            nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)


def luma(x: Tensor) -> Tensor:
    """Return the luminance of pictures, one channel."""
    return 0.299 * x[:, :1] + 0.587 * x[:, 1:2] + 0.114 * x[:, 2:]


class Unfold(nn.Module):
    """Patches by `Tensor.unfold`, a small network on each, the mean of their scores."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.head = convolutions(3, 16, 32, 64), nn.Linear(64, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        n = len(x)
        patches = x.unfold(2, PATCH, PATCH).unfold(3, PATCH, PATCH)
        patches = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, PATCH, PATCH)
        return self.head(self.trunk(patches).mean((2, 3))).reshape(n, -1).mean(1)


class Strided(nn.Module):
    """Overlapping patches by `as_strided`; grey, max and min of each map (as CORNIA's heirs do)."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Conv2d(1, 50, 7)
        self.head = nn.Sequential(nn.Linear(100, 200), nn.ReLU(), nn.Linear(200, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return a score."""
        grey = luma(x).contiguous()
        n, _, height, width = grey.shape
        rows, columns = (height - PATCH) // PATCH + 1, (width - PATCH) // PATCH + 1
        patches = grey.as_strided(
            (n, rows, columns, PATCH, PATCH),
            (height * width, PATCH * width, PATCH, width, 1),
        ).reshape(-1, 1, PATCH, PATCH)
        maps = self.filters(patches)
        features = torch.cat([maps.amax((2, 3)), maps.amin((2, 3))], 1)
        return self.head(features).reshape(n, -1).mean(1)


class Loop(nn.Module):
    """Crops cut in a Python loop and stacked; the median of their scores."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.head = convolutions(3, 24, 48, 96), nn.Linear(96, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        side, (height, width) = 128, x.shape[2:]
        crops = [
            x[:, :, top : top + side, left : left + side]
            for top in range(0, height - side + 1, side // 2)
            for left in range(0, width - side + 1, side // 2)
        ]
        scores = self.head(self.trunk(torch.cat(crops)).mean((2, 3)))
        return scores.reshape(len(crops), -1).median(0).values


class MultiCrop(nn.Module):
    """Five crops (corners and middle) and their mirrors, the mean of their scores."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.head = convolutions(3, 16, 32, 64, 128), nn.Linear(128, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        bottom, right = x.shape[2] - CROP, x.shape[3] - CROP
        corners = [(0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)]
        crops = torch.stack([x[:, :, t : t + CROP, c : c + CROP] for t, c in corners], 1)
        crops = torch.cat([crops, crops.flip(-1)], 1).flatten(0, 1)
        return self.head(self.trunk(crops).mean((2, 3))).reshape(len(x), -1).mean(1)


class LocalNorm(nn.Module):
    """Grey, local mean and contrast normalised with a replicated border, convolutions (as MSCN)."""

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        line = torch.exp(-((torch.arange(7) - 3.0) ** 2) / (2 * (7 / 6) ** 2))
        window = line[:, None] * line
        self.register_buffer("window", (window / window.sum())[None, None])
        self.trunk, self.head = convolutions(1, 32, 64, 64), nn.Linear(128, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        grey = 255 * luma(x)
        mean = F.conv2d(F.pad(grey, (3, 3, 3, 3), mode="replicate"), self.window)
        square = F.conv2d(F.pad(grey * grey, (3, 3, 3, 3), mode="replicate"), self.window)
        contrast = (square - mean * mean).abs().sqrt()
        maps = self.trunk((grey - mean) / (contrast + 1))
        return self.head(torch.cat([maps.mean((2, 3)), maps.std((2, 3))], 1)).reshape(-1)


class Reflecting(nn.Module):
    """YCbCr, convolutions with reflected borders, minimum pooling (the worst place decides)."""

    def __init__(self) -> None:
        super().__init__()
        ycbcr = [[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]]
        self.register_buffer("ycbcr", torch.tensor(ycbcr))
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, 3, s, 1, padding_mode="reflect")
            for a, b, s in ((3, 24, 1), (24, 24, 2), (24, 48, 2), (48, 48, 2))
        )
        self.head = nn.Conv2d(48, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        x = torch.einsum("oc,nchw->nohw", self.ycbcr, x)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
        return self.head(x).flatten(1).amin(1)


class Percentiles(nn.Module):
    """A map of local scores, of which percentiles are averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.head = convolutions(3, 32, 32, 64, 64), nn.Conv2d(64, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        local = self.head(self.trunk(x)).flatten(1)
        return torch.quantile(local, torch.tensor([0.1, 0.5, 0.9]), dim=1).mean(0)


class Pyramid(nn.Module):
    """Convolutions, divisive normalisation, spatial pyramid max pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in ((3, 24), (24, 32), (32, 48), (48, 64))
        )
        self.gammas = nn.ParameterList(
            nn.Parameter(0.1 * torch.rand(b, b, 1, 1) / b) for b in (24, 32, 48, 64)
        )
        self.head = nn.Linear(64 * 21, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        for layer, gamma in zip(self.layers, self.gammas, strict=True):
            x = layer(x)
            x = x / torch.sqrt(1 + F.conv2d(x * x, gamma))
            x = F.max_pool2d(x, 2)
        levels = [F.adaptive_max_pool2d(x, side).flatten(1) for side in (1, 2, 4)]
        return self.head(torch.cat(levels, 1)).reshape(-1)


class Squeeze(nn.Module):
    """Inverted residuals with squeeze-and-excitation, swish (as MobileNets and EfficientNets)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 2, 1)
        self.blocks = nn.ModuleList(
            _Inverted(a, b, s) for a, b, s in ((16, 24, 2), (24, 24, 1), (24, 40, 2), (40, 40, 1))
        )
        self.head = nn.Linear(40, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        x = F.hardswish(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1)).reshape(-1)


class _Inverted(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        wide = 4 * before
        self.expand, self.shrink = nn.Conv2d(before, wide, 1), nn.Conv2d(wide, after, 1)
        self.depthwise = nn.Conv2d(wide, wide, 3, stride, 1, groups=wide)
        self.down, self.up = nn.Conv2d(wide, wide // 4, 1), nn.Conv2d(wide // 4, wide, 1)
        self.same = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        y = F.hardswish(self.depthwise(F.hardswish(self.expand(x))))
        gate = torch.sigmoid(self.up(F.relu(self.down(y.mean((2, 3), keepdim=True)))))
        y = self.shrink(y * gate)
        return x + y if self.same else y


class Interpolated(nn.Module):
    """Three sizes of the picture by bilinear interpolation, one trunk, features side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.head = convolutions(3, 24, 48, 64), nn.Linear(3 * 64, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        sizes = [x] + [
            F.interpolate(x, scale_factor=1 / f, mode="bilinear", align_corners=False)
            for f in (2, 4)
        ]
        return self.head(torch.cat([self.trunk(s).mean((2, 3)) for s in sizes], 1)).reshape(-1)


class Laplacian(nn.Module):
    """A Laplacian pyramid by average pooling and nearest upsampling, a branch a level."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = nn.ModuleList(convolutions(3, 16, 32) for _ in range(3))
        self.head = nn.Linear(3 * 32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        features = []
        for branch in self.branches:
            smaller = F.avg_pool2d(x, 2)
            detail = x - F.interpolate(smaller, scale_factor=2, mode="nearest")
            features.append(branch(detail).abs().mean((2, 3)))
            x = smaller
        return self.head(torch.cat(features, 1)).reshape(-1)


class Bilinear(nn.Module):
    """Two branches, one of them frozen in spirit, joined by bilinear pooling (as DB-CNN)."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = convolutions(3, 24, 48, 64), convolutions(3, 16, 32, 32, kernel=5)
        self.head = nn.Linear(64 * 32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        a, b = self.one(x), self.two(x)
        product = torch.bmm(a.flatten(2), b.flatten(2).transpose(1, 2)) / (a.shape[2] * a.shape[3])
        flat = torch.sign(product) * torch.sqrt(product.abs() + 1e-8)
        return self.head(F.normalize(flat.flatten(1))).reshape(-1)


class _Residual(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.two = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(after) for _ in range(2))
        self.skip = nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norms[0](self.one(x)))
        return F.relu(self.norms[1](self.two(y)) + self.skip(x))


class Hybrid(nn.Module):
    """A residual network with a small transformer on its last map (as TReS and MUSIQ's kin)."""

    def __init__(self) -> None:
        super().__init__()
        stages = ((3, 32, 2), (32, 48, 2), (48, 64, 2), (64, 96, 2))
        self.trunk = nn.Sequential(*(_Residual(*stage) for stage in stages))
        layer = nn.TransformerEncoderLayer(96, 4, 192, dropout=0.0, batch_first=True)
        self.transformer = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(96, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        maps = F.adaptive_avg_pool2d(self.trunk(x), 14)
        return self.head(self.transformer(maps.flatten(2).transpose(1, 2)).mean(1)).reshape(-1)


class Transformer(nn.Module):
    """A vision transformer on the picture brought to 224 x 224 (as CLIP's)."""

    def __init__(self) -> None:
        super().__init__()
        width, self.side = 192, CROP
        self.embed = nn.Conv2d(3, width, 16, 16, bias=False)
        self.token = nn.Parameter(torch.randn(1, 1, width) / 10)
        self.place = nn.Parameter(torch.randn(1, 197, width) / 10)
        layer = nn.TransformerEncoderLayer(
            width, 3, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, 6, enable_nested_tensor=False)
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        size = (self.side, self.side)
        x = F.interpolate(x, size, mode="bicubic", align_corners=False, antialias=True)
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), tokens], 1) + self.place
        return self.head(self.transformer(tokens)[:, 0]).reshape(-1)


class Distribution(nn.Module):
    """A distribution over ten grades, of which the mean is the score (as NIMA)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            convolutions(3, 16),
            *(
                nn.Sequential(
                    nn.Conv2d(a, a, 3, s, 1, groups=a), nn.ReLU6(), nn.Conv2d(a, b, 1), nn.ReLU6()
                )
                for a, b, s in ((16, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), (128, 128, 1))
            ),
        )
        self.head = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        grades = F.softmax(self.head(F.adaptive_avg_pool2d(self.trunk(x), 1).flatten(1)), 1)
        return (grades * torch.arange(1, 11)).sum(1)


class SelfNormed(nn.Module):
    """Group and instance normalisation, whose statistics are of the whole picture."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, 3, 2, 1) for a, b in ((3, 24), (24, 48), (48, 64))
        )
        self.norms = nn.ModuleList(
            [nn.InstanceNorm2d(24), nn.GroupNorm(4, 48), nn.GroupNorm(4, 64)]
        )
        self.head = nn.Linear(64, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = F.gelu(norm(layer(x)))
        return self.head(x.mean((2, 3))).reshape(-1)


class ChannelsLast(nn.Module):
    """Depthwise convolutions, and layers over channels that lie behind meanwhile (as ConvNeXt)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 4, 4)
        self.downs = nn.ModuleList([nn.Identity(), nn.Conv2d(32, 64, 2, 2)])
        self.depthwise = nn.ModuleList(nn.Conv2d(c, c, 7, 1, 3, groups=c) for c in (32, 64))
        self.mixing = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(c), nn.Linear(c, 4 * c), nn.GELU(), nn.Linear(4 * c, c))
            for c in (32, 64)
        )
        self.head = nn.Linear(64, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score a picture."""
        x = self.stem(x)
        for down, depthwise, mixing in zip(self.downs, self.depthwise, self.mixing, strict=True):
            x = down(x)
            x = x + 0.5 * mixing(depthwise(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.head(x.mean((2, 3))).reshape(-1)


ZOO: MappingProxyType[str, Callable[[], nn.Module]] = MappingProxyType(
    {
        "unfold": Unfold,
        "strided": Strided,
        "loop": Loop,
        "crops": MultiCrop,
        "local-norm": LocalNorm,
        "reflecting": Reflecting,
        "percentiles": Percentiles,
        "pyramid": Pyramid,
        "squeeze": Squeeze,
        "interpolated": Interpolated,
        "laplacian": Laplacian,
        "bilinear": Bilinear,
        "hybrid": Hybrid,
        "transformer": Transformer,
        "distribution": Distribution,
        "self-normed": SelfNormed,
        "channels-last": ChannelsLast,
    }
)
"""By name."""


def made(name: str) -> nn.Module:
    """Return one of the zoo, in eval mode, with weights that keep its maps of ordinary size."""
    torch.manual_seed(len(name))
    module = ZOO[name]().eval()
    for each in module.modules():
        if isinstance(each, nn.Conv2d):
            nn.init.kaiming_normal_(each.weight)
        if isinstance(each, nn.Linear):
            nn.init.normal_(each.weight, std=1 / math.sqrt(each.in_features))
    return module
