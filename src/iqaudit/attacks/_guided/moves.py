"""Proposals of `guided` after its opening: windows and tiles, and their fillings."""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.patches import Patched, Perturbation, Window
from iqaudit.attacks._base import Descent
from iqaudit.attacks._guided.allowance import Allowance
from iqaudit.attacks._guided.memory import NOTHING, Asked, Learned, Ranking
from iqaudit.attacks._guided.patterns import (
    TILE,
    Checks,
    Colour,
    Flat,
    Noise,
    Pattern,
    Tile,
    any_checks,
    tile,
)

SHARES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)
"""Of the picture that a proposal changes, about."""

EVERYWHERE = {"everywhere 8": 8, "everywhere 16": 16, "everywhere 32": 32}
"""Pixels after which a change that is repeated over the whole picture begins again."""

REPEATED, BEST, CHECKS, GREY = "repeated", "best", "checks", "grey"
COLOURED, FLAT, GROWN = "coloured", "flat", "grown"
KINDS = (*EVERYWHERE, REPEATED, BEST, CHECKS, GREY, COLOURED, FLAT, GROWN)
"""The kinds of proposals."""

WINDOW_REPEATS = (2, 4, 8, 16)
"""Pixels after which a change that is repeated in a window begins again."""

CHECK_SIZES = (1, 2, 3, 4, 6, 8, 12, 16)
GREY_WAVES, COLOURED_WAVES = (4, 6, 9, 14), (4, 8)
"""Pixels. Most of a quality model's gradient lies there, in luminance above all."""

WHOLE_SHARE = 3
"""A change of a tile costs no window: it may be this much larger."""

ONE_CHANNEL = 0.4
"""The chance that a repeated change is one of a single channel."""

UNEVEN, TILE_UNEVEN = 0.3, 0.5
"""Spread of the logarithm of a side's ratio to a square's."""

LARGE = 0.5
"""A window of a larger share lies within the picture; smaller ones may be cut off by its border, so
that pixels there have their turn as often as others."""

Tiles: TypeAlias = tuple[tuple[Tile, ...], tuple[Tile, ...]]
"""Grey noises and coloured ones."""

Kept: TypeAlias = tuple[Pattern, Window]
"""A pattern that was accepted, and where."""


def _cost(kind: str, share: float) -> float:
    """Return what a proposal costs a victim that knows windows, about, as a share of a pass.

    What a window reaches in late maps costs a tenth; it grows as its part of early ones does.
    """
    if kind in EVERYWHERE:
        return 1.0
    window = math.sqrt(share) if kind == REPEATED else share
    return min(1.0, 0.1 + 4 * window)


COSTS: NDArray[np.float64] = np.array([[_cost(kind, share) for share in SHARES] for kind in KINDS])
"""By kind and share."""


@dataclass(frozen=True, eq=False)
class Move(Patched):
    """A proposal, and its draw: `kind` and `share` are places in KINDS and SHARES.

    `growable` is the pattern and its window, to go on with nearby; None where it is a tile.
    """

    kind: int = -1
    share: int = -1
    growable: Kept | None = None


@dataclass(frozen=True, eq=False)
class GuidedState(Descent):
    """The state of the search.

    Attributes
    ----------
    allowed : Allowance
        The levels by which a channel may change.
    tiles : tuple
        Grey noises and coloured ones.
    ranking : tuple of (float, Checks or Noise)
        The opening's patterns, best first.
    tried, gained : ndarray of float64, (kinds, shares)
        How often each was proposed and how much the loss fell, lately.
    kept : tuple of (Pattern, Window)
        What was accepted last.
    known : Learned
        The opening's patterns, and what earlier pictures told of them.
    asked : tuple of (int, float)
        The places of those that were asked, and the shares of the way that they went.
    due : int or None
        The place of the next; None after the opening.
    """

    allowed: Allowance
    tiles: Tiles
    ranking: Ranking
    tried: NDArray[np.float64]
    gained: NDArray[np.float64]
    kept: tuple[Kept, ...] = ()
    known: Learned = NOTHING
    asked: Asked = ()
    due: int | None = None

    def held(self, window: Window) -> Perturbation:
        """Return what is held in a window."""
        return self.perturbation[window.slices]


def tiles(draw: np.random.Generator) -> Tiles:
    """Draw the noises of a search."""
    return (
        tuple(tile(draw, waves, coloured=False) for waves in GREY_WAVES),
        tuple(tile(draw, waves, coloured=True) for waves in COLOURED_WAVES),
    )


def drawn(
    state: GuidedState, draw: np.random.Generator, kind: str, share: float
) -> tuple[Window, Perturbation, Kept | None]:
    """Draw a window, the levels that it takes, and the pattern they are of, unless it is a tile.

    Parameters
    ----------
    state : GuidedState
        What is held.
    draw : numpy.random.Generator
        The step's.
    kind : str
        One of KINDS.
    share : float
        Of the picture that is changed, about.
    """
    height, width = state.perturbation.shape[:2]
    share *= math.exp(draw.uniform(-0.5, 0.5))
    if kind in EVERYWHERE:
        whole = Window(0, 0, height, width)
        return whole, _repeated(state, draw, whole, EVERYWHERE[kind], WHOLE_SHARE * share), None
    if kind == REPEATED:
        of_tile = share ** draw.uniform(0.2, 0.8)
        window = _window(draw, share / of_tile, height, width)
        period = WINDOW_REPEATS[draw.integers(len(WINDOW_REPEATS))]
        return window, _repeated(state, draw, window, period, of_tile), None
    if kind == GROWN:
        pattern, window = _grown(state, draw)
    else:
        pattern, window = _pattern(state, draw, kind), _window(draw, share, height, width)
    return window, filled(pattern, window, state.allowed), (pattern, window)


