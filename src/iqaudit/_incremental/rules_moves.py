"""Rules for operators that only move cells: crops, patches, mirrors, picked channels, batches."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqaudit._incremental import rules_spatial
from iqaudit._incremental.lowering import Context
from iqaudit._incremental.nodes import MOVES, Node, called, operator_name, shape_of
from iqaudit._incremental.operators import Cut, Pointwise, Shape, Step

SAME = frozenset(
    ["clone", "contiguous", "alias", "detach", "dropout", "feature_dropout", "lift_fresh_copy"]
)
"""They leave a map as it is."""
ALONG = frozenset(["slice", "narrow", "cat", "flip"])
"""Cell by cell where they work along the channels; a cut elsewhere."""
SPLITS = frozenset(["split", "split_with_sizes", "chunk"])
THIRD = SPLITS | {"linalg_vector_norm"}
"""The dimension is their third argument."""
CHANNELS = [1]


class Move(NamedTuple):
    """Cells of the map `root`, moved about by `node` and those before it."""

    root: Step
    node: Node


def is_move(node: Node, context: Context) -> bool:
    """Whether a node only moves cells, to places where a window no longer is one."""
    name = operator_name(node)
    if name not in MOVES:
        return False
    joined = node.args[0] if isinstance(node.args[0], tuple | list) else node.args[:1]
    first = joined[0]
    if name == "as_strided" and not first.meta["val"].is_contiguous():
        return False  # its strides are of another layout than the one that is followed
    if any(each.name in context.constants for each in joined):
        return False  # its numbers are values, no cells
    if not context.is_map(first):
        return True  # of another move
    if name in SAME or name == "expand":
        return False
    return name not in ALONG or dimensions(node, 0) != CHANNELS


def as_channels(node: Node, context: Context) -> tuple[Node, ...]:
    """Lay different maps that a node puts side by side in the batch one behind another as channels.

    Return the nodes that do, put before it, which then only moves their cells; none for others.
    """
    name, maps = operator_name(node), node.args[0]
    dimension = node.args[1] if len(node.args) > 1 else 0
    if (name, dimension) not in (("cat", 0), ("stack", 0), ("stack", 1)):
        return ()
    roots = [context.maps[arg.name] for arg in maps if context.is_map(arg)]
    known = all(context.is_map(arg) or arg.name in context.constants for arg in maps)
    shape = shape_of(maps[0])
    alike = {shape_of(arg) for arg in maps} == {shape}
    if not (roots and known and alike and are_one(shape, roots)):
        return ()
    n, channels, height, width = shape
    aten = torch.ops.aten
    calls = [
        (aten.cat.default, (maps, 1)),
        (aten.reshape.default, ([n, len(maps), channels, height, width],)),
        (aten.transpose.int, (0, 1)),
    ]
    before = list[Node]()
    with node.graph.inserting_before(node):
        for call, others in calls[: 2 if dimension else 3]:
            args = (*before[-1:], *others)
            before.append(node.graph.call_function(call, args))
            before[-1].meta["val"] = called(call, args, {}, lambda arg: arg.meta["val"])
    node.target, node.kwargs = aten.reshape.default, {}
    node.args = (before[-1], list(shape_of(node)))
    return tuple(before)


def cut(name: str, root: Step, cells: NDArray[np.int64]) -> Step | None:
    """Return the cells of a move as pieces of its root, its root if none moved, or None.

    A cell of -1 is padding.

    They are pieces where every piece's lines, and channels, are those of one map of the batch.
    One part of every map, or its every other line, is a neighbourhood of one cell, and so are all
    lines where they are rolled; and where all stays but for the channels, they are picked.
    """
    _, channels, height, width = root.shape
    if cells.ndim != len(root.shape) or cells.min() < 0:
        return None
    channel = cells // (width * height) % channels
    order = channel[0, :, 0, 0]
    in_order = np.array_equal(order, np.arange(channels))
    shape = (cells.shape[0], cells.shape[1], cells.shape[2], cells.shape[3])
    if np.array_equal(cells, np.arange(math.prod(root.shape)).reshape(root.shape)[:, order]):
        if in_order:
            return root
        picked = torch.from_numpy(order.copy())

        def pick(x: Tensor) -> Tensor:
            return x[:, picked.to(x.device)]

        return Pointwise(name, (root.name,), shape, pick, frame=root.frame)
    column, row = cells % width, cells // width % height
    batch = cells // (width * height * channels)
    lines, across, chosen = row[:, 0, :, 0], column[:, 0, 0, :], channel[:, :, 0, 0]
    aligned = (
        (channel == chosen[:, :, None, None]).all()
        and (batch == batch[:, :1, :1, :1]).all()
        and (row == lines[:, None, :, None]).all()
        and (column == across[:, None, None, :]).all()
    )
    if not aligned:
        return None
    pieces = batch[:, 0, 0, 0], chosen.copy(), lines.copy(), across.copy()
    in_order = in_order and np.array_equal(chosen, np.broadcast_to(order, chosen.shape))
    its_own = in_order and np.array_equal(pieces[0], np.arange(root.shape[0]))
    kept = _in_frame(name, root, shape, lines, across) if its_own else None
    return kept or Cut(name, (root.name,), shape, *pieces, frame=name)


def _in_frame(
    name: str, root: Step, shape: Shape, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> Step | None:
    """Return lines of every map of a batch as a neighbourhood of one cell; None if they are not."""
    down, across = _evenly(rows), _evenly(columns)
    if down and across:
        return rules_spatial.picked(name, root, shape, down, across)
    height, width = root.shape[2:]
    lower, right = _rolled(rows, height), _rolled(columns, width)
    if lower is None or right is None:
        return None
    return rules_spatial.rolled(name, root, (lower, right))


def _evenly(lines: NDArray[np.int64]) -> tuple[int, int] | None:
    """Return the first of lines and the step from one to the next, where all pieces have those."""
    steps = np.diff(lines)
    step = int(steps[0, 0]) if steps.size else 1
    same = (lines == lines[0]).all() and (steps == step).all()
    return (int(lines[0, 0]), step) if same and step > 0 else None


def _rolled(lines: NDArray[np.int64], length: int) -> int | None:
    """Return by how much lines are moved, the last coming first; None where they are not."""
    first = int(lines[0, 0])
    if lines.shape[1] != length or (lines != (first + np.arange(length)) % length).any():
        return None
    return length - first if first > length // 2 else -first


def are_one(shape: Sequence[int], sources: Sequence[Step]) -> bool:
    """Whether maps differ in their channels alone, and a window lies at one place in all."""
    but_channels = {(*each[:1], *each[2:]) for each in (tuple(shape), *(s.shape for s in sources))}
    return len(but_channels) == 1 and len({source.frame for source in sources}) == 1


def dimensions(node: Node, default: int | None) -> list[int] | None:
    """Return the dimensions that an operator works along, counted from the first."""
    position = 2 if operator_name(node) in THIRD else 1
    dimensions = node.kwargs.get("dim", default)
    if len(node.args) > position:
        dimensions = node.args[position]
    if isinstance(dimensions, int):
        dimensions = [dimensions]
    return None if dimensions is None else [d % 4 for d in dimensions]
