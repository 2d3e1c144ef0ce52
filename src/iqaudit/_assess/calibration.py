"""Calibration: a victim's score scale, fitted to its scores of some pictures.

A fitted scale lies in a small TOML file (see `victims._scale_file`), which later runs take up.
"""

from dataclasses import replace

import numpy as np
import scipy
from numpy.typing import ArrayLike

from iqaudit._core.errors import InputError
from iqaudit._core.scale import CLEAN, DECLARED, IQR, QUALITY_MAX, Scale
from iqaudit._core.wording import worded

PERCENTILES = (1, 99)
"""Of the scores: a range that no single picture decides."""

FEWEST = 10
"""Pictures, below which two numbers cannot be fitted to anything that lasts."""


def fit(
    scores: ArrayLike, *, lower_is_better: bool = False, opinions: ArrayLike | None = None
) -> Scale:
    """Fit C and S, and the range, to a victim's native scores.

    Parameters
    ----------
    scores : array_like, (n,)
        Native scores, of at least ten pictures.
    lower_is_better : bool
        The victim's direction.
    opinions : array_like, (n,), optional
        Opinion scores of the same pictures on 0-10, higher is better. With them, C and S are the
        least-squares fit of 10 / (1 + exp(-(f - C) / S)) to them; without, the scores' mean and
        standard deviation.

    Raises
    ------
    InputError
        If there are too few scores, they do not differ, or the opinions run the other way.
    """
    values = np.asarray(scores, dtype=np.float64)
    check_count(values.size)
    if not np.ptp(values):
        raise InputError(f"The victim scored every picture {values[0]:g}: no scale fits that.")
    low, high = (float(end) for end in np.percentile(values, PERCENTILES))
    center, spread = float(values.mean()), float(values.std())
    how = "mean and standard deviation of its scores"
    if opinions is not None:
        center, spread = fit_to_opinions(-values if lower_is_better else values, opinions)
        center = -center if lower_is_better else center
        how = "least squares to opinion scores"
    source = f"{how}, {values.size} pictures"
    return Scale(center, spread, low, high, lower_is_better, source, fitted=True)


def fit_clean(scores: ArrayLike, scale: Scale) -> Scale:
    """Return a scale with C and S fitted to an audit's clean scores: median, IQR / 1.35.

    Neither moves far for a few failures that were answered as numbers. Where nothing can be fitted,
    as the scores are too few or do not spread, it is the old scale, and its source says why.

    Parameters
    ----------
    scores : array_like, (n,)
        Native scores.
    scale : Scale
        The victim's, of whose range C and S are.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.size < FEWEST:
        why = f"{values.size} clean scores, and {FEWEST} fit a scale"
        return replace(scale, source=f"{scale.source}: {why}", basis=DECLARED)
    low, center, high = (float(each) for each in np.percentile(values, (25, 50, 75)))
    spread = (high - low) / IQR
    if not spread > np.spacing(abs(center)):
        why = f"half of its {values.size} clean scores do not differ"
        return replace(scale, source=f"{scale.source}: {why}", basis=DECLARED)
    source = (
        f"median and interquartile range / {IQR} of {values.size} clean scores; "
        f"{scale.source.removesuffix(', not calibrated')}"
    )
    return replace(scale, center=center, spread=spread, source=source, basis=CLEAN)


def check_count(pictures: int) -> None:
    """Raise an `InputError` where pictures are too few to fit a scale."""
    if pictures < FEWEST:
        raise InputError(f"A scale needs at least {FEWEST} pictures, not {pictures}.")


def fit_to_opinions(scores: ArrayLike, opinions: ArrayLike) -> tuple[float, float]:
    """Return the C and S of the logistic nearest to opinion scores on 0-10, in least squares.

    Parameters
    ----------
    scores : array_like, (n,)
        Native scores, higher is better.
    opinions : array_like, (n,)
        Opinion scores on 0-10.
    """
    f = np.asarray(scores, dtype=np.float64)

    def misses(constants: np.ndarray) -> np.ndarray:
        logistic = QUALITY_MAX * scipy.special.expit((f - constants[0]) / constants[1])
        return np.asarray(logistic - np.asarray(opinions))

    with np.errstate(invalid="ignore"):  # opinions that do not differ rise with nothing
        rises = np.corrcoef(f, np.asarray(opinions))[0, 1] > 0
    if not rises:
        raise InputError(
            "The opinion scores do not rise with the victim's scores; "
            f"if a lower score is better, say {worded('lower_is_better=True')}."
        )
    solution = scipy.optimize.least_squares(misses, (f.mean(), f.std()), x_scale=f.std())
    center, spread = solution.x.tolist()
    return center, abs(spread)
