"""Allowances: by how many levels each channel may change for a share of the similarity."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from iqaudit._core.picture import Pixels

SSIM_SIGMA, SSIM_K2 = 1.5, 0.03
"""The structural similarity's window and constant, as in `iqaudit.measures.ssim`."""

HALVINGS = 12
"""Of the interval in which the scale of an allowance lies."""


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
        if variance == 1 or self._everywhere:
            return self._plain[rows, columns]
        return self._rounded(self.white[rows, columns] / np.float32(math.sqrt(variance)))

    @cached_property
    def _everywhere(self) -> bool:
        """Whether all levels are allowed everywhere, whatever changes."""
        return bool((self._plain == self.levels).all())

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
    if share == 1:
        return Allowance(np.full(pixels.shape, levels, np.float32), levels)
    strength = 2 * _variance(pixels) + (SSIM_K2 * 255) ** 2

    def kept(scale: float) -> float:
        noise = np.clip(np.rint(scale * strength), 1, levels)
        return float((strength / (strength + noise**2)).mean())

    low, high = 0.0, (levels + 1) / float(strength.min())
    least = 1 - share * (1 - kept(high))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if kept(middle) >= least else (low, middle)
    return Allowance(strength * np.float32(low), levels)


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
