"""The threat: which changes of a picture an attack may make."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from iqaudit.errors import InputError
from iqaudit.images import Pixels
from iqaudit.proposal import Perturbation

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
        whole: Any = self.levels
        if isinstance(whole, bool) or not isinstance(whole, int | np.integer):
            raise InputError(f"Levels are a whole number from 1 to 255, not {whole!r}.")
        if not 1 <= whole <= MAX_LEVEL:
            raise InputError(f"Levels must lie from 1 to 255, not {whole}.")

    def apply(self, pixels: Pixels, perturbation: Perturbation) -> Pixels:
        """Return the allowed picture nearest to `pixels` + `perturbation`, as new pixels."""
        allowed = np.clip(perturbation, -self.levels, self.levels)
        painted: Pixels = np.clip(pixels + allowed, 0, MAX_LEVEL).astype(np.uint8)
        return painted
