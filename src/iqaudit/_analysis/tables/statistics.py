"""The measures of many resamples at once: arrays (..., n) in, (...) out.

`iqaudit.measures` states each for one set of pictures; the tests hold these to those.
"""

import numpy as np

from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import AT_ONCE, Statistic, divided


def root_mean_square(a: Floats, b: Floats) -> Floats:
    """Return the root of the mean squared difference."""
    root: Floats = np.sqrt(((a - b) ** 2).mean(axis=-1))
    return root


def lost(before: Floats, after: Floats) -> Floats:
    """Return the share of a correlation that was lost."""
    return divided(before - after, np.where(np.isfinite(before), before, 0))


def pair_correlation(a: Floats, b: Floats) -> Statistic:
    """Return Kendall's tau-b of two sets, as a statistic of the pictures' positions, (..., n).

    A resample weighs pairs by how often their pictures were drawn. They are compared some pictures
    at a time: all pairs of thousands would take hundreds of megabytes.
    """
    step = max(1, AT_ONCE // len(a))

    def tau(positions: Floats) -> Floats:
        rows = positions.astype(np.int64).reshape(-1, len(a))
        offsets = len(a) * np.arange(len(rows))[:, None]
        counts = np.bincount((rows + offsets).ravel(), minlength=rows.size)
        drawn = counts.reshape(positions.shape).astype(np.float64)
        sums = np.zeros((3, *positions.shape[:-1]))  # of whole numbers, in whatever order
        for start in range(0, len(a), step):
            some = slice(start, start + step)
            one, two = (np.sign(np.subtract.outer(each[some], each)) for each in (a, b))
            for index, pairs in enumerate((one * two, one**2, two**2)):
                sums[index] += ((drawn[..., some] @ pairs) * drawn).sum(axis=-1)
        agreeing, untied_one, untied_two = sums
        return divided(agreeing, np.sqrt(untied_one * untied_two))

    return tau


def distribution_shift(before: Floats, after: Floats) -> Floats:
    """Return the Wasserstein-1 distance of two sets, with the sign of the mean's move."""
    apart, steps = _distributions(before, after)
    return _signed((np.abs(apart) * steps).sum(axis=-1), before, after)


def energy_shift(before: Floats, after: Floats) -> Floats:
    """Return the energy distance of two sets, with the sign of the mean's move."""
    apart, steps = _distributions(before, after)
    return _signed(np.sqrt(2 * (apart**2 * steps).sum(axis=-1)), before, after)


def _distributions(before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Return the difference of two distribution functions, and the steps over which it holds."""
    values = np.concatenate([before, after], axis=-1)
    sides = np.repeat([1.0, -1.0], before.shape[-1]) / before.shape[-1]
    order = np.argsort(values, axis=-1, kind="stable")
    apart = np.cumsum(sides[order], axis=-1)[..., :-1]
    steps = np.diff(np.take_along_axis(values, order, axis=-1), axis=-1)
    return apart, steps


def _signed(distance: Floats, before: Floats, after: Floats) -> Floats:
    signed: Floats = distance * np.sign(after.mean(axis=-1) - before.mean(axis=-1))
    return signed
