"""Receptive fields, one axis at a time: the cells of a map that a changed window can reach.

Rows and columns never mix, so a window's way through a network is two walks along one axis. Both
are worked out once for every position that a window of a given size may take, and then looked up.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Lines = NDArray[np.int64]

Corner = tuple[int, int, int]
"""A window's map in the batch, first row and first column."""


class Windows(NamedTuple):
    """Windows of one size in a map."""

    corners: tuple[Corner, ...]
    height: int
    width: int

    @property
    def cells(self) -> int:
        """Their cells, those that several windows cover counted for each."""
        return len(self.corners) * self.height * self.width


@dataclass(frozen=True, eq=False)
class Span:
    """The cells of a map, along one axis, that a window can change from each of its positions.

    Parameters
    ----------
    first, last : ndarray of int, (positions,)
        The outermost cells that change, both included.
    length : int
        Of the map.
    """

    first: Lines
    last: Lines
    length: int

    @cached_property
    def size(self) -> int:
        """Cells that are computed: one number for all positions, so that kernels are reused."""
        return int((self.last - self.first).max()) + 1

    @cached_property
    def start(self) -> list[int]:
        """The first cell that is computed; near the far border the window is moved back inside.

        The cells computed too many did not change, and come out as they were.
        """
        start: list[int] = np.minimum(self.first, self.length - self.size).tolist()
        return start

    @cached_property
    def bounds(self) -> list[tuple[int, int]]:
        """The outermost cells that change, from each position."""
        return list(zip(self.first.tolist(), self.last.tolist(), strict=True))

    @classmethod
    def of_window(cls, size: int, length: int) -> "Span":
        """Return the span of a window of `size` cells in the map that it is drawn on."""
        first = np.arange(length - size + 1)
        return cls(first, first + size - 1, length)

    def through(self, kernel: int, stride: int, before: int, dilation: int, length: int) -> "Span":
        """Return the span behind an operator that slides a kernel over `before` cells of padding.

        Output i reads the inputs i * stride - before + dilation * (0 … kernel - 1).
        """
        first = -((dilation * (kernel - 1) - before - self.first) // stride)  # rounded up
        last = (self.last + before) // stride
        first, last = np.clip(first, 0, length - 1), np.clip(last, 0, length - 1)
        # Where a stride leaps over the window nothing changes; one cell keeps the shapes.
        return Span(np.minimum(first, last), last, length)

    def to_borders(self, before: int, inner: "Span") -> "Span":
        """Return the span behind a padding with cells of the map itself, of `before` in front.

        `inner` is that of the map which is padded. A window that is seen again beyond a border is
        taken to change all up to there.
        """
        reach = max(before, self.length - inner.length - before) + 1
        first = np.where(inner.first < reach, 0, self.first)
        last = np.where(inner.last >= inner.length - reach, self.length - 1, self.last)
        return Span(first, last, self.length)

    def mixed(self, reads: NDArray[np.bool_]) -> "Span":
        """Return the span behind a resampling.

        `reads`, (outputs, inputs), is True where an output reads an input.
        """
        outputs = reads.shape[0]
        lowest = np.where(reads.any(axis=0), reads.argmax(axis=0), outputs)
        highest = np.where(reads.any(axis=0), outputs - 1 - reads[::-1].argmax(axis=0), -1)
        # From each position's first cell to behind its last, every other part; one cell more, that
        # the map's end is a place as well.
        parts = np.stack((self.first, self.last + 1), axis=1).reshape(-1)
        first = np.minimum.reduceat(np.append(lowest, outputs), parts)[::2]
        last = np.maximum.reduceat(np.append(highest, -1), parts)[::2]
        last = np.clip(last, 0, outputs - 1)
        return Span(np.clip(np.minimum(first, last), 0, outputs - 1), last, outputs)

    def joined(self, other: "Span") -> "Span":
        """Return the span that covers both."""
        first, last = np.minimum(self.first, other.first), np.maximum(self.last, other.last)
        return Span(first, last, self.length)

    def same(self, other: "Span") -> bool:
        """Whether the windows of both coincide at every position, and their changes."""
        pairs = ((self.first, other.first), (self.last, other.last))
        return self is other or all(np.array_equal(one, two) for one, two in pairs)


def in_order(lines: Lines) -> bool:
    """Whether the lines of all pieces are cut out as they are, one behind the other."""
    return bool((np.diff(lines) == 1).all())


def in_pieces(span: Span, lines: Lines) -> tuple[Lines, Span]:
    """Return a window's positions in pieces cut out of a map, along one axis.

    Parameters
    ----------
    span : Span
        In the map that is cut.
    lines : ndarray of int, (pieces, length)
        The line of the map, or -1, that each line of a piece is.

    Returns
    -------
    starts : ndarray of int, (positions, pieces)
        The first line computed in each piece; -1 where the piece has none of the window.
    inside : Span
        Of the windows in the pieces, by their first line.
    """
    length = lines.shape[1]
    if in_order(lines):
        begin = lines[:, 0]
        first = np.clip(span.first[:, None] - begin, 0, length)
        last = np.clip(span.last[:, None] - begin, -1, length - 1)
        touched = first <= last
    else:
        hit = (lines >= span.first[:, None, None]) & (lines <= span.last[:, None, None])
        touched = hit.any(axis=2)
        first = hit.argmax(axis=2)
        last = length - 1 - hit[:, :, ::-1].argmax(axis=2)
    size = int((last - first + 1)[touched].max(initial=1))
    return np.where(touched, np.minimum(first, length - size), -1), Span.of_window(size, length)
