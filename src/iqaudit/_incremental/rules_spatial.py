"""Rules for operators that read a neighbourhood: convolution, pooling, padding, interpolation."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from iqaudit._incremental.lowering import Border, Context, Convolution, head
from iqaudit._incremental.nodes import (
    SPATIAL,
    Node,
    arguments,
    map_shape,
    operator_name,
    pair,
    shape_of,
)
from iqaudit._incremental.operators import (
    CIRCULAR,
    INSIDE,
    Pointwise,
    Resampling,
    Shape,
    Sliding,
    Spreading,
    Step,
)
from iqaudit._incremental.rules_statistics import average


def convolution(node: Node, context: Context) -> Convolution | None:
    """Return a convolution with fixed weights, and the padding before it."""
    more = "groups" if operator_name(node) == "conv2d" else "transposed output_padding groups"
    names = f"x weight bias stride padding dilation {more}"
    defaults = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    options = arguments(node, names, transposed=False, **defaults)
    if options["transposed"] or any(context.is_map(options[name]) for name in ("weight", "bias")):
        return None
    source, kernel = context.maps[options["x"].name], shape_of(options["weight"])[2:]
    step, border = head(node, source), (0, 0, 0, 0)
    if isinstance(options["padding"], str):
        if options["padding"] == "same":  # where a side has one cell more, it is the last
            beyond = [d * (k - 1) for d, k in zip(pair(options["dilation"]), kernel, strict=True)]
            tall, wide = beyond
            border = (wide // 2, wide - wide // 2, tall // 2, tall - tall // 2)
        options["padding"] = 0
    elif isinstance(source, Border) and source.fill == 0 and _only_user(source, options["x"]):
        step["inputs"], border = source.inputs, source.amount
    return Convolution(
        **step,
        weight=context.value(options["weight"]),
        bias=context.value(options["bias"]),
        stride=pair(options["stride"]),
        padding=pair(options["padding"]),
        dilation=pair(options["dilation"]),
        groups=options["groups"],
        border=border,
        last=node,
    )


def batch_norm(node: Node, context: Context, result: Node | None = None) -> Step | None:
    """Fold a normalisation into the convolution before it, or apply it cell by cell.

    `result` is the node of its answer, where it gives statistics as well.
    """
    result = node if result is None else result
    x, weight, bias, mean, variance, *options = node.args
    training = options.pop(0) if operator_name(node) == "batch_norm" else False
    if training or mean is None or any(context.is_map(arg) for arg in node.args[1:5]):
        return None
    gain = 1 / torch.sqrt(context.value(variance).double() + options[1])
    if weight is not None:
        gain = gain * context.value(weight).double()
    shift = -context.value(mean).double() * gain
    if bias is not None:
        shift = shift + context.value(bias).double()
    source = context.maps[x.name]
    if isinstance(source, Convolution) and source.activation is None and _only_user(source, x):
        return source.normalised(gain, shift, result)
    like = context.value(mean)
    scale, offset = (t.to(like.dtype)[None, :, None, None] for t in (gain, shift))
    step = head(node, source) | {"name": result.name}
    return Pointwise(**step, compute=lambda x: torch.addcmul(offset, x, scale))


def activation(node: Node, context: Context) -> Convolution | None:
    """Fold a clamp or ReLU into the convolution before it."""
    x = node.args[0]
    source = context.maps[x.name]
    if not isinstance(source, Convolution) or source.activation or not _only_user(source, x):
        return None
    name = operator_name(node)
    if name == "relu":
        return replace(source, activation=("relu", []), last=node)
    low, high = _BOUNDS[name]
    options = arguments(node, "x low high", low=low, high=high)
    bounds = (options["low"], options["high"])
    if not all(isinstance(bound, int | float) for bound in bounds):
        return None
    return replace(source, activation=("hardtanh", [float(b) for b in bounds]), last=node)


_BOUNDS = {"relu6": (0, 6), "hardtanh": (-1, 1), "clamp": (None, None)}
"""The bounds between which an activation clamps, unless it names its own."""


def _only_user(source: Convolution | Border, node: Node) -> bool:
    """Whether a node's value has one reader, which is being lowered."""
    return source.last is node and len(node.users) == 1


