"""What `guided` carries from picture to picture, and which patterns it asks first by that.

A change that is repeated everywhere moves picture after picture, so what was found on some, folded
to a tile, is a start on others. Which of the patterns known are worth a query is judged by the
shares of the way that they went on earlier pictures of the same direction.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.patches import Perturbation
from iqaudit.attacks._base import Problem
from iqaudit.attacks._guided.allowance import local_variance
from iqaudit.attacks._guided.patterns import TILE, Checks, Noise, Tile

PERIODS = (8, 16, 32)
"""Pixels after which a tile begins again."""

ALL_PERIODS = 96
"""Pixels after which each of the opening's patterns, and each tile, begins again."""

SINGLE = 6
"""Tiles of single pictures that are kept."""

LAST = 12
"""Shares that are remembered of a pattern."""

SPREAD = 0.1
"""Of a pattern's share from picture to picture beyond what was seen, with one seen."""

WORTH = 0.003
"""The share of the way that a pattern must promise for a query."""

HOPE = 0.5
"""What a tile, which changes from picture to picture, may go beside what it went before."""

LARGEST_QUALITY = 10.0

Candidate: TypeAlias = Checks | Noise
"""A pattern over the whole picture."""

Asked: TypeAlias = tuple[tuple[int, float], ...]
"""Patterns that were asked, by their places, each with its share of the way."""

Shares: TypeAlias = tuple[float, ...]
"""Shares of the way to the end of the scale: 0 where nothing was gained, 1 at the end."""


Ranking: TypeAlias = tuple[tuple[float, Candidate], ...]
"""Patterns, each with its loss."""


def raises(problem: Problem) -> bool:
    """Tell whether quality is raised: then the loss is its negative."""
    return problem.clean_loss < 0


def share(problem: Problem, loss: float) -> float:
    """Return a loss as a share of the way to the end of the scale; at least -1."""
    clean = problem.clean_loss
    room = clean + LARGEST_QUALITY if raises(problem) else clean
    return max(-1.0, (clean - loss) / room) if room > 0 else 0.0


@dataclass(frozen=True, eq=False)
class Known:
    """A pattern, and how far it went on earlier pictures."""

    pattern: Candidate
    shares: Shares = ()

    @cached_property
    def look(self) -> bytes:
        """What tells it from patterns that change pictures otherwise."""
        side = slice(0, ALL_PERIODS)
        return self.pattern.signs(side, side).tobytes()


@dataclass(frozen=True, eq=False)
class Learned:
    """What was learned on earlier pictures that were pushed one way.

    Attributes
    ----------
    patterns : tuple of Known
        The opening's.
    tiles : tuple of Known
        What all searches came to, folded, by PERIODS; then what single ones did, which went
        farthest on others.
    signs : ndarray of float64, (PERIODS[-1], PERIODS[-1], 3), or None
        Of all that they came to, each as heavy as it went far; None before the first.
    """

    patterns: tuple[Known, ...]
    tiles: tuple[Known, ...] = ()
    signs: NDArray[np.float64] | None = None

    @property
    def all(self) -> tuple[Known, ...]:
        """All patterns."""
        return (*self.patterns, *self.tiles)

    def next(self, asked: Asked) -> int | None:
        """Return the place of the pattern that is asked next, or None at the opening's end.

        The first picture's are asked in their order, all of them.
        """
        if self.signs is None:
            return len(asked) if len(asked) < len(self.patterns) else None
        best = max(0.0, *(share for _, share in asked)) if asked else 0.0
        known, promises = self.all, dict[int, float]()
        looks = {known[at].look for at, _ in asked}
        for at, each in enumerate(known):
            if each.look not in looks:
                hope = max(0.0, HOPE - best) / (1 + len(each.shares)) ** 2
                promises[at] = _promise(each.shares, best) + hope * (at >= len(self.patterns))
        due = max(promises, key=lambda at: promises[at], default=None)
        return None if due is None or promises[due] < WORTH else due

    def others(self, asked: Asked) -> Ranking:
        """Return the patterns but for those asked, the best by earlier pictures first."""
        places = {at for at, _ in asked}
        left = (each for at, each in enumerate(self.all) if at not in places)
        best = sorted(left, key=lambda each: -_mean(each.shares))
        return tuple((math.inf, each.pattern) for each in best)

    def after(self, asked: Asked, held: Perturbation, share: float) -> "Learned":
        """Return what is learned after one more picture.

        Parameters
        ----------
        asked : tuple of (int, float)
            Places in `all`, and the shares they went.
        held : ndarray of int16
            The perturbation that its search ended with.
        share : float
            How far it went with that.
        """
        known = list(self.all)
        for at, went in asked:
            known[at] = replace(known[at], shares=(*known[at].shares, went)[-LAST:])
        own = folded(np.sign(held), PERIODS[-1])
        signs = share * own if self.signs is None else self.signs + share * own
        count, of_all = len(self.patterns), len(self.patterns) + len(PERIODS)
        means = [each.shares for each in known[count:of_all]] or [()] * len(PERIODS)
        single = (*known[of_all:], Known(_tile(own, PERIODS[-1])))
        if len(single) > SINGLE:
            worst = min(single, key=lambda each: _mean((HOPE, *each.shares)))
            single = tuple(each for each in single if each is not worst)
        tiles = tuple(
            Known(_tile(signs, period), shares)
            for period, shares in zip(PERIODS, means, strict=True)
        )
        return Learned(tuple(known[:count]), (*tiles, *single), signs)


def folded(values: NDArray[np.int16] | NDArray[np.float64], period: int) -> NDArray[np.float64]:
    """Return the mean of what comes again after a period, (period, period, 3)."""
    rows, columns = (np.arange(side) % period for side in values.shape[:2])
    at = (rows[:, None] * period + columns).ravel()
    counts = np.maximum(np.bincount(at, minlength=period**2), 1)
    sums = [
        np.bincount(at, values[..., channel].ravel(), period**2)
        for channel in range(values.shape[2])
    ]
    return np.stack(sums, axis=-1).reshape(period, period, -1) / counts.reshape(period, period, 1)


def _tile(signs: NDArray[np.float64], period: int) -> Noise:
    times = TILE // period
    one = np.where(folded(signs, period) >= 0, 1, -1).astype(np.int16)
    whole = np.tile(one, (times, times, 1))
    return Noise(Tile(whole, local_variance(whole)))


def _mean(shares: Shares) -> float:
    return math.fsum(shares) / max(1, len(shares))


def _promise(shares: Shares, best: float) -> float:
    """Return the expected excess over `best`: each share seen is the middle of a normal one."""
    if not shares:
        return 0.0
    spread, total = SPREAD / math.sqrt(len(shares)), 0.0
    for share in shares:
        z = (share - best) / spread
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        total += spread * (z * (1 + math.erf(z / math.sqrt(2))) / 2 + density)
    return total / len(shares)


NOTHING = Learned(())

Memory: TypeAlias = Mapping[bool, Learned]
"""By whether quality is raised."""
