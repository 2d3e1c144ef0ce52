"""Rules for statistics of whole maps, which are kept by difference."""

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor

from iqaudit._incremental.lowering import Context, Draft, Node, arguments, operator_name
from iqaudit._incremental.operators import Total

SPATIAL = [2, 3]


def total(node: Node, context: Context) -> Draft | None:
    """Return a statistic over rows and columns; None where it is over anything else."""
    given = arguments(
        node,
        "x dim"
        if operator_name(node) in ("var", "std", "var_mean", "std_mean")
        else "x dim keepdim",
        dim=None,
        keepdim=False,
        correction=1,
        dtype=None,
    )
    dimensions = given["dim"]
    source = context.draft(node.args[0])
    older = operator_name(node) not in ("mean", "sum") and len(node.args) > len(("x", "dim"))
    if older or not isinstance(dimensions, list | tuple) or given["dtype"] is not None:
        return None
    if sorted(d % 4 for d in dimensions) != SPATIAL:
        return None
    correction = 1 if given["correction"] is None else given["correction"]
    name, keep = operator_name(node), given["keepdim"]

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

    return _total_of(node, source, finish)


def _total_of(node: Node, source: Draft, finish: Callable[[Tensor, Tensor, int], Any]) -> Draft:
    inputs, shape = (source.name,), source.shape
    rest, kwargs = node.args[1:], dict(node.kwargs)
    return Draft(
        node.name,
        inputs,
        shape,
        lambda: Total(
            node.name,
            inputs,
            shape,
            finish,
            lambda x: node.target(x, *rest, **kwargs),
            work=float(math.prod(shape)),
        ),
        cells=False,
    )


def average(node: Node, source: Draft) -> Draft:
    """Return the draft of a mean over the whole map, as pooling gives it: (n, channels, 1, 1)."""
    return _total_of(node, source, lambda total, _, cells: (total / cells)[:, :, None, None])
