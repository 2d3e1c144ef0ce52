"""A window pass: the steps of a network, computed on the windows that a plan names."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from iqaudit._incremental.network import Network
from iqaudit._incremental.operators import (
    INPUT,
    AnyStep,
    Cut,
    MapStep,
    Pointwise,
    Reduction,
    Resampling,
    Sliding,
    Spreading,
    as_map,
    parts,
)
from iqaudit._incremental.plan import Plan
from iqaudit._incremental.receptive_field import Windows
from iqaudit._incremental.stored_map import StoredMap

SMALL_PRODUCT = 1 << 17
"""Numbers: convolutions of windows that read no more are gathered as the factor of a product, which
has less to set up than a kernel of its own."""


class WindowPass:
    """One score: the network's steps on changed windows, over stored maps.

    Parameters
    ----------
    network : Network
        The steps, and the tail behind them.
    maps : mapping of str to StoredMap
        The base picture's, by step; the pass changes them until it is accepted or another begins.
    plan : Plan
        The windows of every map.
    anew : mapping of str to Sliding
        Steps whose maps are not stored: they are computed where they are read.
    """

    def __init__(
        self,
        network: Network,
        maps: Mapping[str, StoredMap],
        plan: Plan,
        anew: Mapping[str, Sliding],
    ) -> None:
        self._network, self._maps, self._plan, self._anew = network, maps, plan, anew
        self._values: dict[str, Any] = {}
        """By step: its windows; what it computes as a whole where the plan has none."""

    def run(self, windows: Tensor) -> Tensor:
        """Return the score of the base with windows, (n, channels, height, width), changed."""
        for stored in self._maps.values():
            stored.restore()
        self._set(INPUT, windows)
        for step in self._network.steps:
            if step.name not in self._anew or self._plan[step.name] is None:
                self._set(step.name, self._compute(step))
        tail = self._network.tail
        return tail({name: self._whole(name) for name in tail.inputs})

    def _set(self, name: str, value: Any) -> None:
        self._values[name] = value
        stored = self._maps.get(name)
        if stored is not None:
            stored.change(self._plan[name], value)

    def _compute(self, step: AnyStep) -> Any:
        """Compute a step on its windows, or on the whole map."""
        if isinstance(step, Reduction):
            return self._reduce(step)
        windows = self._plan[step.name]
        if windows is None:
            return step.whole(*(self._whole(name) for name in step.inputs))
        return self._on_windows(step, windows)

    def _on_windows(self, step: MapStep, windows: Windows) -> Tensor:
        if isinstance(step, Pointwise):
            maps = (self._windows(name, windows) for name in step.inputs)
            return step.compute(*maps, *(parts(each, windows) for each in step.fields))
        if isinstance(step, Sliding):
            return self._slide(step, windows)
        if isinstance(step, Resampling):
            return self._resample(step, windows)
        if isinstance(step, Spreading):
            return self._spread(step, windows)
        return self._cut(step, windows)

    def _whole(self, name: str) -> Any:
        """Return a map with its changed windows in place, or a statistic."""
        if self._plan.get(name) is None:
            return self._values[name]
        if name in self._anew:
            step = self._anew[name]
            return step.whole(self._whole(step.inputs[0]))
        return self._maps[name].base

    def _windows(self, name: str, windows: Windows, fill: float | str = 0.0) -> Any:
        """Return windows of a map: its changed ones, or others with those in place."""
        if name in self._anew:  # never where it changes as a whole: then its readers do as well
            return self._computed(self._anew[name], windows, fill)
        if self._plan[name] == windows:
            return self._values[name]
        return self._maps[name].patches(windows, fill)

    def _computed(self, step: Sliding, windows: Windows, fill: Any) -> Tensor:
        """Return windows of a step's padded map, computed from its input with the changes."""
        corners, height, width = windows
        _, channels, rows, columns = step.shape
        tall, wide = min(height, rows), min(width, columns)
        within = tuple(
            (n, min(max(y, 0), rows - tall), min(max(x, 0), columns - wide)) for n, y, x in corners
        )
        inside = Windows(within, tall, wide)
        values = self._slide(step, inside)
        if inside == windows:
            return values
        padded = as_map(
            values.new_full((windows.cells, channels), fill), len(corners), height, width
        )
        for index, ((_, y, x), (_, top, left)) in enumerate(zip(corners, within, strict=True)):
            here, there = _overlap(y, height, top, tall), _overlap(x, width, left, wide)
            padded[index, :, here[0], there[0]] = values[index, :, here[1], there[1]]
        return padded

    def _slide(self, step: Sliding, windows: Windows) -> Tensor:
        name = step.inputs[0]
        stored = self._maps.get(name)
        if step.product is not None and stored is not None:
            length = stored.shape[1] * step.kernel[0] * step.kernel[1]
            if windows.cells * length <= SMALL_PRODUCT:
                cells = step.product(stored.neighbourhoods(windows, step))
                return as_map(cells, len(windows.corners), windows.height, windows.width)
        return step.compute(self._windows(name, step.read(windows), step.fill))

    def _resample(self, step: Resampling, windows: Windows) -> Tensor:
        stored = self._maps[step.inputs[0]]
        parts = []
        for n, top, left in windows.corners:
            row, tall = step.reads(top, windows.height, 0)
            column, wide = step.reads(left, windows.width, 1)
            patch = stored.patches(Windows(((n, row, column),), tall, wide))
            down = step.weights(0)[top : top + windows.height, row : row + tall]
            across = step.weights(1)[left : left + windows.width, column : column + wide]
            parts.append(torch.einsum("or,ncrs,ps->ncop", down, patch, across))
        return torch.cat(parts).contiguous(memory_format=torch.channels_last)

    def _spread(self, step: Spreading, windows: Windows) -> Tensor:
        stored = self._maps[step.inputs[0]]
        corners, height, width = windows
        cells = stored.rows.new_zeros((len(corners), height, width, step.shape[1]))
        spread = cells.permute(0, 3, 1, 2)
        for index, (n, top, left) in enumerate(corners):
            row, tall = step.reads(top, height, 0, stored.shape[2])
            column, wide = step.reads(left, width, 1, stored.shape[3])
            values = step.compute(stored.patches(Windows(((n, row, column),), tall, wide)))[0]
            down = _overlap(top, height, step.first(row, 0), values.shape[1])
            across = _overlap(left, width, step.first(column, 1), values.shape[2])
            spread[index, :, down[0], across[0]] = values[:, down[1], across[1]]
        return step.finish(spread)

    def _cut(self, step: Cut, windows: Windows) -> Tensor:
        stored, firsts = self._maps[step.inputs[0]], step.firsts
        pieces = [n for n, _, _ in windows.corners]
        if firsts is not None:
            places = ((*firsts[n], top, left) for n, top, left in windows.corners)
            corners = tuple((b, row + top, column + left) for b, row, column, top, left in places)
            patches = stored.patches(Windows(corners, windows.height, windows.width))
            return step.of_channels(patches, pieces)
        numbers = [
            stored.numbers_at(
                step.batch[n],
                step.rows[n, top : top + windows.height],
                step.columns[n, left : left + windows.width],
            )
            for n, top, left in windows.corners
        ]
        rows = stored.gather(np.concatenate(numbers))
        cut = as_map(rows, len(pieces), windows.height, windows.width)
        return step.of_channels(cut, pieces)

    def _reduce(self, step: Reduction) -> Any:
        """Return a statistic of a map, by difference where windows changed."""
        name = step.inputs[0]
        if self._plan[name] is None:
            return step.whole(self._values[name])
        if step.finish is None:
            return self._maps[name].statistic(step)
        answer = step.finish(*self._maps[name].sums(), step.shape[2] * step.shape[3])
        several, kind = isinstance(answer, tuple), step.kind
        return tuple(each.to(kind) for each in answer) if several else answer.to(kind)


def _overlap(first: int, size: int, other: int, its: int) -> tuple[slice, slice]:
    """Return where two pieces of a line overlap, counted from the start of each."""
    start = max(first, other)
    end = max(start, min(first + size, other + its))
    return slice(start - first, end - first), slice(start - other, end - other)
