"""Rules by operator: a graph's node, lowered to a step that knows windows.

Operators bear ATen's names. One that is not here has no rule: from there on the network runs dense.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqaudit._incremental import rules_spatial
from iqaudit._incremental.lowering import Context, head
from iqaudit._incremental.nodes import MOVES, Node, caller, flops, operator_name, shape_of
from iqaudit._incremental.operators import Cut, Pointwise, Step
from iqaudit._incremental.tail import Tail

ELEMENTWISE = frozenset(
    """
    add sub rsub mul div relu relu6 hardtanh clamp clamp_min clamp_max sqrt rsqrt pow exp log log2
    log10 log1p expm1 abs neg sigmoid tanh gelu silu hardswish hardsigmoid leaky_relu elu selu celu
    softplus mish square reciprocal maximum minimum sin cos erf threshold prelu
    """.split()
)
SAME = frozenset("clone contiguous alias detach dropout feature_dropout lift_fresh_copy".split())
"""They leave a map as it is."""
OVER_CHANNELS = frozenset("linalg_vector_norm sum mean amax amin softmax _softmax".split())
"""Cell by cell where they work along the channels, and keep that dimension."""
ALONG = frozenset("slice narrow cat flip".split())
"""Cell by cell where they work along the channels; a cut elsewhere."""
SPLITS = frozenset("split split_with_sizes chunk".split())
EXTREMES = frozenset(("max", "min"))
TUPLES = SPLITS | EXTREMES | {"_native_batch_norm_legit_no_training", "max_pool2d_with_indices"}
"""They give several answers, of which a map is one."""
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
    return name not in ALONG or _dimensions(node, 0) != CHANNELS


def lower(node: Node, context: Context) -> Step | None:
    """Return the step whose value a node has, or None without a rule.

    Where the step before it takes it in, that is returned anew. All its arguments are maps or
    constants.
    """
    name = operator_name(node)
    if name == "getitem":
        return _item(node, context)
    resamples = name.lstrip("_").startswith("upsample_")
    rule = rules_spatial.resampling if resamples else RULES.get(name)
    step = rule(node, context) if rule and context.is_map(node.args[0]) else None
    return step or _pointwise(node, context)


CHANNELS_LAST, LONGEST = [0, 3, 1, 2], 64
"""A permutation that brings channels from behind to their place; and how many operators before it
are looked at."""


def back_in_place(node: Node, context: Context) -> Pointwise | None:
    """Return what is computed of maps whose channels lie behind, to where they are in place again.

    As one step, where all of it works cell by cell: normalisation and layers over the channels, as
    ConvNeXt's blocks have them.
    """
    if not _brings_channels(node):
        return None
    inside, maps = _back_to_maps(node, context)
    sources = [context.maps[arg.name] for arg in maps]
    if not inside or not _are_one(shape_of(node), sources):
        return None
    calls = [each for each in node.graph.nodes if each in inside]
    constants = {
        arg.name: context.constants[arg.name]
        for each in calls
        for arg in each.all_input_nodes
        if arg.name in context.constants
    }
    names = {arg.name: context.maps[arg.name].name for arg in maps}
    called = tuple((each.name, caller(each.target, each.args, dict(each.kwargs))) for each in calls)
    inner = Tail(names, called, constants, node.name)

    def run(*values: Tensor) -> Tensor:
        return inner(dict(zip(names.values(), values, strict=True)))

    if not _works_by_cell(run, [arg.meta["val"] for arg in maps]):
        return None
    fields = head(node, *sources) | {"flops": sum(map(flops, calls))}
    return Pointwise(**fields, compute=run)


def _brings_channels(node: Node) -> bool:
    """Whether channels are in place behind a node: they lay behind, or there were none."""
    name = operator_name(node)
    if name == "permute":
        return [d % 4 for d in node.args[1]] == CHANNELS_LAST
    dimension = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
    return name in ("unsqueeze", "stack") and dimension % len(shape_of(node)) == CHANNELS[0]


def _back_to_maps(node: Node, context: Context) -> tuple[dict[Node, None], dict[Node, None]]:
    """Return the operators before a node and itself, up to maps, and these; nothing if too many."""
    inside, maps, open_ends = {node: None}, dict[Node, None](), list(node.all_input_nodes)
    while open_ends:
        arg = open_ends.pop()
        if context.is_map(arg):
            maps[arg] = None
        elif arg.name not in context.constants and arg not in inside:
            inside[arg] = None
            open_ends += arg.all_input_nodes
            if arg.op != "call_function" or len(inside) > LONGEST:
                return {}, {}
    return inside, maps


def _are_one(shape: Sequence[int], sources: Sequence[Step]) -> bool:
    """Whether maps differ in their channels alone, and a window lies at one place in all."""
    but_channels = {(*each[:1], *each[2:]) for each in (tuple(shape), *(s.shape for s in sources))}
    return len(but_channels) == 1 and len({source.frame for source in sources}) == 1


def _same(node: Node, context: Context) -> Step | None:
    """Return the map that an operator leaves as it is."""
    in_training = "dropout" in operator_name(node) and node.args[2]
    return None if in_training else context.maps[node.args[0].name]


RULES: Mapping[str, Callable[[Node, Context], Step | None]] = MappingProxyType(
    dict.fromkeys(SAME, _same)
    | dict.fromkeys(("conv2d", "convolution"), rules_spatial.convolution)
    | dict.fromkeys(("relu", "relu6", "hardtanh", "clamp"), rules_spatial.activation)
    | dict.fromkeys(
        ("pad", "constant_pad_nd", "reflection_pad2d", "replication_pad2d"), rules_spatial.padding
    )
    | dict.fromkeys(
        ("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d"),
        rules_spatial.pool,
    )
    | dict.fromkeys(("mean", "sum", "var", "std", "var_mean", "std_mean"), rules_spatial.reduction)
    | dict.fromkeys(("amax", "amin"), rules_spatial.extreme)
    | {"pixel_unshuffle": rules_spatial.unshuffled}
    | {"batch_norm": rules_spatial.batch_norm}
)
"""The rules of operators whose first argument is a map, but for those that work cell by cell."""


def cut(name: str, root: Step, cells: NDArray[np.int64]) -> Step | None:
    """Return the cells of a move as pieces of its root, its root if none moved, or None.

    A cell of -1 is padding.

    They are pieces where every piece's lines are lines of one map of the batch, channels in place.
    One part of every map, or its every other line, is a neighbourhood of one cell; and where all
    stays but for the channels, they are picked.
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
        chosen = torch.from_numpy(order.copy())

        def pick(x: Tensor) -> Tensor:
            return x[:, chosen.to(x.device)]

        return Pointwise(name, (root.name,), shape, pick, frame=root.frame)
    column, row = cells % width, cells // width % height
    batch = cells // (width * height * channels)
    lines, across = row[:, 0, :, 0], column[:, 0, 0, :]
    aligned = (
        in_order
        and (channel == np.arange(channels)[:, None, None]).all()
        and (batch == batch[:, :1, :1, :1]).all()
        and (row == lines[:, None, :, None]).all()
        and (column == across[:, None, None, :]).all()
    )
    if not aligned:
        return None
    pieces = batch[:, 0, 0, 0], lines.copy(), across.copy()
    rows, columns = _evenly(pieces[1]), _evenly(pieces[2])
    if rows and columns and np.array_equal(pieces[0], np.arange(root.shape[0])):
        return rules_spatial.picked(name, root, shape, rows, columns)
    return Cut(name, (root.name,), shape, *pieces, frame=name)


