"""What a change did to a victim's scores and to a picture: pure functions on arrays.

Scores come as one-dimensional arrays, one entry a picture. *Quality* is a score on the victim's
0-10 scale (`iqaudit.Scale`), higher is better; *native* scores are in the victim's own units.
Pictures are uint8 arrays (height, width, 3). ``docs/measures.md`` has the formulas side by side.
"""

import math

import numpy as np
import scipy
import skimage.metrics
from numpy.typing import ArrayLike, NDArray

from iqaudit.errors import InputError
from iqaudit.images import Pixels
from iqaudit.scale import QUALITY_MAX

SSIM_WINDOW = 11
"""Pixels: Wang et al.'s Gaussian window of standard deviation 1.5, cut at 3.5 of them."""


def rgo(clean: ArrayLike, attacked: ArrayLike) -> float:
    """Relative gain objective: how far the scores went of how far they could go.

    mean of |s(x') - s(x)| / max(10 - s(x), s(x)), from 0 (nothing moved) to 1 (every score at the
    farther end of the scale).

    Parameters
    ----------
    clean, attacked : array_like, (n,)
        Qualities in 0-10 before and after.

    References
    ----------
    Ran et al., arXiv 2402.17533.
    """
    s, s_attacked = _pair(clean, attacked)
    return float(np.mean(np.abs(s_attacked - s) / np.maximum(QUALITY_MAX - s, s)))


def reachable_rgo(
    clean: ArrayLike, reachable: tuple[float, float], raised: ArrayLike | None = None
) -> float:
    """Return the RGO of a perfect attack, which the victim's native range may hold below 1.

    Parameters
    ----------
    clean : array_like, (n,)
        Qualities in 0-10 before.
    reachable : (low, high)
        The qualities that the native range's ends map to (`Scale.reachable`).
    raised : array_like of bool, (n,), optional
        Which way each score is pushed; to the farther end unless given.
    """
    s = _scores(clean)
    low, high = reachable
    up, down = np.maximum(high - s, 0), np.maximum(s - low, 0)
    farthest = np.maximum(up, down) if raised is None else np.where(raised, up, down)
    return float(np.mean(farthest / np.maximum(QUALITY_MAX - s, s)))


def mean_deviation(clean: ArrayLike, attacked: ArrayLike) -> float:
    """Return the mean of |s(x') - s(x)|, in the scores' units."""
    s, s_attacked = _pair(clean, attacked)
    return float(np.mean(np.abs(s_attacked - s)))


def srocc(scores: ArrayLike, opinions: ArrayLike) -> float:
    """Return Spearman's rank-order correlation, -1 to 1; NaN where either side is constant."""
    return _correlation(scipy.stats.spearmanr, scores, opinions)


def plcc(scores: ArrayLike, opinions: ArrayLike) -> float:
    """Return Pearson's linear correlation, -1 to 1; NaN where either side is constant.

    Scores are taken as they are: no logistic is fitted in between.
    """
    return _correlation(scipy.stats.pearsonr, scores, opinions)


def krocc(scores: ArrayLike, opinions: ArrayLike) -> float:
    """Return Kendall's rank correlation (tau-b), -1 to 1; NaN where either side is constant."""
    return _correlation(scipy.stats.kendalltau, scores, opinions)


def rmse(scores: ArrayLike, opinions: ArrayLike) -> float:
    """Return the root mean squared difference, in the scores' units; both on one scale."""
    a, b = _pair(scores, opinions)
    return float(np.sqrt(np.mean((a - b) ** 2)))


