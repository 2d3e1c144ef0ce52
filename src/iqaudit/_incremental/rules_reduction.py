"""Rules for reductions: statistics of whole maps, updated by difference."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from iqaudit._incremental.lowering import Context, Lowering, Node, arguments, operator_name
from iqaudit._incremental.operators import Reduction

SPATIAL = [2, 3]


def reduction(node: Node, context: Context) -> Lowering | None:
    """Return a statistic over rows and columns; None where it is over anything else."""
    names = "x dim keepdim" if operator_name(node) in ("mean", "sum") else "x dim"
    options = arguments(node, names, dim=None, keepdim=False, correction=1, dtype=None)
    dimensions = options["dim"]
    source = context.lowering(node.args[0])
    older = operator_name(node) not in ("mean", "sum") and len(node.args) > len(("x", "dim"))
    if older or not isinstance(dimensions, list | tuple) or options["dtype"] is not None:
        return None
    if sorted(d % 4 for d in dimensions) != SPATIAL:
        return None
    correction = 1 if options["correction"] is None else options["correction"]
    name, keep = operator_name(node), options["keepdim"]

    def finish(total: Tensor, squares: Tensor, cells: int) -> Any:
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
        shaped = tuple(a[:, :, None, None] if keep else a for a in answers)
        return shaped if len(shaped) > 1 else shaped[0]

    return _reduction(node, source, finish)


def _reduction(
    node: Node, source: Lowering, finish: Callable[[Tensor, Tensor, int], Any]
) -> Lowering:
    rest, kwargs, shape = node.args[1:], dict(node.kwargs), source.shape
    make = partial(Reduction, finish=finish, whole=lambda x: node.target(x, *rest, **kwargs))
    flops = float(math.prod(shape))
    return Lowering(node.name, (source.name,), shape, make, is_map=False, flops=flops)


def average(node: Node, source: Lowering) -> Lowering:
    """Return a mean over the whole map, as pooling gives it: (n, channels, 1, 1)."""
    return _reduction(node, source, lambda total, _, cells: (total / cells)[:, :, None, None])
