"""Rules for operators that read a neighbourhood: convolution, pooling, padding, interpolation."""

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from iqaudit._incremental.flops import flops
from iqaudit._incremental.lowering import (
    Border,
    Context,
    Convolution,
    Lowering,
    Node,
    arguments,
    closure,
    map_shape,
    maps_of,
    operator_name,
    pair,
)
from iqaudit._incremental.operators import Pointwise, Resampling, Sliding
from iqaudit._incremental.rules_reduction import average


def convolution(node: Node, context: Context) -> Lowering | None:
    """Return a convolution with fixed weights, and the padding before it."""
    more = "groups" if operator_name(node) == "conv2d" else "transposed output_padding groups"
    names = f"x weight bias stride padding dilation {more}"
    defaults = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    options = arguments(node, names, transposed=False, **defaults)
    if any(context.is_map(options[name]) for name in ("weight", "bias")):
        return None
    if options["transposed"] or isinstance(options["padding"], str):
        return None
    source = context.lowering(options["x"])
    inputs: tuple[str, ...] = (source.name,)
    border = (0, 0, 0, 0)
    if isinstance(source, Border) and source.fill == 0 and _only_user(source, options["x"]):
        border, inputs = source.amount, source.inputs
    return Convolution(
        node.name,
        inputs,
        map_shape(node),
        flops=flops(node),
        weight=context.value(options["weight"]),
        bias=context.value(options["bias"]),
        stride=pair(options["stride"]),
        padding=pair(options["padding"]),
        dilation=pair(options["dilation"]),
        groups=options["groups"],
        border=border,
        last=node,
    )


def batch_norm(node: Node, context: Context, result: Node | None = None) -> Lowering | str | None:
    """Fold a normalisation into the convolution before it, or apply it cell by cell.

    `result` is the node of its answer, where it gives statistics as well.
    """
    result = node if result is None else result
    training = operator_name(node) == "batch_norm" and node.args[5]
    if training:
        return None
    x, weight, bias, mean, variance = node.args[:5]
    eps = node.args[7] if operator_name(node) == "batch_norm" else node.args[6]
    if any(context.is_map(arg) for arg in (weight, bias, mean, variance)) or mean is None:
        return None
    gain = 1 / torch.sqrt(context.value(variance).double() + eps)
    if weight is not None:
        gain = gain * context.value(weight).double()
    shift = -context.value(mean).double() * gain
    if bias is not None:
        shift = shift + context.value(bias).double()
    source = context.lowering(x)
    if isinstance(source, Convolution) and source.activation is None and _only_user(source, x):
        source.normalise(gain, shift)
        source.last = result
        return source.name
    like = context.value(mean)
    scale, offset = (t.to(like.dtype)[None, :, None, None] for t in (gain, shift))
    make = partial(Pointwise, compute=lambda x: torch.addcmul(offset, x, scale))
    return Lowering(result.name, (source.name,), source.shape, make, flops=flops(node))


def activation(node: Node, context: Context) -> str | None:
    """Fold a clamp or ReLU into the convolution before it."""
    source = context.lowering(node.args[0])
    if not isinstance(source, Convolution) or source.activation:
        return None
    if not _only_user(source, node.args[0]):
        return None
    name = operator_name(node)
    if name == "relu":
        source.activation = ("relu", [])
    else:
        low, high = _BOUNDS[name]
        options = arguments(node, "x low high", low=low, high=high)
        if not all(isinstance(options[bound], int | float) for bound in ("low", "high")):
            return None
        source.activation = ("hardtanh", [float(options["low"]), float(options["high"])])
    source.last = node
    return source.name


_BOUNDS = {"relu6": (0, 6), "hardtanh": (-1, 1), "clamp": (None, None)}
"""The bounds between which an activation clamps, unless it names its own."""


def _only_user(source: Convolution | Border, node: Node) -> bool:
    """Whether a node's value has one reader, which is being lowered."""
    return source.last is node and len(node.users) == 1


def padding(node: Node, context: Context) -> Lowering | None:
    """Return constant padding; of a picture's sides only."""
    options = arguments(node, "x pad mode value", mode="constant", value=None)
    if operator_name(node) == "constant_pad_nd":
        options = arguments(node, "x pad value", value=0) | {"mode": "constant"}
    amount = (*options["pad"], 0, 0)[:4]  # columns come first, rows may be left out
    sides = len(options["pad"]) in (2, 4) and min(amount) >= 0
    if options["mode"] != "constant" or not sides:
        return None
    source = context.lowering(options["x"])
    inputs, shape, fill = (source.name,), map_shape(node), float(options["value"] or 0)
    return Border(node.name, inputs, shape, amount=amount, fill=fill, last=node)


def pool(node: Node, context: Context, result: Node | None = None) -> Lowering | None:
    """Return a pooling; `result` is the node of its answer, where it gives indices as well."""
    result = node if result is None else result
    source = context.lowering(node.args[0])
    name, shape = operator_name(node), map_shape(node)
    if "adaptive" in name:
        if shape[2:] == (1, 1):
            return average(node, source)
        return resampling(node, context)
    call = closure(node, context, [node.args[0]])
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
            return average(node, source)
        if options["ceil"] or (padded and not options["count"]):
            return None  # the border's cells are divided by fewer
        pool = lambda x: functional.avg_pool2d(x, kernel, stride, divisor_override=divisor)  # noqa: E731
    make = partial(
        Sliding,
        compute=pool,
        whole=whole,
        kernel=kernel,
        stride=stride,
        before=pair(options["padding"]),
        dilation=dilation,
        fill=fill,
    )
    return Lowering(result.name, (source.name,), shape, make, flops=flops(node))


def resampling(node: Node, context: Context) -> Lowering | None:
    """Return interpolation or adaptive averaging, by its weights along rows and columns."""
    if len(maps_of(node, context)) != 1:
        return None
    source, shape = context.lowering(node.args[0]), map_shape(node)
    whole = closure(node, context, [node.args[0]])
    like = next((t for t in context.constants.values() if isinstance(t, Tensor)), torch.zeros(()))

    by_factor = node.args[1] is None  # and not to a size

    def weights(axis: int) -> Tensor:
        # One line lit at a time, each in a channel of its own, tells which outputs read it.
        # A factor must leave two lines across: of one, antialiasing makes something else.
        size, other = source.shape[2 + axis], source.shape[3 - axis]
        across = min(other, 2 * (other // shape[3 - axis] + 1)) if by_factor else 1
        kind = like.dtype if like.is_floating_point() else torch.float32
        lit = torch.eye(size, dtype=kind, device=like.device)[None]
        lines = lit[:, :, None] if axis else lit[:, :, :, None]
        answer: Tensor = whole(lines.expand(-1, -1, *((across, -1) if axis else (-1, across))))
        return (answer[0, :, 0] if axis else answer[0, :, :, 0]).t().contiguous()

    def make(*step: Any, flops: float) -> Resampling:  # a step that is not built takes no weights
        built = partial(Resampling, rows=weights(0), columns=weights(1), whole=whole, flops=flops)
        return built(*step)

    return Lowering(node.name, (source.name,), shape, make, flops=flops(node))
