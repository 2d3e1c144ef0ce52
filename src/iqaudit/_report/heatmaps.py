"""Heat maps: grids over a picture's extent as small pictures, transparent at nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from iqaudit._report.data_urls import url, webp
from iqaudit._report.figures import csv_url, figure

MORE, LESS = (201, 74, 44), (52, 110, 190)
"""Two colours that stand on light and dark pages, and that the colour-blind tell apart."""

Grid = Sequence[Sequence[float | None]]


@dataclass(frozen=True)
class Heatmap:
    """A grid as a picture, its alternative text, and the ends of its colours."""

    name: str
    title: str
    image: str
    alt: str
    ends: tuple[str, str]
    kind: str
    csv: str


def strength_map(name: str, grid: Grid) -> Heatmap:
    """Draw where changes lie: from nothing, transparent, to the strongest."""
    values = _values(grid)
    most, least = float(np.nanmax(values)), float(np.nanmin(values))
    shares = values / most if most else values
    return Heatmap(
        name,
        "Mean change",
        _image(np.nan_to_num(shares), np.ones(values.shape, bool)),
        f"Mean change by place, from {figure(least, '.2f')} to {figure(most, '.2f')} levels.",
        ("0", f"{figure(most, '.2f')} levels"),
        "one",
        csv_url(grid),
    )


def accepted_map(name: str, grid: Grid) -> Heatmap:
    """Draw where steps were accepted more or less often than if place did not matter.

    The colours end at double and at half, which are as far from 1 in their logarithm.
    """
    values = _values(grid)
    there = np.isfinite(values)
    logs = np.log2(np.where(there & (values > 0), values, np.where(there, 0.5, 1)))
    least, most = (float(each(values[there])) if there.any() else math.nan for each in (min, max))
    return Heatmap(
        name,
        "Accepted steps",
        _image(np.abs(logs).clip(0, 1), logs >= 0),
        f"Accepted steps by place, from {figure(least, '.2f')} to {figure(most, '.2f')} times "
        "what is expected where place does not matter.",
        ("half", "twice as often"),
        "two",
        csv_url(grid),
    )


def _values(grid: Grid) -> NDArray[np.float64]:
    return np.array([[np.nan if each is None else each for each in row] for row in grid])


def _image(shares: NDArray[np.float64], more: NDArray[np.bool_]) -> str:
    """Return a picture with a share of opacity in each cell."""
    rgba = np.zeros((*shares.shape, 4), np.uint8)
    rgba[..., :3] = np.where(more[..., None], MORE, LESS)
    rgba[..., 3] = np.rint(255 * shares)
    return url(webp(Image.fromarray(rgba)))
