"""Certificates of defences that answer a median: the scores that they need, and their bounds.

They hold where the median stands nearest to the picture; what follows it is part of the scorer.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, cast

import numpy as np

from iqaudit import measures
from iqaudit._analysis.defences.records import Certificate
from iqaudit._analysis.findings.sentences import figure
from iqaudit._analysis.scorers import ScoreCache, Scorer
from iqaudit._core.picture import Pixels, picture_key, pixels_sha256
from iqaudit._core.stream import Stream
from iqaudit._runs.figures import Row
from iqaudit.defences import MedianCrops, Smooth, Standard
from iqaudit.defences._pictures import noisy
from iqaudit.defences._registry import spec
from iqaudit.measures._bootstrap import interval, mean
from iqaudit.victims._base import Victim
from iqaudit.victims._defended import Defended
from iqaudit.victims._scoring import score

DRAWS = 1000
"""Noisy copies of the clean picture whose scores bound a smoothed median."""

CONFIDENCE = 0.999
"""Of each of its ends."""


class Request(NamedTuple):
    """A score that is needed: of a picture, which is made where the score is not known."""

    scorer: Scorer
    key: int
    picture: Callable[[], Pixels]

    @classmethod
    def of(cls, scorer: Scorer, pixels: Pixels) -> "Request":
        """Return the request for a picture's score."""
        return cls(scorer, picture_key(pixels), lambda: pixels)

    def known(self, cache: ScoreCache) -> bool:
        """Tell whether the score is known."""
        return cache.knows(self.scorer.label, self.key)

    def native(self, cache: ScoreCache) -> float:
        """Return the native score."""
        victim = self.scorer.victim
        return cache.kept(self.scorer.label, self.key, lambda: score(victim, self.picture()))

    def quality(self, cache: ScoreCache) -> float:
        """Return the quality."""
        return self.scorer.quality(self.native(cache))


def requests(defences: Sequence[Standard], plain: Scorer, pixels: Pixels) -> tuple[Request, ...]:
    """Return the scores that a clean picture's certificate needs; none where there is none.

    Parameters
    ----------
    defences : sequence of Standard
        In order.
    plain : Scorer
        The undefended victim.
    pixels : ndarray of uint8, (height, width, 3)
    """
    if not defences:
        return ()
    first, *rest = defences
    names = "+".join(map(spec, rest))
    label = f"{plain.label} behind {names}" if rest else plain.label
    victim = cast("Victim", Defended(plain.victim, rest)) if rest else plain.victim
    if isinstance(first, Smooth):
        stream = Stream(0, f"{pixels_sha256(pixels)}:{first.sigma:g}:certificate")
        drawn = Scorer(f"{label} in noise of {first.sigma:g} levels", victim)
        return tuple(
            Request(
                drawn,
                int(stream.at(number).integers(2**63)),
                partial(_copy, pixels, first.sigma, stream, number),
            )
            for number in range(DRAWS)
        )
    at_random = plain.victim.card.noise or any(each.draws for each in rest)
    if isinstance(first, MedianCrops) and not at_random:
        scorer = Scorer(label, victim)
        return tuple(Request.of(scorer, tile) for tile in first.pictures(pixels, None))
    return ()


def most_asked(defences: Sequence[Standard]) -> int:
    """Return how many scores a picture's certificate needs at most; 0 where there is none."""
    first = defences[0]
    if isinstance(first, Smooth):
        return DRAWS
    return first.tiles**2 if isinstance(first, MedianCrops) else 0


def bounds(
    defences: Sequence[Standard], asked: Sequence[Request], cache: ScoreCache
) -> tuple[float, float] | None:
    """Return the ends, on 0-10, between which the answer stays; None where so few tell none.

    Raises
    ------
    VictimError
        If the victim fails on one of the pictures.
    """
    first = defences[0]
    natives = [each.native(cache) for each in asked]
    if isinstance(first, Smooth):
        ends = measures.smoothed_bounds(natives, first.sigma, first.sigma, CONFIDENCE)
    else:
        ends = measures.median_bounds(natives, _touched(len(natives)))
    if ends is None:
        return None
    low, high = sorted(map(asked[0].scorer.quality, ends))
    return low, high


def certificate(
    defences: Sequence[Standard],
    found: Sequence[tuple[float, float] | None],
    pictures: Sequence[Row],
    levels: int,
) -> Certificate:
    """Return the certificate of a row's pictures, with the ends that each has."""
    there = [each for each in found if each is not None]
    share = len(there) / len(found)
    width = interval(mean, [high - low for low, high in there])
    spread = f"{len(there)} of {len(found)} pictures have ends, {figure(width)} of 10 apart"
    first = defences[0]
    if isinstance(first, Smooth):
        lengths = [levels * math.sqrt(3 * each.height * each.width) for each in pictures]
        part = float(np.mean(first.sigma / np.array(lengths)))
        text = (
            f"{spread}, for changes of an L2 length of {first.sigma:g} levels, {100 * part:.2g} % "
            f"of the threat's, and the median of all noisy copies, with {DRAWS:,} of them and a "
            f"confidence of {100 * CONFIDENCE:g} % an end."
        )
        return Certificate(share, width, first.sigma, part, None, text)
    assert isinstance(first, MedianCrops)  # noqa: S101 (no other has one)
    windows = [_window(first.tiles, each) for each in pictures]
    window = float(np.mean(windows))
    text = f"{spread}, for changes within a window of {100 * window:.2g} % of the picture."
    return Certificate(share, width, None, None, window, text)


def _copy(pixels: Pixels, sigma: float, stream: Stream, number: int) -> Pixels:
    draw = stream.at(number)
    draw.integers(2**63)  # the key
    return noisy(pixels, sigma, draw)


def _touched(tiles: int) -> int:
    """Return how many tiles a window may touch: two a side where that leaves a bound, or one."""
    square = 2**2
    return square if square <= (tiles - 1) // 2 else 1


def _window(tiles: int, picture: Row) -> float:
    """Return the share of a picture of the largest window that touches no more tiles, anywhere."""
    one = _touched(tiles**2) == 1
    sides = [1 if one else side // tiles + 1 for side in (picture.height, picture.width)]
    return math.prod(sides) / (picture.height * picture.width)
