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


class _Block(nn.Module):
    """Convolutions in a row around a shortcut: two of 3 x 3, or one of them between two of 1 x 1.

    Parameters
    ----------
    inside, width, outside : int
        Channels of the input, of the convolutions but the last, and of that.
    kernels : tuple of int
        The convolutions' sides.
    stride : int
        That of the first 3 x 3 convolution.
    """

    def __init__(
        self, inside: int, width: int, outside: int, kernels: tuple[int, ...], stride: int
    ) -> None:
        super().__init__()
        self.last = len(kernels)
        widths = (inside, *[width] * (self.last - 1), outside)
        for number, kernel in enumerate(kernels, 1):
            step = stride if number == kernels.index(3) + 1 else 1
            sizes = (widths[number - 1], widths[number], kernel, step, kernel // 2)
            self.add_module(f"conv{number}", nn.Conv2d(*sizes, bias=False))
            self.add_module(f"bn{number}", nn.BatchNorm2d(widths[number]))
        changes = stride > 1 or inside != outside
        self.downsample = _Shortcut(inside, outside, stride) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        """Transform (n, c, h, w)."""
        y = x
        for number in range(1, self.last + 1):
            y = self.get_submodule(f"bn{number}")(self.get_submodule(f"conv{number}")(y))
            y = functional.relu(y) if number < self.last else y
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
        kernels, expansion = ((3, 3), 1) if depth == BASIC_DEPTH else ((1, 3, 1), 4)
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inside = 64
        for stage, repeats in enumerate((3, 4, 6, 3)):
            blocks = []
            for repeat in range(repeats):
                stride, width = 2 if stage and not repeat else 1, 64 * 2**stage
                blocks.append(_Block(inside, width, width * expansion, kernels, stride))
                inside = width * expansion
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
