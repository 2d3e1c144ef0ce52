"""A base picture's activations, and scores of pictures that differ from it in windows."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from iqaudit._core.picture import Pixels
from iqaudit._core.process import give_freed_memory_back
from iqaudit._incremental.network import Network
from iqaudit._incremental.operators import INPUT, Reduction, Sliding
from iqaudit._incremental.plan import Planner
from iqaudit._incremental.stored_map import StoredMap
from iqaudit._incremental.window_pass import WindowPass

MUCH = 1 << 24
"""Numbers of maps from which on memory is given back whenever they are made: it has to be taken
again, which makes smaller networks' bases and whole passes half as slow again."""


class Activations:
    """The maps of a base picture, and scores of pictures that differ from it in windows.

    Only those maps are stored that window passes read beyond their windows.

    Parameters
    ----------
    network : Network
        Read for pictures of this size.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.planner = Planner(network)
        self.maps = _stored(network, self.planner.stored)
        """By step; without values until a base is taken."""
        self._is_first = True
        """Whether no base was taken so far."""

    @property
    def numbers(self) -> int:
        """How many numbers the maps hold, once a base is taken."""
        return sum(stored.size for stored in self.maps.values())

    def anchor(self, picture: Tensor) -> None:
        """Take a picture (1, channels, height, width) as the base."""
        self._dense(picture, keep=True)
        if self._is_first or self.numbers >= MUCH:
            if self.network.whole is not None:
                self.network.whole.rest()
            give_freed_memory_back()
        self._is_first = False

    def whole(self, pixels: Pixels, picture: Callable[[Pixels], Tensor]) -> Tensor:
        """Return the score of a picture that has little in common with the base.

        Parameters
        ----------
        pixels : ndarray of uint8, (1, height, width, 3)
            The picture.
        picture : callable
            From its pixels to what the module takes.
        """
        if self.network.whole is not None:
            return self.network.whole.run([np.ascontiguousarray(pixels)])
        return self.network.tail(self._dense(picture(pixels), keep=False))

    def score(self, corners: Sequence[tuple[int, int]], windows: Tensor) -> Tensor:
        """Return the score of the base with windows changed, as the module returns it.

        Parameters
        ----------
        corners : sequence of (row, column)
            Each window's first pixel.
        windows : Tensor, (windows, channels, height, width)
            Their pixels.
        """
        plan = self.planner.plan(corners, windows.shape[2], windows.shape[3])
        return WindowPass(self.network, self.maps, plan, self.planner.anew).run(windows)

    def accept(self) -> None:
        """Make the picture that was scored last the base."""
        for stored in self.maps.values():
            stored.accept()

    def _dense(self, picture: Tensor, *, keep: bool) -> dict[str, Any]:
        """Compute every map, store those of a base, and return the tail's inputs."""
        steps, outputs = self.network.steps, self.network.tail.inputs
        values: dict[str, Any] = {INPUT: self._kept(INPUT, picture) if keep else picture}
        last = {name: step.name for step in steps for name in step.inputs}
        last |= dict.fromkeys(outputs, "")
        for step in steps:
            value = step.whole(*(values[name] for name in step.inputs))
            values[step.name] = self._kept(step.name, value) if keep else value
            for name in step.inputs:  # let go of maps that no further step reads
                if last[name] == step.name:
                    values.pop(name, None)
        return {name: values[name] for name in outputs}

    def _kept(self, name: str, value: Any) -> Any:
        """Store a map of the base, if passes read it, and return it where it now lies."""
        stored = self.maps.get(name)
        if stored is None:
            return value
        stored.base = value
        return stored.base


def _stored(network: Network, names: Iterable[str]) -> dict[str, StoredMap]:
    """Return maps to store, with the margins and the padding that their readers ask for."""
    statistics: dict[str, tuple[Reduction, ...]] = dict.fromkeys(network.shapes, ())
    margins = {name: np.zeros((2, 2), np.int64) for name in network.shapes}
    # For any reader, padding with 0 is there.
    fills: dict[str, tuple[float | str, ...]] = dict.fromkeys(network.shapes, (0.0,))
    for step in network.steps:
        name = step.inputs[0]
        if isinstance(step, Reduction):
            statistics[name] += (step,)
        if not isinstance(step, Sliding):
            continue
        for axis in (0, 1):
            start, size = step.reads(0, step.shape[2 + axis], axis)
            beyond = (-start, start + size - network.shapes[name][2 + axis])
            margins[name][axis] = np.maximum(margins[name][axis], beyond)
        if step.fill not in fills[name]:
            fills[name] += (step.fill,)
    return {
        name: StoredMap(network.shapes[name], margins[name], fills[name], statistics[name])
        for name in names
    }
