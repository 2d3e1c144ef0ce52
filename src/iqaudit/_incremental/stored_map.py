"""A stored map: a base picture's map as rows of cells, which a window pass changes in place."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqaudit._incremental.operators import INSIDE, Reduction, Shape, Sliding, as_map, as_rows
from iqaudit._incremental.receptive_field import Windows

RowNumbers = NDArray[np.int64]
Place = tuple[int, slice, slice]


@dataclass(eq=False)
class StoredMap:
    """A map of the base picture, into which window passes write what changes.

    Its rows are the map's cells, then one for every padding value. A pass writes over the cells of
    its windows; they are taken back before the next one, unless it is accepted.

    Parameters
    ----------
    shape : (n, channels, height, width)
        Of the map.
    margins : ndarray of int, (2, 2)
        Cells above and below it, left and right of it, that its readers see.
    fills : tuple of float or str
        Values that they pad it with, or where in the map they take them from; see `Sliding`.
    reductions : tuple of Reduction
        The statistics that are taken of it.
    """

    shape: Shape
    margins: NDArray[np.int64]
    fills: tuple[float | str, ...]
    reductions: tuple[Reduction, ...] = ()

    def __post_init__(self) -> None:
        n, channels, height, width = self.shape
        self._cells = n * height * width
        self._outside = [fill for fill in self.fills if not isinstance(fill, str)]
        """Values, each of which has a row behind the map's."""
        self.size = (self._cells + len(self._outside)) * channels
        """The numbers that all rows hold."""
        self.rows = torch.empty(0)
        self._grid: Any = self.rows
        """The cells by place, (n, height, width, channels): a view, of NumPy's on a CPU, which
        is quicker with few of them."""
        self._tables: dict[float | str, RowNumbers] = {}
        """By padding value, the row at each place of the padded map, (n, height, width)."""
        self._corner = self.margins[:, 0].tolist()
        """The map's first cell in the tables."""
        self._changed: tuple[Windows | None, Tensor] = None, self.rows
        """The windows, or None for a map that changes as a whole, and their values."""
        self._places: list[Place] = []
        """Of the windows that were written over."""
        self._before: Any = self.rows
        """What was there, (windows, height, width, channels)."""
        self._sums = self._changed_sums = self.rows, self.rows
        """The base's, (n, channels) in float64, and those with the changed cells."""
        self._statistics: dict[str, Tensor] = {}
        """Likewise, by step."""
        self._changed_statistics: dict[str, Tensor] = {}

    @property
    def base(self) -> Tensor:
        """The map, (n, channels, height, width), where it is stored, changes in place."""
        n, _, height, width = self.shape
        return as_map(self.rows[: self._cells], n, height, width)

    @base.setter
    def base(self, value: Tensor) -> None:
        if not self.rows.numel():
            self.rows = value.new_empty((self.size // self.shape[1], self.shape[1]))
            for offset, fill in enumerate(self._outside):
                self.rows[self._cells + offset] = fill
            self._grid = _by_place(self.base)
        self.rows[: self._cells] = as_rows(value)
        self._places = []
        if any(step.finish for step in self.reductions):
            cells = self.rows[: self._cells].view(self.shape[0], -1, self.shape[1]).double()
            self._sums = cells.sum(1), (cells * cells).sum(1)
        self._statistics = {
            step.name: step.whole(self.base) for step in self.reductions if not step.finish
        }

    def change(self, windows: Windows | None, values: Tensor) -> None:
        """Write changed windows; with None, take note of a map that changes as a whole."""
        self._changed = windows, values
        self._changed_sums, self._changed_statistics = self._sums, dict(self._statistics)
        if windows is None:
            return
        cells, grid = _by_place(values), self._grid
        self._before = _by_place(torch.empty_like(values))
        self._places = _places(windows)
        for index, place in enumerate(self._places):  # all of them first: windows may overlap
            self._before[index] = grid[place]
        for index, place in enumerate(self._places):
            grid[place] = cells[index]

    def restore(self) -> None:
        """Take the last pass's changes back, unless they were accepted."""
        for index, place in enumerate(self._places):
            self._grid[place] = self._before[index]
        self._places = []

    def accept(self) -> None:
        """Take the last pass's changes into the base."""
        windows, values = self._changed
        if windows is None:
            self.base = values
        else:
            self._sums, self._statistics = self._changed_sums, self._changed_statistics
        self._changed, self._places = (None, self.rows[:0]), []

    def patches(self, windows: Windows, fill: float | str = 0.0) -> Tensor:
        """Return windows of the padded map, the changed ones in place."""
        corners, height, width = windows
        _, channels, tall, wide = self.shape
        if all(0 <= y <= tall - height and 0 <= x <= wide - width for _, y, x in corners):
            cells = self.rows.new_empty((len(corners), height, width, channels))
            patches = cells.permute(0, 3, 1, 2)
            into = _by_place(patches)
            for index, place in enumerate(_places(windows)):
                into[index] = self._grid[place]
            return patches
        rows = self.gather(self._numbers(windows, fill, _square(height, width, self._wide(fill))))
        return as_map(rows, len(corners), height, width)

    def neighbourhoods(self, windows: Windows, step: Sliding) -> Tensor:
        """Return what every cell of a step's windows reads, as rows of kernel cells by channels."""
        (tall, wide), (down, right) = step.kernel, step.stride
        across = self._wide(step.fill)
        kernel = _square(tall, wide, across, *step.dilation)
        read = _square(windows.height, windows.width, across, down, right)[:, None] + kernel
        numbers = self._numbers(step.read(windows), step.fill, read.reshape(-1))
        return self.gather(numbers).view(-1, tall * wide * self.shape[1])

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
        touched = list(dict.fromkeys(n for n, _, _ in windows.corners))
        answer = self._statistics[step.name].clone()
        answer[touched] = step.whole(self.base[touched])
        self._changed_statistics[step.name] = answer
        return answer

    def sums(self) -> tuple[Tensor, Tensor]:
        """Return the sums and sums of squares, (n, channels) in float64, with the changed cells."""
        batch, new, old = self._difference()
        first, second = new - old, new * new - old * old
        if self.shape[0] == 1:
            change = first.sum(0, keepdim=True), second.sum(0, keepdim=True)
        else:
            empty = torch.zeros_like(self._sums[0])
            change = empty.index_add(0, batch, first), empty.index_add(0, batch, second)
        self._changed_sums = self._sums[0] + change[0], self._sums[1] + change[1]
        return self._changed_sums

    def _difference(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the map of the batch of changed cells, their values and the base's, in float64.

        A cell that several windows cover comes once. Values are (cells, channels).
        """
        windows, values = self._changed
        assert windows is not None  # noqa: S101 (a pass is under way that has not changed the whole map)
        corners, height, width = windows
        new, old = as_rows(values), torch.as_tensor(self._before).reshape(-1, self.shape[1])
        batch = torch.tensor([n for n, _, _ in corners]).repeat_interleave(height * width)
        if len(corners) > 1:
            numbers = self._numbers(windows, 0.0, _square(height, width, self._wide(0.0)))
            each, at = np.unique(numbers, return_index=True)
            if len(each) < len(numbers):  # what stands, whichever window wrote it last
                new, old, batch = self.gather(each), old[at], batch[at]
        return batch.to(new.device), new.double(), old.double()

    def _numbers(self, windows: Windows, fill: float | str, read: RowNumbers) -> RowNumbers:
        """Return the rows that are read from each window's corner on, places in the table."""
        table, (above, beside) = self._table(fill), self._corner
        _, tall, wide = table.shape
        first = [(n * tall + above + y) * wide + beside + x for n, y, x in windows.corners]
        numbers: RowNumbers = table.reshape(-1).take(np.add.outer(first, read).reshape(-1))
        return numbers

    def _wide(self, fill: float | str) -> int:
        """Return the length of the table's rows."""
        return int(self._table(fill).shape[2])

    def _table(self, fill: float | str) -> RowNumbers:
        """Return the row numbers of the map as padded with a value; made when first asked for."""
        if fill not in self._tables:
            n, _, height, width = self.shape
            ids = np.arange(self._cells).reshape(n, height, width)
            around = ((0, 0), *self.margins.tolist())
            if isinstance(fill, str):
                mode: Any = INSIDE[fill]
                self._tables[fill] = np.pad(ids, around, mode)
            else:
                outside = self._cells + self._outside.index(fill)
                self._tables[fill] = np.pad(ids, around, constant_values=outside)
        return self._tables[fill]


@lru_cache(64)
def _square(height: int, width: int, across: int, down: int = 1, right: int = 1) -> RowNumbers:
    """Return places from a first one on, in rows of a length: of a square's every so many cells."""
    places = np.add.outer(np.arange(height) * down * across, np.arange(width) * right).reshape(-1)
    places.flags.writeable = False
    return places


def _by_place(x: Tensor) -> Any:
    """Return a view of a map as (n, height, width, channels), of NumPy's on a CPU where it can."""
    view = x.permute(0, 2, 3, 1)
    return view.numpy() if view.device.type == "cpu" and view.dtype != torch.bfloat16 else view


def _places(windows: Windows) -> list[Place]:
    """Return where windows of a map lie."""
    corners, height, width = windows
    return [(n, slice(y, y + height), slice(x, x + width)) for n, y, x in corners]
