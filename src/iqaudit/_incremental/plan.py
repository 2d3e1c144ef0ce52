"""The plan of a window pass: the corners of the windows that change in every map.

Geometry only, without a tensor: it depends on the network and on where the picture's windows lie.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeAlias, TypeGuard

import numpy as np

from iqaudit._incremental.network import Network
from iqaudit._incremental.operators import (
    INPUT,
    INSIDE,
    AnyStep,
    Cut,
    Pointwise,
    Reduction,
    Sliding,
)
from iqaudit._incremental.receptive_field import Corner, Lines, Span, Windows, in_pieces
from iqaudit._incremental.work import anchoring, behind, dense, in_windows

WHOLE_ABOVE = 0.75
"""Windows that cover more of a map than this are computed as the whole map: it is one piece of
work without gathering."""

MERGED_BELOW, GRAIN = 0.9, 4
"""Windows are computed as the one rectangle around them where its area is below this part of
theirs; its sides are multiples of so many cells, so that kernels are reused."""

LARGE, LIGHT = 1 << 22, 64
"""A map of so many numbers that takes no more operations for each is computed anew where it is
read. Those are the first ones, of the picture's few channels and the largest of all."""

BLOCK = 4
"""So is one that only a pooling reads, in blocks of at most so many cells: a row and a column on
each side of a window are computed besides, at most."""

SIZES = 256
"""Window sizes, along an axis, whose fields are cached."""

Plan: TypeAlias = dict[str, Windows | None]
"""By map: the windows to compute; None where the whole map is."""


@dataclass(frozen=True, eq=False)
class Field:
    """Along one axis, the reach of windows of one size through a network.

    Attributes
    ----------
    spans : mapping of str to Span
        By map.
    pieces : mapping of str to ndarray of int, (positions, pieces)
        By cut: for every position of the window in its root the first line in each piece, or -1.
    beyond : frozenset of str
        Maps that are read beyond their changed windows, where windows of different sizes meet.
    """

    spans: Mapping[str, Span]
    pieces: Mapping[str, Lines]
    beyond: frozenset[str]


class Planner:
    """Plans of window passes through one network.

    Parameters
    ----------
    network : Network
        Read for pictures of one size.

    Attributes
    ----------
    stored : set of str
        The maps that are read beyond their changed windows, and so must be stored.
    anew : mapping of str to Sliding
        The steps whose maps are read so but computed anew where they are.
    anchoring : float
        The work of making a base's maps, as a share of a dense pass's; 0 where that is no faster.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.field = lru_cache(SIZES)(partial(_field, network))
        """From an axis, 0 for rows and 1 for columns, and a size to the `Field` of windows."""
        self.cost = lru_cache(SIZES**2)(self._cost)
        """From windows' number, height and width to a pass's work, as a share of a dense pass's."""
        self.anchoring = anchoring(network)
        stored = {INPUT, *network.tail.inputs, *self.field(0, 1).beyond, *self.field(1, 1).beyond}
        for step in network.steps:
            if not isinstance(step, Pointwise):
                stored |= set(step.inputs)
        self.anew = {step.name: step for step in network.steps if self._is_light(step)}
        self.stored = {name for name in network.shapes if name in stored and name not in self.anew}
        self._limits = self._limited()

    def plan(self, corners: Sequence[tuple[int, int]], height: int, width: int) -> Plan:
        """Return the plan for windows of the picture.

        Parameters
        ----------
        corners : sequence of (row, column)
            Each window's first pixel.
        height, width : int
            Of every window.
        """
        down, across = self.field(0, height), self.field(1, width)
        positions = {INPUT: [(0, top, left) for top, left in corners]}
        plan: Plan = {INPUT: Windows(tuple(positions[INPUT]), height, width)}
        # Steps that work cell by cell have the very spans of their inputs.
        alike: dict[tuple[Span, Span], Windows] = {}
        for step in self._network.steps:
            name = step.name
            if isinstance(step, Reduction):
                continue
            if self._goes_whole(step, [plan[each] for each in step.inputs]):
                plan[name] = None
                continue
            positions[name] = positions[step.inputs[0]]
            if isinstance(step, Cut):
                pieces = down.pieces[name], across.pieces[name]
                positions[name] = _touched(step, positions[name], *pieces)
            spans = down.spans[name], across.spans[name]
            windows = alike.get(spans)
            if windows is None:
                windows = alike[spans] = _windows(*spans, positions[name], step.shape[0])
            plan[name] = windows if windows.cells <= self._limits[name] else None
        return plan

    def _goes_whole(self, step: AnyStep, read: Sequence[Windows | None]) -> bool:
        """Whether a step changes as a whole, since a map that it reads does, or comes in again."""
        first = read[0]
        if first is None or None in read:
            return True
        size = self._network.shapes[step.inputs[0]][2:]
        return isinstance(step, Sliding) and step.wraps(first, *size)

    def fits(self, count: int, height: int, width: int) -> bool:
        """Whether a plan for so many windows of a size is worth more than a dense pass."""
        beyond = self.field(0, height).beyond | self.field(1, width).beyond
        fits = beyond <= self.stored and count * height * width <= self._limits[INPUT]
        return fits and self.cost(count, height, width) < 1

    def shares(self, count: int, height: int, width: int) -> dict[str, float]:
        """Return the share of every step's map, about, that windows of a size change anywhere."""
        down, across = self.field(0, height), self.field(1, width)
        pieces, shares = {INPUT: float(count)}, {}
        for step in self._network.steps:
            name = step.name
            if isinstance(step, Reduction):
                shares[name] = 0.0
                continue
            pieces[name] = pieces[step.inputs[0]]
            if isinstance(step, Cut):
                touched = [float((axis.pieces[name] >= 0).sum(1).mean()) for axis in (down, across)]
                pieces[name] *= max(1.0, touched[0] * touched[1] / len(step.batch))
            n, _, tall, wide = step.shape
            cells = pieces[name] * down.spans[name].size * across.spans[name].size
            share = cells / (n * tall * wide)
            shares[name] = share if share <= WHOLE_ABOVE else 1.0
        return shares

    def _is_light(self, step: AnyStep) -> TypeGuard[Sliding]:
        """Whether a step's map costs little to compute where it is read, and more to store."""
        numbers = math.prod(step.shape)
        readers = [each for each in self._network.steps if step.name in each.inputs]
        able = [each for each in readers if isinstance(each, Sliding) and each.fill not in INSIDE]
        if not isinstance(step, Sliding) or step.name in self._network.tail.inputs:
            return False
        light = numbers >= LARGE and step.flops <= LIGHT * numbers
        return able == readers and (light or (len(able) == 1 and _in_blocks(able[0])))

    def _cost(self, count: int, height: int, width: int) -> float:
        """Return the work of a pass over windows of a size, as a share of a dense pass's."""
        shares = self.shares(count, height, width)
        steps = sum(in_windows(step, shares[step.name]) for step in self._network.steps)
        return (steps + behind(self._network)) / dense(self._network)

    def _limited(self) -> dict[str, float]:
        """Return the most cells of each map that are computed as windows.

        A step that works cell by cell goes the way of its inputs, so its limit is theirs too.
        """
        limits = {
            name: WHOLE_ABOVE * shape[0] * shape[2] * shape[3]
            for name, shape in self._network.shapes.items()
        }
        for step in reversed(self._network.steps):
            if isinstance(step, Pointwise):
                for name in step.inputs:
                    limits[name] = min(limits[name], limits[step.name])
        return limits


