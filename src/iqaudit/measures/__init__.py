"""Measures of an attack's effect on scores and on pictures: pure functions on arrays.

Scores come as one-dimensional arrays, one entry a picture. *Quality* is a score on the victim's
0-10 scale (`iqaudit.Scale`), higher is better; *native* scores are in the victim's own units.
Pictures are uint8 arrays (height, width, 3). ``docs/explanation/measures.md`` has the formulas side
by side.
"""

from iqaudit.measures._agreement import change_rate, krocc, plcc, rmse, srocc
from iqaudit.measures._certificates import median_bounds, smoothed_bounds, smoothing_rank
from iqaudit.measures._perceptual import flip_map
from iqaudit.measures._strength import (
    MSU_OFFSET,
    clean_range,
    energy_score,
    mean_deviation,
    normalised_gain,
    reachable_rgo,
    relative_gain,
    rgo,
    robustness,
    shift,
    wasserstein_score,
)
from iqaudit.measures._visibility import SSIM_WINDOW, changed, flip, l2, linf, psnr, ssim

__all__ = [
    "MSU_OFFSET",
    "SSIM_WINDOW",
    "change_rate",
    "changed",
    "clean_range",
    "energy_score",
    "flip",
    "flip_map",
    "krocc",
    "l2",
    "linf",
    "mean_deviation",
    "median_bounds",
    "normalised_gain",
    "plcc",
    "psnr",
    "reachable_rgo",
    "relative_gain",
    "rgo",
    "rmse",
    "robustness",
    "shift",
    "smoothed_bounds",
    "smoothing_rank",
    "srocc",
    "ssim",
    "wasserstein_score",
]
