"""The common base of the paper's four victims: checkpoint, scale and input."""

from os import PathLike
from typing import Any, ClassVar, Unpack

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from iqaudit._core.errors import InputError
from iqaudit._core.patches import whole
from iqaudit._core.scale import Scale
from iqaudit._core.wording import worded
from iqaudit.victims._models.checkpoint import load_checkpoint
from iqaudit.victims._options import EXACT, Declared
from iqaudit.victims._torch import TorchModule, as_loaded, torch_device

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

UNTRAINED_SEED = 0


class Normalise(nn.Module):
    """Shift and scale (n, 3, h, w) in [0, 1] by the training data's mean and deviation."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        mean: tuple[float, float, float] = IMAGENET_MEAN,
        std: tuple[float, float, float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        return (x - self.mean) / self.std


def bilinear(left: Tensor, right: Tensor) -> Tensor:
    """Pool two maps of ReLUs, (n, c, h, w) and (n, d, h, w), to unit vectors, (n, c * d)."""
    left, right = left.flatten(2), right.flatten(2)
    pooled = left @ right.transpose(1, 2) / left.shape[2]
    # Neither side is negative: no sign is needed before the root.
    return functional.normalize(torch.sqrt(pooled.flatten(1) + 1e-8))


class PaperVictim(TorchModule):
    """One of the four models that the paper attacks, with its authors' checkpoint.

    Parameters
    ----------
    checkpoint : path, optional
        The authors' state dict, or what a trainer saved it in; loaded strictly, and with
        weights_only=True: a file that holds code is refused.
    untrained : bool
        Seeded random weights in its place, for benchmarks; results say so.
    dataset : {"live", "csiq", "tid2013"}, optional
        Training set of the checkpoint: fixes the paper's score scale.
    device : str
        Where it computes.
    exact : {"incremental", "dense"}
        See `TorchModule`.
    **declared
        A scale in place of the paper's, `score_range` and `lower_is_better` or `scale`, as
        `Scale.declared` reads it.

    Raises
    ------
    InputError
        If there is neither a checkpoint nor `untrained`, the file does not fit, or no scale is
        declared.
    """

    model: ClassVar[str]
    """Its name in the paper's constants and in results."""
    net: ClassVar[type[nn.Module]]
    """From (n, 3, h, w) in [0, 1] to n scores."""
    smallest_side: ClassVar[int]
    published: ClassVar[str] = ""
    """The submodule whose state dict the authors publish; the whole network's where empty."""

    def __init__(
        self,
        *,
        checkpoint: str | PathLike[str] | None = None,
        untrained: bool = False,
        dataset: str | None = None,
        device: str = "cpu",
        exact: str = EXACT[0],
        **declared: Unpack[Declared],
    ) -> None:
        if (checkpoint is None) is not untrained:
            raise InputError(
                f"{self.model} needs its authors' checkpoint file, "
                f"{worded('checkpoint=FILE', '--checkpoint FILE')}; or, for benchmarks only, "
                f"random weights, {worded('untrained=True')}."
            )
        where = torch_device(device)
        says = any(each is not None and each is not False for each in declared.values())
        if dataset is not None and says:
            raise InputError(
                "Say the data set, whose scale the paper fitted, or a scale; not both."
            )
        net = _seeded(self.net)
        note = "untrained: random weights, its scores mean nothing"
        if checkpoint is not None:
            note = load_checkpoint(net.get_submodule(self.published), checkpoint)
        self.finish(net)
        net = net.eval().to(where)
        if dataset is not None:
            scale = Scale.paper(self.model, dataset)
        elif untrained and not says:
            scale = _probed_scale(net, max(self.smallest_side, 224))
        else:
            whose = f"{self.model}, where no data set is said (dataset),"
            scale = Scale.declared(whose, **declared)
        super().__init__(
            net,
            scale,
            name=self.model,
            smallest_side=self.smallest_side,
            note=note,
            window=self.window,
            exact=exact,
        )

    window = staticmethod(whole)
    """The part of a picture that the model looks at."""

    @property
    def weights(self) -> nn.Module:
        """The part of the module whose state dict a checkpoint holds."""
        return self.module.get_submodule(self.published)

    @staticmethod
    def finish(net: Any, /) -> None:
        """Compute the parts that depend on the weights alone, once those are in place."""


def _seeded(kind: type[nn.Module]) -> nn.Module:
    """Make a network with seeded random weights that keep activations' size (He et al. 2015)."""
    with as_loaded():
        torch.manual_seed(UNTRAINED_SEED)
        net = kind()
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.xavier_normal_(module.weight)
                nn.init.zeros_(module.bias)
    return net


def _probed_scale(net: nn.Module, side: int) -> Scale:
    """Return a scale for scores that mean nothing, from those of four photographs."""
    from skimage import data

    device = next(net.parameters()).device
    scores = []
    with torch.inference_mode():
        for photograph in (data.astronaut(), data.coffee(), data.chelsea(), data.rocket()):
            x = torch.from_numpy(photograph[:side, :side].copy()).permute(2, 0, 1)[None]
            scores.append(float(net(x.to(device).float() / 255)))
    center, spread = float(np.mean(scores)), float(np.std(scores))
    # Photographs alike to a random network would leave no room: at least a hundredth of C.
    spread = max(spread, abs(center) / 100)
    return Scale(center, spread, source="an untrained network's scores of four photographs")
