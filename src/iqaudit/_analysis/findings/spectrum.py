"""The spectrum of a perturbation: its frequencies, its orientation, and its colours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.patches import Perturbation

BANDS = ((0, 1 / 64), (1 / 64, 1 / 32), (1 / 32, 1 / 16), (1 / 16, 1 / 8), (1 / 8, 1 / 4),
         (1 / 4, 1 / 2), (1 / 2, 1))  # fmt: skip
"""Cycles a pixel: octaves, each without its lower end and with its upper. The first holds the mean
as well; the last, beyond what a row or a column alone can carry, the diagonals' corners."""

RINGS = 64
"""Of the radial spectrum, from 0 to 1/2 cycle a pixel."""

NEAR = 22.5
"""Degrees from an axis within which a frequency counts as along it. Of a perturbation whose pixels
are independent, a fifth lies along each axis: the plane's corners lie between them."""

OPPONENTS = {
    "luminance": np.array([1, 1, 1]) / np.sqrt(3),
    "red-green": np.array([1, -1, 0]) / np.sqrt(2),
    "yellow-blue": np.array([1, 1, -2]) / np.sqrt(6),
}
"""An orthonormal opponent space, so that the axes' shares of the energy add to 1: van de Sande,
Gevers, Snoek, "Evaluating Color Descriptors for Object and Scene Recognition", IEEE TPAMI 32, 2010,
equation 1. Independent changes of R, G and B lie along each axis by a third."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The spectrum of a perturbation.

    Attributes
    ----------
    bands : ndarray, (bands,)
        Shares of the power in `BANDS`.
    rings : ndarray, (RINGS,)
        Mean power density on rings of equal width from 0 to 1/2 cycle a pixel, squared levels a
        frequency: a perturbation whose pixels are independent has its variance everywhere. NaN on
        a ring where a small picture has no frequency.
    half : float
        Cycles a pixel below which half of the power lies.
    vertical, horizontal : float
        Shares of the power in frequencies within `NEAR` of the axis: `vertical` for what varies
        along a row as vertical stripes do, `horizontal` for horizontal stripes.
    colours : ndarray, (3,)
        Shares of the energy along the axes of `OPPONENTS`.
    """

    bands: NDArray[np.float64]
    rings: NDArray[np.float64]
    half: float
    vertical: float
    horizontal: float
    colours: NDArray[np.float64]


def spectrum(perturbation: Perturbation) -> Spectrum | None:
    """Return a perturbation's spectrum, the mean of its channels'; None where nothing changed.

    The picture is taken for periodic: a difference between opposite edges adds a little power along
    the axes.
    """
    if not perturbation.any():
        return None
    height, width = perturbation.shape[:2]
    waves = np.fft.fft2(perturbation.astype(np.float64), axes=(0, 1))
    power = (np.abs(waves) ** 2).mean(axis=2).ravel() / (height * width)
    down, across = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]
    radius = np.hypot(down, across).ravel()
    total = power.sum()
    upper = [end for _, end in BANDS]
    bands = np.bincount(np.searchsorted(upper, radius), power, len(BANDS)) / total
    inner = radius <= 1 / 2
    ring = np.minimum((2 * RINGS * radius[inner]).astype(int), RINGS - 1)
    filled = np.bincount(ring, minlength=RINGS)
    sums = np.bincount(ring, power[inner], RINGS)
    rings = np.divide(sums, filled, out=np.full(RINGS, np.nan), where=filled > 0)
    order = np.argsort(radius, kind="stable")
    half = radius[order][np.searchsorted(np.cumsum(power[order]), total / 2)]
    turned = np.degrees(np.arctan2(np.abs(down), np.abs(across))).ravel()
    varies = radius > 0
    along = perturbation.reshape(-1, 3).astype(np.float64) @ np.stack([*OPPONENTS.values()], axis=1)
    energy = (along**2).sum(axis=0)
    return Spectrum(
        bands,
        rings,
        float(half),
        float(power[varies & (turned <= NEAR)].sum() / total),
        float(power[varies & (turned >= 90 - NEAR)].sum() / total),
        energy / energy.sum(),
    )
