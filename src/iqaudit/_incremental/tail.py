"""The tail of a network, behind the last window: it runs as it is, from maps to the score."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from iqaudit._incremental.kernels import linear
from iqaudit._incremental.lowering import Context
from iqaudit._incremental.nodes import Node, caller

Call: TypeAlias = tuple[str, Callable[[Mapping[str, Any]], Any]]
"""A node, and what computes it from earlier values."""


@dataclass(frozen=True, eq=False)
class Tail:
    """The operators that no window rule covers, and those behind them.

    Parameters
    ----------
    names : dict of str to str
        The steps that it starts from, by the nodes that stand for them.
    calls : tuple of Call
        In order.
    constants : dict of str to Any
        Values that depend on the weights alone, by node.
    output : str
        The node that is the score.
    """

    names: Mapping[str, str]
    calls: tuple[Call, ...]
    constants: Mapping[str, Any]
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The steps that it starts from, each once."""
        return tuple(dict.fromkeys(self.names.values()))

    def __call__(self, values: Mapping[str, Any]) -> Tensor:
        """Return the score, from the steps' values by name."""
        known = {**self.constants, **{node: values[step] for node, step in self.names.items()}}
        for name, call in self.calls:
            known[name] = call(known)
        score: Tensor = known[self.output]
        return score


def tail_to(nodes: Iterable[Node], output: Node, context: Context) -> Tail:
    """Return the tail that leads from maps and constants to an output node."""
    needed = {output.name}
    names: dict[str, str] = {}
    constants: dict[str, Any] = {}
    calls = []
    for node in reversed(list(nodes)):
        if node.name not in needed:
            continue
        if node.name in context.constants:
            constants[node.name] = context.constants[node.name]
        elif node.name in context.maps:
            names[node.name] = context.maps[node.name].name
        else:
            calls.append(_call(node, context.constants))
            needed |= {arg.name for arg in node.all_input_nodes}
    return Tail(names, tuple(reversed(calls)), constants, output.name)


def _call(node: Node, constants: Mapping[str, Any]) -> Call:
    """Return a node's call; a fully connected layer's with its weights laid out beforehand."""
    weights = [arg for arg in node.args[1:] if arg is not None]
    if node.target is torch.ops.aten.linear.default and all(a.name in constants for a in weights):
        weight, bias = (*(constants[arg.name] for arg in weights), None)[:2]
        rows = math.prod(node.meta["val"].shape[:-1])
        return node.name, caller(linear(weight, bias, rows), node.args[:1], {})
    # A view asks for the layout that the graph was read in; maps have their channels last.
    views = (torch.ops.aten.view.default, torch.ops.aten._unsafe_view.default)  # noqa: SLF001
    target = torch.ops.aten.reshape.default if node.target in views else node.target
    if target is torch.ops.aten.as_strided.default:
        target = _as_strided
    return node.name, caller(target, node.args, dict(node.kwargs))


def _as_strided(x: Tensor, *args: Any) -> Tensor:
    """Call the operator on the layout that the graph was read in."""
    return x.contiguous().as_strided(*args)
