"""Fingerprints of victims: scores of two fixed pictures, and how far scores may differ."""

import math

import numpy as np

from iqaudit._core import distortions
from iqaudit._core.errors import UnscorableError, VictimError
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

TRIES = 3
"""Pictures that all get the number of a failure before a victim is taken for down: one that fails
now and then at random seldom does so thrice."""

NOISE = 20
"""Levels of the noise on a synthetic picture."""

EDITION = 1
"""Of a fingerprint's pictures; 0, which records do not name, is `probes`."""


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


def pictures(card: Card, edition: int = EDITION) -> tuple[Pixels, Pixels]:
    """Return the two pictures of a fingerprint: a gradient, and edges in an upright picture.

    Libraries that resize differ at edges, and only where rows and columns are not alike: between
    two versions of Pillow no square picture moved, and twice as high as wide moved at every size
    that networks take. A victim of one size gets that size.
    """
    plain, noisy = probes(card)
    if not edition:
        return plain, noisy
    width = max(3 * SIDE // 4, card.smallest_side)
    width = min(width, card.largest_side or width)
    height, width = card.size or (min(2 * width, card.largest_side or 2 * width), width)
    y, x = np.mgrid[:height, :width]
    rings = ((2 * x - width) ** 2 + (2 * y - height) ** 2) // (16 * max(height, width))
    waves = (x // 3 + y // 3, (x + 2 * y) // 7, rings)
    edges = np.stack([255 * (wave % 2) for wave in waves], axis=-1).astype(np.uint8)
    return plain, distortions.noise(edges, NOISE)


def fingerprint(victim: Victim, edition: int = EDITION) -> tuple[float, float]:
    """Return a victim's answers to two fixed synthetic pictures: they tell victims apart.

    See `pictures`. They may lie outside its range: not every scorer takes such pictures.
    """
    own = getattr(victim, "fingerprint", None)
    if own is not None:
        return own()  # type: ignore[no-any-return]
    one, other = pictures(victim.card, edition)
    return finite(victim, one), finite(victim, other)


def refuse_if_down(victim: Victim, error: VictimError, *, of_scale: bool = False) -> None:
    """Raise a victim's failure on a picture where it fails on a synthetic one as well.

    Where it answers that, in its range or not, the picture is at fault. It is another one each
    time, so that no answer that is kept tells of now.

    Parameters
    ----------
    victim : Victim
        The victim.
    error : VictimError
        Its failure.
    of_scale : bool
        Whether that is an answer which its scale was not made for.
    """
    if _need_not_be_asked(victim):
        return
    plain, _ = probes(victim.card)
    # A failed request was repeated already.
    tries = TRIES if isinstance(error, UnscorableError) and not of_scale else 1
    if all(_is_down(victim, plain, of_scale=of_scale) for _ in range(tries)):
        raise error  # out here, so that the error's chain ends with it


def _is_down(victim: Victim, plain: Pixels, *, of_scale: bool) -> bool:
    try:
        native = finite(victim, _noisy(plain))
    except VictimError:
        return True
    return of_scale and not victim.card.scale.fits(native)


def refuse_if_stuck(victim: Victim, error: VictimError, answer: float, scored: Pixels) -> None:
    """Raise a victim's failure, a number, where it answers the same to all that it is asked.

    Parameters
    ----------
    victim : Victim
        The victim.
    error : VictimError
        Its failure.
    answer : float
        The number.
    scored : ndarray of uint8, (height, width, 3)
        A picture that it scored; it is asked up to thrice about that with another noise.
    """
    if _need_not_be_asked(victim):
        return
    try:
        stuck = all(finite(victim, _noisy(scored)) == answer for _ in range(TRIES))
    except VictimError:
        stuck = True
    if stuck:
        raise error


def _need_not_be_asked(victim: Victim) -> bool:
    """Tell whether a victim tells itself from others, and is never down."""
    return getattr(victim, "fingerprint", None) is not None


def _noisy(pixels: Pixels) -> Pixels:
    noise = np.random.default_rng().integers(-NOISE, NOISE + 1, pixels.shape)
    noisy: Pixels = (pixels + noise).clip(0, 255).astype(np.uint8)
    return noisy


def tolerance(card: Card) -> float:
    """Return how far a victim's score may lie from the one that was recorded of the same picture.

    In native units: rounding's part and noise's.
    """
    low, high = card.scale.low, card.scale.high
    unit = high - low if math.isfinite(high - low) else card.scale.spread
    return SCORE_TOLERANCE * unit + NOISE_TOLERANCE * card.noise