def padding(node: Node, context: Context) -> Border | None:
    """Return padding of a picture's sides, with a constant or with cells of its own."""
    name = operator_name(node)
    names = "x pad mode value" if name == "pad" else "x pad value"
    usual = _BORDERS.get(name, "constant")
    options = arguments(node, names, mode=usual, value=None)
    amount = (*options["pad"], 0, 0)[:4]  # columns come first, rows may be left out
    sides = len(options["pad"]) in (2, 4) and min(amount) >= 0
    mode = options["mode"]
    if not sides or mode not in ("constant", *INSIDE):
        return None
    fill = float(options["value"] or 0) if mode == "constant" else mode
    return Border(
        **head(node, context.maps[options["x"].name]) | {"flops": 0.0},
        compute=lambda x: x,
        whole=context.closure(node),
        kernel=(1, 1),
        stride=(1, 1),
        before=(amount[2], amount[0]),
        fill=fill,
        amount=amount,
        last=node,
    )


_BORDERS = {"reflection_pad2d": "reflect", "replication_pad2d": "replicate"}


def pool(node: Node, context: Context, result: Node | None = None) -> Step | None:
    """Return a pooling; `result` is the node of its answer, where it gives indices as well."""
    source = context.maps[node.args[0].name]
    name, shape = operator_name(node), map_shape(node)
    if "adaptive" in name:
        if shape[2:] == (1, 1):
            return average(node, context)
        return resampling(node, context)
    call = context.closure(node)
    if name.startswith("max_pool2d"):
        names = "x kernel stride padding dilation ceil"
        options = arguments(node, names, stride=(), padding=0, dilation=1)
        kernel, dilation, fill = pair(options["kernel"]), pair(options["dilation"]), -math.inf
        stride = pair(options["stride"] or kernel)

        def whole(x: Tensor) -> Tensor:
            answer = call(x)
            pooled: Tensor = answer[0] if isinstance(answer, tuple | list) else answer
            return pooled

        def pool(x: Tensor) -> Tensor:
            return functional.max_pool2d(x, kernel, stride, 0, dilation)

    else:
        names = "x kernel stride padding ceil count divisor"
        defaults = {"stride": (), "padding": 0, "ceil": False, "count": True, "divisor": None}
        options = arguments(node, names, **defaults)
        kernel, dilation, fill = pair(options["kernel"]), (1, 1), 0.0
        stride, whole, divisor = pair(options["stride"] or kernel), call, options["divisor"]
        padded = any(pair(options["padding"]))
        if shape[2:] == (1, 1) and kernel == source.shape[2:] and not padded and divisor is None:
            return average(node, context)
        if options["ceil"] or (padded and not options["count"]):
            return _uneven(node, context, kernel) if divisor is None else None
        pool = lambda x: functional.avg_pool2d(x, kernel, stride, divisor_override=divisor)  # noqa: E731
    return Sliding(
        **head(node, source) | {"name": (result or node).name},
        compute=pool,
        whole=whole,
        kernel=kernel,
        stride=stride,
        before=pair(options["padding"]),
        dilation=dilation,
        fill=fill,
    )


def picked(
    name: str, root: Step, shape: Shape, rows: tuple[int, int], columns: tuple[int, int]
) -> Sliding:
    """Return a part of a map, its lines the first and so many farther: it keeps the map's frame."""
    (top, down), (left, across) = rows, columns
    _, _, height, width = shape

    def whole(x: Tensor) -> Tensor:
        part = x[:, :, top::down, left::across][:, :, :height, :width]
        return part.contiguous(memory_format=torch.channels_last)

    def compute(x: Tensor) -> Tensor:
        return x[:, :, ::down, ::across].contiguous(memory_format=torch.channels_last)

    strides, before = (down, across), (-top, -left)
    of = name, (root.name,), shape
    return Sliding(*of, compute, whole, (1, 1), strides, before, frame=root.frame)


