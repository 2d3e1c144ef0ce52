"""Visibility of changes to people, for attacks: edges, salience, the just noticeable difference."""

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
    return full / max(float(full.max()), np.finfo(float).tiny)


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
