"""A grid over a picture's extent, of one size for all pictures, and its edge."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.patches import Perturbation, Window

GRID = 32
"""Cells a side."""

EDGE = GRID // 8
"""Cells from each side that count as the edge: an eighth of the height and of the width."""


def strength(perturbation: Perturbation) -> NDArray[np.float64]:
    """Return the mean |change| in each cell of the grid, in levels: (GRID, GRID).

    A pixel that lies across cells counts in each by its share.
    """
    size = np.abs(perturbation).mean(axis=2, dtype=np.float64)
    height, width = size.shape
    down, across = _shares(height), _shares(width)
    means: NDArray[np.float64] = (GRID / height * down) @ size @ (GRID / width * across).T
    return means


def covered(window: Window, height: int, width: int) -> NDArray[np.float64]:
    """Return the share of each cell that a window of a picture covers: (GRID, GRID)."""
    down = _along(window.top, window.height, height)
    across = _along(window.left, window.width, width)
    return np.outer(down, across)


def edge_and_middle(grid: NDArray[np.float64]) -> tuple[float, float]:
    """Return a grid's means on the edge and elsewhere."""
    middle = np.pad(np.ones((GRID - 2 * EDGE, GRID - 2 * EDGE), bool), EDGE)
    return float(grid[~middle].mean()), float(grid[middle].mean())


@lru_cache(maxsize=64)
def _shares(size: int) -> NDArray[np.float64]:
    """Return how much of each pixel of a row lies in each cell: (GRID, size)."""
    ends = _ends(size)
    pixels = np.arange(size)
    low = np.maximum(ends[:-1, None], pixels)
    high = np.minimum(ends[1:, None], pixels + 1)
    shares: NDArray[np.float64] = np.maximum(high - low, 0)
    return shares


@lru_cache(maxsize=64)
def _ends(size: int) -> NDArray[np.float64]:
    """Return where the cells of a row of so many pixels begin, and where the last ends."""
    return np.linspace(0, size, GRID + 1)


def _along(start: int, length: int, size: int) -> NDArray[np.float64]:
    """Return the share of each cell of a row that so many pixels from a start on cover."""
    ends = _ends(size)
    covers = np.minimum(ends[1:], start + length) - np.maximum(ends[:-1], start)
    clipped: NDArray[np.float64] = np.maximum(covers, 0) * (GRID / size)
    return clipped
