"""Measurements of pixels: a picture's features, and where a perturbation lies and what it is of.

Where it lies is told on a grid over the picture's extent, of one size for all pictures; what it is
of, by its frequencies, its orientation, and its colours.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy

from iqaudit._core.patches import Perturbation, Window
from iqaudit._core.picture import Pixels
from iqaudit.measures._arrays import Floats

LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G and B in luma: ITU-R BT.601, which JPEG uses as well."""

SOBEL_SIDE = 3

GRID = 32
"""Cells a side."""

EDGE = GRID // 8
"""Cells from each side that count as the edge: an eighth of the height and of the width."""

BANDS = ((0, 1 / 64), (1 / 64, 1 / 32), (1 / 32, 1 / 16), (1 / 16, 1 / 8), (1 / 8, 1 / 4),
         (1 / 4, 1 / 2), (1 / 2, 1))  # fmt: skip
"""Cycles a pixel: octaves, each without its lower end and with its upper. The first holds the mean
as well; the last, beyond what a row or a column alone can carry, the diagonals' corners."""

RING = 1 / 128
"""Cycles a pixel: the width of a ring of the radial spectrum."""

RINGS = 91
"""Rings from 0 on, as far as the plane's corners: along the diagonals frequencies reach the root of
1/2 cycle a pixel, and half of a fine change's power may lie beyond 1/2."""

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


def spatial_information(pixels: Pixels) -> float:
    """Return a picture's spatial information, SI, in levels: 0 where it is flat.

    The standard deviation over the picture of the length of the luma's Sobel gradient (the filter
    not normalised). The outermost pixels, whose neighbours are not all there, are left out.

    References
    ----------
    ITU-T Recommendation P.910, "Subjective video quality assessment methods for multimedia
    applications", spatial perceptual information; of a single frame.
    """
    if min(pixels.shape[:2]) < SOBEL_SIDE:
        return 0.0
    luma = pixels.astype(np.float64) @ np.array(LUMA)
    across, down = (scipy.ndimage.sobel(luma, axis)[1:-1, 1:-1] for axis in (1, 0))
    return float(np.std(np.hypot(across, down)))


def colourfulness(pixels: Pixels) -> float:
    """Return a picture's colourfulness, M^(3) of the paper: 0 for grey.

    With rg = R - G and yb = (R + G) / 2 - B: the root of the sum of their variances, and 0.3 times
    the root of the sum of their squared means.

    References
    ----------
    Hasler, Süsstrunk, "Measuring Colourfulness in Natural Images", Human Vision and Electronic
    Imaging VIII, SPIE 5007, 2003.
    """
    red, green, blue = np.moveaxis(pixels.astype(np.float64), 2, 0)
    opponents = np.stack([red - green, (red + green) / 2 - blue])
    spread, mean = opponents.std(axis=(1, 2)), opponents.mean(axis=(1, 2))
    return float(np.hypot(*spread) + 0.3 * np.hypot(*mean))


def strength(perturbation: Perturbation) -> Floats:
    """Return the mean |change| in each cell of the grid, in levels: (GRID, GRID).

    A pixel that lies across cells counts in each by its share.
    """
    size = np.abs(perturbation).mean(axis=2, dtype=np.float64)
    height, width = size.shape
    down, across = _shares(height), _shares(width)
    means: Floats = (GRID / height * down) @ size @ (GRID / width * across).T
    return means


def covered(window: Window, height: int, width: int) -> Floats:
    """Return the share of each cell that a window of a picture covers: (GRID, GRID)."""
    down = _along(window.top, window.height, height)
    across = _along(window.left, window.width, width)
    return np.outer(down, across)


def edge_and_middle(grid: Floats) -> tuple[float, float]:
    """Return a grid's means on the edge and elsewhere."""
    middle = np.pad(np.ones((GRID - 2 * EDGE, GRID - 2 * EDGE), bool), EDGE)
    return float(grid[~middle].mean()), float(grid[middle].mean())


@lru_cache(maxsize=64)
def _shares(size: int) -> Floats:
    """Return how much of each pixel of a row lies in each cell: (GRID, size)."""
    ends = _ends(size)
    pixels = np.arange(size)
    low = np.maximum(ends[:-1, None], pixels)
    high = np.minimum(ends[1:, None], pixels + 1)
    shares: Floats = np.maximum(high - low, 0)
    return shares


@lru_cache(maxsize=64)
def _ends(size: int) -> Floats:
    """Return where the cells of a row of so many pixels begin, and where the last ends."""
    return np.linspace(0, size, GRID + 1)


def _along(start: int, length: int, size: int) -> Floats:
    """Return the share of each cell of a row that so many pixels from a start on cover."""
    ends = _ends(size)
    covers = np.minimum(ends[1:], start + length) - np.maximum(ends[:-1], start)
    clipped: Floats = np.maximum(covers, 0) * (GRID / size)
    return clipped


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The spectrum of a perturbation.

    Attributes
    ----------
    bands : ndarray, (bands,)
        Shares of the power in `BANDS`.
    rings : ndarray, (RINGS,)
        Mean power density on rings of the width `RING` from 0 to the corners, squared levels a
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

    bands: Floats
    rings: Floats
    half: float
    vertical: float
    horizontal: float
    colours: Floats


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
    ring = (radius / RING).astype(int)
    filled = np.bincount(ring, minlength=RINGS)
    sums = np.bincount(ring, power, RINGS)
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
