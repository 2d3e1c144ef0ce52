"""Operators that know windows: their values on a whole map and on a window of it.

Maps are tensors (n, channels, height, width), channels last in memory.
"""

from collections.abc import Callable
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


INSIDE = MappingProxyType({"replicate": "edge", "reflect": "reflect"})
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
    at_once: Callable[..., Tensor] | None = None
    """The same for a whole map, where its one size makes another kernel faster."""

    def whole(self, *maps: Tensor) -> Tensor:
        """Compute a whole map."""
        return (self.at_once or self.compute)(*maps)

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
        if self.fill in INSIDE:  # what lies near a border is seen beyond it again
            span = span.to_borders(self.before[axis], spans[0])
        return span

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
class Cut(Step):
    """Pieces of a map beside each other in the batch: crops, patches, mirrored copies.

    Parameters
    ----------
    batch : ndarray of int, (n,)
        The map of the batch that each piece is cut from.
    rows, columns : ndarray of int, (n, height), (n, width)
        The line of that map that each line of a piece is.
    """

    batch: NDArray[np.int64]
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

    def whole(self, x: Tensor) -> Tensor:
        """Cut a whole map."""
        if self.firsts is not None:
            height, width = self.shape[2:]
            pieces = [x[n, :, y : y + height, c : c + width] for n, y, c in self.firsts]
            return torch.stack(pieces).contiguous(memory_format=torch.channels_last)
        device = x.device
        batch = torch.from_numpy(self.batch).to(device)[:, None, None]
        rows = torch.from_numpy(self.rows).to(device)[:, :, None]
        columns = torch.from_numpy(self.columns).to(device)[:, None]
        return x.permute(0, 2, 3, 1)[batch, rows, columns].permute(0, 3, 1, 2)


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


AnyStep = Pointwise | Sliding | Resampling | Cut | Reduction


def as_rows(x: Tensor) -> Tensor:
    """Return a map's cells as rows: (n * height * width, channels)."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def as_map(rows: Tensor, n: int, height: int, width: int) -> Tensor:
    """Return rows of cells as a map, channels last."""
    return rows.view(n, height, width, -1).permute(0, 3, 1, 2)
