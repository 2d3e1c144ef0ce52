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
from iqaudit._incremental.flops import flops
from iqaudit._incremental.fusion import fuse
from iqaudit._incremental.lowering import Context, Lowering, Node, arguments, called, operator_name
from iqaudit._incremental.operators import INPUT, AnyStep, Shape
from iqaudit._incremental.tail import Tail, tail_to


class NotExportableError(Exception):
    """The module has no graph that could be followed; its message says why."""


@dataclass(frozen=True, eq=False)
class Network:
    """A module, read for pictures of one size.

    Parameters
    ----------
    steps : tuple of AnyStep
        From map to map, in order; their values are known by their names.
    tail : Tail
        The operators that run as they are, from maps and statistics to the score.
    shape : (1, channels, height, width)
        Of the picture.
    share : float
        How much of a dense pass's arithmetic lies in the steps, 0-1.
    dense : tuple of str
        The operators on maps that no window rule covers, in order of their first use.
    flops : float
        A dense pass's multiplications and additions.
    """

    steps: tuple[AnyStep, ...]
    tail: Tail
    shape: Shape
    share: float
    dense: tuple[str, ...]
    flops: float

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
    graph, placeholders = _export(module, example)
    return _Reader(placeholders, example.shape).read(graph)


def _export(module: nn.Module, example: Tensor) -> tuple[fx.Graph, dict[str, Any]]:
    """Return a module's graph, and the values of its placeholders: None for the picture."""
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
    placeholders: dict[str, Any] = {}
    for spec in signature.input_specs:
        state = program.state_dict if spec.target in program.state_dict else program.constants
        is_picture = spec.kind is InputKind.USER_INPUT
        placeholders[spec.arg.name] = None if is_picture else state[spec.target].detach()
    return program.graph, placeholders


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
    """One walk through a graph, in order, that classifies every node."""

    placeholders: dict[str, Any]
    shape: Any
    constants: dict[str, Any] = field(default_factory=dict)
    lowerings: dict[str, Lowering] = field(default_factory=dict)
    """Those of maps and of their statistics, by name."""
    maps: dict[str, str] = field(default_factory=dict)
    """By node, the lowering whose value it has."""
    moves: dict[str, rules.Move] = field(default_factory=dict)
    """By node that only moves a map's cells about."""
    unruled: list[str] = field(default_factory=list)
    """Operators on maps that have no rule."""

    def read(self, graph: fx.Graph) -> Network:
        """Return the network."""
        output: Any = None
        for node in graph.nodes:
            if node.op == "output":
                output = node.args[0]
            elif node.op != "placeholder":
                self._read(node)
            elif self.placeholders[node.name] is None:
                self.lowerings[INPUT] = Lowering(INPUT, (), tuple(self.shape))
                self.maps[node.name] = INPUT
            else:
                self.constants[node.name] = self.placeholders[node.name]
        if not isinstance(output, tuple | list) or len(output) != 1 or not output[0]:
            raise NotExportableError("it returns anything but one tensor")
        self._settle(output[0].name)
        tail = tail_to(graph.nodes, output[0], self.maps, self.constants)
        steps = fuse((self.lowerings[name].build() for name in self._steps_to(tail)), tail.inputs)
        inside = sum(step.flops for step in steps)
        called = {name for name, *_ in tail.calls}
        total = inside + sum(flops(node) for node in graph.nodes if node.name in called)
        share = inside / total if total else 0.0
        dense = tuple(dict.fromkeys(self.unruled))
        return Network(steps, tail, tuple(self.shape), share, dense, total)

    @property
    def context(self) -> Context:
        """The tables for the rules."""
        return Context(self.lowerings, self.maps, self.constants)

    def _read(self, node: Node) -> None:
        """Classify one node."""
        names = [arg.name for arg in node.all_input_nodes]
        if all(name in self.constants for name in names):
            constant = called(
                node.target, node.args, node.kwargs, lambda arg: self.constants[arg.name]
            )
            self.constants[node.name] = constant
            return
        name = operator_name(node)
        if name in rules.TUPLES:
            return  # it is read with the node that takes one of its answers
        if name == "getitem" and operator_name(node.args[0]) in rules.TUPLES:
            names = [arg.name for arg in node.args[0].all_input_nodes]
        if self._follow_move(node, names):
            return
        for each in names:
            self._settle(each)
        if all(self._is_map(each) or each in self.constants for each in names):
            self._take(node, rules.lower(node, self.context))
        if node.name not in self.maps and any(self._is_map(each) for each in names):
            self.unruled.append(name)

    def _is_map(self, name: str) -> bool:
        return name in self.maps and self.lowerings[self.maps[name]].is_map

    def _take(self, node: Node, lowering: Lowering | str | None) -> None:
        if isinstance(lowering, Lowering):
            self.lowerings[lowering.name] = lowering
            lowering = lowering.name
        if lowering is not None:
            self.maps[node.name] = lowering

    def _follow_move(self, node: Node, names: list[str]) -> bool:
        """Follow a node that only moves cells, as far as they all come from one map."""
        if not rules.is_move(node, self.context):
            return False
        if not all(name in self.moves or self._is_map(name) for name in names):
            return False
        roots = {self.moves[name].root if name in self.moves else self.maps[name] for name in names}
        if len(roots) == 1:
            self.moves[node.name] = rules.Move(roots.pop(), node)
        return node.name in self.moves

    def _settle(self, name: str) -> None:
        """Make a map of the cells of a move where they lie as a map's again."""
        if name in self.moves and name not in self.maps:
            root, node = self.moves[name]
            self._take(node, rules.cut(name, self.lowerings[root], self._cells(node)))

    def _cells(self, node: Node) -> NDArray[Any]:
        """Return the element of its root that each element of a move's value is."""

        def follow(arg: Node) -> Tensor:
            if arg.name in self.moves:
                inner = self.moves[arg.name].node
                value: Tensor = called(inner.target, inner.args, inner.kwargs, follow)
                return value
            shape = self.lowerings[self.maps[arg.name]].shape
            return torch.arange(math.prod(shape)).reshape(shape)

        return follow(node).numpy()

    def _steps_to(self, tail: Tail) -> Iterator[str]:
        """Return the names of the lowerings that a tail needs, in order."""
        needed = set(tail.inputs)
        for name in reversed(self.lowerings):
            if name in needed:
                needed |= set(self.lowerings[name].inputs)
        return (name for name in self.lowerings if name in needed and name != INPUT)
