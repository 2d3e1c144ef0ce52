"""ResNet trunks with the names that published checkpoints use for their tensors.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016; the bottleneck's
stride lies on its 3 x 3 convolution, as in the published ImageNet weights.
"""

from torch import Tensor, nn
from torch.nn import functional

BASIC_DEPTH = 34
"""ResNet-50 has as many blocks a stage, of the bottleneck kind."""


class _Shortcut(nn.Sequential):
    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))


class _Basic(nn.Module):
    """Two 3 x 3 convolutions around a shortcut."""

    expansion = 1

    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        changes = stride > 1 or inside != width
        self.downsample = _Shortcut(inside, width, stride) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        """Transform (n, c, h, w)."""
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class _Bottleneck(nn.Module):
    """A 3 x 3 convolution between two 1 x 1 ones, around a shortcut."""

    expansion = 4

    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        outside = width * self.expansion
        self.conv1 = nn.Conv2d(inside, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outside, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outside)
        changes = stride > 1 or inside != outside
        self.downsample = _Shortcut(inside, outside, stride) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        """Transform (n, c, h, w)."""
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """The convolutional trunk, giving its four stages' activations, at strides 4, 8, 16 and 32.

    The ImageNet classifier `fc` is there because checkpoints carry it; it is never used.

    Parameters
    ----------
    depth : {34, 50}
    """

    def __init__(self, depth: int) -> None:
        super().__init__()
        block: type[_Basic | _Bottleneck] = _Basic if depth == BASIC_DEPTH else _Bottleneck
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inside = 64
        for stage, repeats in enumerate((3, 4, 6, 3)):
            blocks = []
            for repeat in range(repeats):
                stride = 2 if stage and not repeat else 1
                blocks.append(block(inside, 64 * 2**stage, stride))
                inside = 64 * 2**stage * block.expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inside, 1000)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the stages' activations, finest first."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, 2, 1)
        stages = []
        for number in range(1, 5):
            x = self.get_submodule(f"layer{number}")(x)
            stages.append(x)
        return stages
