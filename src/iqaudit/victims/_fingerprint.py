"""Fingerprints of victims: scores of two fixed pictures, and how far scores may differ."""

import math

import numpy as np

from iqaudit._core import distortions
from iqaudit._core.picture import Pixels
from iqaudit.victims._base import Card, Victim
from iqaudit.victims._scoring import score

SCORE_TOLERANCE = 1e-4
"""Share of the native range by which a fresh score may differ: other processors round otherwise."""

NOISE_TOLERANCE = 7
"""Standard deviations by which a fresh score may differ where the victim answers at random: three
for its own chance, and four for that of a recorded one that is the best of thousands."""

SIDE = 256
"""Pixels."""


def probes(card: Card) -> tuple[Pixels, Pixels]:
    """Return a gradient, and the same with noise.

    Of the one size that the victim takes; else square, of 256 pixels a side or the nearest taken.
    """
    side = max(SIDE, card.smallest_side)
    side = min(side, card.largest_side or side)
    height, width = card.size or (side, side)
    step = 255 / (2 * max(height, width))
    ramp = np.add.outer(np.arange(height), np.arange(width))[..., None] * step
    plain = np.repeat(ramp, 3, axis=2).astype(np.uint8)
    return plain, distortions.noise(plain, 20)


def fingerprint(victim: Victim) -> tuple[float, float]:
    """Return a victim's native scores of two fixed synthetic pictures: they tell victims apart.

    See `probes`.
    """
    own = getattr(victim, "fingerprint", None)
    if own is not None:
        return own()  # type: ignore[no-any-return]
    plain, noisy = probes(victim.card)
    return score(victim, plain), score(victim, noisy)


def tolerance(card: Card) -> float:
    """Return how far a victim's score may lie from the one that was recorded of the same picture.

    In native units: rounding's part and noise's.
    """
    low, high = card.scale.low, card.scale.high
    unit = high - low if math.isfinite(high - low) else card.scale.spread
    return SCORE_TOLERANCE * unit + NOISE_TOLERANCE * card.noise
