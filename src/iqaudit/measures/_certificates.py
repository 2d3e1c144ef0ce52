"""Certificates of medians: where the answer stays, whatever is changed within a bound."""

import math

import numpy as np
import scipy
from numpy.typing import ArrayLike

from iqaudit._core.errors import InputError, refuse_unless, whole_number
from iqaudit.measures._arrays import scores as as_scores


def smoothing_rank(draws: int, shift: float, confidence: float = 0.999) -> int | None:
    """Return the rank of the noisy score that bounds a smoothed median from above.

    The least q with BinomCDF(q - 1; n, Phi(shift)) >= confidence: of n clean noisy scores, sorted
    upwards and counted from 1, the q-th lies at or above the score's Phi(shift) quantile. Below,
    the (n + 1 - q)-th does the same.

    Parameters
    ----------
    draws : int
        Clean noisy scores, n.
    shift : float
        The change's L2 length over the noise's standard deviation, both in levels; at least 0.
    confidence : float
        Of each side, between 0 and 1.

    Returns
    -------
    int or None
        None where so few draws tell no bound.

    Raises
    ------
    InputError
        If a number is none of these.

    References
    ----------
    Chiang et al., "Detection as Regression: Certified Object Detection with Median Smoothing",
    NeurIPS 2020.

    Examples
    --------
    >>> smoothing_rank(1000, 0.05 / 0.12)
    708
    """
    draws = whole_number("draws", draws, 1)
    refuse_unless(0 <= shift < math.inf, "A shift is a number of at least 0", shift)
    refuse_unless(0 < confidence < 1, "A confidence lies between 0 and 1", confidence)
    below = scipy.stats.binom.ppf(confidence, draws, scipy.stats.norm.cdf(shift))
    return int(below) + 1 if below < draws else None


def smoothed_bounds(
    scores: ArrayLike, radius: float, sigma: float, confidence: float = 0.999
) -> tuple[float, float] | None:
    """Return the ends between which a smoothed median stays, whatever change of so small a length.

    The median is that of all noisy copies' scores. An answer that is the median of a few of them
    scatters about it.

    Parameters
    ----------
    scores : array_like, (n,)
        Scores of noisy copies of the clean picture, drawn for this alone.
    radius : float
        The change's L2 length, in levels.
    sigma : float
        The noise's standard deviation, in levels, above 0.
    confidence : float
        Of each end, between 0 and 1.

    Returns
    -------
    (low, high) or None
        In the scores' units; None where so few scores tell no bound.

    Raises
    ------
    InputError
        If a number cannot be used, or there is no score.
    """
    refuse_unless(0 < sigma < math.inf, "A standard deviation is a number above 0", sigma)
    ordered = np.sort(as_scores(scores))
    rank = smoothing_rank(len(ordered), radius / sigma, confidence)
    return None if rank is None else (float(ordered[-rank]), float(ordered[rank - 1]))


def median_bounds(scores: ArrayLike, changed: int) -> tuple[float, float]:
    """Return the ends between which a median stays, whatever so many of its scores become.

    Exact: the order statistics so many places below the middle and above it; of an even number of
    scores the means of two.

    Parameters
    ----------
    scores : array_like, (n,)
        The clean scores.
    changed : int
        How many of them may change; fewer than half.

    Raises
    ------
    InputError
        If there is no score, or so many leave no bound.
    """
    ordered = np.sort(as_scores(scores))
    middle = (len(ordered) - 1) // 2, len(ordered) // 2
    changed = whole_number("changed", changed, 0)
    if changed > middle[0]:
        raise InputError(f"{changed} of {len(ordered)} scores leave no bound on their median.")
    low, high = (float(np.mean([ordered[at + by] for at in middle])) for by in (-changed, changed))
    return low, high
