"""Agreement of scores with people's opinion scores."""

import math

import numpy as np
import scipy
from numpy.typing import ArrayLike

from iqaudit._core.errors import InputError
from iqaudit.measures._arrays import pair


def srocc(scores: ArrayLike, opinions: ArrayLike) -> float:
    """Return Spearman's rank-order correlation, -1 to 1; NaN where either side is constant.

    Parameters
    ----------
    scores : array_like, (n,)
        Scores of pictures, in any unit.
    opinions : array_like, (n,)
        Their opinion scores.

    Raises
    ------
    InputError
        If the two do not match one to one, or there are fewer than two pictures.
    """
    return _correlation(scipy.stats.spearmanr, scores, opinions)


def plcc(scores: ArrayLike, opinions: ArrayLike) -> float:
    """Return Pearson's linear correlation, -1 to 1; NaN where either side is constant.

    Scores are taken as they are: no logistic is fitted in between.

    Parameters
    ----------
    scores : array_like, (n,)
        Scores of pictures, in any unit.
    opinions : array_like, (n,)
        Their opinion scores.

    Raises
    ------
    InputError
        If the two do not match one to one, or there are fewer than two pictures.
    """
    return _correlation(scipy.stats.pearsonr, scores, opinions)


def krocc(scores: ArrayLike, opinions: ArrayLike) -> float:
    """Return Kendall's rank correlation (tau-b), -1 to 1; NaN where either side is constant.

    Parameters
    ----------
    scores : array_like, (n,)
        Scores of pictures, in any unit.
    opinions : array_like, (n,)
        Their opinion scores.

    Raises
    ------
    InputError
        If the two do not match one to one, or there are fewer than two pictures.
    """
    return _correlation(scipy.stats.kendalltau, scores, opinions)


def rmse(scores: ArrayLike, opinions: ArrayLike) -> float:
    """Return the root mean squared difference, in the scores' units; both on one scale.

    Parameters
    ----------
    scores : array_like, (n,)
        Scores of pictures.
    opinions : array_like, (n,)
        Their opinion scores, on the same scale.

    Raises
    ------
    InputError
        If the two do not match one to one, or are empty.
    """
    a, b = pair(scores, opinions)
    return float(np.sqrt(np.mean((a - b) ** 2)))


def change_rate(before: float, after: float) -> float:
    """Return the share of a correlation that an attack took: 1 where nothing is left.

    (before - after) / before: 0 where it holds, above 1 where its sign turned, below 0 where it
    grew. NaN where either is none, or there was nothing to lose.

    Parameters
    ----------
    before, after : float
        One kind of correlation with opinion scores, of the clean and the attacked pictures.

    References
    ----------
    Ran et al., arXiv 2402.17533, whose change rates of 97 % and 101 % mean: to about zero.
    """
    if before == 0 or not (math.isfinite(before) and math.isfinite(after)):
        return math.nan
    return (before - after) / before


def _correlation(function: object, scores: ArrayLike, opinions: ArrayLike) -> float:
    a, b = pair(scores, opinions)
    if a.size == 1:
        raise InputError("A correlation needs two pictures or more.")
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan  # SciPy's answer as well, less its warning
    return float(function(a, b).statistic)  # type: ignore[operator]
