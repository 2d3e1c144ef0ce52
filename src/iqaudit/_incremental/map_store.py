"""What is kept of a picture's maps, and what a score in the making changes of them."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from iqaudit._incremental.windows import Span

Place = tuple[int, int, int]
"""A window's map in the batch, first row and first column."""


@dataclass(frozen=True, eq=False)
class Way:
    """Along one axis, where windows of one size lie in every map."""

    spans: dict[str, Span]
    pieces: dict[str, NDArray[np.int64]]
    """For every cut, by the window's place in its root: the first line in each piece, or -1."""
    reads: frozenset[str]
    """Maps that are read beyond their changed windows, where windows of different sizes meet."""


@dataclass(eq=False)
class Kept:
    """A map of the base picture as rows of cells, and every lane's changed cells behind them.

    Rows: the map's cells, a row for everything that readers pad it with, then each lane's room.
    """

    rows: Tensor
    cells: int
    fills: tuple[float, ...]
    room: int
    ids: NDArray[np.int32]
    """(n, height, width): each cell's row."""

    @property
    def base(self) -> Tensor:
        """The base picture's map: (n, height, width, channels)."""
        return self.rows[: self.cells].view(*self.ids.shape, -1)

    def first_of(self, lane: int) -> int:
        """Return the first row of a lane's room."""
        return self.cells + len(self.fills) + lane * self.room


@dataclass(eq=False)
class Windows:
    """A map's changed windows: where, and what they hold."""

    places: tuple[Place, ...]
    values: Tensor
    """(windows, channels, height, width)"""
    ids: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 0, 0), np.int32))
    """(windows, height, width): the rows of the cells, where they were kept."""


class View(NamedTuple):
    """A map's row numbers, (n, height, width) and its readers' margins: in use, and unchanged."""

    rows: NDArray[np.int32]
    clean: NDArray[np.int32]


@dataclass(eq=False)
class Lane:
    """What one score in the making holds: several can be made at once.

    `values` and `sums` are the last score's maps and totals; `views` the maps' row numbers with
    its changed cells in place, by map and by what they are padded with.
    """

    number: int
    values: dict[str, "Tensor | Windows"] = field(default_factory=dict)
    views: dict[tuple[str, float], View] = field(default_factory=dict)
    sums: dict[str, tuple[Tensor, Tensor] | None] = field(default_factory=dict)
