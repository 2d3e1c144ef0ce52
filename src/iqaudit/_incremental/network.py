"""A torch module's graph, read as steps that know windows and a tail that does not."""

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx

from iqaudit._incremental import rules, rules_moves
from iqaudit._incremental.compiled import Compiled
from iqaudit._incremental.fusion import fuse
from iqaudit._incremental.lowering import Context
from iqaudit._incremental.nodes import MOVES, Node, called, flops, operator_name, shape_of, work
from iqaudit._incremental.operators import INPUT, AnyStep, Reduction, Shape, Step
from iqaudit._incremental.recording import NotExportableError, Recording, first_line
from iqaudit._incremental.tail import Tail, tail_to


@dataclass(frozen=True, eq=False)
class Source:
    """A graph, and what stands where in it.

    Parameters
    ----------
    graph : torch.fx.Graph
        From the picture to the score.
    constants : dict of str to Any
        By node, values that depend on weights alone.
    nodes : dict of str to Node
        By step, a node whose value it is.
    """

    graph: fx.Graph
    constants: Mapping[str, Any]
    nodes: Mapping[str, Node]


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
    source : Source
        The graph that it was read from.
    whole : Compiled, optional
        The whole graph, from a picture's pixels to its score.
    rest : float
        The work behind the steps; see `iqaudit._incremental.work`.
    otherwise : bool
        Whether it would be something else compiled, and so is not.
    """

    steps: tuple[AnyStep, ...]
    tail: Tail | Compiled
    shape: Shape
    share: float
    dense: tuple[str, ...]
    flops: float
    source: Source
    whole: Compiled | None = None
    rest: float = 0.0
    otherwise: bool = False

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """Every map's, (n, channels, height, width)."""
        maps = (step for step in self.steps if not isinstance(step, Reduction))
        return {INPUT: self.shape} | {step.name: step.shape for step in maps}


def read(recording: Recording, *, windows: bool = True) -> Network:
    """Read a module's recording for pictures of one size; unless windows are followed, as a tail.

    Raises
    ------
    NotExportableError
        If torch.export cannot give the graph.
    """
    graph, constants = exported(recording)
    n, channels, height, width = recording.picture.shape
    reader = _Reader(constants=constants, windows=windows)
    return reader.read(graph, (n, channels, height, width))


def exported(recording: Recording) -> tuple[fx.Graph, dict[str, Any]]:
    """Return a recording's graph, none of it in place, and its placeholders but the picture.

    torch.export runs on tensors without numbers, which a module's own code might keep: a recording
    has none of it.
    """
    from torch.export.graph_signature import InputKind, OutputKind  # it takes seconds

    inputs = (recording.picture, *(each.detach() for each in recording.constants))
    module = fx.GraphModule({}, recording.graph)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # about the module's code, which is not ours
            program = torch.export.export(module, inputs, strict=False).run_decompositions({})
    except Exception as error:  # noqa: BLE001 (torch.export raises classes of many kinds)
        told = f"{type(error).__name__}: {first_line(error)}"
        raise NotExportableError(f"torch.export: {told}") from None
    signature = program.graph_signature
    if any(spec.kind is not OutputKind.USER_OUTPUT for spec in signature.output_specs):
        raise NotExportableError("it changes what it reads as it runs")
    values = iter(inputs)
    constants: dict[str, Any] = {}
    for spec in signature.input_specs:
        if spec.kind is InputKind.USER_INPUT:
            constants[spec.arg.name] = next(values)
        else:
            state = program.state_dict if spec.target in program.state_dict else program.constants
            constants[spec.arg.name] = state[spec.target].detach()
    [picture] = (name for name, value in constants.items() if value is recording.picture)
    del constants[picture]
    _of_maps(program.graph)
    return program.graph, constants


STATISTICS = frozenset(("mean", "sum", "var", "std", "var_mean", "std_mean", "amax", "amin"))


def _of_maps(graph: fx.Graph) -> None:
    """Have statistics of flattened maps be the maps' own, over rows and columns."""
    for node in graph.nodes:
        flat = node.args[0] if operator_name(node) in STATISTICS and len(node.args) > 1 else None
        if not isinstance(flat, fx.Node) or operator_name(flat) not in MOVES:
            continue
        source: Any = flat.args[0]
        shape = shape_of(source) if isinstance(source, fx.Node) else ()
        if (
            len(shape) == 4  # noqa: PLR2004 (n, channels, height, width)
            and shape_of(flat) == (*shape[:2], shape[2] * shape[3])
            and shape_of(node) == shape[:2]
        ):
            node.args = (source, [2, 3], *node.args[2:])