def filled(pattern: Pattern, window: Window, allowed: Allowance) -> Perturbation:
    """Return the levels of a window that a pattern fills, as strong as is allowed."""
    rows, columns = window.slices
    variance = pattern.variance(math.sqrt(window.height * window.width))
    return pattern.signs(rows, columns) * allowed.within(rows, columns, variance)


def _pattern(state: GuidedState, draw: np.random.Generator, kind: str) -> Pattern:
    if kind == FLAT:
        return Flat(_colour(draw))
    sign = 1 - 2 * int(draw.integers(2))
    if kind in (GREY, COLOURED):
        noises = state.tiles[kind == COLOURED]
        noise = noises[draw.integers(len(noises))]
        return Noise(noise, sign, _shift(draw, TILE))
    if kind == BEST:
        # Half of the draws are of the three best.
        place = min(int(draw.exponential(4)), len(state.ranking) - 1)
        _, checks = state.ranking[place]
        if isinstance(checks, Noise):
            return Noise(checks.noise, sign, _shift(draw, TILE))
    else:
        checks = any_checks(draw, CHECK_SIZES)
    red, green, blue = checks.colour
    colour = (sign * red, sign * green, sign * blue)
    return Checks(checks.height, checks.width, colour, checks.slant, _shift(draw, 64))


def _grown(state: GuidedState, draw: np.random.Generator) -> Kept:
    """Draw a window near one whose pattern was accepted, to go on with it there."""
    pattern, near = state.kept[draw.integers(len(state.kept))]
    height, width = state.perturbation.shape[:2]
    share = math.exp(draw.uniform(-0.3, 1.0)) * near.height * near.width / (height * width)
    row = near.top + near.height * draw.uniform(-0.5, 1.5)
    column = near.left + near.width * draw.uniform(-0.5, 1.5)
    at = (min(max(row, 0.0), height - 1.0), min(max(column, 0.0), width - 1.0))
    return pattern, _window(draw, share, height, width, at)


def _repeated(
    state: GuidedState, draw: np.random.Generator, window: Window, period: int, share: float
) -> Perturbation:
    """Return what a window holds, with a rectangle of every tile given one colour."""
    rows, columns = window.slices
    changed, across, colour = rectangles(draw, rows, columns, period, max(1.0, share * period**2))
    levels: NDArray[np.int16] = state.held(window).copy()
    by_row, allowed = levels.reshape(len(levels), -1), state.allowed.within(rows, columns)
    # Whole rows, of those that change, are faster than the pixels that change in them.
    colours = np.zeros(by_row.shape[1], np.int16)
    colours[across] = colour
    stays = by_row[changed] * (colours == 0).astype(np.int16)
    by_row[changed] = stays + allowed.reshape(by_row.shape)[changed] * colours
    return levels


def rectangles(
    draw: np.random.Generator, rows: slice, columns: slice, period: int, size: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int16]]:
    """Draw a rectangle of about so many pixels, which comes again after a period, and its colour.

    Returns
    -------
    down, across : ndarray of int
        Its rows; and columns and channels together, of columns x 3.
    colour : ndarray of int16, (columns and channels,)
        -1 or 1.
    """
    tall, wide = _sides(draw, size, period, period, TILE_UNEVEN)
    top, left = _shift(draw, period)
    channels = np.arange(3)
    if draw.random() < ONE_CHANNEL:
        channels = channels[[draw.integers(3)]]
    within_row = (np.arange(rows.start, rows.stop) - top) % period < tall
    within_column = (np.arange(columns.start, columns.stop) - left) % period < wide
    places = np.flatnonzero(within_column)
    across = np.add.outer(3 * places, channels).reshape(-1)
    colour = np.tile(np.array(_colour(draw), np.int16)[channels], len(places))
    return np.flatnonzero(within_row), across, colour


def _window(
    draw: np.random.Generator,
    share: float,
    height: int,
    width: int,
    at: tuple[float, float] | None = None,
) -> Window:
    """Draw a window of a share of the picture, with its middle anywhere or at a place."""
    tall, wide = _sides(draw, max(1.0, share * height * width), height, width, UNEVEN)
    row, column = at or (draw.uniform(0, height), draw.uniform(0, width))
    top, left = round(row - tall / 2), round(column - wide / 2)
    if share > LARGE:
        top, left = min(max(top, 0), height - tall), min(max(left, 0), width - wide)
    # At least the middle's pixel is left of a window that the border cuts.
    row, column = min(max(top, 0), height - 1), min(max(left, 0), width - 1)
    tall, wide = min(top + tall, height) - row, min(left + wide, width) - column
    return Window(row, column, max(tall, 1), max(wide, 1))


def _sides(
    draw: np.random.Generator, size: float, height: int, width: int, uneven: float
) -> tuple[int, int]:
    """Draw the sides of a rectangle of so many pixels."""
    tall = min(max(1, round(math.sqrt(size) * math.exp(uneven * draw.standard_normal()))), height)
    return tall, min(max(1, round(size / tall)), width)


def _colour(draw: np.random.Generator) -> Colour:
    red, green, blue = (1 - 2 * draw.integers(2, size=3)).tolist()
    return red, green, blue


def _shift(draw: np.random.Generator, most: int) -> tuple[int, int]:
    rows, columns = draw.integers(most, size=2).tolist()
    return rows, columns
