"""A picture's maps, and scores of pictures that differ from it in windows."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqaudit._incremental.map_store import Kept, Lane, Way
from iqaudit._incremental.network import Network
from iqaudit._incremental.operators import (
    INPUT,
    Cut,
    Pointwise,
    Resampling,
    Sliding,
    Total,
    as_rows,
)
from iqaudit._incremental.window_pass import Pass
from iqaudit._incremental.windows import Span, picked

WHOLE_ABOVE = 0.75
"""Windows that cover more of a map than this are computed as the whole map: it is one piece of
work without gathering."""

ALWAYS_ROOM, ROOM_SHARE = 8192, 8
"""A lane keeps room for as many changed cells of a map, or this part of a larger map."""

PLANS = 64
"""Window sizes, along an axis, whose ways through the network are kept."""


class Activations:
    """Every map of a base picture, and scores of pictures that differ from it in windows.

    Parameters
    ----------
    network : Network
        Read for pictures of this size.
    lanes : int
        How many scores can be in the making at once.
    like : Tensor
        Of the device and type that maps are computed in.
    """

    def __init__(self, network: Network, lanes: int, like: Tensor) -> None:
        self.network, self.like = network, like
        self._lanes = [Lane(number) for number in range(lanes)]
        self._steps = {step.name: step for step in network.steps}
        self.shapes = {step.name: step.shape for step in network.steps} | {INPUT: network.shape}
        self._cells_of = {n: s[0] * s[2] * s[3] for n, s in self.shapes.items()}
        self.reach = self._margins()
        self._fills = self._paddings()
        self._keeps = self._always_kept()
        self.kept: dict[str, Kept] = {}
        self.sums: dict[str, tuple[Tensor, Tensor]] = {}
        self._ways: OrderedDict[tuple[int, int], Way] = OrderedDict()
        for axis in (0, 1):
            self._keeps |= self.way(axis, 1).reads
        self.most = self._limits()

    def anchor(self, picture: Tensor) -> None:
        """Take a picture (1, channels, height, width) as the base."""
        self._through(picture, keep=True)

    def whole(self, picture: Tensor) -> Tensor:
        """Return the score of a picture that has little in common with the base."""
        return self.network.tail(self._through(picture, keep=False))

    def score(self, lane: int, places: Sequence[tuple[int, int]], windows: Tensor) -> Tensor:
        """Return the score of the base with windows changed.

        Parameters
        ----------
        lane : int
            Which lane; one call at a time in each.
        places : sequence of (row, column)
            Each window's first cell.
        windows : Tensor, (windows, channels, height, width)
            What they hold.

        Returns
        -------
        Tensor
            As the module returns it for one picture.
        """
        return Pass(self, self._lanes[lane], places, windows).run()

    def accept(self, lane: int) -> None:
        """Make a lane's last picture the base."""
        chosen = self._lanes[lane]
        for name, value in chosen.values.items():
            if name not in self.kept:
                continue
            kept = self.kept[name]
            if isinstance(value, Tensor):
                kept.rows[: kept.cells] = as_rows(value)
            else:
                height, width = value.values.shape[2:]
                base = kept.base
                for (n, top, left), cells in zip(value.places, value.values, strict=True):
                    base[n, top : top + height, left : left + width] = cells.permute(1, 2, 0)
        for name, sums in chosen.sums.items():
            step = self._steps[name]
            kept = self.kept[step.inputs[0]]
            self.sums[name] = sums or _sums(kept.rows[: kept.cells], step.shape[0])
        chosen.values, chosen.sums = {}, {}

    @property
    def bytes(self) -> int:
        """What the maps take, once a base is taken."""
        size = self.like.element_size()
        return sum(self._rows(name) * self.shapes[name][1] * size for name in self._keeps)

    def fits(self, count: int, height: int, width: int) -> bool:
        """Whether so many windows of a size are followed, and are worth more than a dense pass."""
        needs = self.way(0, height).reads | self.way(1, width).reads
        return needs <= self._keeps and count * height * width <= self.most[INPUT]

    def way(self, axis: int, size: int) -> Way:
        """Return where windows of a size lie in every map along an axis."""
        key = (axis, size)
        if key not in self._ways:
            if len(self._ways) >= PLANS:
                self._ways.popitem(last=False)
            self._ways[key] = self._walk(axis, size)
        return self._ways[key]

    def _through(self, picture: Tensor, *, keep: bool) -> dict[str, Any]:
        """Compute every map, keep those of a base, and return what the tail reads."""
        values: dict[str, Any] = {INPUT: self._keep(INPUT, picture) if keep else picture}
        last = {n: step.name for step in self.network.steps for n in step.inputs}
        last |= dict.fromkeys(self.network.tail.inputs, "")
        for step in self.network.steps:
            inputs = [values[name] for name in step.inputs]
            values[step.name] = step.whole(*inputs)
            if keep and isinstance(step, Total):
                self.sums[step.name] = _sums(as_rows(inputs[0]), step.shape[0])
            elif keep and step.name in self._keeps:
                values[step.name] = self._keep(step.name, values[step.name])
            for name in step.inputs:  # let go of what nobody reads any more
                if last[name] == step.name:
                    values.pop(name, None)
        return {name: values[name] for name in self.network.tail.inputs}

    def _walk(self, axis: int, size: int) -> Way:
        spans = {INPUT: Span.of_window(size, self.network.shape[2 + axis])}
        pieces: dict[str, NDArray[np.int64]] = {}
        reads: set[str] = set()
        for step in self.network.steps:
            if isinstance(step, Cut):
                lines = step.columns if axis else step.rows
                pieces[step.name], spans[step.name] = picked(spans[step.inputs[0]], lines)
            elif not isinstance(step, Total):
                given = tuple(spans[name] for name in step.inputs)
                made = spans[step.name] = step.span(given, axis)
                if isinstance(step, Pointwise):  # a smaller window's surroundings are read as well
                    reads |= {
                        name
                        for name, span in zip(step.inputs, given, strict=True)
                        if not span.same(made)
                    }
        return Way(spans, pieces, frozenset(reads))

    def _always_kept(self) -> set[str]:
        """Return the maps that are read beyond their changed windows whatever the window."""
        keeps = {INPUT, *self.network.tail.inputs}
        for step in self.network.steps:
            if isinstance(step, Sliding | Resampling | Cut | Total):
                keeps |= set(step.inputs)
        return keeps - {step.name for step in self.network.steps if isinstance(step, Total)}

    def _margins(self) -> dict[str, tuple[int, int, int, int]]:
        """Return how far beyond each map its readers reach: above, left, below, right."""
        margins = dict.fromkeys(self.shapes, (0, 0, 0, 0))
        for step in self.network.steps:
            if not isinstance(step, Sliding):
                continue
            name = step.inputs[0]
            far = []
            for axis in (0, 1):
                start, size = step.reads(0, step.shape[2 + axis], axis)
                far.append((max(-start, 0), max(start + size - self.shapes[name][2 + axis], 0)))
            here = (far[0][0], far[1][0], far[0][1], far[1][1])
            margins[name] = tuple(map(max, margins[name], here))  # type: ignore[assignment]
        return margins

    def _paddings(self) -> dict[str, tuple[float, ...]]:
        """Return what each map's readers pad it with; zero always, for those that do not pad."""
        fills: dict[str, tuple[float, ...]] = dict.fromkeys(self.shapes, (0.0,))
        for step in self.network.steps:
            if isinstance(step, Sliding) and step.fill not in fills[step.inputs[0]]:
                fills[step.inputs[0]] += (step.fill,)
        return fills

    def _room(self, name: str) -> int:
        cells = self._cells_of[name]
        return min(cells, max(ALWAYS_ROOM, cells // ROOM_SHARE))

    def _rows(self, name: str) -> int:
        """Return how many rows a map takes: its cells, its paddings, and each lane's room."""
        room = len(self._lanes) * self._room(name)
        return self._cells_of[name] + len(self._fills[name]) + room

    def _limits(self) -> dict[str, float]:
        """Return how many cells of each map may be computed as windows: beyond, it is done whole.

        What is computed cell by cell goes the way of its inputs, so its limit is theirs too.
        """
        limits = {name: WHOLE_ABOVE * cells for name, cells in self._cells_of.items()}
        for name in self._keeps:
            limits[name] = min(limits[name], self._room(name))
        for step in reversed(self.network.steps):
            if isinstance(step, Pointwise):
                for name in step.inputs:
                    limits[name] = min(limits[name], limits[step.name])
        return limits

    def _keep(self, name: str, value: Tensor) -> Tensor:
        """Keep a map of the base, and return it where it now lies."""
        if name not in self.kept:
            n, channels, height, width = self.shapes[name]
            cells = n * height * width
            room = self._room(name)
            fills = self._fills[name]
            rows = torch.empty((self._rows(name), channels), dtype=value.dtype, device=value.device)
            for offset, fill in enumerate(fills):
                rows[cells + offset] = fill
            ids = np.arange(cells, dtype=np.int32).reshape(n, height, width)
            self.kept[name] = Kept(rows, cells, fills, room, ids)
        kept = self.kept[name]
        kept.rows[: kept.cells] = as_rows(value)
        return kept.base.permute(0, 3, 1, 2)

    def on_device(self, rows: NDArray[np.int32]) -> Tensor:
        """Return row numbers where the maps are."""
        return torch.from_numpy(rows).to(self.like.device, non_blocking=True)


def _sums(rows: Tensor, batch: int) -> tuple[Tensor, Tensor]:
    """Return each map's sums and sums of squares, (batch, channels), in float64."""
    cells = rows.view(batch, -1, rows.shape[1]).double()
    return cells.sum(1), (cells * cells).sum(1)
