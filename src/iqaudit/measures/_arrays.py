"""Arguments of measures: sets of scores that match one to one, and a range of them."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqaudit._core.errors import InputError, refuse_unless
from iqaudit._core.settings import two_numbers

Floats = NDArray[np.float64]


def scores(values: ArrayLike) -> Floats:
    """Return scores as an array, (n,), or raise an `InputError` where they are none."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("Scores are numbers, and these are not.") from None
    rule = "Scores come as a filled array of one dimension"
    refuse_unless(array.ndim == 1 and array.size > 0, rule, array.shape)
    return array


def pair(a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
    """Return two sets of scores, (n,) each, that match one to one.

    Raises
    ------
    InputError
        If they do not match one to one, or are empty.
    """
    first, second = scores(a), scores(b)
    rule = "Two sets of scores must match one to one"
    refuse_unless(first.shape == second.shape, rule, f"{first.size} to {second.size}")
    return first, second


def scaled(
    clean: ArrayLike, attacked: ArrayLike, score_range: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Return two sets of scores with a range's ends mapped to 0 and 1.

    Raises
    ------
    InputError
        As `pair` and `ends` do.
    """
    f, f_attacked = pair(clean, attacked)
    low, high = ends(score_range)
    return (f - low) / (high - low), (f_attacked - low) / (high - low)


def ends(score_range: tuple[float, float]) -> tuple[float, float]:
    """Return a range's ends, or raise an `InputError` where it is none."""
    rule = "A score range must be two finite numbers, low then high"
    try:
        low, high = two_numbers(score_range)
    except TypeError:
        raise InputError(f"{rule}, not {score_range!r}.") from None
    refuse_unless(-math.inf < low < high < math.inf, rule, score_range)
    return low, high
