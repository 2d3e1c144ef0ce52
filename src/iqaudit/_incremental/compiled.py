"""Compiled passes: a part of a module's graph in OpenVINO, where that is installed."""

import logging
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from iqaudit._core.process import compiler_version
from iqaudit._incremental.nodes import Node, operator_name, shape_of
from iqaudit._incremental.openvino_operators import as_reshape, plainer

aten = torch.ops.aten

CONFIG = {
    "ENABLE_CPU_PINNING": False,
    "INFERENCE_NUM_THREADS": 1,
    "INFERENCE_PRECISION_HINT": "f32",
    "PERFORMANCE_HINT": "LATENCY",
}
"""One thread, as everywhere: a score's last bits depend on their number. Where it is pinned, that
of every process is, to the first core."""

TELEMETRY = "openvino_telemetry"
"""A package that comes with OpenVINO and reports its use to its makers: it is kept out."""


class NotCompiledError(Exception):
    """OpenVINO does not take a part of a graph; its message says why."""


def runtime() -> Any:
    """Return OpenVINO; None where it is not installed, forbidden, or does not load."""
    return _loaded() if compiler_version() else None


@cache
def _loaded() -> Any:
    known = sys.modules.get(TELEMETRY)
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]
    try:
        with _quietly():
            import openvino
            import openvino.frontend.pytorch.fx_decoder
    except Exception:  # noqa: BLE001 (a package that is broken is one that is not there)
        return None
    finally:
        del sys.modules[TELEMETRY]
        if known is not None:
            sys.modules[TELEMETRY] = known
    return openvino


class Compiled:
    """A part of a module's graph, compiled: from values of steps, or the picture, to the score.

    Parameters
    ----------
    inputs : tuple of str
        The steps whose values it starts from.
    starts : tuple of (str, int or None)
        By input of the compiled model: the step, and which of its values where it has several.
    model : openvino.Model
        What is compiled.
    kept : object
        What the model may point into: the weights.

    Raises
    ------
    Exception
        As OpenVINO does, if it does not take the model.
    """

    def __init__(
        self,
        inputs: tuple[str, ...],
        starts: tuple[tuple[str, int | None], ...],
        model: Any,
        kept: object,
    ) -> None:
        self.inputs, self.starts, self._model, self._kept = inputs, starts, model, kept
        self._request: Any = self._compile()
        self._is_used = False

    def __call__(self, values: Mapping[str, Any]) -> Tensor:
        """Return the score, from the steps' values by name."""
        return self.run(
            [
                _laid_out(values[name] if place is None else values[name][place])
                for name, place in self.starts
            ]
        )

    def run(self, arrays: list[Any]) -> Tensor:
        """Return the score, from arrays as the compiled model takes them."""
        if self._request is None:
            self._request = self._compile()
        self._is_used = True
        answers = self._request.infer(arrays, share_inputs=True)
        return torch.from_numpy(np.array(next(iter(answers.values()))))

    def tried(self, arrays: list[Any]) -> Tensor:
        """Return the score as `run` does, which counts as none that it ran and keeps no memory."""
        used, answer = self._is_used, self.run(arrays)
        self.rest()
        self._is_used = used
        return answer

    def rest(self) -> None:
        """Let go of memory that it takes again when it runs: all, where it never ran so far."""
        if self._is_used:
            self._request.get_compiled_model().release_memory()
        else:
            self._request = None

    def _compile(self) -> Any:
        return runtime().Core().compile_model(self._model, "CPU", CONFIG).create_infer_request()


def compiled(
    graph: fx.Graph, constants: Mapping[str, Any], starts: Mapping[str, Node], *, pixels: bool
) -> Compiled:
    """Return a part of a graph, compiled.

    Parameters
    ----------
    graph : torch.fx.Graph
        A module's, for one picture.
    constants : mapping of str to Any
        Its placeholders but the picture, and whatever else is known of it, by node.
    starts : mapping of str to Node
        By step, the node whose value it is, from which the part leads to the score.
    pixels : bool
        Whether the one start is the picture, given as its pixels, uint8 (1, height, width, 3).

    Raises
    ------
    NotCompiledError
        If OpenVINO is not there, or does not take it.
    """
    openvino = runtime()
    if openvino is None:
        raise NotCompiledError("OpenVINO is not installed")
    part = _Part(graph, constants, starts, pixels=pixels)
    try:
        with _quietly():
            model = _converted(openvino, part)
            for port, example in zip(model.inputs, part.examples, strict=True):
                kind = openvino.Type.u8 if pixels else openvino.Type.f32
                port.get_node().set_element_type(kind)
                port.get_node().set_partial_shape(openvino.PartialShape(list(example.shape)))
            model.validate_nodes_and_infer_types()
            return Compiled(tuple(starts), tuple(part.places), model, part.module)
    except Exception as error:  # noqa: BLE001 (OpenVINO raises classes of many kinds)
        first = str(error).strip().partition("\n")[0]
        raise NotCompiledError(f"OpenVINO: {first or type(error).__name__}") from None