@dataclass
class _Reader(Context):
    """One walk through a graph, in order, that classifies every node."""

    moves: dict[str, rules_moves.Move] = field(default_factory=dict)
    """By node that only moves a map's cells about."""
    windows: bool = True
    """Whether windows are followed."""

    def read(self, graph: fx.Graph, shape: Shape) -> Network:
        """Return the network."""
        output: Any = None
        for node in graph.nodes:
            if node.op == "output":
                output = node.args[0]
            elif node.op != "placeholder":
                self._read(node)
            elif node.name not in self.constants:
                self.maps[node.name] = Step(INPUT, (), shape)
        if not isinstance(output, tuple | list) or len(output) != 1 or not output[0]:
            raise NotExportableError("it returns anything but one tensor")
        self._settle(output[0].name)
        tail = tail_to(graph.nodes, output[0], self)
        steps = fuse(self._steps_to(tail), tail.inputs)
        inside = sum(step.flops for step in steps)
        behind = {name for name, _ in tail.calls}
        left = [node for node in graph.nodes if node.name in behind]
        total, rest = inside + sum(map(flops, left)), sum(map(work, left))
        share = inside / total if total else 0.0
        # Of the nodes that are one step as more is folded into it, the last is its value.
        by_name = {node.name: node for node in graph.nodes}
        nodes = {step.name: by_name[name] for name, step in self.maps.items()}
        source = Source(graph, self.constants, nodes)
        # What was no map may be inside of a step by now.
        dense = tuple(dict.fromkeys(op for name, op in self.unruled.items() if name in behind))
        return Network(steps, tail, shape, share, dense, total, source, rest=rest)

    def _read(self, node: Node) -> None:
        """Classify one node."""
        if all(arg.name in self.constants for arg in node.all_input_nodes):
            self.constants[node.name] = called(node.target, node.args, node.kwargs, self.value)
            return
        if not self.windows or "val" not in node.meta:  # an assertion has no value
            return
        name, source = operator_name(node), node
        if name in rules.TUPLES and isinstance(node.meta.get("val"), tuple | list):
            return  # it is read with the node that takes one of its answers
        if name == "getitem" and operator_name(node.args[0]) in rules.TUPLES:
            source = node.args[0]
        self._lower(node, source.all_input_nodes)

    def _lower(self, node: Node, read: list[Node]) -> None:
        """Follow a node of maps, if only by the cells that it moves."""
        if self._follow_move(node, read):
            return
        for arg in read:
            self._settle(arg.name)
        before = rules_moves.as_channels(node, self)
        if before:
            for each in (*before, node):
                self._read(each)
            return
        known = all(self.is_map(arg) or arg.name in self.constants for arg in read)
        step = rules.lower(node, self) if known else rules.back_in_place(node, self)
        if step is not None:
            self.maps[node.name] = step
        elif any(self.is_map(arg) for arg in read):
            self.unruled[node.name] = operator_name(node)

    def _follow_move(self, node: Node, read: list[Node]) -> bool:
        """Follow a node that only moves cells, as far as they all come from one map."""
        moved = [arg for arg in read if arg.name not in self.constants]  # the rest says where to
        roots = {self._root(arg) for arg in moved} if rules_moves.is_move(node, self) else set()
        root = roots.pop() if len(roots) == 1 else None
        if root is not None:
            self.moves[node.name] = rules_moves.Move(root, node)
        return root is not None

    def _root(self, arg: Node) -> Step | None:
        """Return the map that a node is, or whose cells it has moved."""
        if arg.name in self.moves:
            return self.moves[arg.name].root
        return self.maps[arg.name] if self.is_map(arg) else None

    def _settle(self, name: str) -> None:
        """Make a map of the cells of a move where they lie as a map's again."""
        if name in self.moves and name not in self.maps:
            root, node = self.moves[name]
            step = rules_moves.cut(name, root, self._cells(node))
            if step is not None:
                self.maps[name] = step

    def _cells(self, node: Node) -> NDArray[Any]:
        """Return the element of its root that each element of a move's value is; -1: of padding."""

        def follow(arg: Node) -> Tensor:
            value: Tensor
            if arg.name in self.constants:
                value = self.constants[arg.name]
            elif arg.name in self.moves:
                inner = self.moves[arg.name].node
                value = called(inner.target, inner.args, inner.kwargs, follow)
            else:
                shape = self.maps[arg.name].shape
                # Counted from 1, since padding is 0, in numbers that every operator takes.
                value = torch.arange(1, math.prod(shape) + 1, dtype=torch.float64).reshape(shape)
            return value

        cells: NDArray[Any] = follow(node).numpy().astype(np.int64) - 1
        return cells

    def _steps_to(self, tail: Tail) -> Iterator[AnyStep]:
        """Return the steps that a tail needs, in order."""
        steps = {step.name: step for step in self.maps.values()}
        needed = set(tail.inputs)
        for name in reversed(steps):
            if name in needed:
                needed |= set(steps[name].inputs)
        built = {name: steps[name].built() for name in steps if name in needed and name != INPUT}
        statistics: dict[str, list[Any]] = {}
        for step in built.values():
            if isinstance(step, Reduction):
                statistics.setdefault(step.inputs[0], []).append(step)
        for name, step in built.items():  # a statistic behind its map, wherever the graph has it
            if not isinstance(step, Reduction):
                yield from (step, *statistics.get(name, ()))
        yield from statistics.get(INPUT, ())
