"""One score in the making: through the steps, with the windows that each one changes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqaudit._incremental.map_store import Lane, Place, View, Windows
from iqaudit._incremental.operators import (
    INPUT,
    Cut,
    Pointwise,
    Resampling,
    Sliding,
    Total,
    as_map,
    as_rows,
)
from iqaudit._incremental.windows import Span

if TYPE_CHECKING:
    from iqaudit._incremental.activations import Activations

MERGED_BELOW, GRAIN = 0.9, 4
"""Windows are computed as the one rectangle around them where its area is below this part of
theirs; its sides are multiples of so many cells, so that kernels are reused."""

SMALL_PRODUCT = 1 << 17
"""Numbers: convolutions of windows that read no more are gathered as the factor of a product, which
has less to set up than a kernel of its own."""


class Pass:
    """One score in the making: goes through the steps with the windows that each one changes."""

    def __init__(
        self,
        base: "Activations",
        lane: Lane,
        places: Sequence[tuple[int, int]],
        windows: Tensor,
    ) -> None:
        self.base, self.lane = base, lane
        lane.values, lane.sums = {}, {}
        size = (windows.shape[2], windows.shape[3])
        self.ways = (base.way(0, size[0]), base.way(1, size[1]))
        self.frames: dict[str, list[Place]] = {INPUT: [(0, top, left) for top, left in places]}
        """Where the windows lie in each map's frame: the picture, or the pieces cut from it."""
        self.frame_of = {INPUT: INPUT}
        self.found: dict[tuple[Span, Span], tuple[tuple[Place, ...], int, int]] = {}
        self.changed: list[tuple[View, tuple[int, slice, slice]]] = []
        self.values: dict[str, Tensor | Windows] = lane.values
        self.set(INPUT, tuple(self.frames[INPUT]), windows)

    def run(self) -> Tensor:
        """Return the score."""
        base = self.base
        try:
            totals: dict[str, Any] = {}
            for step in base.network.steps:
                if isinstance(step, Total):
                    totals[step.name] = self.total(step)
                elif isinstance(step, Cut):
                    self.cut(step)
                else:
                    self.frame_of[step.name] = self.frame_of[step.inputs[0]]
                    self.step(step)
            inputs = {
                name: totals[name] if name in totals else self.whole(name)
                for name in base.network.tail.inputs
            }
            return base.network.tail(inputs)
        finally:
            for view, where in self.changed:
                view.rows[where] = view.clean[where]

    def set(self, name: str, places: tuple[Place, ...], values: Tensor) -> None:
        """Take a map's changed windows; keep them where others read their surroundings too."""
        windows = Windows(places, values)
        self.values[name] = windows
        kept = self.base.kept.get(name)
        if kept is None:
            return
        count, _, height, width = values.shape
        cells = count * height * width
        start = kept.first_of(self.lane.number)
        kept.rows[start : start + cells] = as_rows(values)
        windows.ids = np.arange(start, start + cells, dtype=np.int32).reshape(count, height, width)
        for fill in kept.fills:
            view = self.lane.views.get((name, fill))
            if view is not None:
                self._enter(name, view, windows)

    def step(self, step: Pointwise | Sliding | Resampling) -> None:
        """Compute a step on its windows, or on the whole map where they cover most of it."""
        base = self.base
        whole = any(isinstance(self.values[name], Tensor) for name in step.inputs)
        if not whole:
            places, height, width = self.windows(step.name)
            whole = len(places) * height * width > base.most[step.name]
        if whole:
            self.values[step.name] = step.whole(*(self.whole(name) for name in step.inputs))
            return
        if isinstance(step, Pointwise):
            made = step.compute(
                *(self.aligned(name, places, height, width) for name in step.inputs)
            )
        elif isinstance(step, Sliding):
            made = self.slide(step, places, height, width)
        else:
            made = self.resample(step, places, height, width)
        self.set(step.name, places, made)

    def windows(self, name: str) -> tuple[tuple[Place, ...], int, int]:
        """Return a map's windows and their size: one each, or one rectangle around all."""
        spans = self.ways[0].spans[name], self.ways[1].spans[name]
        if spans not in self.found:  # what is computed cell by cell has its inputs' very spans
            frame = self.frames[self.frame_of[name]]
            self.found[spans] = _windows(*spans, frame, self.base.shapes[name][0])
        return self.found[spans]

    def aligned(
        self,
        name: str,
        places: tuple[Place, ...],
        height: int,
        width: int,
        fill: float = 0.0,
    ) -> Tensor:
        """Return a map's windows at given places, where it may have others of its own."""
        value = self.values[name]
        if isinstance(value, Windows) and value.places == places:
            held = value.values.shape
            if held[2] == height and held[3] == width:
                return value.values
        return self.patches(name, places, height, width, fill)

    def slide(self, step: Sliding, places: tuple[Place, ...], height: int, width: int) -> Tensor:
        """Compute a sliding step's windows."""
        (tall, wide) = step.reads(0, height, 0)[1], step.reads(0, width, 1)[1]
        corners = tuple(
            (n, top * step.stride[0] - step.before[0], left * step.stride[1] - step.before[1])
            for n, top, left in places
        )
        name = step.inputs[0]
        if step.product is not None:
            length = self.base.shapes[name][1] * step.kernel[0] * step.kernel[1]
            if len(places) * height * width * length <= SMALL_PRODUCT:
                rows = self.rows(name, corners, tall, wide, step.fill, step)
                read = self.base.kept[name].rows.index_select(0, self.base.on_device(rows))
                made = step.product(read.view(-1, length))
                return as_map(made, len(places), height, width)
        return step.compute(self.aligned(name, corners, tall, wide, step.fill))

    def resample(
        self, step: Resampling, places: tuple[Place, ...], height: int, width: int
    ) -> Tensor:
        """Compute a resampling's windows."""
        patches, corners = [], []
        for n, top, left in places:
            row, tall = step.reads(top, height, 0)
            column, wide = step.reads(left, width, 1)
            corners.append((top, left, row, column))
            patches.append(self.patches(step.inputs[0], [(n, row, column)], tall, wide, 0.0))
        return step.compute(patches, corners, (height, width))

    def cut(self, step: Cut) -> None:
        """Find the windows in every piece of a cut map."""
        root = step.inputs[0]
        value = self.values[root]
        if isinstance(value, Tensor):
            self.frame_of[step.name] = step.name
            self.frames[step.name] = []
            self.values[step.name] = step.whole(value)
            return
        pieces = [way.pieces[step.name] for way in self.ways]
        found: dict[Place, None] = {}
        for n, top, left in self.frames[self.frame_of[root]]:
            rows, columns = pieces[0][top], pieces[1][left]
            touched = np.flatnonzero((rows >= 0) & (columns >= 0) & (step.batch == n))
            for piece in touched.tolist():
                found[(piece, int(rows[piece]), int(columns[piece]))] = None
        self.frame_of[step.name] = step.name
        if not found:  # nobody sees the change: one window that holds what it held
            found[(0, 0, 0)] = None
        self.frames[step.name] = list(found)
        places, height, width = self.windows(step.name)
        if len(places) * height * width > self.base.most[step.name]:
            self.values[step.name] = step.whole(self.whole(root))
            return
        view = self.view(root, 0.0)
        above, beside = self.base.reach[root][:2]
        rows = np.concatenate(
            [
                view[
                    step.batch[n],
                    above + step.rows[n, top : top + height, None],
                    beside + step.columns[n, None, left : left + width],
                ].reshape(-1)
                for n, top, left in places
            ]
        )
        self.set(step.name, places, self.read(root, rows, len(places), height, width))

    def total(self, step: Total) -> Any:
        """Return a statistic, by difference where windows changed."""
        name = step.inputs[0]
        value = self.values[name]
        if isinstance(value, Tensor):
            self.lane.sums[step.name] = None  # summed when accepted
            return step.whole(value)
        kept = self.base.kept[name]
        new = as_rows(value.values).double()
        height, width = value.values.shape[2:]
        # A cell that two windows cover counts once: for the one whose row stands in the view.
        counts = self.rows(name, value.places, height, width, 0.0) == value.ids.reshape(-1)
        old_ids = np.concatenate(
            [
                kept.ids[n, top : top + height, left : left + width].reshape(-1)
                for n, top, left in value.places
            ]
        )
        old = kept.rows.index_select(0, self.base.on_device(old_ids)).double()
        if not counts.all():
            weights = torch.from_numpy(counts).to(new.device)[:, None]
            new, old = new * weights, old * weights
        batch = step.shape[0]
        first, second = new - old, new * new - old * old
        if batch == 1:
            change = first.sum(0, keepdim=True), second.sum(0, keepdim=True)
        else:
            each = torch.tensor([n for n, _, _ in value.places], device=new.device)
            each = each.repeat_interleave(height * width)
            empty = torch.zeros((batch, new.shape[1]), dtype=new.dtype, device=new.device)
            change = empty.index_add(0, each, first), empty.index_add(0, each, second)
        sums, squares = self.base.sums[step.name]
        after = sums + change[0], squares + change[1]
        self.lane.sums[step.name] = after
        answer = step.finish(*after, step.shape[2] * step.shape[3])
        kind = self.base.like.dtype
        return tuple(a.to(kind) for a in answer) if isinstance(answer, tuple) else answer.to(kind)

    def whole(self, name: str) -> Tensor:
        """Return a map with its changed windows in place."""
        value = self.values[name]
        if isinstance(value, Tensor):
            return value
        n, _, height, width = self.base.shapes[name]
        above, beside = self.base.reach[name][:2]
        view = self.view(name, 0.0)[:, above : above + height, beside : beside + width]
        return self.read(name, np.ascontiguousarray(view).reshape(-1), n, height, width)

    def patches(
        self,
        name: str,
        corners: Sequence[Place],
        height: int,
        width: int,
        fill: float,
    ) -> Tensor:
        """Return patches of a map, padding included, with its changed windows in place."""
        rows = self.rows(name, corners, height, width, fill)
        return self.read(name, rows, len(corners), height, width)

    def rows(
        self,
        name: str,
        corners: Sequence[Place],
        height: int,
        width: int,
        fill: float,
        step: Sliding | None = None,
    ) -> NDArray[np.int32]:
        """Return the rows of patches; of every cell's neighbourhood where a step is given."""
        above, beside = self.base.reach[name][:2]
        view = self.view(name, fill)
        found = []
        for n, top, left in corners:
            down, right = above + top, beside + left
            patch = view[n, down : down + height, right : right + width]
            if step is not None:
                patch = step.neighbourhoods(patch)
            found.append(patch.reshape(-1))
        return np.concatenate(found)

    def read(self, name: str, rows: NDArray[np.int32], n: int, height: int, width: int) -> Tensor:
        """Return rows of a map as windows."""
        kept = self.base.kept[name]
        return as_map(kept.rows.index_select(0, self.base.on_device(rows)), n, height, width)

    def view(self, name: str, fill: float) -> NDArray[np.int32]:
        """Return the numbers of a map's rows, padded, with this lane's changed cells in place."""
        views = self.lane.views
        if (name, fill) not in views:
            kept = self.base.kept[name]
            above, left, below, right = self.base.reach[name]
            clean = np.pad(
                kept.ids,
                ((0, 0), (above, below), (left, right)),
                constant_values=kept.cells + kept.fills.index(fill),
            )
            view = views[name, fill] = View(clean.copy(), clean)
            value = self.values[name]
            if isinstance(value, Windows):
                self._enter(name, view, value)
        return views[name, fill].rows

    def _enter(self, name: str, view: View, windows: Windows) -> None:
        """Put changed cells in place, until the pass ends."""
        above, beside = self.base.reach[name][:2]
        _, height, width = windows.ids.shape
        for ids, (n, top, left) in zip(windows.ids, windows.places, strict=True):
            where = (
                n,
                slice(above + top, above + top + height),
                slice(beside + left, beside + left + width),
            )
            view.rows[where] = ids
            self.changed.append((view, where))


def _windows(
    rows: Span, columns: Span, frame: list[Place], batch: int
) -> tuple[tuple[Place, ...], int, int]:
    tops, lefts, height, width = rows.start, columns.start, rows.size, columns.size
    places = tuple(dict.fromkeys((n, tops[row], lefts[column]) for n, row, column in frame))
    if batch == 1 and len(places) > 1:
        up_down = [rows.bounds[row] for _, row, _ in frame]
        across = [columns.bounds[column] for _, _, column in frame]
        top, left = min(up_down)[0], min(across)[0]
        tall = max(last for _, last in up_down) - top + 1
        wide = max(last for _, last in across) - left + 1
        tall = min(-(-tall // GRAIN) * GRAIN, rows.length)
        wide = min(-(-wide // GRAIN) * GRAIN, columns.length)
        if tall * wide < MERGED_BELOW * len(places) * height * width:
            top, left = min(top, rows.length - tall), min(left, columns.length - wide)
            return ((0, top, left),), tall, wide
    return places, height, width
