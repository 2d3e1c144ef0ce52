"""The threat: which changes of a picture an attack may make."""

from dataclasses import dataclass

import numpy as np

from iqaudit._core.errors import InputError, refuse_unless, whole_number
from iqaudit._core.patches import Perturbation
from iqaudit._core.picture import Pixels

MAX_LEVEL = 255


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
        # np.clip takes twice as long on windows of a few pixels.
        allowed = np.minimum(np.maximum(perturbation, -self.levels), self.levels)
        return np.minimum(np.maximum(pixels + allowed, 0), MAX_LEVEL).astype(np.uint8)


def as_linf(threat: object) -> Linf:
    """Return a threat; an `InputError` where it is none."""
    if not isinstance(threat, Linf):
        raise InputError(f"A threat is a value, as iqaudit.Linf(levels=3), not {threat!r}.")
    return threat
