"""A figure over pictures, with its 95 % interval: a percentile bootstrap that resamples pictures.

Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 7, 1979. The drawn
pictures depend on the seed and on how many there are alone, so that figures over the same pictures
are resampled alike, and the same figures come out of every run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from iqaudit._core.errors import InputError

RESAMPLES = 2000

LEVEL = 0.95

AT_ONCE = 2_000_000
"""Drawn values held in memory at a time."""

ENOUGH = 5
"""Pictures below which an interval is too unsure of itself to found a sentence on: of four, one
resample in 64 is a single picture four times over."""

Statistic: TypeAlias = Callable[..., NDArray[np.float64]]
"""From arrays (..., n), one entry a picture, to (...): it reduces the last axis."""


@dataclass(frozen=True)
class Estimate:
    """A figure and the ends of its 95 % interval; None for what the pictures do not tell.

    A figure of a single picture has a value and no interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


NOTHING = Estimate(None)


@dataclass(frozen=True)
class Beside:
    """A figure of an attack, the same of the floor, and the first less the second.

    Both are over the same pictures and resampled together, so that the difference's interval may
    leave 0 out where the other two overlap.
    """

    attack: Estimate
    floor: Estimate
    difference: Estimate

    @property
    def sign(self) -> int:
        """1 where the attack's is clearly more, -1 where clearly less, else 0."""
        if not beyond(self.difference, 0):
            return 0
        return 1 if (self.difference.value or 0) > 0 else -1


def interval(
    statistic: Statistic, *arrays: ArrayLike, seed: int = 0, resamples: int = RESAMPLES
) -> Estimate:
    """Return a statistic of pictures with its 95 % percentile bootstrap interval.

    Parameters
    ----------
    statistic : callable
        From arrays (..., n) to (...); NaN where it does not exist.
    *arrays : array_like, (n,)
        One entry a picture; a resample draws the same pictures from all of them.
    seed : int
        Of the drawing.
    resamples : int
        How many times n pictures are drawn, with replacement. Those of which the statistic does
        not exist are left out.

    Raises
    ------
    InputError
        If the arrays are not of one dimension and one length.
    """
    values = [np.asarray(array, np.float64) for array in arrays]
    count = values[0].size
    if any(each.shape != (count,) for each in values):
        shapes = ", ".join(str(each.shape) for each in values)
        raise InputError(f"A statistic's arrays have one entry a picture each, not {shapes}.")
    if not count:
        return NOTHING
    value = float(statistic(*values))
    if not np.isfinite(value):
        return NOTHING
    if count == 1:
        return Estimate(value)
    draw = np.random.Generator(np.random.Philox(key=(seed, count)))
    found = []
    for start in range(0, resamples, step := max(1, AT_ONCE // count)):
        drawn = draw.integers(count, size=(min(step, resamples - start), count))
        found.append(statistic(*(each[drawn] for each in values)))
    usable = np.concatenate(found)
    usable = usable[np.isfinite(usable)]
    if not usable.size:
        return Estimate(value)
    low, high = np.quantile(usable, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))


def beside(statistic: Statistic, attack: Sequence[ArrayLike], floor: Sequence[ArrayLike]) -> Beside:
    """Return a statistic of an attack's arrays beside that of the floor's, of the same pictures."""
    count = len(attack)

    def difference(*arrays: NDArray[np.float64]) -> NDArray[np.float64]:
        return statistic(*arrays[:count]) - statistic(*arrays[count:])

    return Beside(
        interval(statistic, *attack), interval(statistic, *floor),
        interval(difference, *attack, *floor),
    )  # fmt: skip


def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over the last axis."""
    averaged: NDArray[np.float64] = np.mean(values, axis=-1)
    return averaged


def ratio(parts: NDArray[np.float64], wholes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of parts over the sum of wholes: the mean share, each weighted by its whole.

    NaN where the wholes come to nothing.
    """
    below = wholes.sum(axis=-1)
    divided: NDArray[np.float64] = np.divide(
        parts.sum(axis=-1), below, out=np.full(np.shape(below), np.nan), where=below != 0
    )
    return divided


def rank_correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Spearman's rank-order correlation over the last axis; NaN where a side is constant.

    The same as `iqaudit.measures.srocc`, for many resamples at once.
    """
    ranks = [scipy.stats.rankdata(each, axis=-1) for each in (a, b)]
    x, y = (each - each.mean(axis=-1, keepdims=True) for each in ranks)
    spread = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    correlation: NDArray[np.float64] = np.divide(
        (x * y).sum(axis=-1), spread, out=np.full(np.shape(spread), np.nan), where=spread != 0
    )
    return correlation


def apart(one: Estimate, other: Estimate) -> bool:
    """Tell whether two figures differ: whether their intervals do not overlap."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.high < other.low or other.high < one.low


def beyond(one: Estimate, number: float) -> bool:
    """Tell whether a figure differs from a number: whether its interval leaves it out."""
    if one.low is None or one.high is None:
        return False
    return not one.low <= number <= one.high