def _evenly(lines: NDArray[np.int64]) -> tuple[int, int] | None:
    """Return the first of lines and the step from one to the next, where all pieces have those."""
    steps = np.diff(lines)
    step = int(steps[0, 0]) if steps.size else 1
    same = (lines == lines[0]).all() and (steps == step).all()
    return (int(lines[0, 0]), step) if same and step > 0 else None


def _item(node: Node, context: Context) -> Step | None:
    """Return the step of one of an operator's several answers."""
    source, index = node.args
    if not context.is_map(source.args[0]):
        return None
    name = operator_name(source)
    if name in SPLITS or (name in EXTREMES and index == 0):
        if _dimensions(source, 0) != CHANNELS or len(shape_of(node)) < len(
            shape_of(source.args[0])
        ):
            return None
        step, answers = head(node, context.maps[source.args[0].name]), context.closure(source)
        return Pointwise(**step, compute=lambda x: answers(x)[index])
    if index != 0:
        return None
    if name == "max_pool2d_with_indices":
        return rules_spatial.pool(source, context, node)
    return rules_spatial.batch_norm(source, context, node)


def _pointwise(node: Node, context: Context) -> Pointwise | None:
    """Return an operator that works cell by cell."""
    name = operator_name(node)
    sources = [context.maps[arg.name] for arg in context.maps_of(node)]
    if not sources or not isinstance(node.meta.get("val"), Tensor):
        return None
    shape = shape_of(node)
    if not _are_one(shape, sources):
        return None
    constants = [context.value(arg) for arg in node.all_input_nodes if not context.is_map(arg)]
    run = context.closure(node)
    if _is_pointwise(node, name):
        if name != "prelu" and not all(_same_everywhere(value) for value in constants):
            return None
    elif not _works_by_cell(run, [arg.meta["val"] for arg in context.maps_of(node)]):
        return None
    if name == "expand":
        channels = shape[1]

        def run(x: Tensor) -> Tensor:
            return x.expand(-1, channels, -1, -1)

    return Pointwise(**head(node, *sources), compute=run)


