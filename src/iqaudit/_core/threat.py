"""The threat: which changes of a picture an attack may make."""

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import InputError, refuse_unless, whole_number
from iqaudit._core.patches import Perturbation
from iqaudit._core.picture import Pixels

MAX_LEVEL = 255

FEW = 10_000
"""Numbers: over more, NumPy's clip is faster than a maximum and a minimum, over fewer slower."""


@dataclass(frozen=True)
class Linf:
    """No channel of any pixel may change by more than `levels` of 255, nor leave 0-255.

    The radius is a whole number of levels, so an attacked picture needs no rounding: its PNG is
    the picture that was scored. The paper's 3/255 is three levels.

    Parameters
    ----------
    levels : int
        1 to 255.
    """

    levels: int = 3

    def __post_init__(self) -> None:
        # As Python's int: NumPy's unsigned ones have no negative.
        object.__setattr__(self, "levels", whole_number("levels", self.levels))
        rule = "levels must lie from 1 to 255"
        refuse_unless(1 <= self.levels <= MAX_LEVEL, rule, self.levels)

    def apply(self, pixels: Pixels, perturbation: Perturbation) -> Pixels:
        """Return the allowed picture nearest to `pixels` + `perturbation`, as new pixels.

        Parameters
        ----------
        pixels : ndarray of uint8, (height, width, 3)
            A picture, or a window of one.
        perturbation : ndarray of int16, (height, width, 3)
            Levels to add, of any size.
        """
        allowed = _clipped(perturbation, -self.levels, self.levels)
        allowed = _clipped(pixels + allowed, 0, MAX_LEVEL)
        return allowed.astype(np.uint8)


@dataclass(frozen=True)
class Retouching:
    """Edits as people make them: no ball holds them, so their attack keeps their bounds itself.

    Its levels are 0, which no ball's are: so its records are told from those of an ε, and nothing
    that compares like with like puts the two in one row.
    """

    levels: ClassVar[int] = 0

    def apply(self, pixels: Pixels, perturbation: Perturbation) -> Pixels:
        """Return `pixels` + `perturbation`, within 0-255, as new pixels."""
        changed = pixels.astype(np.int32) + perturbation
        allowed: Pixels = _clipped(changed, 0, MAX_LEVEL).astype(np.uint8)
        return allowed


def _clipped(values: NDArray[Any], least: int, most: int) -> NDArray[Any]:
    """Return whole numbers within two ends."""
    many = values.size > FEW
    clipped: NDArray[Any] = (
        np.clip(values, least, most) if many else np.minimum(np.maximum(values, least), most)
    )
    return clipped


Threat: TypeAlias = Linf | Retouching

OWN: dict[str, Threat] = {"retouch": Retouching()}
"""Threats that attacks bring, by the names that their classes give as ``threat``."""


def threat_of(levels: int) -> Threat:
    """Return the threat of a record's levels."""
    return Linf(levels) if levels else Retouching()


def words(levels: int) -> str:
    """Return a threat's name in titles, by its levels."""
    return f"{levels}/255" if levels else "retouching"


def sentence(levels: int) -> str:
    """Return what a threat allows, by its levels."""
    return f"At most {levels} of 255 levels" if levels else "Retouching, within natural bounds"


def as_linf(threat: object) -> Linf:
    """Return a threat; an `InputError` where it is none."""
    if not isinstance(threat, Linf):
        raise InputError(f"A threat is a value, as iqaudit.Linf(levels=3), not {threat!r}.")
    return threat
