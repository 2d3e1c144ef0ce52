"""What people do to pictures, and no noise: light, colour, detail and framing, within bounds.

Nine edits, each from -1 to 1 or 0 to 1, are applied to the clean picture in the order of a
photograph's development. Each is tried alone first, then together as they helped, then a random
search goes on from the best. It has a threat of its own: its pictures are no noise within an L∞
ball, and no ball holds them.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from iqaudit._core.errors import refuse_unless
from iqaudit._core.patches import Patched
from iqaudit._core.picture import Pixels
from iqaudit.attacks._base import Descent, Problem, beginning, own_proposal

Image: TypeAlias = NDArray[np.float32]
"""A picture, (height, width, 3), in 0-1 but for overshoots."""

WHITE = 255.0
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in a grey (ITU-R BT.601)."""


class Edit(NamedTuple):
    """An edit, its bounds, and how its size is said.

    Parameters
    ----------
    name : str
        What people call it.
    low : float
        -1 where it goes both ways, else 0.
    most : float
        Its size at 1, in its own unit; times the attack's strength.
    form : str
        A format of its size.
    """

    name: str
    low: float
    most: float
    form: str


EDITS = (
    Edit("exposure", -1, 0.3, "{:+.2f} stops"),
    Edit("gamma", -1, 0.2, "{:+.2f} (logarithm of the exponent)"),
    Edit("contrast", -1, 0.15, "{:+.1%}"),  # of the slope about mid-grey
    Edit("saturation", -1, 0.25, "{:+.1%}"),  # of the distance to grey
    Edit("white balance", -1, 0.06, "{:+.1%}"),  # by which red rises and blue falls
    Edit("sharpening", 0, 1.0, "{:.1%}"),  # of the unsharp mask
    Edit("denoising", 0, 1.0, "{:.1%}"),  # of the denoised picture
    Edit("crop", 0, 0.04, "{:.1%}"),  # of the sides
    Edit("rotation", -1, 1.0, "{:+.2f} degrees"),
)
"""The edits, in the order of their values."""

STAR = tuple(
    (index, sign * 0.6) for index, edit in enumerate(EDITS) for sign in (1, -1) if edit.low <= sign
)
"""Single edits tried first: each alone, each way that it goes, at six tenths of its bound."""

TOGETHER = (1.0, 0.6, 1.6)
"""Of those that helped, all at once: shares of what each was tried at."""

WIDE, GROWS, SHRINKS, NARROWEST = 0.35, 1.5, 0.87, 0.03
"""Of the random search: its first width, in bounds, its factors after a gain and a refusal (about
one gain in four leaves it), and its least."""

FEW = 3
"""Edits, about, that a step of the random search changes."""

SHARPENED, SMOOTHED, RANGE = 1.0, 1.2, 0.06
"""Widths of the unsharp mask and of the denoising, in pixels; and the difference, in 0-1, beyond
which denoising takes detail for an edge."""


def retouched(pixels: Pixels, values: NDArray[np.floating], strength: float = 1.0) -> Pixels:
    """Return a picture with edits applied.

    Parameters
    ----------
    pixels : ndarray of uint8, (height, width, 3)
        The picture.
    values : array of float, (9,)
        The edits' sizes in the order of `EDITS`, from -1 or 0 to 1.
    strength : float
        The bounds' factor.
    """
    sizes = _sizes(values, strength)
    image: Image = (pixels / np.float32(WHITE)).astype(np.float32)
    image = _framed(image, sizes["crop"], sizes["rotation"])
    image = _detailed(image, sizes["denoising"], sizes["sharpening"])
    warmth = np.float32(sizes["white balance"])
    gains = np.array([1 + warmth, 1, 1 - warmth], np.float32) * np.float32(2 ** sizes["exposure"])
    image = image * gains
    image = np.float32(0.5) + (image - np.float32(0.5)) * np.float32(1 + sizes["contrast"])
    if sizes["gamma"]:
        image = np.power(np.clip(image, 0, 1), np.float32(math.exp(sizes["gamma"])))
    grey: Image = (image @ LUMA)[..., None]
    image = grey + (image - grey) * np.float32(1 + sizes["saturation"])
    finished: Pixels = np.clip(np.rint(image * np.float32(WHITE)), 0, WHITE).astype(np.uint8)
    return finished


def _sizes(values: Iterable[float], strength: float) -> dict[str, float]:
    """Return the edits' sizes in their own units, by their names."""
    return {
        edit.name: float(value) * edit.most * strength
        for edit, value in zip(EDITS, values, strict=True)
    }


def edits_text(edits: Mapping[str, float]) -> str:
    """Return edits and their sizes as words; empty without any."""
    forms = {edit.name: edit.form for edit in EDITS}
    text = ", ".join(f"{name} {forms.get(name, '{:g}').format(at)}" for name, at in edits.items())
    return text.replace("%", " %")


