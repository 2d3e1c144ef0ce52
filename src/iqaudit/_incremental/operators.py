"""Operators that know windows: their values on a whole map and on a window of it.

Maps are tensors (n, channels, height, width), channels last in memory.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqaudit._incremental.receptive_field import Span, Windows, in_order

Shape = tuple[int, int, int, int]

INPUT = "picture"
"""The name of the map that a network starts from."""


CIRCULAR = "circular"

INSIDE = MappingProxyType({"replicate": "edge", "reflect": "reflect", CIRCULAR: "wrap"})
"""Paddings with cells of the map itself, by torch's names, as NumPy calls them."""


@dataclass(frozen=True, eq=False)
class Step:
    """One operator of a network on its way from map to map.

    Parameters
    ----------
    name : str
        The graph's.
    inputs : tuple of str
        The maps that it reads.
    shape : (n, channels, height, width)
        Of the map that it computes; of a reduction, the one that it reads.
    flops : float
        Multiplications and additions of a dense pass.
    frame : str
        The map in which its windows lie: the last cut before it, or the picture.
    """

    name: str
    inputs: tuple[str, ...]
    shape: Shape
    flops: float = field(default=0.0, kw_only=True)
    frame: str = field(default=INPUT, kw_only=True)

    def built(self) -> Any:
        """Return what is computed when no more can be folded into it: for most steps, the same."""
        return self


@dataclass(frozen=True, eq=False)
class Pointwise(Step):
    """Every cell from the same cell of the inputs: arithmetic, activations, 1 x 1 convolutions."""

    compute: Callable[..., Tensor]
    """From its maps, then its fields."""
    at_once: Callable[..., Tensor] | None = None
    """The same for a whole map, where its one size makes another kernel faster."""
    fields: tuple[Tensor, ...] = ()
    """Constants that differ from cell to cell, as coordinates do: (n, channels, height, width)."""

    def whole(self, *maps: Tensor) -> Tensor:
        """Compute a whole map."""
        return (self.at_once or self.compute)(*maps, *self.fields)

    def span(self, spans: tuple[Span, ...], _axis: int) -> Span:
        """Return the output's span along an axis: 0 for rows, 1 for columns."""
        joined = spans[0]
        for other in spans[1:]:
            joined = joined if joined.same(other) else joined.joined(other)
        return joined


@dataclass(frozen=True, eq=False)
class Sliding(Step):
    """Every cell from a neighbourhood: convolution, pooling, padding.

    Parameters
    ----------
    compute : callable
        From a patch with all the cells that a window reads, padding included, to the window.
    whole : callable
        From the whole map to the whole map.
    kernel, stride, before, dilation : (int, int)
        For rows and columns; `before` is the padding above and on the left.
    fill : float or str
        The value of the padding; or, as one of `INSIDE`, where in the map it is taken from.
    product : callable, optional
        For a convolution: from every cell's neighbourhood as a row, (cells, kernel rows x kernel
        columns x channels), to the cells.
    """

    compute: Callable[[Tensor], Tensor]
    whole: Callable[[Tensor], Tensor]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    before: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)
    fill: float | str = 0.0
    product: Callable[[Tensor], Tensor] | None = None

    def span(self, spans: tuple[Span, ...], axis: int) -> Span:
        """Return the output's span along an axis."""
        parts = (self.kernel, self.stride, self.before, self.dilation, self.shape[2:])
        span = spans[0].through(*(part[axis] for part in parts))
        if self.fill in INSIDE and self.fill != CIRCULAR:  # what lies near a border is seen again
            span = span.to_borders(self.before[axis], spans[0])
        return span

    def wraps(self, windows: Windows, height: int, width: int) -> bool:
        """Whether windows of its map, of so many cells, are seen across a border of it."""
        if self.fill != CIRCULAR:
            return False
        sizes = zip((0, 1), (windows.height, windows.width), (height, width), strict=True)
        return any(
            corner[1 + axis] + self.before[axis] + turn < self.shape[2 + axis]
            and corner[1 + axis] + self.before[axis] + turn + size > 0
            for axis, size, length in sizes
            for turn in (-length, length)
            for corner in windows.corners
        )

    def reads(self, start: int, size: int, axis: int) -> tuple[int, int]:
        """Return the first cell, in the unpadded map, and how many a window reads."""
        span = self.dilation[axis] * (self.kernel[axis] - 1) + 1
        stride = self.stride[axis]
        return start * stride - self.before[axis], (size - 1) * stride + span

    def read(self, windows: Windows) -> Windows:
        """Return the windows of its padded input that windows of it read."""
        (down, across), (above, beside) = self.stride, self.before
        corners = (
            (n, top * down - above, left * across - beside) for n, top, left in windows.corners
        )
        tall, wide = self.reads(0, windows.height, 0)[1], self.reads(0, windows.width, 1)[1]
        return Windows(tuple(corners), tall, wide)


