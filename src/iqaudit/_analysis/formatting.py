"""Formats of figures in sentences: with their intervals, and no more than they claim."""

import numpy as np
from numpy.typing import NDArray

from iqaudit.measures._bootstrap import ENOUGH, Estimate

DIGITS = 6
"""After the point, of the numbers in maps and curves."""


def figure(estimate: Estimate, form: str = ".2f") -> str:
    """Return a figure with its interval, as ``0.35 (0.30 to 0.41)``."""
    if estimate.value is None:
        return "no figure"
    if estimate.low is None or estimate.high is None:
        return format(estimate.value, form)
    return f"{estimate.value:{form}} ({estimate.low:{form}} to {estimate.high:{form}})"


def percent(estimate: Estimate) -> str:
    """Return a share with its interval, as ``35 % (30 to 41)``."""
    if estimate.value is None:
        return "no figure"
    value = f"{100 * estimate.value:.0f} %"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({100 * estimate.low:.0f} to {100 * estimate.high:.0f})"


def pictures(count: int) -> str:
    """Return a number of pictures."""
    return f"{count} picture" if count == 1 else f"{count} pictures"


def too_few(count: int) -> str:
    """Return that pictures are too few."""
    return f"{pictures(count)} {'is' if count == 1 else 'are'} too few"


def few(*counts: int) -> bool:
    """Tell whether some group has too few pictures to be compared."""
    return min(counts) < ENOUGH


def numbers(row: NDArray[np.float64]) -> tuple[float | None, ...]:
    """Return numbers that are drawn, not read: rounded, and None for a NaN."""
    return tuple(round(float(each), DIGITS) if np.isfinite(each) else None for each in row)
