"""Preprocessing by options: what becomes of a picture before a network takes it, and of its answer.

In order: colour, resizing, cropping, the values of black and white, normalisation. `_prepared`
computes them, in front of a torch module as a part of it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqaudit._core.errors import InputError, VictimError, unknown
from iqaudit._core.patches import Window, whole
from iqaudit._core.settings import Type, two_numbers
from iqaudit.victims._base import Card

COLOURS = ("rgb", "bgr", "grey", "ycbcr")
"""The channels that a network takes; grey is one."""

PUBLISHED = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # torchvision's models
    "clip": (  # OpenAI's CLIP
        (0.48145466, 0.4578275, 0.40821073),
        (0.26862954, 0.26130258, 0.27577711),
    ),
}
"""Means and deviations of red, green and blue, from 0 to 1, that networks are trained with."""

UNIT = (0.0, 1.0)
"""The values of black and white unless others are said."""

SUM_TOLERANCE = 0.01
"""By which the shares of a distribution may miss 1: those of 16 bits add up roughly."""


class Size(NamedTuple):
    """A size to bring pictures to, in pixels.

    Parameters
    ----------
    height, width : int
        Both 0 where the shorter side alone is given.
    side : int
        The shorter side where the shape is kept, or the side of a square that is cut out.
    """

    height: int
    width: int
    side: int = 0

    def __str__(self) -> str:
        return str(self.side) if self.side else f"{self.width}x{self.height}"

    @classmethod
    def read(cls, value: Any) -> "Size":
        """Read ``224``, ``"320x224"`` (width, height) or ``(224, 320)`` (height, width)."""
        if isinstance(value, str):
            numbers = [int(each) for each in value.lower().split("x")][::-1]
        elif isinstance(value, Sequence):
            numbers = list(value)
        else:
            numbers = [value]
        if len(numbers) not in (1, 2) or not all(_is_whole(each) and each > 0 for each in numbers):
            raise ValueError
        return cls(0, 0, numbers[0]) if len(numbers) == 1 else cls(*numbers)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


class Moments(NamedTuple):
    """Means and deviations, one for all channels or one each; by name where they are published."""

    means: tuple[float, ...]
    deviations: tuple[float, ...]
    name: str = ""

    def __str__(self) -> str:
        return self.name or "/".join(":".join(f"{each:.17g}" for each in part) for part in self[:2])

    @classmethod
    def read(cls, value: Any) -> "Moments":
        """Read ``"imagenet"``, ``"0.5/0.5"``, ``"M:M:M/S:S:S"``, or (means, deviations)."""
        if isinstance(value, str) and value in PUBLISHED:
            return cls(*PUBLISHED[value], value)
        parts = value.split("/") if isinstance(value, str) else value
        means, deviations = map(_numbers, parts)
        if not all(math.isfinite(each) for each in (*means, *deviations)) or 0 in deviations:
            raise ValueError
        return cls(means, deviations)


def _numbers(part: Any) -> tuple[float, ...]:
    if isinstance(part, str):
        part = part.split(":")
    part = part.tolist() if hasattr(part, "tolist") else part
    numbers = tuple(map(float, part)) if isinstance(part, Sequence) else (float(part),)
    if len(numbers) not in (1, 3):
        raise ValueError
    return numbers


def _text(read: Callable[[Any], Any]) -> Callable[[Any], str]:
    return lambda value: str(read(value))


MOMENTS = Type(
    "imagenet, clip or MEAN/STD (0.5/0.5, or a number a channel, M:M:M/S:S:S)",
    _text(Moments.read),
    _text(Moments.read),
)
SIZE = Type("pixels: 224, or WIDTHxHEIGHT", _text(Size.read), _text(Size.read))


@dataclass(frozen=True)
class Preprocessing:
    """The way of pictures to a network.

    Parameters
    ----------
    colour : str
        One of `COLOURS`.
    resize : Size, optional
        Bilinear, with antialiasing: to that size, or until the shorter side has that length.
    crop : Size, optional
        The centre of what is left.
    ends : (black, white)
        Their values.
    moments : Moments, optional
        Means that are taken off those values, and deviations that they are divided by then.
    """

    colour: str = COLOURS[0]
    resize: Size | None = None
    crop: Size | None = None
    ends: tuple[float, float] = UNIT
    moments: Moments | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Preprocessing":
        """Read the options `normalise`, `resize`, `crop`, `colour` and `input`.

        Raises
        ------
        InputError
            If one of them is no such value, or they do not go together.
        """
        colour = options.get("colour") or COLOURS[0]
        if colour not in COLOURS:
            raise unknown("colour of a network's input", str(colour), COLOURS)
        said = options.get("input")
        prepared = cls(
            colour,
            _read("resize", SIZE, Size.read, options),
            _read("crop", SIZE, Size.read, options),
            UNIT if said is None else ends("input", said),
            _read("normalise", MOMENTS, Moments.read, options),
        )
        prepared._refuse_unfit()
        return prepared

    def _refuse_unfit(self) -> None:
        resize, crop, moments = self.resize, self.crop, self.moments
        if moments and moments.name and self.colour not in ("rgb", "bgr"):
            raise InputError(
                f"normalise={moments.name} has means of red, green and blue, and colour is "
                f"{self.colour}: say them as MEAN/STD."
            )
        if moments and self.colour == "grey" and len((*moments.means, *moments.deviations)) > 2:  # noqa: PLR2004
            raise InputError("Grey is one channel: normalise takes one mean and one deviation.")
        if moments and moments.name and self.ends != UNIT:
            raise InputError(
                f"normalise={moments.name} has means of values from 0 to 1: leave input out."
            )
        if resize and crop:
            least = (resize.side, resize.side) if resize.side else (resize.height, resize.width)
            if any(side < due for side, due in zip(least, _square(crop), strict=True)):
                raise InputError(f"A picture resized to {resize} has no part of {crop} to crop.")

    @property
    def is_geometric(self) -> bool:
        """Whether a picture's size changes."""
        return self.resize is not None or self.crop is not None

    @property
    def channels(self) -> int:
        """The channels that the network takes."""
        return 1 if self.colour == "grey" else 3

    @property
    def keeps_levels(self) -> bool:
        """Whether the values stay whole levels, as a function takes them."""
        return self.moments is None and self.ends == UNIT

    @property
    def normalisation(self) -> Moments | None:
        """The means and deviations in the order of the network's channels."""
        if self.moments and self.moments.name and self.colour == "bgr":
            return Moments(self.moments.means[::-1], self.moments.deviations[::-1])
        return self.moments

    def resized(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width of a picture once it is resized."""
        if self.resize is None:
            return height, width
        side = self.resize.side
        if not side:
            return self.resize.height, self.resize.width
        # The longer side is cut to whole pixels, as torchvision's Resize does.
        if height <= width:
            return side, side * width // height
        return side * height // width, side

    def cropped(self, height: int, width: int) -> Window:
        """Return the part of a resized picture that is taken."""
        if self.crop is None:
            return whole(height, width)
        rows, columns = _square(self.crop)
        top, left = round((height - rows) / 2), round((width - columns) / 2)
        return Window(top, left, rows, columns)

    def given(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width of a picture as the network takes it."""
        cut = self.cropped(*self.resized(height, width))
        return cut.height, cut.width

    def window(self, height: int, width: int) -> Window:
        """Return the part of a picture that the network sees."""
        if self.crop is None:
            return whole(height, width)
        inner = self.resized(height, width)
        cut = self.cropped(*inner)
        top, rows = _seen(cut.top, cut.height, height, inner[0])
        left, columns = _seen(cut.left, cut.width, width, inner[1])
        return Window(top, left, rows, columns)

    def described(self, card: Card) -> Card:
        """Return the card of a network that pictures come to on this way, from its own.

        Raises
        ------
        InputError
            If the network takes no pictures of the size that they are brought to.
        """
        if not self.is_geometric:
            return card
        least = _square(self.crop) if self.crop else None
        if self.resize is not None:
            least = least or ((self.resize.height, self.resize.width))
        due = _due(card)
        fixed = least if least and all(least) else None
        if due and (fixed is None or not _fits(card, *fixed)):
            said = " and ".join(
                f"{name}={size}"
                for name, size in (("resize", self.resize), ("crop", self.crop))
                if size
            )
            raise InputError(
                f'The network of "{card.name}" takes {due}, which {said} does not give.'
            )
        smallest = max(_square(self.crop)) if self.crop and not self.resize else 1
        return replace(
            card, size=None, smallest_side=smallest, largest_side=None, window=self.window
        )


def _due(card: Card) -> str:
    """Say the sizes that a network takes, where it does not take all."""
    if card.size:
        return f"pictures of {card.size[1]} x {card.size[0]}"
    if card.largest_side:
        return f"sides of {card.smallest_side} to {card.largest_side}"
    return ""


def _fits(card: Card, height: int, width: int) -> bool:
    if card.size:
        return (height, width) == card.size
    return card.smallest_side <= min(height, width) and max(height, width) <= (
        card.largest_side or math.inf
    )


def _square(size: Size) -> tuple[int, int]:
    return (size.side, size.side) if size.side else (size.height, size.width)


def _seen(start: int, length: int, before: int, after: int) -> tuple[int, int]:
    """Return where a part of a resized axis comes from, and how long that is."""
    if before == after:
        return start, length
    step = before / after
    reach = max(step, 1.0)  # of the triangle that weights a resized pixel's neighbours
    first = math.floor((start + 0.5) * step - reach)
    last = math.ceil((start + length - 0.5) * step + reach)
    first, last = max(0, first), min(before, last)
    return first, last - first


def _read(name: str, kind: Type, read: Callable[[Any], Any], options: Mapping[str, Any]) -> Any:
    value = options.get(name)
    if value is None:
        return None
    try:
        return read(value)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {kind.word}, not {value!r}.") from None


def ends(name: str, values: Any) -> tuple[float, float]:
    """Return two numbers that differ.

    Raises
    ------
    InputError
        If they are not.
    """
    try:
        first, last = map(float, two_numbers(values))
    except TypeError:
        first = last = math.nan
    if not (math.isfinite(first) and math.isfinite(last) and first != last):
        raise InputError(f"{name} is two numbers that differ, not {values!r}.")
    return first, last


def with_range(
    bins: Any, declared: Mapping[str, Any]
) -> tuple[tuple[float, float] | None, dict[str, Any]]:
    """Return the ends of a distribution's bins, and the declared scale: theirs where none is."""
    first_last = None if bins is None else ends("bins", bins)
    scale = dict(declared)
    if first_last and scale.get("scale") is None and scale.get("score_range") is None:
        scale["score_range"] = (min(first_last), max(first_last))
    return first_last, scale


def mean_of_bins(
    answer: ArrayLike, count: int, bins: tuple[float, float], whose: str
) -> NDArray[np.float64]:
    """Return the means of distributions over scores, (n, bins) to (n,).

    Raises
    ------
    VictimError
        If they are no distributions; `whose` begins the sentence.
    """
    shares = np.asarray(answer, np.float64).reshape(count, -1)
    totals = shares.sum(axis=1)
    # Beyond what is no number, which is told as of any score.
    if (shares < -SUM_TOLERANCE).any() or (np.abs(totals - 1) > SUM_TOLERANCE).any():
        raise VictimError(
            f"{whose} is no distribution (its {shares.shape[1]} values add up to "
            f"{totals[0]:.4g}), so bins do not go with it; it may lack a softmax."
        )
    means: NDArray[np.float64] = shares @ np.linspace(*bins, shares.shape[1]) / totals
    return means


def per_channel(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """Return a number a channel."""
    return values if len(values) > 1 else values * channels
