"""Visibility: the size of a picture's change, and the part of it that is seen."""

import math

import numpy as np
import skimage.metrics
from numpy.typing import NDArray

from iqaudit._core.errors import InputError
from iqaudit._core.picture import Pixels
from iqaudit.measures._perceptual import flip_map

SSIM_WINDOW = 11
"""Pixels: Wang et al.'s Gaussian window of standard deviation 1.5, cut at 3.5 of them."""


SSIM_MEANT = (
    "Wang et al. 2004 on R, G and B, each 0 to 255: Gaussian window of 11 x 11 (sigma 1.5), "
    "K1 0.01, K2 0.03, the mean over channels and over windows that lie inside the picture"
)
"""The definition, since programs differ: of grey or colour, windows and borders."""


def linf(clean: Pixels, attacked: Pixels) -> int:
    """Return the largest absolute change of any pixel's channel, in levels of 255.

    Parameters
    ----------
    clean, attacked : ndarray of uint8, (height, width, 3)
        Two pictures of one size.

    Raises
    ------
    InputError
        If they differ in size, or are not of uint8.
    """
    return int(np.abs(_change(clean, attacked)).max())


def l2(clean: Pixels, attacked: Pixels) -> float:
    """Return the Euclidean length of the change over all pixels and channels, in levels.

    Parameters
    ----------
    clean, attacked : ndarray of uint8, (height, width, 3)
        Two pictures of one size.

    Raises
    ------
    InputError
        If they differ in size, or are not of uint8.
    """
    return float(np.sqrt(np.sum(_change(clean, attacked).astype(np.float64) ** 2)))


def changed(clean: Pixels, attacked: Pixels) -> float:
    """Return the share of pixels of which any channel changed, 0 to 1.

    Parameters
    ----------
    clean, attacked : ndarray of uint8, (height, width, 3)
        Two pictures of one size.

    Raises
    ------
    InputError
        If they differ in size, or are not of uint8.
    """
    return float(np.mean(np.any(_change(clean, attacked) != 0, axis=2)))


def psnr(clean: Pixels, attacked: Pixels) -> float:
    """Return the peak signal-to-noise ratio in dB, peak 255; infinite where nothing changed.

    Parameters
    ----------
    clean, attacked : ndarray of uint8, (height, width, 3)
        Two pictures of one size.

    Raises
    ------
    InputError
        If they differ in size, or are not of uint8.
    """
    mean_square = float(np.mean(_change(clean, attacked).astype(np.float64) ** 2))
    return 10 * math.log10(255**2 / mean_square) if mean_square else math.inf


def ssim(clean: Pixels, attacked: Pixels) -> float:
    """Return the structural similarity, up to 1 (identical), mean over the three channels.

    Gaussian window of standard deviation 1.5, K1 = 0.01, K2 = 0.03, as in the paper below. NaN for
    a picture with a side under the window's 11 pixels.

    Parameters
    ----------
    clean, attacked : ndarray of uint8, (height, width, 3)
        Two pictures of one size.

    Raises
    ------
    InputError
        If they differ in size, or are not of uint8.

    References
    ----------
    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE
    Transactions on Image Processing, 2004.
    """
    _change(clean, attacked)
    if min(clean.shape[:2]) < SSIM_WINDOW:
        return math.nan
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    value = skimage.metrics.structural_similarity(
        clean, attacked, channel_axis=2, data_range=255, **window
    )
    return float(value)


def flip(clean: Pixels, attacked: Pixels) -> float:
    """Return the mean FLIP error, 0 (no difference to be seen) to 1, at 67 pixels a degree.

    How strongly the pictures differ to somebody who flips between them; `iqaudit.measures.flip_map`
    has it pixel by pixel.

    Parameters
    ----------
    clean, attacked : ndarray of uint8, (height, width, 3)
        Two pictures of one size.

    Raises
    ------
    InputError
        If they differ in size, or are not of uint8.

    References
    ----------
    Andersson et al., "FLIP: A Difference Evaluator for Alternating Images", 2020.
    """
    _change(clean, attacked)
    return float(np.mean(flip_map(clean, attacked)))


def _change(clean: Pixels, attacked: Pixels) -> NDArray[np.int16]:
    if clean.dtype != np.uint8 or attacked.dtype != np.uint8:
        raise InputError(f"Pictures are uint8 arrays, not {clean.dtype} and {attacked.dtype}.")
    if clean.shape != attacked.shape:
        raise InputError(f"Two pictures differ in size: {clean.shape} and {attacked.shape}.")
    return attacked.astype(np.int16) - clean.astype(np.int16)
