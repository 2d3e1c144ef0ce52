"""A stored map: a base picture's map as rows of cells, and the cells that a window pass changes."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqaudit._incremental.operators import Shape, Sliding, as_map, as_rows
from iqaudit._incremental.receptive_field import Windows

RowNumbers = NDArray[np.int32]


@dataclass(frozen=True)
class Layout:
    """The rows of a stored map: its cells, one for every padding value, then the changed cells.

    Parameters
    ----------
    shape : (n, channels, height, width)
        Of the map.
    margins : (int, int, int, int)
        Cells above, left, below and right of it that its readers see.
    fills : tuple of float
        Values that they pad it with.
    room : int
        The most changed cells.
    """

    shape: Shape
    margins: tuple[int, int, int, int]
    fills: tuple[float, ...]
    room: int

    @property
    def cells(self) -> int:
        """The map's cells, all maps of the batch together."""
        return self.shape[0] * self.shape[2] * self.shape[3]

    @property
    def numbers(self) -> int:
        """The numbers that all rows hold."""
        return (self.cells + len(self.fills) + self.room) * self.shape[1]


class Table(NamedTuple):
    """The row at each place of a padded map, (n, height, width): now, and of the base."""

    rows: RowNumbers
    base: RowNumbers


class StoredMap:
    """A map of the base picture, and the cells that the last window pass changed.

    The base's rows are never touched by a pass. Its cells are written behind them, and tables tell
    which row stands at which place until the pass ends.

    Parameters
    ----------
    layout : Layout
        Of its rows.
    like : Tensor
        Of the map's type and device.
    """

    def __init__(self, layout: Layout, like: Tensor) -> None:
        self.layout = layout
        n, channels, height, width = layout.shape
        self.rows = torch.empty(
            (layout.numbers // channels, channels), dtype=like.dtype, device=like.device
        )
        for offset, fill in enumerate(layout.fills):
            self.rows[layout.cells + offset] = fill
        self._ids = np.arange(layout.cells, dtype=np.int32).reshape(n, height, width)
        self._tables: dict[float, Table] = {}
        self._changed: tuple[Windows | None, Tensor] | None = None
        self._changed_ids = self._ids[:0]
        self._places: list[tuple[int, slice, slice]] = []
        """The changed windows in the tables."""

    @property
    def base(self) -> Tensor:
        """The base picture's map, (n, channels, height, width), where it is stored."""
        return as_map(self.rows[: self.layout.cells], *self._ids.shape)

    @base.setter
    def base(self, value: Tensor) -> None:
        self.rows[: self.layout.cells] = as_rows(value)

    def change(self, windows: Windows | None, values: Tensor) -> None:
        """Write changed windows; with None, take note of a map that changes as a whole."""
        self._changed = windows, values
        if windows is None:
            return
        _, height, width = windows
        start = self.layout.cells + len(self.layout.fills)
        end = start + windows.cells
        self.rows[start:end] = as_rows(values)
        self._changed_ids = np.arange(start, end, dtype=np.int32).reshape(-1, height, width)
        self._places = self._places_of(windows)
        for table in self._tables.values():
            self._enter(table)

    def restore(self) -> None:
        """Have the tables show the base again."""
        for table in self._tables.values():
            for place in self._places:
                table.rows[place] = table.base[place]
        self._places = []

    def accept(self) -> None:
        """Take the last pass's changes into the base."""
        if self._changed is None:
            return
        windows, values = self._changed
        if windows is None:
            self.base = values
        else:
            base = self.base
            for (n, top, left), cells in zip(windows.corners, values, strict=True):
                base[n, :, top : top + windows.height, left : left + windows.width] = cells
        self._changed = None

    def whole(self) -> Tensor:
        """Return the map with its changed windows in place."""
        n, _, height, width = self.layout.shape
        corners = tuple((number, 0, 0) for number in range(n))
        return self.patches(Windows(corners, height, width))

    def patches(self, windows: Windows, fill: float = 0.0) -> Tensor:
        """Return windows of the padded map, the changed ones in place."""
        rows = self.gather(self.numbers(windows, fill))
        return as_map(rows, len(windows.corners), windows.height, windows.width)

    def numbers(self, windows: Windows, fill: float, step: Sliding | None = None) -> RowNumbers:
        """Return the rows of windows; of every cell's neighbourhood where a step is given."""
        table = self._table(fill)
        patches = [table[place] for place in self._places_of(windows)]
        if step is not None:
            patches = [step.neighbourhoods(patch) for patch in patches]
        return np.concatenate([patch.reshape(-1) for patch in patches])

    def numbers_at(self, n: int, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> RowNumbers:
        """Return the rows of cells of one map of the batch, by their rows and columns."""
        above, beside = self.layout.margins[:2]
        numbers: RowNumbers = self._table(0.0)[n, above + rows[:, None], beside + columns]
        return numbers.reshape(-1)

    def _places_of(self, windows: Windows) -> list[tuple[int, slice, slice]]:
        """Return where windows stand in the tables."""
        above, beside = self.layout.margins[:2]
        _, height, width = windows
        corners = ((n, above + top, beside + left) for n, top, left in windows.corners)
        return [(n, slice(y, y + height), slice(x, x + width)) for n, y, x in corners]

    def gather(self, numbers: RowNumbers) -> Tensor:
        """Return rows by their numbers."""
        index = torch.from_numpy(numbers).to(self.rows.device, non_blocking=True)
        return self.rows.index_select(0, index)

    def difference(self) -> tuple[Tensor, Tensor]:
        """Return the changed cells after and before, (cells, channels), in float64.

        A cell that several windows cover counts once; its further rows are zero.
        """
        windows, values = self._windows_changed()
        new = as_rows(values).double()
        ids = [
            self._ids[n, top : top + windows.height, left : left + windows.width].reshape(-1)
            for n, top, left in windows.corners
        ]
        old = self.gather(np.concatenate(ids)).double()
        # It counts for the window whose row stands in the table.
        counts = self.numbers(windows, 0.0) == self._changed_ids.reshape(-1)
        if not counts.all():
            weights = torch.from_numpy(counts).to(new.device)[:, None]
            new, old = new * weights, old * weights
        return new, old

    def batch(self) -> Tensor:
        """Return the map of the batch, (cells,), that each changed cell lies in."""
        windows, _ = self._windows_changed()
        each = torch.tensor([n for n, _, _ in windows.corners], device=self.rows.device)
        return each.repeat_interleave(windows.height * windows.width)

    def _windows_changed(self) -> tuple[Windows, Tensor]:
        assert self._changed is not None  # noqa: S101 (a pass is under way)
        windows, values = self._changed
        assert windows is not None  # noqa: S101 (nor has it changed the whole map)
        return windows, values

    def _table(self, fill: float) -> RowNumbers:
        """Return the row numbers of the map as padded with a value; made when first asked for."""
        if fill not in self._tables:
            above, left, below, right = self.layout.margins
            outside = self.layout.cells + self.layout.fills.index(fill)
            around = ((0, 0), (above, below), (left, right))
            base = np.pad(self._ids, around, constant_values=outside)
            self._tables[fill] = Table(base.copy(), base)
            self._enter(self._tables[fill])
        return self._tables[fill].rows

    def _enter(self, table: Table) -> None:
        """Put the changed cells in place, until the pass ends."""
        for ids, place in zip(self._changed_ids, self._places, strict=False):
            table.rows[place] = ids