def _framed(image: Image, crop: float, degrees: float) -> Image:
    """Turn a picture about its middle and cut its rim off, as far as the turned frame needs too."""
    if not (crop or degrees):
        return image
    height, width = image.shape[:2]
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    # From the middle of one pixel to the middle of another: no corner leaves the picture.
    long = (max(height, width) - 1) / max(min(height, width) - 1, 1)
    zoom = (1 - crop) / (cosine + abs(sine) * long)
    turn = zoom * np.array([[cosine, -sine], [sine, cosine]])
    middle = (np.array([height, width]) - 1) / 2
    offset = middle - turn @ middle
    channels = [
        ndimage.affine_transform(image[..., channel], turn, offset, order=3, mode="reflect")
        for channel in range(3)
    ]
    return np.stack(channels, axis=-1)


def _detailed(image: Image, denoising: float, sharpening: float) -> Image:
    """Take noise out where no edge is, and lift what is left of detail."""
    if denoising:
        soft = ndimage.gaussian_filter(image, (SMOOTHED, SMOOTHED, 0))
        noise = image - soft
        flat = np.exp(-((noise / np.float32(RANGE)) ** 2))
        image = image - np.float32(min(denoising, 1.0)) * flat * noise
    if sharpening:
        soft = ndimage.gaussian_filter(image, (SHARPENED, SHARPENED, 0))
        image = image + np.float32(sharpening) * (image - soft)
    return image


@dataclass(frozen=True, eq=False)
class Draft(Patched):
    """A proposal with the edits that it comes of."""

    values: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class RetouchState(Descent):
    """State of the search: the best edits so far.

    Attributes
    ----------
    values : tuple of float
        The best picture's edits, in the order of `EDITS`.
    tried : tuple of float
        The losses of single edits, in the order of `STAR`.
    width : float
        Of the random search.
    """

    values: tuple[float, ...] = (0.0,) * len(EDITS)
    tried: tuple[float, ...] = ()
    width: float = WIDE


@dataclass(frozen=True)
class Retouch:
    """Exposure, gamma, contrast, saturation, white balance, sharpening, denoising, crop, rotation.

    1. Each alone at six tenths of its bound, each way: 15 queries.
    2. Those that helped, at once, at three strengths.
    3. From the best so far a random search: a few edits move by normal steps, whose width
       follows success. Kept where the loss falls by more than the victim's noise.

    Some 60 queries are enough; proposals do not depend on the budget.

    Parameters
    ----------
    strength : float
        A factor of all bounds, in (0, 2]; 1 is what a careful hand does.

    Examples
    --------
    >>> Retouch()
    Retouch(strength=1.0)
    """

    strength: float = 1.0

    anytime: ClassVar[bool] = True
    compares: ClassVar[bool] = True
    threat: ClassVar[str] = "retouch"

    def __post_init__(self) -> None:
        refuse_unless(0 < self.strength <= 2, "strength lies in (0, 2]", self.strength)  # noqa: PLR2004

    def init(self, problem: Problem) -> RetouchState:
        """Return the state before the first edit."""
        return RetouchState(*beginning(problem, problem.clean_loss))

    def ask(self, state: RetouchState) -> Draft:
        """Propose single edits, then those that helped, then steps from the best."""
        asked = len(state.tried)
        if asked < len(STAR):
            values = np.zeros(len(EDITS))
            index, size = STAR[asked]
            values[index] = size
        elif asked < len(STAR) + len(TOGETHER):
            values = TOGETHER[asked - len(STAR)] * _helpful(state)
        else:
            draw = state.problem.stream.at(state.query)
            steps = state.width * draw.normal(size=len(EDITS))
            chosen = draw.random(len(EDITS)) < FEW / len(EDITS)
            chosen[draw.integers(len(EDITS))] = True
            values = np.array(state.values) + steps * chosen
        values = np.clip(values, [edit.low for edit in EDITS], 1)
        pixels = state.problem.pixels
        change = retouched(pixels, values, self.strength).astype(np.int16) - pixels
        return Draft(change, values=tuple(values.tolist()))

    def tell(self, state: RetouchState, proposal: Patched, loss: float) -> RetouchState:
        """Keep the edits where the loss fell by more than the noise.

        Raises
        ------
        TypeError
            If the proposal is not one of its own.
        """
        draft = own_proposal(proposal, Draft)
        better = state.gains(loss)
        told = state.told(proposal, loss, kept=better)
        if better:
            told = replace(told, values=draft.values)
        if len(state.tried) < len(STAR) + len(TOGETHER):
            return replace(told, tried=(*state.tried, loss))
        factor = GROWS if told.values != state.values else SHRINKS
        return replace(told, width=min(1.0, max(NARROWEST, state.width * factor)))

    def edits(self, proposal: Patched) -> dict[str, float]:
        """Return the sizes of a proposal's edits in their own units, without those of none."""
        sizes = _sizes(own_proposal(proposal, Draft).values, self.strength)
        return {name: size for name, size in sizes.items() if size}


def _helpful(state: RetouchState) -> NDArray[np.float64]:
    """Return each edit that helped alone, the way that helped more."""
    values, least = np.zeros(len(EDITS)), np.full(len(EDITS), state.problem.clean_loss)
    for (index, size), loss in zip(STAR, state.tried, strict=False):
        if loss < least[index]:
            values[index], least[index] = size, loss
    return values