PROBED = 24
"""Cells a side of the maps on which an operator without a rule is tried."""


def _works_by_cell(run: Callable[..., Any], like: Sequence[Tensor]) -> bool:
    """Whether an operator that has no rule works cell by cell, by trying.

    Then what it makes of a part of a map is that part of what it makes of the map. `like` are its
    maps.
    """
    draw = torch.Generator().manual_seed(0)
    try:
        drawn = (torch.rand((*m.shape[:2], PROBED, PROBED + 1), generator=draw) for m in like)
        maps = [
            (each - 0.5 if m.is_floating_point() else each.round()).to(m.device, m.dtype)
            for each, m in zip(drawn, like, strict=True)
        ]
        with torch.no_grad():
            whole = run(*maps)
            parts = [run(*(each[..., r, c] for each in maps)) for r, c in PARTS]
    except Exception:  # noqa: BLE001 (any operator, on a size that it may not take)
        return False
    if not all(isinstance(each, Tensor) for each in (whole, *parts)):
        return False
    pairs = [(part, whole[..., r, c]) for part, (r, c) in zip(parts, PARTS, strict=True)]
    return whole.shape[2:] == maps[0].shape[2:] and all(
        part.shape == same.shape
        and torch.allclose(_real(part), _real(same), 1e-5, 1e-6, equal_nan=True)
        for part, same in pairs
    )


def _real(values: Tensor) -> Tensor:
    return (torch.view_as_real(values.resolve_conj()) if values.is_complex() else values).double()


PARTS = ((slice(0, 7), slice(5, 20)), (slice(9, 24), slice(13, 14)))
"""Rows and columns of the parts that are tried."""


def _is_pointwise(node: Node, name: str) -> bool:
    if name in OVER_CHANNELS:
        return _dimensions(node, None) == CHANNELS
    if name in ALONG:
        return _dimensions(node, 0) == CHANNELS
    return name in ELEMENTWISE or name == "expand"


def _dimensions(node: Node, default: int | None) -> list[int] | None:
    """Return the dimensions that an operator works along, counted from the first."""
    position = 2 if operator_name(node) in THIRD else 1
    dimensions = node.kwargs.get("dim", default)
    if len(node.args) > position:
        dimensions = node.args[position]
    if isinstance(dimensions, int):
        dimensions = [dimensions]
    return None if dimensions is None else [d % 4 for d in dimensions]


def _same_everywhere(value: Any) -> bool:
    """Whether a constant is no different from cell to cell."""
    if not isinstance(value, Tensor) or value.numel() == 1:
        return True
    # All its numbers are along the channels.
    return value.ndim > len(rules_spatial.SPATIAL) and value.shape[-3] == value.numel()
