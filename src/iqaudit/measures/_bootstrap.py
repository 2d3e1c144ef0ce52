"""Estimates over pictures with 95 % intervals: a percentile bootstrap that resamples pictures.

Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 7, 1979. The drawn
pictures depend on the seed and on how many there are alone, so that figures over the same pictures
are resampled alike, and the same figures come out of every run.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from iqaudit._core.errors import InputError
from iqaudit.measures._arrays import Floats

RESAMPLES = 2000

LEVEL = 0.95

AT_ONCE = 250_000
"""Drawn values held in memory at a time."""

ENOUGH = 5
"""Pictures below which an interval is too unsure of itself to found a sentence on: of four, one
resample in 64 is a single picture four times over."""

Statistic: TypeAlias = Callable[..., Floats]
"""From arrays (..., n), one entry a picture, to (...): it reduces the last axis."""


@dataclass(frozen=True)
class Estimate:
    """A figure and the ends of its 95 % interval; None where the pictures do not tell it.

    A figure of a single picture has a value and no interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError("Expected both ends of an interval, or none")


NOTHING = Estimate(None)


@dataclass(frozen=True)
class Paired:
    """A figure of an attack, the same of the baseline (`floor`), and the first less the second.

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


@dataclass(frozen=True, eq=False)
class Sample:
    """A statistic, and the arrays of pictures' values that it is of; see `interval`."""

    statistic: Statistic
    arrays: tuple[ArrayLike, ...]
    biased: bool = False
    groups: tuple[str, ...] | None = None

    def estimate(self) -> Estimate:
        """Return the statistic with its interval."""
        return interval(self.statistic, *self.arrays, biased=self.biased, groups=self.groups)

    def less(self, other: "Sample") -> Estimate:
        """Return this one's less another's of the same pictures, which are resampled together."""
        count = len(self.arrays)
        return interval(
            lambda *arrays: self.statistic(*arrays[:count]) - other.statistic(*arrays[count:]),
            *self.arrays,
            *other.arrays,
            biased=self.biased,
            groups=self.groups,
        )


def interval(
    statistic: Statistic,
    *arrays: ArrayLike,
    seed: int = 0,
    resamples: int = RESAMPLES,
    biased: bool = False,
    groups: Sequence[str] | None = None,
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
    biased : bool
        Whether the statistic is larger of few pictures than of many, as a distance of distributions
        is. Resamples then lie about as far above the pictures' own as that lies above the truth:
        the interval is moved by twice that, and holds the pictures' own as well.
    groups : sequence of str, (n,), optional
        A name a picture. Those of one name, as pictures of the same pixels, are drawn together: a
        resample draws as many groups as there are.

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
    members = _members(groups or range(count))
    if len(members) == 1:
        return Estimate(value)
    draw = np.random.Generator(np.random.Philox(key=(seed, len(members))))
    parts = []
    for start in range(0, resamples, step := max(1, AT_ONCE // count)):
        drawn = draw.integers(len(members), size=(min(step, resamples - start), len(members)))
        parts += [
            statistic(*(each[positions] for each in values))
            for positions in _positions(drawn, members)
        ]
    usable = np.concatenate(parts)
    usable = usable[np.isfinite(usable)]
    if not usable.size:
        return Estimate(value)
    low, high = np.quantile(usable, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    if biased:
        both_ways = 2 * (usable.mean() - value)
        low, high = min(low - both_ways, value), max(high - both_ways, value)
    return Estimate(value, float(low), float(high))


def _members(groups: Iterable[Any]) -> list[list[int]]:
    """Return the positions of each group's pictures."""
    found: dict[Any, list[int]] = {}
    for position, group in enumerate(groups):
        found.setdefault(group, []).append(position)
    return list(found.values())


def _positions(drawn: NDArray[np.int64], members: list[list[int]]) -> Iterator[NDArray[np.int64]]:
    """Yield the pictures of drawn groups, (resamples, pictures), those of one number at once."""
    sizes = np.array([len(each) for each in members])
    if (sizes == 1).all():
        yield drawn
        return
    counts = sizes[drawn].sum(axis=1)
    for count in np.unique(counts):
        rows = drawn[counts == count]
        yield np.array([[at for group in row for at in members[group]] for row in rows])


def paired(
    statistic: Statistic,
    attack: Sequence[ArrayLike],
    baseline: Sequence[ArrayLike] | None = None,
) -> Paired:
    """Return a statistic of an attack's arrays and of the baseline's, of the same pictures.

    Parameters
    ----------
    statistic : callable
        See `interval`.
    attack, baseline : sequence of array_like, (n,)
        The statistic's arguments: one entry a picture, in the same order. Without a baseline its
        figure and the difference are none.

    Raises
    ------
    InputError
        If the arrays are not of one dimension and one length.
    """
    whole = Sample(statistic, tuple(attack))
    if baseline is None:
        return Paired(whole.estimate(), NOTHING, NOTHING)
    floor = Sample(statistic, tuple(baseline))
    return Paired(whole.estimate(), floor.estimate(), whole.less(floor))


def mean(values: Floats) -> Floats:
    """Return the mean over the last axis."""
    averaged: Floats = np.mean(values, axis=-1)
    return averaged


def divided(above: Floats, below: Floats) -> Floats:
    """Return a ratio, element by element; NaN where there is nothing to divide by."""
    missing = np.full(np.shape(below), np.nan)
    quotient: Floats = np.divide(above, below, out=missing, where=below != 0)
    return quotient


def ratio(parts: Floats, wholes: Floats) -> Floats:
    """Return the sum of parts over the sum of wholes: the mean share, each weighted by its whole.

    NaN where the wholes come to nothing.
    """
    return divided(parts.sum(axis=-1), wholes.sum(axis=-1))


def linear_correlation(a: Floats, b: Floats) -> Floats:
    """Return Pearson's correlation over the last axis; NaN where a side is constant."""
    x, y = (each - each.mean(axis=-1, keepdims=True) for each in (a, b))
    spread = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    constant = (np.ptp(a, axis=-1) == 0) | (np.ptp(b, axis=-1) == 0)
    return divided((x * y).sum(axis=-1), np.where(constant, 0, spread))


def rank_correlation(a: Floats, b: Floats) -> Floats:
    """Return Spearman's rank-order correlation over the last axis; NaN where a side is constant.

    The same as `iqaudit.measures.srocc`, for many resamples at once.
    """
    return linear_correlation(*(scipy.stats.rankdata(each, axis=-1) for each in (a, b)))


def disjoint(one: Estimate, other: Estimate) -> bool:
    """Tell whether two figures differ: whether their intervals do not overlap."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.high < other.low or other.high < one.low


def beyond(one: Estimate, number: float) -> bool:
    """Tell whether a figure differs from a number: whether its interval leaves it out."""
    return disjoint(one, Estimate(number, number, number))
