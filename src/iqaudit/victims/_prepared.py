"""A torch module behind the preprocessing that options name, and before the mean of its bins."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from iqaudit.victims._preprocessing import (
    SUM_TOLERANCE,
    UNIT,
    Preprocessing,
    mean_of_bins,
    per_channel,
)

LUMA = ((0.299, 0.587, 0.114),)
"""Of red, green and blue: ITU-R BT.601, as JPEG and Pillow take it."""

YCBCR = (
    *LUMA,
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)
"""JFIF 1.02, in full range; the two differences lie about 128 levels."""

MIDDLE = 128 / 255


class Prepared(nn.Module):
    """A module as its options say it is to be asked: one of torch's, which searches can follow.

    Parameters
    ----------
    network : torch.nn.Module
        The module itself.
    preprocessing : Preprocessing
        Before it.
    bins : (first, last), optional
        The scores of the first and last of its outputs, a distribution; behind it.
    """

    training: bool

    def __init__(
        self, network: nn.Module, preprocessing: Preprocessing, bins: tuple[float, float] | None
    ) -> None:
        super().__init__()
        self.network = network
        self.preprocessing, self.bins = preprocessing, bins
        self._made: dict[Any, Tensor] = {}
        """The constants, by device and type: those of the network, which may move."""

    def forward(self, pictures: Tensor) -> Any:
        """Return the scores of pictures (n, 3, height, width) in [0, 1]."""
        answer = self.network(self.before(pictures))
        return answer if self.bins is None else self.mean(answer)

    def before(self, x: Tensor) -> Tensor:
        """Return pictures as the network takes them."""
        plan, constant = self.preprocessing, partial(self._constant, x)
        if plan.colour == "bgr":
            x = x.flip(1)
        elif plan.colour != "rgb":
            grey = plan.colour == "grey"
            weights = constant("colour", LUMA if grey else YCBCR)
            middle = None if grey else constant("middle", (0.0, MIDDLE, MIDDLE))
            x = functional.conv2d(x, weights[:, :, None, None], middle)
        height, width = plan.resized(*x.shape[2:])
        if (height, width) != tuple(x.shape[2:]):
            x = functional.interpolate(
                x, (height, width), mode="bilinear", align_corners=False, antialias=True
            )
        if plan.crop is not None:
            rows, columns = plan.cropped(height, width).slices
            x = x[:, :, rows, columns]
        if plan.ends != UNIT:
            black, white = plan.ends
            x = x * (white - black) + black
        if (moments := plan.normalisation) is not None:
            wide = partial(per_channel, channels=plan.channels)
            means = constant("means", wide(moments.means))
            deviations = constant("deviations", wide(moments.deviations))
            x = (x - means[:, None, None]) / deviations[:, None, None]
        return x

    def mean(self, answer: Tensor) -> Tensor:
        """Return the means of distributions over scores; NaN of what is none."""
        shares = answer.reshape(len(answer), -1)
        assert self.bins is not None  # noqa: S101 (it is asked for with bins alone)
        scores = self._constant(shares, "bins", tuple(np.linspace(*self.bins, shares.shape[1])))
        totals = shares.sum(1)
        fit = ((totals - 1).abs() <= SUM_TOLERANCE) & (shares.amin(1) >= -SUM_TOLERANCE)
        # No step that depends on the numbers, so that a search can follow it.
        return torch.where(fit, (shares * scores).sum(1) / totals, torch.nan)

    def refuse_no_distribution(self, answer: Tensor, name: str) -> None:
        """Raise a `VictimError` where the network's own answers are no distributions."""
        if self.bins is not None:
            values = answer.detach().double().cpu().numpy()
            mean_of_bins(values, len(values), self.bins, f'The answer of "{name}"')

    def _constant(self, like: Tensor, name: str, values: Any) -> Tensor:
        """Return a constant on a tensor's device, in its type; no buffer, as modules have many."""
        key = name, like.device, like.dtype, len(values)
        if key not in self._made:
            self._made[key] = torch.tensor(values, dtype=like.dtype, device=like.device)
        return self._made[key]


def _training(self: Prepared) -> bool:
    network = self._modules.get("network")
    return network is not None and network.training


# It has no mode but the network's, which a way of its own into eval mode may hang on.
Prepared.training = property(_training, lambda *_: None)  # type: ignore[assignment]


def prepare(
    network: nn.Module, preprocessing: Preprocessing, bins: tuple[float, float] | None
) -> nn.Module:
    """Return a module as its options say it is to be asked; itself where there is nothing to do."""
    if preprocessing == Preprocessing() and bins is None:
        return network
    return Prepared(network, preprocessing, bins)


def arrays(
    pictures: NDArray[np.uint8], preprocessing: Preprocessing, *, whole: bool
) -> NDArray[Any]:
    """Return pictures (n, height, width, 3) as others' code takes them, channels last.

    Float32 or, where it takes whole levels, those.
    """
    x = torch.from_numpy(np.array(pictures, order="C")).permute(0, 3, 1, 2).float() / 255
    way = replace(preprocessing, ends=UNIT) if whole else preprocessing
    with torch.no_grad():
        x = Prepared(nn.Identity(), way, None).before(x).permute(0, 2, 3, 1).contiguous()
    x = (x * 255).round().clamp(0, 255).to(torch.uint8) if whole else x
    return np.asarray(x.numpy())
