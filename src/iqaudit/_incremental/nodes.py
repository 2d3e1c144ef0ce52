"""A graph's nodes: their operators, arguments, shapes and arithmetic."""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from torch import fx

from iqaudit._incremental.operators import Shape

Node: TypeAlias = Any
"""A `torch.fx.Node`; the types of its arguments say nothing."""

MOVES = frozenset(
    """
    unfold slice select permute transpose t view _unsafe_view reshape expand squeeze unsqueeze
    flatten unflatten flip roll stack cat narrow swapaxes movedim clone contiguous alias detach
    index_select index as_strided im2col
    """.split()
)
"""Operators that only move cells."""


SPATIAL = [2, 3]
"""The dimensions of rows and columns."""

LANES = 8
"""Channels that a convolution's kernel computes at once, needed or not."""

NUMBER = 50.0
"""Operations in the time that a number takes to be written and read."""


def operator_name(node: Node) -> str:
    """Return ATen's name of a node's operator, without its overload."""
    name = getattr(node.target, "_opname", None) or getattr(node.target, "__name__", "")
    return str(name).removesuffix("_")


def shape_of(node: Node) -> tuple[int, ...]:
    """Return the shape of a node's value; of the first one where it has several."""
    value = node.meta["val"]
    return tuple((value[0] if isinstance(value, tuple | list) else value).shape)


def map_shape(node: Node) -> Shape:
    """Return the shape of a node that is a map."""
    n, channels, height, width = shape_of(node)
    return n, channels, height, width


def arguments(node: Node, names: str, **defaults: Any) -> dict[str, Any]:
    """Return a node's arguments by name."""
    positional: dict[str, Any] = dict(zip(names.split(), node.args, strict=False))
    return defaults | positional | dict(node.kwargs)


def called(
    function: Callable[..., Any], args: Any, kwargs: Any, look_up: Callable[[Node], Any]
) -> Any:
    """Call a node's function, with values in the places of the nodes among its arguments."""
    return function(*fx.node.map_arg(args, look_up), **fx.node.map_arg(kwargs, look_up))


def caller(
    function: Callable[..., Any], args: Any, kwargs: Any
) -> Callable[[Mapping[str, Any]], Any]:
    """Return what calls a node's function with the values, by name, of the nodes it reads.

    Called thousands of times a second: no tree of arguments is walked where nodes stand in none.
    """
    inner: list[Node] = []
    fx.node.map_arg(([arg for arg in args if not isinstance(arg, fx.Node)], kwargs), inner.append)
    if inner:
        return lambda known: called(function, args, kwargs, lambda node: known[node.name])
    pairs = [(arg, arg.name if isinstance(arg, fx.Node) else None) for arg in args]

    def call(known: Mapping[str, Any]) -> Any:
        return function(*(arg if n is None else known[n] for arg, n in pairs), **kwargs)

    return call


def pair(value: Any) -> tuple[int, int]:
    """Return an argument that holds for rows and columns, or for each."""
    if isinstance(value, int):
        return value, value
    return (value[0], value[-1])


def flops(node: Node) -> float:
    """Return the multiplications and additions of a dense pass through a node, about."""
    if node.op != "call_function" or "val" not in node.meta:
        return 0.0
    name, numbers = operator_name(node), float(math.prod(shape_of(node)))
    operands = [shape_of(arg) for arg in node.args if isinstance(arg, fx.Node)]
    if name in ("conv2d", "convolution", "conv_transpose2d"):
        return _of_convolution(name, numbers, *operands[:2])
    if name in ("linear", "matmul", "bmm", "mm"):
        return 2 * numbers * operands[0][-1]
    if name == "addmm":
        return 2 * numbers * operands[1][-1]
    if name == "scaled_dot_product_attention":
        return 4 * numbers * operands[1][-2]
    return 0.0 if name in MOVES or name == "getitem" else _most(node)


def _of_convolution(
    name: str, numbers: float, x: tuple[int, ...], weight: tuple[int, ...]
) -> float:
    if name == "conv_transpose2d":
        return 2 * float(math.prod(x)) * math.prod(weight[1:])
    outputs, inputs, *_ = weight
    at_once = max(1.0, LANES / outputs) if inputs == x[1] else 1.0
    return 2 * numbers * at_once * math.prod(weight[1:])


def work(node: Node) -> float:
    """Return the work of a node that runs as it is; see `iqaudit._incremental.work`."""
    if node.op != "call_function" or "val" not in node.meta or operator_name(node) in MOVES:
        return 0.0
    return flops(node) + NUMBER * _most(node)


def _most(node: Node) -> float:
    """Return how many numbers a node writes, or reads of one of its operands."""
    operands = (arg for arg in node.args if isinstance(arg, fx.Node))
    return max(float(math.prod(shape_of(each))) for each in (node, *operands))