def rolled(name: str, root: Step, shifts: tuple[int, int]) -> Sliding:
    """Return a map moved down and to the right, what leaves it coming in again opposite."""

    def whole(x: Tensor) -> Tensor:
        return x.roll(shifts, SPATIAL).contiguous(memory_format=torch.channels_last)

    of, fill = (name, (root.name,), root.shape), CIRCULAR
    return Sliding(*of, lambda x: x, whole, (1, 1), (1, 1), shifts, fill=fill, frame=root.frame)


def unshuffled(node: Node, context: Context) -> Sliding:
    """Return blocks of cells as the channels of one."""
    factor = pair(node.args[1])
    run = context.closure(node)
    step = head(node, context.maps[node.args[0].name])
    return Sliding(**step, compute=run, whole=run, kernel=factor, stride=factor, before=(0, 0))


def shuffled(node: Node, context: Context) -> Spreading:
    """Return channels as blocks of cells."""
    run, factor = context.closure(node), pair(node.args[1])
    step = head(node, context.maps[node.args[0].name])
    return Spreading(
        **step, compute=run, finish=lambda x: x, whole=run, kernel=factor, stride=factor
    )


def transposed(node: Node, context: Context) -> Spreading | None:
    """Return a transposed convolution with fixed weights."""
    names = "x weight bias stride padding output_padding groups dilation"
    defaults = {"bias": None, "stride": 1, "padding": 0, "groups": 1, "dilation": 1}
    options = arguments(node, names, **defaults)
    if any(context.is_map(options[name]) for name in ("weight", "bias")):
        return None
    weight, bias = context.value(options["weight"]), context.value(options["bias"])
    stride, dilation = pair(options["stride"]), pair(options["dilation"])

    def compute(x: Tensor) -> Tensor:
        return functional.conv_transpose2d(
            x, weight, None, stride, 0, 0, options["groups"], dilation
        )

    return Spreading(
        **head(node, context.maps[options["x"].name]),
        compute=compute,
        finish=(lambda x: x) if bias is None else (lambda x: x + bias[:, None, None]),
        whole=context.closure(node),
        kernel=pair(weight.shape[2:]),
        stride=stride,
        before=pair(options["padding"]),
        dilation=dilation,
    )


def resampling(node: Node, context: Context) -> Resampling | None:
    """Return interpolation or adaptive averaging, by its weights along rows and columns."""
    if len(context.maps_of(node)) != 1:
        return None
    source, shape = context.maps[node.args[0].name].shape, map_shape(node)
    by_factor = node.args[1] is None  # and not to a size

    def lines(axis: int) -> int:
        # A factor must leave two lines across: of one, antialiasing makes something else.
        other = source[3 - axis]
        return min(other, 2 * (other // shape[3 - axis] + 1)) if by_factor else 1

    return _by_weights(node, context, lines)


def _uneven(node: Node, context: Context, kernel: tuple[int, int]) -> Resampling | None:
    """Return an average that divides by fewer near the border, by its weights likewise."""
    most = 3 * max(kernel)
    if min(context.maps[node.args[0].name].shape[2:]) < most:
        return None
    return _by_weights(node, context, lambda _: most)


def _by_weights(node: Node, context: Context, lines: Callable[[int], int]) -> Resampling:
    """Return a step that mixes rows and columns, apart from each other, by its weights.

    Of an axis they are told by a map with so many `lines` of the other, whose middle ones lie far
    enough from the border.
    """
    source, whole = context.maps[node.args[0].name], context.closure(node)
    like = next((t for t in context.constants.values() if isinstance(t, Tensor)), torch.zeros(()))

    @cache  # a step that is not computed takes none
    def weights(axis: int) -> Tensor:
        # One line lit at a time, each in a channel of its own, tells which outputs read it.
        size, across = source.shape[2 + axis], lines(axis)
        kind = like.dtype if like.is_floating_point() else torch.float32
        lit = torch.eye(size, dtype=kind, device=like.device)[None]
        shown = lit[:, :, None] if axis else lit[:, :, :, None]
        answer: Tensor = whole(shown.expand(-1, -1, *((across, -1) if axis else (-1, across))))
        middle = answer.shape[3 - axis] // 2
        return (answer[0, :, middle] if axis else answer[0, :, :, middle]).t().contiguous()

    return Resampling(**head(node, source), whole=whole, weights=weights)
