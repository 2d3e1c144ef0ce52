"""What people look at and what they overlook, for attacks: edges, salience, the JND."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from iqaudit._core.picture import Pixels

LUMA = (0.299, 0.587, 0.114)
"""Of red, green and blue in luminance (ITU-R BT.601)."""

WEAK, STRONG = 50, 150
"""Canny's thresholds on a luminance gradient (Sobel's), in levels, as Yang et al. set them."""

SALIENCE_SIDE = 64
"""Pixels: the longer side of the picture that salience is computed of."""

NEIGHBOURHOOD = 5
"""Pixels a side within which contrast masks a change."""

MIDDLE = 127
"""The luminance at which the least change is noticed."""

SSIM_SIGMA, SSIM_K2 = 1.5, 0.03
"""The structural similarity's window and constant, as in `iqaudit.measures.ssim`."""

HALVINGS = 12
"""Of the interval in which the scale of an allowance lies."""

EDGE_MASKING, TEXTURE_MASKING = 0.117, 0.117 * 3
OVERLAP = 0.3
"""Liu et al.'s weights, and how much of the smaller of two effects does not add to the other."""


def luminance(pixels: Pixels) -> NDArray[np.float64]:
    """Return a picture's luminance in levels, (height, width)."""
    grey: NDArray[np.float64] = pixels @ np.array(LUMA)
    return grey


def edges(grey: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which pixels of a luminance lie on an edge (Canny's, without smoothing)."""
    from skimage.feature import canny  # takes a second to load

    found: NDArray[np.bool_] = canny(grey, sigma=0, low_threshold=WEAK, high_threshold=STRONG)
    return found


def salience(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much each pixel of a luminance stands out, in [0, 1], (height, width).

    References
    ----------
    Hou, Zhang, "Saliency Detection: A Spectral Residual Approach", CVPR 2007.
    """
    share = min(1.0, SALIENCE_SIDE / max(grey.shape))
    kept = [max(1, round(share * side)) / side for side in grey.shape]
    small = ndimage.zoom(ndimage.gaussian_filter(grey, (1 / share - 1) / 2), kept, order=1)
    spectrum = np.fft.fft2(small)
    amplitude = np.log(np.abs(spectrum) + 1)
    residual = np.exp(amplitude - ndimage.uniform_filter(amplitude, 3, mode="wrap"))
    unusual = np.abs(np.fft.ifft2(residual * np.exp(1j * np.angle(spectrum)))) ** 2
    smooth = ndimage.gaussian_filter(unusual, SALIENCE_SIDE / 24)
    places = [np.arange(side) * factor for side, factor in zip(grey.shape, kept, strict=True)]
    grid = np.meshgrid(*places, indexing="ij")
    full: NDArray[np.float64] = ndimage.map_coordinates(smooth, grid, order=1, mode="nearest")
    salient: NDArray[np.float64] = full / max(float(full.max()), np.finfo(float).tiny)
    return salient


def just_noticeable(pixels: Pixels) -> NDArray[np.float64]:
    """Return the change of each pixel that is just noticed, in levels, (height, width).

    Dark and bright surroundings hide more than grey ones, edges and texture more than flat parts.

    References
    ----------
    Chou, Li, "A Perceptually Tuned Subband Image Coder Based on the Measure of Just-Noticeable-
    Distortion Profile", IEEE Transactions on Circuits and Systems for Video Technology, 1995:
    luminance. Liu, Lin, Paul, Deng, Zhang, "Just Noticeable Difference for Images With
    Decomposition Model for Separating Edge and Textured Regions", the same, 2010: contrast. Edges
    are Canny's here, as in the program of Yang et al., where Liu et al. decompose the picture.
    """
    grey = luminance(pixels)
    dark = 17 * (1 - np.sqrt(np.minimum(grey, MIDDLE) / MIDDLE))
    adaptation = 3 + np.where(grey < MIDDLE, dark, 3 * (grey - MIDDLE) / (MIDDLE + 1))
    near_edge = ndimage.binary_dilation(edges(grey), np.ones((NEIGHBOURHOOD, NEIGHBOURHOOD)))
    highest = ndimage.maximum_filter(grey, NEIGHBOURHOOD)
    contrast = highest - ndimage.minimum_filter(grey, NEIGHBOURHOOD)
    masking = EDGE_MASKING * 255 * near_edge + TEXTURE_MASKING * contrast
    noticed: NDArray[np.float64] = adaptation + masking - OVERLAP * np.minimum(adaptation, masking)
    return noticed


@dataclass(frozen=True, eq=False)
class Allowance:
    """By how many levels the channels of a picture may change.

    Attributes
    ----------
    white : ndarray of float32, (height, width, 3)
        For white noise, before rounding.
    levels : int
        The most.
    """

    white: NDArray[np.float32]
    levels: int

    def within(self, rows: slice, columns: slice, variance: float = 1.0) -> NDArray[np.int16]:
        """Return the levels in a window, int16, from 1 up.

        Parameters
        ----------
        rows, columns : slice
            The window.
        variance : float
            Of what changes it, as `local_variance` has it: what varies less within the
            similarity's own window costs less, and more levels of it cost as much.
        """
        if variance == 1:
            return self._plain[rows, columns]
        return self._rounded(self.white[rows, columns] / np.float32(math.sqrt(variance)))

    @cached_property
    def _plain(self) -> NDArray[np.int16]:
        plain = self._rounded(self.white)
        plain.flags.writeable = False
        return plain

    def _rounded(self, levels: NDArray[np.float32]) -> NDArray[np.int16]:
        return np.clip(np.rint(levels), 1, self.levels).astype(np.int16)


def allowance(pixels: Pixels, levels: int, share: float) -> Allowance:
    """Return by how much each channel may change for a share of the similarity.

    Most where the picture's own texture is strong: in the structural similarity's terms, noise of
    variance n on a picture of local variance v leaves (2v + C2) / (2v + n + C2), so levels go with
    2v + C2.

    Parameters
    ----------
    pixels : ndarray of uint8, (height, width, 3)
        The clean picture.
    levels : int
        The most.
    share : float
        Of the similarity that white noise of all levels everywhere would cost, what is spent, 0 to
        1; where 1 level everywhere costs more already, 1 level it is.
    """
    strength = 2 * _variance(pixels) + (SSIM_K2 * 255) ** 2

    def kept(scale: float) -> float:
        noise = np.clip(np.rint(scale * strength), 1, levels)
        return float((strength / (strength + noise**2)).mean())

    low, high = 0.0, (levels + 1) / float(strength.min())
    least = 1 - share * (1 - kept(high))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if kept(middle) >= least else (low, middle)
    return Allowance(strength * np.float32(high if share == 1 else low), levels)


def local_variance(signs: NDArray[np.int16]) -> float:
    """Return the variance of signs within the similarity's window, on average: 1 for white noise.

    Parameters
    ----------
    signs : ndarray of int16, (height, width, 3)
        -1 or 1.
    """
    return float(_variance(signs).mean())


def _variance(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return each channel's variance within the structural similarity's window."""
    sigma, values = (SSIM_SIGMA, SSIM_SIGMA, 0), values.astype(np.float32)
    mean = ndimage.gaussian_filter(values, sigma)
    variance: NDArray[np.float32] = ndimage.gaussian_filter(values**2, sigma) - mean**2
    return np.maximum(variance, 0)
