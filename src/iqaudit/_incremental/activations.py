"""A base picture's activations, and scores of pictures that differ from it in windows."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from iqaudit._incremental.map_store import MapStore, Sums
from iqaudit._incremental.network import Network
from iqaudit._incremental.operators import INPUT, Reduction
from iqaudit._incremental.plan import Planner
from iqaudit._incremental.window_pass import WindowPass


class Activations:
    """Every map of a base picture, and scores of pictures that differ from it in windows.

    Parameters
    ----------
    network : Network
        Read for pictures of this size.
    like : Tensor
        Of the device and type that maps are computed in.
    """

    def __init__(self, network: Network, like: Tensor) -> None:
        self.network = network
        self.planner = Planner(network)
        self.store = MapStore(network, self.planner.rooms, like)

    @property
    def bytes(self) -> int:
        """The memory that the maps take, once a base is taken."""
        return self.store.bytes

    def anchor(self, picture: Tensor) -> None:
        """Take a picture (1, channels, height, width) as the base."""
        self._dense(picture, keep=True)

    def whole(self, picture: Tensor) -> Tensor:
        """Return the score of a picture that has little in common with the base."""
        return self.network.tail(self._dense(picture, keep=False))

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
        return WindowPass(self.network, self.store, plan).run(windows)

    def accept(self) -> None:
        """Make the picture that was scored last the base."""
        self.store.accept()

    def _dense(self, picture: Tensor, *, keep: bool) -> dict[str, Any]:
        """Compute every map, store those of a base, and return the tail's inputs."""
        store, steps = self.store, self.network.steps
        values: dict[str, Any] = {INPUT: store.keep(INPUT, picture) if keep else picture}
        last = {name: step.name for step in steps for name in step.inputs}
        last |= dict.fromkeys(self.network.tail.inputs, "")
        for step in steps:
            value = step.whole(*(values[name] for name in step.inputs))
            if keep and isinstance(step, Reduction):
                store.sums[step.name] = Sums(store.maps[step.inputs[0]])
            elif keep:
                value = store.keep(step.name, value)
            values[step.name] = value
            for name in step.inputs:  # let go of maps that no further step reads
                if last[name] == step.name:
                    values.pop(name, None)
        return {name: values[name] for name in self.network.tail.inputs}
