"""A stored map: a base picture's map as rows of cells, and the cells that a window pass changes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqaudit._incremental.operators import INSIDE, Reduction, Shape, Sliding, as_map, as_rows
from iqaudit._incremental.receptive_field import Windows

RowNumbers = NDArray[np.int32]
Place = tuple[int, slice, slice]


@dataclass(eq=False)
class StoredMap:
    """A map of the base picture, and the cells that the last window pass changed.

    Its rows are the base's cells, one for every padding value, then the changed cells. A pass never
    touches the base's: tables tell which row stands at which place until it ends.

    Parameters
    ----------
    shape : (n, channels, height, width)
        Of the map.
    margins : ndarray of int, (2, 2)
        Cells above and below it, left and right of it, that its readers see.
    fills : tuple of float or str
        Values that they pad it with, or where in the map they take them from; see `Sliding`.
    room : int
        The most changed cells.
    """

    shape: Shape
    margins: NDArray[np.int64]
    fills: tuple[float | str, ...]
    room: int

    def __post_init__(self) -> None:
        n, channels, height, width = self.shape
        self._cells = n * height * width
        self._outside = [fill for fill in self.fills if not isinstance(fill, str)]
        """Values, each of which has a row behind the base's."""
        self.size = (self._cells + len(self._outside) + self.room) * channels
        """The numbers that all rows hold."""
        self.rows = torch.empty(0)
        self._ids = np.arange(self._cells, dtype=np.int32).reshape(n, height, width)
        self._tables: dict[float | str, RowNumbers] = {}
        """By padding value, the row at each place of the padded map, (n, height, width)."""
        self._changed: tuple[Windows | None, Tensor] = None, self.rows
        """The windows, or None for a map that changes as a whole, and their values."""
        self._changed_ids: RowNumbers = self._ids[:0]
        self._base_ids: list[RowNumbers] = []
        self._corner = self.margins[:, 0].tolist()
        """The map's first cell in the tables."""
        self._places: list[Place] = []
        """The changed windows in the tables."""
        self._sums: tuple[Tensor, Tensor] | None = None
        self._changed_sums: tuple[Tensor, Tensor] | None = None
        self._statistics: dict[str, Tensor] = {}
        """The base's, by step, and those with the changed cells."""
        self._changed_statistics: dict[str, Tensor] = {}

    @property
    def base(self) -> Tensor:
        """The base picture's map, (n, channels, height, width), where it is stored."""
        return as_map(self.rows[: self._cells], *self._ids.shape)

    @base.setter
    def base(self, value: Tensor) -> None:
        if not self.rows.numel():
            self.rows = value.new_empty((self.size // self.shape[1], self.shape[1]))
            for offset, fill in enumerate(self._outside):
                self.rows[self._cells + offset] = fill
        self.rows[: self._cells] = as_rows(value)
        self._sums, self._statistics = None, {}

    def change(self, windows: Windows | None, values: Tensor) -> None:
        """Write changed windows; with None, take note of a map that changes as a whole."""
        self._changed, self._changed_sums = (windows, values), None
        self._changed_statistics = {}
        if windows is None:
            return
        _, height, width = windows
        start = self._cells + len(self._outside)
        end = start + windows.cells
        self.rows[start:end] = as_rows(values)
        self._changed_ids = np.arange(start, end, dtype=np.int32).reshape(-1, height, width)
        self._places = _places(windows, *self._corner)
        self._base_ids = [self._ids[place] for place in _places(windows)]
        for fill, table in self._tables.items():
            self._enter(table, fill)

    def restore(self) -> None:
        """Have the tables show the base again."""
        for fill, table in self._tables.items():
            for ids, place in zip(self._base_ids, self._places, strict=False):
                table[place] = ids
            self._surround(table, fill)
        self._places = []

    def accept(self) -> None:
        """Take the last pass's changes into the base."""
        windows, values = self._changed
        if windows is None:
            self.base = values
        else:
            for (n, rows, columns), cells in zip(_places(windows), values, strict=True):
                self.base[n, :, rows, columns] = cells
            self._sums, self._statistics = self._changed_sums, self._changed_statistics
        self._changed = None, self.rows[:0]

    def whole(self) -> Tensor:
        """Return the map with its changed windows in place."""
        n, _, height, width = self.shape
        corners = tuple((number, 0, 0) for number in range(n))
        return self.patches(Windows(corners, height, width))

    def patches(self, windows: Windows, fill: float | str = 0.0) -> Tensor:
        """Return windows of the padded map, the changed ones in place."""
        rows = self.gather(self.numbers(windows, fill))
        return as_map(rows, len(windows.corners), windows.height, windows.width)

    def numbers(
        self, windows: Windows, fill: float | str, step: Sliding | None = None
    ) -> RowNumbers:
        """Return the rows of windows; of every cell's neighbourhood where a step is given."""
        table = self._table(fill)
        patches = [table[place] for place in _places(windows, *self._corner)]
        if step is not None:
            patches = [step.neighbourhoods(patch) for patch in patches]
        return np.concatenate([patch.reshape(-1) for patch in patches])

    def numbers_at(self, n: int, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> RowNumbers:
        """Return the rows of cells of one map of the batch, by their rows and columns."""
        above, beside = self._corner
        numbers: RowNumbers = self._table(0.0)[n, above + rows[:, None], beside + columns]
        return numbers.reshape(-1)

    def gather(self, numbers: RowNumbers) -> Tensor:
        """Return rows by their numbers."""
        index = torch.from_numpy(numbers).to(self.rows.device, non_blocking=True)
        return self.rows.index_select(0, index)

    def statistic(self, step: Reduction) -> Tensor:
        """Return a statistic of every map of the batch, computed anew for those that changed."""
        windows, _ = self._changed
        assert windows is not None  # noqa: S101 (see `_difference`)
        if step.name not in self._statistics:
            self._statistics[step.name] = step.whole(self.base)
        touched = tuple(dict.fromkeys(n for n, _, _ in windows.corners))
        whole = Windows(tuple((n, 0, 0) for n in touched), *self.shape[2:])
        answer = self._statistics[step.name].clone()
        answer[list(touched)] = step.whole(self.patches(whole))
        self._changed_statistics[step.name] = answer
        return answer

    def sums(self) -> tuple[Tensor, Tensor]:
        """Return the sums and sums of squares, (n, channels) in float64, with the changed cells."""
        if self._sums is None:
            cells = self.rows[: self._cells].view(self.shape[0], -1, self.shape[1]).double()
            self._sums = cells.sum(1), (cells * cells).sum(1)
        if self._changed_sums is None:
            windows, new, old = self._difference()
            first, second = new - old, new * new - old * old
            sums, squares = self._sums
            if len(sums) == 1:
                change = first.sum(0, keepdim=True), second.sum(0, keepdim=True)
            else:
                each = torch.tensor([n for n, _, _ in windows.corners], device=new.device)
                batch = each.repeat_interleave(windows.height * windows.width)
                empty = torch.zeros_like(sums)
                change = empty.index_add(0, batch, first), empty.index_add(0, batch, second)
            self._changed_sums = sums + change[0], squares + change[1]
        return self._changed_sums

    def _difference(self) -> tuple[Windows, Tensor, Tensor]:
        """Return the changed windows, their cells and the base's, (cells, channels), in float64.

        A cell that several windows cover counts once; its further rows are zero.
        """
        windows, values = self._changed
        assert windows is not None  # noqa: S101 (a pass is under way that has not changed the whole map)
        new = as_rows(values).double()
        old = self.gather(np.stack(self._base_ids).reshape(-1)).double()
        # It counts for the window whose row stands in the table.
        counts = self.numbers(windows, 0.0) == self._changed_ids.reshape(-1)
        if not counts.all():
            weights = torch.from_numpy(counts).to(new.device)[:, None]
            new, old = new * weights, old * weights
        return windows, new, old

    def _table(self, fill: float | str) -> RowNumbers:
        """Return the row numbers of the map as padded with a value; made when first asked for."""
        if fill not in self._tables:
            around = ((0, 0), *self.margins.tolist())
            if isinstance(fill, str):
                table = mirrored(self._ids, around, fill)
            else:
                outside = self._cells + self._outside.index(fill)
                table = np.pad(self._ids, around, constant_values=outside)
            self._tables[fill] = table
            self._enter(table, fill)
        return self._tables[fill]

    def _enter(self, table: RowNumbers, fill: float | str) -> None:
        """Put the changed cells in place, until the pass ends."""
        for ids, place in zip(self._changed_ids, self._places, strict=False):
            table[place] = ids
        self._surround(table, fill)

    def _surround(self, table: RowNumbers, fill: float | str) -> None:
        """Show the cells near a border beyond it again, where they changed and padding has them."""
        if not isinstance(fill, str):
            return
        (above, below), (beside, beyond) = self.margins.tolist()
        _, height, width = self._ids.shape
        inner = table[:, above : above + height, beside : beside + width]
        reach = int(self.margins.max()) + 1
        for _, rows, columns in self._places:
            top, left = rows.start - above, columns.start - beside
            bottom, right = height - (rows.stop - above), width - (columns.stop - beside)
            if min(top, left, bottom, right) < reach:
                around = ((0, 0), (above, below), (beside, beyond))
                table[:] = mirrored(inner, around, fill)
                return


def mirrored(ids: RowNumbers, around: tuple[Any, ...], way: str) -> RowNumbers:
    """Return maps' row numbers, (n, height, width), padded with their own."""
    mode: Any = INSIDE[way]
    padded: RowNumbers = np.pad(ids, around, mode)
    return padded


def _places(windows: Windows, above: int = 0, beside: int = 0) -> list[Place]:
    """Return where windows of a map lie, with so many cells above it and on its left."""
    corners = ((n, above + top, beside + left) for n, top, left in windows.corners)
    height, width = windows.height, windows.width
    return [(n, slice(y, y + height), slice(x, x + width)) for n, y, x in corners]