def robustness(
    clean: ArrayLike, attacked: ArrayLike, score_range: tuple[float, float], *, base: float
) -> float:
    """Robustness R: the logarithm of how much farther the scores could have gone; higher is firmer.

    mean of log_base(max(high - f(x), f(x) - low) / |f(x') - f(x)|). Infinite where a score did not
    move. Three bases are in use: say which wherever R is printed.

    Parameters
    ----------
    clean, attacked : array_like, (n,)
        Scores before and after, in one unit.
    score_range : (low, high)
        The range in that unit.
    base : float
        The logarithm's base: e in Zhang et al., 10 in the MSU robustness benchmark.

    References
    ----------
    Zhang et al., "Perceptual Attacks of No-Reference Image Quality Models with Human-in-the-Loop",
    NeurIPS 2022.
    """
    if not (base > 0 and base != 1):
        raise InputError(f"R's logarithm needs a base above 0 that is not 1, not {base}.")
    f, f_attacked = _pair(clean, attacked)
    low, high = _range(score_range)
    moved = np.abs(f_attacked - f)
    with np.errstate(divide="ignore"):
        ratios = np.log(np.maximum(high - f, f - low)) - np.log(moved)
    return float(np.mean(ratios) / math.log(base))


def normalised_gain(
    clean: ArrayLike, attacked: ArrayLike, score_range: tuple[float, float]
) -> float:
    """Return the mean of (f(x') - f(x)) / (high - low): signed, so give one direction at a time.

    Parameters
    ----------
    clean, attacked : array_like, (n,)
        Native scores before and after.
    score_range : (low, high)
        The native range.
    """
    f, f_attacked = _pair(clean, attacked)
    low, high = _range(score_range)
    return float(np.mean(f_attacked - f) / (high - low))


def linf(clean: Pixels, attacked: Pixels) -> int:
    """Return the largest absolute change of any pixel's channel, in levels of 255."""
    return int(np.abs(_change(clean, attacked)).max())


def l2(clean: Pixels, attacked: Pixels) -> float:
    """Return the Euclidean length of the change over all pixels and channels, in levels."""
    return float(np.sqrt(np.sum(_change(clean, attacked).astype(np.float64) ** 2)))


def changed(clean: Pixels, attacked: Pixels) -> float:
    """Return the share of pixels of which any channel changed, 0 to 1."""
    return float(np.mean(np.any(_change(clean, attacked) != 0, axis=2)))


def psnr(clean: Pixels, attacked: Pixels) -> float:
    """Return the peak signal-to-noise ratio in dB, peak 255; infinite where nothing changed."""
    mean_square = float(np.mean(_change(clean, attacked).astype(np.float64) ** 2))
    return 10 * math.log10(255**2 / mean_square) if mean_square else math.inf


def ssim(clean: Pixels, attacked: Pixels) -> float:
    """Return the structural similarity, up to 1 (identical), mean over the three channels.

    Gaussian window of standard deviation 1.5, K1 = 0.01, K2 = 0.03, as in the paper below. NaN for
    a picture with a side under the window's 11 pixels.

    References
    ----------
    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE
    Transactions on Image Processing, 2004.
    """
    _change(clean, attacked)
    if min(clean.shape[:2]) < SSIM_WINDOW:
        return math.nan
    value = skimage.metrics.structural_similarity(
        clean,
        attacked,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return float(value)


def _scores(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not array.size:
        raise InputError(f"Scores come as a filled array of one dimension, not {array.shape}.")
    return array


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = _scores(a), _scores(b)
    if first.shape != second.shape:
        raise InputError(
            f"Two sets of scores must match one to one, not {first.size} to {second.size}."
        )
    return first, second


def _correlation(function: object, scores: ArrayLike, opinions: ArrayLike) -> float:
    a, b = _pair(scores, opinions)
    if a.size == 1:
        raise InputError("A correlation needs two pictures or more.")
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan  # SciPy's answer as well, less its warning
    return float(function(a, b).statistic)  # type: ignore[operator]


def _range(score_range: tuple[float, float]) -> tuple[float, float]:
    low, high = score_range
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(
            f"A score range must be two finite numbers, low then high, not {score_range}."
        )
    return low, high


def _change(clean: Pixels, attacked: Pixels) -> NDArray[np.int16]:
    if clean.dtype != np.uint8 or attacked.dtype != np.uint8:
        raise InputError(f"Pictures are uint8 arrays, not {clean.dtype} and {attacked.dtype}.")
    if clean.shape != attacked.shape:
        raise InputError(f"Two pictures differ in size: {clean.shape} and {attacked.shape}.")
    return attacked.astype(np.int16) - clean.astype(np.int16)