@dataclass(frozen=True, eq=False)
class Resampling(Step):
    """Rows and columns mixed by fixed weights: interpolation, adaptive pooling.

    Parameters
    ----------
    whole : callable
        The operator itself.
    weights : callable
        From an axis, 0 for rows and 1 for columns, to its weights, (outputs, inputs); they are
        worked out when they are first asked for.
    """

    whole: Callable[[Tensor], Tensor]
    weights: Callable[[int], Tensor]

    @cached_property
    def _reads(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(outputs, inputs) of each axis: True where an output reads an input."""
        return (self.weights(0) != 0).cpu().numpy(), (self.weights(1) != 0).cpu().numpy()

    def span(self, spans: tuple[Span, ...], axis: int) -> Span:
        """Return the output's span along an axis."""
        return spans[0].mixed(self._reads[axis])

    def reads(self, start: int, size: int, axis: int) -> tuple[int, int]:
        """Return the first cell and how many a window reads."""
        read = np.flatnonzero(self._reads[axis][start : start + size].any(axis=0))
        return int(read[0]), int(read[-1] - read[0] + 1)


@dataclass(frozen=True, eq=False)
class Spreading(Step):
    """Every cell of the map goes to a block of cells: transposed convolution, pixel shuffling.

    Parameters
    ----------
    compute : callable
        From a patch to all that its cells go to.
    finish : callable
        From what cells come to, 0 where none does, to the operator's answer.
    whole : callable
        The operator itself.
    kernel, stride, before, dilation : (int, int)
        For rows and columns; `before` are the lines above and on the left that are left out.
    """

    compute: Callable[[Tensor], Tensor]
    finish: Callable[[Tensor], Tensor]
    whole: Callable[[Tensor], Tensor]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    before: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)

    def span(self, spans: tuple[Span, ...], axis: int) -> Span:
        """Return the output's span along an axis."""
        first, reach = self.first(spans[0].first, axis), self._reach(axis)
        last = self.first(spans[0].last, axis) + reach
        length = self.shape[2 + axis]
        return Span(np.clip(first, 0, length - 1), np.clip(last, 0, length - 1), length)

    def first(self, cell: Any, axis: int) -> Any:
        """Return the first line, or one left out before it, that a line goes to."""
        return cell * self.stride[axis] - self.before[axis]

    def reads(self, start: int, size: int, axis: int, length: int) -> tuple[int, int]:
        """Return the first cell, of a map of a length, and how many a window reads."""
        ahead, stride = start + self.before[axis], self.stride[axis]
        first = max(0, -((self._reach(axis) - ahead) // stride))  # rounded up
        last = min(length - 1, (ahead + size - 1) // stride)
        first = min(first, last)  # of what no cell goes to, any
        return first, last - first + 1

    def _reach(self, axis: int) -> int:
        return self.dilation[axis] * (self.kernel[axis] - 1)


@dataclass(frozen=True, eq=False)
class Cut(Step):
    """Pieces of a map beside each other in the batch: crops, patches, mirrors, single channels.

    Parameters
    ----------
    batch : ndarray of int, (n,)
        The map of the batch that each piece is cut from.
    channels, rows, columns : ndarray of int, (n, channels), (n, height), (n, width)
        The channel or line of that map that each one of a piece is.
    """

    batch: NDArray[np.int64]
    channels: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    @cached_property
    def firsts(self) -> list[tuple[int, int, int]] | None:
        """Each piece's map and first row and column, where it is cut out as it is; else None."""
        if not (in_order(self.rows) and in_order(self.columns)):
            return None
        return list(
            zip(
                self.batch.tolist(),
                self.rows[:, 0].tolist(),
                self.columns[:, 0].tolist(),
                strict=True,
            )
        )

    @cached_property
    def _in_place(self) -> bool:
        """Whether every piece has the first channels of its map, in order."""
        return bool((self.channels == np.arange(self.shape[1])).all())

    def whole(self, x: Tensor) -> Tensor:
        """Cut a whole map."""
        if self.firsts is not None:
            height, width = self.shape[2:]
            pieces = [x[n, :, y : y + height, c : c + width] for n, y, c in self.firsts]
            return self.of_channels(torch.stack(pieces), range(len(pieces)))
        batch, rows, columns = (
            self.batch[:, None, None],
            self.rows[..., None],
            self.columns[:, None],
        )
        index = (torch.from_numpy(each).to(x.device) for each in (batch, rows, columns))
        cut = x.permute(0, 2, 3, 1)[tuple(index)].permute(0, 3, 1, 2)
        return self.of_channels(cut, range(len(cut)))

    def of_channels(self, windows: Tensor, pieces: Iterable[int]) -> Tensor:
        """Return windows of pieces, with all of the map's channels, with those of each piece."""
        if windows.shape[1] != self.shape[1] or not self._in_place:
            chosen = torch.from_numpy(self.channels[list(pieces)]).to(windows.device)
            windows = windows[torch.arange(len(windows))[:, None], chosen]
        return windows.contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True, eq=False)
class Reduction(Step):
    """A statistic of every channel over the whole map.

    Parameters
    ----------
    finish : callable or None
        From a map's (n, channels) float64 sums, sums of squares and its number of cells to the
        operator's answer: it is updated by difference. None: it is computed anew for those maps of
        the batch that change.
    whole : callable
        The operator itself.
    kind : torch.dtype
        Of its answers.
    """

    finish: Callable[[Tensor, Tensor, int], Any] | None
    whole: Callable[[Tensor], Any]
    kind: torch.dtype


MapStep = Pointwise | Sliding | Resampling | Spreading | Cut
AnyStep = MapStep | Reduction


def parts(x: Tensor, windows: Windows) -> Tensor:
    """Return windows of a map that lie inside it."""
    corners, height, width = windows
    each = [x[n : n + 1, :, row : row + height, col : col + width] for n, row, col in corners]
    return each[0] if len(each) == 1 else torch.cat(each)


def as_rows(x: Tensor) -> Tensor:
    """Return a map's cells as rows: (n * height * width, channels)."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def as_map(rows: Tensor, n: int, height: int, width: int) -> Tensor:
    """Return rows of cells as a map, channels last."""
    return rows.view(n, height, width, -1).permute(0, 3, 1, 2)
