"""Arithmetic of a graph's nodes."""

import math

from torch import fx

from iqaudit._incremental.lowering import Node, operator_name, shape_of

MOVES = frozenset(
    """
    unfold slice select permute transpose t view _unsafe_view reshape expand squeeze unsqueeze
    flatten unflatten flip roll stack cat narrow swapaxes movedim clone contiguous alias detach
    index_select
    """.split()
)
"""Operators that only move cells."""


def flops(node: Node) -> float:
    """Return the multiplications and additions of a dense pass through a node, about."""
    if node.op != "call_function" or "val" not in node.meta:
        return 0.0
    name, numbers = operator_name(node), float(math.prod(shape_of(node)))
    operands = [shape_of(arg) for arg in node.args if isinstance(arg, fx.Node)]
    if name in ("conv2d", "convolution"):
        return 2 * numbers * math.prod(operands[1][1:])
    if name in ("linear", "matmul", "bmm", "mm"):
        return 2 * numbers * operands[0][-1]
    if name == "addmm":
        return 2 * numbers * operands[1][-1]
    if name == "scaled_dot_product_attention":
        return 4 * numbers * operands[1][-2]
    return 0.0 if name in MOVES or name == "getitem" else numbers
