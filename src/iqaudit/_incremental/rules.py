"""Rules by operator: a graph's node, lowered to a step that knows windows.

Operators bear ATen's names. One that is not here has no rule: from there on the network runs dense.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from iqaudit._incremental import rules_spatial, rules_statistics
from iqaudit._incremental.lowering import Context, head
from iqaudit._incremental.nodes import SPATIAL, Node, caller, flops, operator_name, shape_of
from iqaudit._incremental.operators import Pointwise, Shape, Step
from iqaudit._incremental.rules_moves import ALONG, CHANNELS, SAME, SPLITS, are_one, dimensions
from iqaudit._incremental.tail import Tail

ELEMENTWISE = frozenset(
    """
    add sub rsub mul div relu relu6 hardtanh clamp clamp_min clamp_max sqrt rsqrt pow exp log log2
    log10 log1p expm1 abs neg sigmoid tanh gelu silu hardswish hardsigmoid leaky_relu elu selu celu
    softplus mish square reciprocal maximum minimum sin cos erf threshold prelu
    """.split()
)
OVER_CHANNELS = frozenset("linalg_vector_norm sum mean amax amin softmax _softmax".split())
"""Cell by cell where they work along the channels, and keep that dimension."""
EXTREMES = frozenset(("max", "min"))
TUPLES = SPLITS | EXTREMES | {"_native_batch_norm_legit_no_training", "max_pool2d_with_indices"}
"""They give several answers, of which a map is one."""


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


LONGEST = 64
"""Operators before a node that are looked at."""


def back_in_place(node: Node, context: Context) -> Pointwise | None:
    """Return what is computed of maps whose channels lie elsewhere, to where they are in place.

    As one step, where all of it works cell by cell: normalisation and layers over channels that lie
    behind, as ConvNeXt's blocks have them; what is done to one channel, and written back.
    """
    if not isinstance(node.meta["val"], Tensor):
        return None
    inside, maps = _back_to_maps(node, context)
    sources = [context.maps[arg.name] for arg in maps]
    if not inside or not are_one(shape_of(node), sources):
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


def _back_to_maps(node: Node, context: Context) -> tuple[dict[Node, None], dict[Node, None]]:
    """Return the operators before a node and itself, up to maps, and these.

    Nothing if they are too many, or one has no rule.
    """
    inside, maps, open_ends = {node: None}, dict[Node, None](), list(node.all_input_nodes)
    while open_ends:
        arg = open_ends.pop()
        if context.is_map(arg):
            maps[arg] = None
        elif arg.name not in context.constants and arg not in inside:
            inside[arg] = None
            open_ends += arg.all_input_nodes
            refused = arg.name in context.unruled and len(shape_of(arg)) == len(shape_of(node))
            if arg.op != "call_function" or refused or len(inside) > LONGEST:
                return {}, {}
    return inside, maps


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
    | dict.fromkeys(
        ("mean", "sum", "var", "std", "var_mean", "std_mean"), rules_statistics.reduction
    )
    | dict.fromkeys(("amax", "amin"), rules_statistics.extreme)
    | {"pixel_unshuffle": rules_spatial.unshuffled, "pixel_shuffle": rules_spatial.shuffled}
    | {"conv_transpose2d": rules_spatial.transposed, "batch_norm": rules_spatial.batch_norm}
)
"""The rules of operators whose first argument is a map, but for those that work cell by cell."""


def _item(node: Node, context: Context) -> Step | None:
    """Return the step of one of an operator's several answers."""
    source, index = node.args
    if not context.is_map(source.args[0]):
        return None
    name = operator_name(source)
    if name in SPLITS or (name in EXTREMES and index == 0):
        if dimensions(source, 0) != CHANNELS or len(shape_of(node)) < len(shape_of(source.args[0])):
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
    if not are_one(shape, sources):
        return None
    maps, fields = context.maps_of(node), _fields(node, context, sources[0].shape)
    if _is_pointwise(node, name):
        if name == "prelu":  # whose weights are the channels'
            fields = {}
        if fields is None:
            return None
        run = context.closure(node, tuple(fields))
    else:
        for tried in ({}, fields) if fields else ({},):
            run = context.closure(node, tuple(tried))
            if _works_by_cell(run, [*(arg.meta["val"] for arg in maps), *tried.values()]):
                fields = tried
                break
        else:
            return None
    if name == "expand":
        channels = shape[1]

        def run(x: Tensor) -> Tensor:
            return x.expand(-1, channels, -1, -1)

    return Pointwise(**head(node, *sources), compute=run, fields=tuple(fields.values()))


def _fields(node: Node, context: Context, shape: Shape) -> dict[Node, Tensor] | None:
    """Return the constants that differ from cell to cell, laid out as maps of a shape.

    None where one has another shape.
    """
    fields = {}
    for arg in node.all_input_nodes:
        value = None if context.is_map(arg) else context.value(arg)
        if value is None or _same_everywhere(value):
            continue
        if value.ndim > len(shape):
            return None
        value = value.reshape((1,) * (len(shape) - value.ndim) + value.shape)
        n, channels, height, width = value.shape
        if n not in (1, shape[0]) or height not in (1, shape[2]) or width not in (1, shape[3]):
            return None
        field = value.expand(shape[0], channels, *shape[2:])
        fields[arg] = field.contiguous(memory_format=torch.channels_last)
    return fields


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
        return dimensions(node, None) == CHANNELS
    if name in ALONG:
        return dimensions(node, 0) == CHANNELS
    return name in ELEMENTWISE or name == "expand"


def _same_everywhere(value: Any) -> bool:
    """Whether a constant is no different from cell to cell."""
    if not isinstance(value, Tensor) or value.numel() == 1:
        return True
    # All its numbers are along the channels.
    return value.ndim > len(SPATIAL) and value.shape[-3] == value.numel()