def _in_blocks(step: Sliding) -> bool:
    """Whether a step reads every cell once, in small blocks."""
    apart = step.kernel == step.stride and step.dilation == (1, 1)
    return apart and 1 < math.prod(step.kernel) <= BLOCK


def _field(network: Network, axis: int, size: int) -> Field:
    """Return the reach of windows of a size along an axis: 0 for rows, 1 for columns."""
    spans = {INPUT: Span.of_window(size, network.shape[2 + axis])}
    pieces: dict[str, Lines] = {}
    beyond: set[str] = set()
    for step in network.steps:
        if isinstance(step, Cut):
            lines = step.columns if axis else step.rows
            pieces[step.name], spans[step.name] = in_pieces(spans[step.inputs[0]], lines)
        elif not isinstance(step, Reduction):
            inputs = tuple(spans[name] for name in step.inputs)
            span = spans[step.name] = step.span(inputs, axis)
            if isinstance(step, Pointwise):  # a smaller window's surroundings are read as well
                pairs = zip(step.inputs, inputs, strict=True)
                beyond |= {name for name, each in pairs if not each.same(span)}
    return Field(spans, pieces, frozenset(beyond))


def _touched(cut: Cut, positions: list[Corner], rows: Lines, columns: Lines) -> list[Corner]:
    """Return the positions, in a cut's pieces, of windows of its root."""
    touched: dict[Corner, None] = {}
    for n, top, left in positions:
        down, across = rows[top], columns[left]
        for piece in np.flatnonzero((down >= 0) & (across >= 0) & (cut.batch == n)).tolist():
            touched[(piece, int(down[piece]), int(across[piece]))] = None
    return list(touched) or [(0, 0, 0)]  # no piece shows the change: a window without one


def _windows(rows: Span, columns: Span, positions: list[Corner], batch: int) -> Windows:
    """Return a map's windows: one a position, or the one rectangle around all."""
    tops, lefts, height, width = rows.start, columns.start, rows.size, columns.size
    corners = tuple(dict.fromkeys((n, tops[row], lefts[column]) for n, row, column in positions))
    if batch == 1 and len(corners) > 1:
        up_down = [rows.bounds[row] for _, row, _ in positions]
        across = [columns.bounds[column] for _, _, column in positions]
        top, left = min(up_down)[0], min(across)[0]
        tall = max(last for _, last in up_down) - top + 1
        wide = max(last for _, last in across) - left + 1
        tall = min(-(-tall // GRAIN) * GRAIN, rows.length)
        wide = min(-(-wide // GRAIN) * GRAIN, columns.length)
        if tall * wide < MERGED_BELOW * len(corners) * height * width:
            top, left = min(top, rows.length - tall), min(left, columns.length - wide)
            return Windows(((0, top, left),), tall, wide)
    return Windows(corners, height, width)
