"""The map store: the maps of a base picture that window passes read, and the sums over them."""

import torch
from torch import Tensor

from iqaudit._incremental.network import Network
from iqaudit._incremental.operators import Sliding
from iqaudit._incremental.stored_map import Layout, StoredMap


class Sums:
    """A stored map's sums and sums of squares, each (n, channels), in float64."""

    def __init__(self, stored: StoredMap) -> None:
        self._stored = stored
        self._base = self._summed()
        self._changed: tuple[Tensor, Tensor] | None = None

    def change(self) -> tuple[Tensor, Tensor]:
        """Return both with the pass's changed cells in place of the base's."""
        new, old = self._stored.difference()
        first, second = new - old, new * new - old * old
        sums, squares = self._base
        if len(sums) == 1:
            change = first.sum(0, keepdim=True), second.sum(0, keepdim=True)
        else:
            empty, batch = torch.zeros_like(sums), self._stored.batch()
            change = empty.index_add(0, batch, first), empty.index_add(0, batch, second)
        self._changed = sums + change[0], squares + change[1]
        return self._changed

    def replace(self) -> None:
        """Take note that the map changes as a whole: it is summed when the change is accepted."""
        self._changed = None

    def accept(self) -> None:
        """Take the last pass's change into the base, behind the map itself."""
        self._base = self._changed or self._summed()
        self._changed = None

    def _summed(self) -> tuple[Tensor, Tensor]:
        layout = self._stored.layout
        rows = self._stored.rows[: layout.cells]
        cells = rows.view(layout.shape[0], -1, rows.shape[1]).double()
        return cells.sum(1), (cells * cells).sum(1)


class MapStore:
    """The maps of a base picture that window passes read beyond their windows, and their sums.

    Parameters
    ----------
    network : Network
        Read for pictures of this size.
    rooms : dict of str to int
        The maps to store, and the most cells that change in each: see `Planner.rooms`.
    like : Tensor
        Of the type and device that maps are computed in.

    Attributes
    ----------
    maps : dict of str to StoredMap
        By step; empty until a base is taken.
    sums : dict of str to Sums
        By the step that reduces a map.
    """

    def __init__(self, network: Network, rooms: dict[str, int], like: Tensor) -> None:
        self.like = like
        self.maps: dict[str, StoredMap] = {}
        self.sums: dict[str, Sums] = {}
        margins, fills = _margins(network), _fills(network)
        self._layouts = {
            name: Layout(network.shapes[name], margins[name], fills[name], room)
            for name, room in rooms.items()
        }

    @property
    def bytes(self) -> int:
        """The memory of all maps, once a base is taken."""
        size = self.like.element_size()
        return sum(layout.numbers * size for layout in self._layouts.values())

    def keep(self, name: str, value: Tensor) -> Tensor:
        """Store a map of the base, if passes read it, and return it where it now lies."""
        if name not in self._layouts:
            return value
        if name not in self.maps:
            self.maps[name] = StoredMap(self._layouts[name], value)
        self.maps[name].base = value
        return self.maps[name].base

    def restore(self) -> None:
        """Have every map show the base again, when a pass ends."""
        for stored in self.maps.values():
            stored.restore()

    def accept(self) -> None:
        """Make the last pass's picture the base."""
        for stored in self.maps.values():
            stored.accept()
        for sums in self.sums.values():
            sums.accept()


def _margins(network: Network) -> dict[str, tuple[int, int, int, int]]:
    """Return how far beyond each map its readers reach: above, left, below, right."""
    margins = dict.fromkeys(network.shapes, (0, 0, 0, 0))
    for step in network.steps:
        if not isinstance(step, Sliding):
            continue
        name = step.inputs[0]
        far = []
        for axis in (0, 1):
            start, size = step.reads(0, step.shape[2 + axis], axis)
            far.append((max(-start, 0), max(start + size - network.shapes[name][2 + axis], 0)))
        here = (far[0][0], far[1][0], far[0][1], far[1][1])
        margins[name] = tuple(map(max, margins[name], here))  # type: ignore[assignment]
    return margins


def _fills(network: Network) -> dict[str, tuple[float, ...]]:
    """Return the values that each map's readers pad it with; zero always, for the others."""
    fills: dict[str, tuple[float, ...]] = dict.fromkeys(network.shapes, (0.0,))
    for step in network.steps:
        if isinstance(step, Sliding) and step.fill not in fills[step.inputs[0]]:
            fills[step.inputs[0]] += (step.fill,)
    return fills
