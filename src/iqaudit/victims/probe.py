"""Synthetic pictures that any victim may be asked about; fixed, so that their scores compare."""

import numpy as np

from iqaudit import degrade
from iqaudit.images import Pixels
from iqaudit.victims.contract import Card

SIDE = 256
"""Pixels."""


def probes(card: Card) -> tuple[Pixels, Pixels]:
    """Return a gradient, and the same with noise.

    Square, of 256 pixels a side or the nearest that the victim takes.
    """
    side = max(SIDE, card.smallest_side)
    side = min(side, card.largest_side or side)
    ramp = np.add.outer(np.arange(side), np.arange(side))[..., None] * (255 / (2 * side))
    plain = np.repeat(ramp, 3, axis=2).astype(np.uint8)
    return plain, degrade.noise(plain, 20)
