"""A torch module's graph, read as steps that know windows and a tail that does not."""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.export.graph_signature import InputKind, OutputKind

from iqaudit._incremental import rules
from iqaudit._incremental.flops import work
from iqaudit._incremental.fusion import fused
from iqaudit._incremental.lowering import Context, Draft, Node, arguments, operator_name
from iqaudit._incremental.operators import INPUT, AnyStep, Shape
from iqaudit._incremental.tail import Tail, behind


class NotExportableError(Exception):
    """The module has no graph that could be followed; its message says why."""


@dataclass(frozen=True, eq=False)
class Network:
    """A module, read for pictures of one size.

    Parameters
    ----------
    steps : tuple of AnyStep
        From map to map, in order; what they make is known by their names.
    tail : Tail
        What runs as it is, from maps and totals to the score.
    shape : (1, channels, height, width)
        Of the picture.
    share : float
        How much of a dense pass's arithmetic lies in the steps, 0-1.
    dense : tuple of str
        The operators on maps that no window rule covers, in order of their first use.
    work : float
        A dense pass's multiplications and additions.
    """

    steps: tuple[AnyStep, ...]
    tail: Tail
    shape: Shape
    share: float
    dense: tuple[str, ...]
    work: float

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """Every map's, (n, channels, height, width); a reduction's is that of the map it reads."""
        return {step.name: step.shape for step in self.steps} | {INPUT: self.shape}


def read(module: nn.Module, example: Tensor) -> Network:
    """Read a module's graph for pictures of one size.

    Parameters
    ----------
    module : torch.nn.Module
        In eval mode.
    example : Tensor, (1, channels, height, width)
        Any picture, of the size and on the device that will come.

    Raises
    ------
    NotExportableError
        If torch.export cannot give the graph.
    """
    graph, given = _export(module, example)
    return _Reader(given, example.shape).read(graph)


def _export(module: nn.Module, example: Tensor) -> tuple[fx.Graph, dict[str, Any]]:
    """Return a module's graph, and what its placeholders hold: None for the picture."""
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # about the module's code, which is not ours
            program = torch.export.export(module, (example,), strict=False).run_decompositions({})
    except Exception as error:  # noqa: BLE001 (a foreign module's code may raise anything)
        first = str(error).strip().partition("\n")[0]
        raise NotExportableError(f"torch.export: {type(error).__name__}: {first}") from None
    if any(_draws(node) for node in program.graph.nodes):
        raise NotExportableError("it draws random numbers")
    signature = program.graph_signature
    if any(spec.kind is not OutputKind.USER_OUTPUT for spec in signature.output_specs):
        raise NotExportableError("it changes its own buffers as it runs")
    given: dict[str, Any] = {}
    for spec in signature.input_specs:
        held = program.state_dict if spec.target in program.state_dict else program.constants
        is_picture = spec.kind is InputKind.USER_INPUT
        given[spec.arg.name] = None if is_picture else held[spec.target].detach()
    return program.graph, given


def _draws(node: Node) -> bool:
    """Whether a node draws at random; attention and dropout do where they drop anything."""
    if torch.Tag.nondeterministic_seeded not in getattr(node.target, "tags", ()):
        return False
    name = operator_name(node)
    if name == "scaled_dot_product_attention":
        return bool(arguments(node, "query key value mask dropout_p", dropout_p=0)["dropout_p"])
    return not ("dropout" in name and not arguments(node, "x p train")["train"])


