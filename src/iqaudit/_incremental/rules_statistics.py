"""Rules for statistics of maps over rows and columns, which are updated by difference."""

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor

from iqaudit._incremental.lowering import Context
from iqaudit._incremental.nodes import SPATIAL, Node, arguments, operator_name
from iqaudit._incremental.operators import Reduction


def reduction(node: Node, context: Context) -> Reduction | None:
    """Return a statistic over rows and columns, and more; None where it is of less."""
    name = operator_name(node)
    names = "x dim keepdim" if name in ("mean", "sum") else "x dim"
    options = arguments(node, names, dim=None, keepdim=False, correction=1, dtype=None)
    dimensions, keep = options["dim"] or range(4), options["keepdim"]
    older = len(node.args) > len(names.split())
    if older or isinstance(dimensions, int) or options["dtype"] is not None:
        return None
    over = {d % 4 for d in dimensions}
    if not over.issuperset(SPATIAL):
        return None
    correction = 1 if options["correction"] is None else options["correction"]
    shape = context.maps[node.args[0].name].shape
    besides = sorted(over - {*SPATIAL})
    maps = math.prod(shape[dimension] for dimension in besides)
    kept = [1 if dimension in over else size for dimension, size in enumerate(shape)]

    def finish(total: Tensor, squares: Tensor, cells: int) -> Any:
        cells *= maps
        if besides:
            total, squares = total.sum(besides), squares.sum(besides)
        mean = total / cells
        variance = (squares - total * mean).clamp_min(0) / max(cells - correction, 0)
        answers = {
            "mean": (mean,),
            "sum": (total,),
            "var": (variance,),
            "std": (variance.sqrt(),),
            "var_mean": (variance, mean),
            "std_mean": (variance.sqrt(), mean),
        }[name]
        shaped = tuple(a.reshape(kept) if keep else a for a in answers)
        return shaped if len(shaped) > 1 else shaped[0]

    return _reduction(node, context, finish)


def extreme(node: Node, context: Context) -> Reduction | None:
    """Return a largest or least value over rows and columns, of maps in a batch."""
    options = arguments(node, "x dim keepdim", dim=None)
    dimensions = options["dim"] or ()
    several = context.maps[options["x"].name].shape[0] > 1  # of one, the tail computes it as well
    spatial = several and sorted(d % 4 for d in dimensions) == SPATIAL
    return _reduction(node, context, None) if spatial else None


def _reduction(
    node: Node, context: Context, finish: Callable[[Tensor, Tensor, int], Any] | None
) -> Reduction:
    source = context.maps[node.args[0].name]
    sums = float(math.prod(source.shape))
    value, whole = node.meta["val"], context.closure(node)
    kind = (value[0] if isinstance(value, tuple | list) else value).dtype
    return Reduction(node.name, (source.name,), source.shape, finish, whole, kind, flops=sums)


def average(node: Node, context: Context) -> Reduction:
    """Return a mean over the whole map, as pooling gives it: (n, channels, 1, 1)."""
    return _reduction(node, context, lambda total, _, cells: (total / cells)[:, :, None, None])