class _Part:
    """A part of a graph as a module of its own.

    Attributes
    ----------
    module : torch.fx.GraphModule
        From its examples to the score. Maps are taken with their channels last, as they are stored.
    examples : list of Tensor
        Tensors of its inputs' shapes.
    places : list of (str, int or None)
        By input: the step, and which of its values.
    """

    def __init__(
        self,
        graph: fx.Graph,
        constants: Mapping[str, Any],
        starts: Mapping[str, Node],
        *,
        pixels: bool,
    ) -> None:
        self.examples: list[Tensor] = []
        self.places: list[tuple[str, int | None]] = []
        self._graph, self._root = fx.Graph(), nn.Module()
        self._constants, self._known = constants, {}
        for step, node in starts.items():
            value = node.meta["val"]
            for place, each in (
                enumerate(value) if isinstance(value, tuple | list) else [(None, value)]
            ):
                self.places.append((step, place))
                key = node if place is None else (node, place)
                self._known[key] = self._start(each, pixels=pixels)
        [output] = (node for node in graph.nodes if node.op == "output")
        needed = _needed(output.args[0][0], set(starts.values()), constants)
        for node in graph.nodes:
            if node in needed:
                self._take(node)
        self._graph.output((self._value(output.args[0][0]),))
        self.module = fx.GraphModule(self._root, self._graph)

    def _start(self, value: Any, *, pixels: bool) -> Node:
        """Add an input, and return the node that has it as the part takes it."""
        start = self._graph.placeholder(f"start_{len(self.examples)}")
        shape = list(value.shape)
        maps = len(shape) == 4  # noqa: PLR2004 (n, channels, height, width)
        kind = torch.uint8 if pixels else torch.float32
        self.examples.append(
            torch.zeros([shape[i] for i in (0, 2, 3, 1)] if maps else shape, dtype=kind)
        )
        start.meta["val"] = self.examples[-1]
        if maps:
            start = self._graph.call_function(aten.permute.default, (start, [0, 3, 1, 2]))
        if pixels:
            start = self._graph.call_function(
                aten._to_copy.default,  # noqa: SLF001
                (start,),
                {"dtype": torch.float32},
            )
            start = self._graph.call_function(aten.div.Tensor, (start, 255.0))
        return start

    def _take(self, node: Node) -> None:
        """Add a node of the whole graph."""
        if node in self._known:
            return
        if operator_name(node) == "getitem" and node.args in self._known:
            self._known[node] = self._known[node.args]
            return
        copy = self._graph.node_copy(node, self._value)
        if operator_name(copy) == "as_strided":  # its strides are of the usual layout
            with self._graph.inserting_before(copy):
                usual: dict[str, Any] = {"memory_format": torch.contiguous_format}
                plain = self._graph.call_function(aten.clone.default, copy.args[:1], usual)
            copy.args = (plain, *copy.args[1:])
        if operator_name(copy) == "unfold":
            as_reshape(copy, shape_of(node.args[0]))
        self._known[node] = plainer(copy)

    def _value(self, node: Node) -> Any:
        """Return what stands for a node of the whole graph."""
        if node not in self._known:
            value = self._constants[node.name]
            if isinstance(value, Tensor):
                self._root.register_buffer(f"constant_{node.name}", value.detach())
                value = self._graph.get_attr(f"constant_{node.name}")
            self._known[node] = value
        return self._known[node]


def _needed(output: Node, starts: Iterable[Node], constants: Mapping[str, Any]) -> frozenset[Node]:
    """Return the nodes between starts and an output, but those that depend on weights alone."""
    starts, needed, open_ends = frozenset(starts), set(), [output]
    while open_ends:
        node = open_ends.pop()
        if node in needed or node in starts or node.name in constants:
            continue
        needed.add(node)
        open_ends += node.all_input_nodes
    return frozenset(needed)


def _converted(openvino: Any, part: _Part) -> Any:
    """Return a part as OpenVINO's model; by way of torch.export where it has other operators."""
    front = openvino.frontend.FrontEndManager().load_by_framework("pytorch")
    decoder = openvino.frontend.pytorch.fx_decoder.TorchFXPythonDecoder
    try:
        return front.convert(front.load(decoder(part.module)))
    except Exception:  # noqa: BLE001 (OpenVINO raises classes of many kinds)
        program = torch.export.export(part.module, tuple(part.examples), strict=False)
        given = decoder.from_exported_program(program, dynamic_shapes=False)
        return front.convert(front.load(given))


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep log lines and warnings of conversion away, about code which is not the caller's."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _laid_out(value: Tensor) -> Any:
    """Return a value as the compiled model takes it: maps with their channels last."""
    maps = value.ndim == 4  # noqa: PLR2004 (n, channels, height, width)
    return (value.permute(0, 2, 3, 1) if maps else value).contiguous().float().numpy()
