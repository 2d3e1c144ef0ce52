"""Patterns of signs that fill a window, whatever its size: checks, noise of one scale, one colour.

A pattern is told by rows and columns counted from where the victim looks, so that it goes on across
windows and keeps its place on the grid of a network's strides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from iqaudit.attacks._guided.allowance import local_variance

Signs: TypeAlias = NDArray[np.int16]
"""-1 or 1, int16, (height, width, 3)."""

Colour: TypeAlias = tuple[int, int, int]
"""A sign a channel."""

COLOURS: tuple[Colour, ...] = ((1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, 1, 1))
"""Every colour but for its sign."""

TILE = 256
"""Side in pixels of a noise that is repeated."""

OCTAVES = 0.4
"""Half-width of a noise's band of frequencies, one standard deviation."""


FLAT_SIDE = 3
"""Pixels: squares of one colour each and of a larger side vary within the similarity's window by so
much over their side, to within 0.1 of white noise."""


@dataclass(frozen=True)
class Flat:
    """One colour."""

    colour: Colour

    def signs(self, rows: slice, columns: slice) -> Signs:
        """Return the colour on a window."""
        height, width = rows.stop - rows.start, columns.stop - columns.start
        line = np.tile(np.array(self.colour, np.int16), width)
        return np.broadcast_to(line, (height, line.size)).reshape(height, width, 3)

    def variance(self, side: float) -> float:
        """Return the visibility among other colours in windows of that side."""
        return min(1.0, FLAT_SIDE / side)


@dataclass(frozen=True)
class Checks:
    """Rectangles of a colour and its negative in turns, or stripes.

    Parameters
    ----------
    height, width : int
        A rectangle's sides in pixels; 0: it never ends that way, which leaves stripes.
    colour : Colour
        That of the first rectangle.
    slant : int
        1 or -1: diagonal stripes of `width` columns in place of rectangles.
    shift : tuple of int
        Rows and columns by which the plane is moved.
    """

    height: int
    width: int
    colour: Colour = COLOURS[0]
    slant: int = 0
    shift: tuple[int, int] = (0, 0)

    def signs(self, rows: slice, columns: slice) -> Signs:
        """Return the checks on a window."""
        y = np.arange(rows.start, rows.stop) + self.shift[0]
        x = np.arange(columns.start, columns.stop) + self.shift[1]
        colour = np.array(self.colour, np.int16)
        if self.slant:  # every row is a part of one longer one
            starts = x[0] + self.slant * y
            first = starts.min()
            line = np.multiply.outer(
                _turns(first + np.arange(np.ptp(starts) + len(x)), self.width), colour
            )
            parts = sliding_window_view(line.reshape(-1), 3 * len(x))[3 * (starts - first)]
        else:
            across = np.multiply.outer(_turns(x, self.width), colour)
            parts = np.multiply.outer(_turns(y, self.height), across.reshape(-1))
        signs: Signs = parts.reshape(len(y), len(x), 3)
        return signs

    def variance(self, _side: float) -> float:
        """Return the visibility, whatever the side."""
        return _checks_variance(self.height, self.width, self.slant)


class Tile(NamedTuple):
    """Signs, (TILE, TILE, 3), and their `local_variance`."""

    signs: Signs
    variance: float


@dataclass(frozen=True, eq=False)
class Noise:
    """A tile of noise, repeated.

    Parameters
    ----------
    noise : Tile
        What is repeated.
    sign : int
        1, or -1 for its negative.
    shift : tuple of int
        Rows and columns by which the plane is moved.
    """

    noise: Tile
    sign: int = 1
    shift: tuple[int, int] = (0, 0)

    def signs(self, rows: slice, columns: slice) -> Signs:
        """Return the noise on a window."""
        signs = np.empty((rows.stop - rows.start, columns.stop - columns.start, 3), np.int16)
        for down, y in _repeats(rows, self.shift[0]):
            for across, x in _repeats(columns, self.shift[1]):
                np.multiply(self.noise.signs[y, x], self.sign, out=signs[down, across])
        return signs

    def variance(self, _side: float) -> float:
        """Return the visibility, whatever the side."""
        return self.noise.variance


Pattern: TypeAlias = Flat | Checks | Noise
"""What fills a window: its signs there, and how visible they are in one of a side, as
`local_variance` has it."""


def tile(draw: np.random.Generator, period: float, *, coloured: bool) -> Tile:
    """Return noise whose waves are about `period` pixels long.

    In all channels the same, or in each its own.
    """
    down, across = np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)
    frequency = np.maximum(np.hypot(down, across), 1 / TILE)
    gain = np.exp(-((np.log2(frequency * period) / OCTAVES) ** 2) / 2)
    planes = [
        np.fft.irfft2(np.fft.rfft2(draw.standard_normal((TILE, TILE))) * gain, s=(TILE, TILE))
        for _ in range(3 if coloured else 1)
    ]
    signs = np.where(np.stack(planes, axis=-1) >= 0, 1, -1).astype(np.int16)
    whole = np.ascontiguousarray(np.broadcast_to(signs, (TILE, TILE, 3)))
    return Tile(whole, local_variance(whole))


def _repeats(places: slice, shift: int) -> Iterator[tuple[slice, slice]]:
    """Yield the parts of places along an axis, and which of a tile's each is."""
    count, done, start = places.stop - places.start, 0, (places.start + shift) % TILE
    while done < count:
        size = min(TILE - start, count - done)
        yield slice(done, done + size), slice(start, start + size)
        done, start = done + size, 0


def _turns(places: NDArray[np.int64], every: int) -> NDArray[np.int16]:
    """Return 1 or -1 at places along an axis, in turns after so many pixels; 1 everywhere for 0."""
    turns = places // every % 2 if every else np.zeros_like(places)
    return (1 - 2 * turns).astype(np.int16)


@cache
def _checks_variance(height: int, width: int, slant: int) -> float:
    whole = slice(0, TILE // 2)
    return local_variance(Checks(height, width, slant=slant).signs(whole, whole))


def any_checks(draw: np.random.Generator, sizes: Sequence[int]) -> Checks:
    """Draw checks or stripes of one of some sizes."""
    size = sizes[int(draw.integers(len(sizes)))]
    stripes = ((0, size, 0), (size, 0, 0))
    checks = ((size, size, 0), (2 * size, size, 0), (size, 2 * size, 0))
    diagonals = ((0, size, 1), (0, size, -1))
    height, width, slant = (*stripes, *checks, *diagonals)[draw.integers(7)]
    return Checks(height, width, COLOURS[draw.integers(len(COLOURS))], slant)
