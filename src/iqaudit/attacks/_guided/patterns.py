"""Patterns of signs that fill a window, whatever its size: checks, noise of one scale, one colour.

A pattern is told by rows and columns counted from where the victim looks, so that it goes on across
windows and keeps its place on the grid of a network's strides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
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
        """Return the colour, as a view."""
        shape = (rows.stop - rows.start, columns.stop - columns.start, 3)
        return np.broadcast_to(np.array(self.colour, np.int16), shape)

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
        y = np.arange(rows.start, rows.stop)[:, None] + self.shift[0]
        x = np.arange(columns.start, columns.stop) + self.shift[1]
        if self.slant:
            turns = (x + self.slant * y) // self.width
        else:
            down = y // self.height if self.height else 0
            turns = down + (x // self.width if self.width else 0)
        turns = np.broadcast_to(turns, (y.size, x.size))
        return (1 - 2 * (turns % 2)).astype(np.int16)[..., None] * np.array(self.colour, np.int16)

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
        y = (np.arange(rows.start, rows.stop) + self.shift[0]) % TILE
        x = (np.arange(columns.start, columns.stop) + self.shift[1]) % TILE
        signs: Signs = self.sign * self.noise.signs[y[:, None], x]
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