@dataclass
class _Reader:
    """Goes through a graph once, in order, and says of every node what it is."""

    given: dict[str, Any]
    shape: Any
    constants: dict[str, Any] = field(default_factory=dict)
    drafts: dict[str, Draft] = field(default_factory=dict)
    """What makes maps and totals, by its own name."""
    maps: dict[str, str] = field(default_factory=dict)
    """The draft that a node's value is."""
    moved: dict[str, rules.Moved] = field(default_factory=dict)
    """Nodes that only move a map's cells about."""
    without: list[str] = field(default_factory=list)
    """Operators on maps that have no rule."""

    def read(self, graph: fx.Graph) -> Network:
        """Return the network."""
        output: Any = None
        for node in graph.nodes:
            if node.op == "output":
                output = node.args[0]
            elif node.op != "placeholder":
                self._read(node)
            elif self.given[node.name] is None:
                self.drafts[INPUT] = Draft(INPUT, (), tuple(self.shape))
                self.maps[node.name] = INPUT
            else:
                self.constants[node.name] = self.given[node.name]
        if not isinstance(output, tuple | list) or len(output) != 1 or not output[0]:
            raise NotExportableError("it returns anything but one tensor")
        self._settle(output[0].name)
        tail = behind(graph.nodes, output[0], self.maps, self.constants)
        steps = fused((self.drafts[name].build() for name in self._steps_to(tail)), tail.inputs)
        inside = sum(step.work for step in steps)
        called = {name for name, *_ in tail.calls}
        total = inside + sum(work(node) for node in graph.nodes if node.name in called)
        share = inside / total if total else 0.0
        dense = tuple(dict.fromkeys(self.without))
        return Network(steps, tail, tuple(self.shape), share, dense, total)

    @property
    def context(self) -> Context:
        """What rules may look up."""
        return Context(self.drafts, self.maps, self.constants)

    def _read(self, node: Node) -> None:
        """Say of one node what it is."""
        named = [arg.name for arg in node.all_input_nodes]
        if all(name in self.constants for name in named):
            self.constants[node.name] = _value(node, self.constants)
            return
        name = operator_name(node)
        if name in rules.TUPLES:
            return  # whoever takes one of its answers is read with it
        if name == "getitem" and operator_name(node.args[0]) in rules.TUPLES:
            named = [arg.name for arg in node.args[0].all_input_nodes]
        if self._moves(node, named):
            return
        for each in named:
            self._settle(each)
        if all(self._is_map(each) or each in self.constants for each in named):
            self._take(node, rules.draft(node, self.context))
        if node.name not in self.maps and any(self._is_map(each) for each in named):
            self.without.append(name)

    def _is_map(self, name: str) -> bool:
        return name in self.maps and self.drafts[self.maps[name]].cells

    def _take(self, node: Node, made: Draft | str | None) -> None:
        if isinstance(made, Draft):
            self.drafts[made.name] = made
            made = made.name
        if made is not None:
            self.maps[node.name] = made

    def _moves(self, node: Node, named: list[str]) -> bool:
        """Follow a node that only moves cells, as far as they all come from one map."""
        if not rules.moves(node, self.context):
            return False
        if not all(name in self.moved or self._is_map(name) for name in named):
            return False
        roots = {self.moved[name].root if name in self.moved else self.maps[name] for name in named}
        if len(roots) == 1:
            self.moved[node.name] = rules.Moved(roots.pop(), node)
        return node.name in self.moved

    def _settle(self, name: str) -> None:
        """Make a map of moved cells where they lie as a map's again."""
        if name in self.moved and name not in self.maps:
            root, node = self.moved[name]
            self._take(node, rules.cut(name, self.drafts[root], self._cells(node)))

    def _cells(self, node: Node) -> NDArray[Any]:
        """Return which element of its root each element of a moved value is."""

        def follow(arg: Node) -> Tensor:
            if arg.name in self.moved:
                inner = self.moved[arg.name].node
                moved: Tensor = inner.target(
                    *fx.node.map_arg(inner.args, follow), **fx.node.map_arg(inner.kwargs, follow)
                )
                return moved
            shape = self.drafts[self.maps[arg.name]].shape
            return torch.arange(math.prod(shape)).reshape(shape)

        return follow(node).numpy()

    def _steps_to(self, tail: Tail) -> Iterator[str]:
        """Yield the drafts that a tail needs, in order."""
        kept = set(tail.inputs)
        for name in reversed(self.drafts):
            if name in kept:
                kept |= set(self.drafts[name].inputs)
        return (name for name in self.drafts if name in kept and name != INPUT)


def _value(node: Node, constants: dict[str, Any]) -> Any:
    def look_up(arg: Node) -> Any:
        return constants[arg.name]

    return node.target(
        *fx.node.map_arg(node.args, look_up), **fx.node.map_arg(node.kwargs, look_up)
    )
