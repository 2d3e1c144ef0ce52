"""Fingerprints of victims: scores of two fixed pictures, and how far scores may differ."""

import math

import numpy as np

from iqaudit._core import distortions
from iqaudit._core.errors import VictimError
from iqaudit._core.picture import Pixels
from iqaudit.victims._base import Card, Victim
from iqaudit.victims._scoring import finite

SCORE_TOLERANCE = 1e-4
"""Share of the native range by which a fresh score may differ: other processors round otherwise."""

NOISE_TOLERANCE = 7
"""Standard deviations by which a fresh score may differ where the victim answers at random: three
for its own chance, and four for that of a recorded one that is the best of thousands."""

SIDE = 256
"""Pixels."""

NOISE = 20
"""Levels of the noise on a synthetic picture."""


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
    return plain, distortions.noise(plain, NOISE)


def fingerprint(victim: Victim) -> tuple[float, float]:
    """Return a victim's answers to two fixed synthetic pictures: they tell victims apart.

    See `probes`. They may lie outside its range: not every scorer takes such pictures.
    """
    own = getattr(victim, "fingerprint", None)
    if own is not None:
        return own()  # type: ignore[no-any-return]
    plain, noisy = probes(victim.card)
    return finite(victim, plain), finite(victim, noisy)


def refuse_if_down(
    victim: Victim,
    error: VictimError,
    *,
    answer: float | None = None,
    like: Pixels | None = None,
) -> None:
    """Raise a victim's failure on a picture where it fails on another one as well.

    Where it answers that, the picture is at fault. It is another one each time, so that no answer
    that is kept tells of now.

    Parameters
    ----------
    victim : Victim
        The victim.
    error : VictimError
        Its failure.
    answer : float, optional
        What it answered, where that was a number.
    like : ndarray of uint8, (height, width, 3), optional
        A picture that it scored, to which noise is added; a synthetic one unless given.
    """
    plain = probes(victim.card)[0] if like is None else like
    noise = np.random.default_rng().integers(-NOISE, NOISE + 1, plain.shape)
    down = False
    try:
        if getattr(victim, "fingerprint", None) is None:  # one that need not be asked is never down
            native = finite(victim, (plain + noise).clip(0, 255).astype(np.uint8))
            # A synthetic picture may lie outside the range of a victim that is well.
            down = like is not None and native == answer
            if answer is not None and math.isfinite(answer):
                down |= not victim.card.scale.fits(native)
    except VictimError:
        down = True
    if down:  # out here, so that the error's chain ends with it
        raise error


def tolerance(card: Card) -> float:
    """Return how far a victim's score may lie from the one that was recorded of the same picture.

    In native units: rounding's part and noise's.
    """
    low, high = card.scale.low, card.scale.high
    unit = high - low if math.isfinite(high - low) else card.scale.spread
    return SCORE_TOLERANCE * unit + NOISE_TOLERANCE * card.noise
