"""A recording: the operators that a module runs on one picture, without the code that calls them.

The module runs on a real tensor, so whatever it keeps of a run, as a constant made on first use,
is as real as after any other. The graph that is read later has none of its code.
"""

import operator
import os
import random
import sys
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map_only
from torch.utils.weak import WeakTensorKeyDictionary

from iqaudit._core.apart import staying
from iqaudit._incremental.dense_pass import evaluating
from iqaudit._incremental.nodes import Node

aten = torch.ops.aten


class NotExportableError(Exception):
    """The module has no graph that could be followed; its message says why."""


@dataclass(frozen=True, eq=False)
class Recording:
    """The operators of one run of a module, in order.

    Parameters
    ----------
    graph : torch.fx.Graph
        Its first placeholder is the picture, the others are the constants.
    picture : Tensor, (1, channels, height, width)
        The one that it was made with.
    score : Tensor
        What the module answered.
    constants : tuple of Tensor
        The tensors that were there before the run: weights, and whatever else it reads.
    key : str
        Two runs with equal keys do the same: the operators, their arguments, and checksums of the
        constants.
    """

    graph: fx.Graph
    picture: Tensor
    score: Tensor
    constants: tuple[Tensor, ...]
    key: str


def record(module: nn.Module, picture: Tensor) -> Recording:
    """Run a module on a picture, in eval mode, and record its operators.

    Random numbers that it draws are not the caller's; see `undisturbed`.

    Parameters
    ----------
    module : torch.nn.Module
        From (1, channels, height, width) to a score.
    picture : Tensor, (1, channels, height, width)
        On the device and in the type that the module takes.

    Raises
    ------
    NotExportableError
        If it fails, or does anything that no graph can repeat; it is stopped before it writes into
        its own tensors or draws.
    """
    if any(nn.parameter.is_lazy(each) for each in module.parameters()):
        raise NotExportableError("it has weights that its first run will make")
    recorder = _Recorder(picture)
    try:
        # Below autograd the operators are whole, as a convolution or a normalisation.
        below = torch._C._AutoDispatchBelowAutograd()
        with staying(), _plainly(), evaluating(module), torch.no_grad(), below, recorder:
            score = module(picture)
    except Exception as error:  # noqa: BLE001 (a foreign module's code may raise anything)
        recorder.refused = recorder.refused or f"{type(error).__name__}: {first_line(error)}"
    if recorder.refused:  # the module's code may have caught it
        raise NotExportableError(recorder.refused)
    if not isinstance(score, Tensor):
        raise NotExportableError("it returns anything but one tensor")
    return recorder.ended(picture, score)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Give back the process's environment, warning filters and random generators as they were."""
    environment = dict(os.environ)
    states = random.getstate(), np.random.get_state()  # noqa: NPY002 (the common one)
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)


@contextmanager
def _plainly() -> Iterator[None]:
    """Have modules run their plain operators: no fused ones of attention, nothing compiled."""
    fast = torch.backends.mha.get_fastpath_enabled()
    with ExitStack() as stack:
        if "torch._dynamo" in sys.modules:  # without it nothing is compiled
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        torch.backends.mha.set_fastpath_enabled(False)
        stack.callback(torch.backends.mha.set_fastpath_enabled, fast)
        yield


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The dispatch mode that records; every tensor stays what it is."""

    def __init__(self, picture: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.refused = ""
        """Why the run was stopped."""
        self._graph = fx.Graph()
        self._last = self._graph.placeholder("picture")
        self._nodes: Any = WeakTensorKeyDictionary()
        self._nodes[picture] = self._last
        self._constants: list[Tensor] = []
        self._made: set[int] = set()
        """Storages of the run's own tensors, which it may write into."""
        self._shown = {_storage(picture)}
        """Storages whose numbers may depend on the picture's."""

    def __torch_dispatch__(
        self,
        func: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Record an operator and run it."""
        kwargs = dict(kwargs or {})
        target = func
        if func is aten.lift_fresh.default:  # of numbers that stand in the code: a copy of them
            target, func = aten.lift_fresh_copy.default, aten.clone.default
        elif func is aten._convolution.default:  # of a traced module: how to compute it is said too
            target = func = aten.convolution.default
            args = args[:9]
        node = self._graph.call_function(target, *tree_map_only(Tensor, self._node, (args, kwargs)))
        read = {_storage(each) for each in _tensors((args, kwargs))}
        written = {_storage(each) for each in _written(func, args, kwargs)}
        if _draws(func, args, kwargs):
            self._refuse("it draws random numbers")
        if not written <= self._made:
            self._refuse("it writes into tensors that are there before it runs")
        result = func(*args, **kwargs)
        shown = not self._shown.isdisjoint(read)
        if not isinstance(result, Tensor | tuple | list):  # a number: it stands in what follows
            if shown:
                self._refuse("it reads a value off its maps, which may decide what it does")
            self._graph.erase_node(node)
        made = {_storage(each) for each in _tensors(result)} - read
        self._made |= made
        self._shown -= made  # where another's lay that is gone
        self._shown |= made | written if shown else set()
        self._take(result, node)
        return result

    def ended(self, picture: Tensor, score: Tensor) -> Recording:
        """Return the recording of the run that gave a score."""
        if _storage(score) not in self._shown:
            raise NotExportableError(
                "its score does not come from the picture by torch's operators"
            )
        self._graph.output(self._node(score))
        lines = [
            f"{each.name} {each.target} {each.args} {each.kwargs}" for each in self._graph.nodes
        ]
        lines += [_checked(each) for each in self._constants]
        lines += [f"{picture.shape} {picture.dtype} {picture.device}"]
        return Recording(self._graph, picture, score, tuple(self._constants), "\n".join(lines))

    def _node(self, tensor: Tensor) -> Node:
        """Return the node of a tensor: a constant's, where it was there before the run."""
        if tensor not in self._nodes:
            with self._graph.inserting_after(self._last):
                self._last = self._graph.placeholder(f"constant_{len(self._constants)}")
            self._nodes[tensor] = self._last
            self._constants.append(tensor)
        return self._nodes[tensor]

    def _take(self, result: Any, node: Node) -> None:
        """Take note of an operator's answers."""
        if isinstance(result, Tensor):
            self._nodes[result] = node
        elif isinstance(result, tuple | list):
            for index, each in enumerate(result):
                self._take(each, self._graph.call_function(operator.getitem, (node, index)))

    def _refuse(self, why: str) -> None:
        self.refused = why
        raise NotExportableError(why)


def _draws(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether an operator draws at random; dropout and attention do where they drop anything."""
    if torch.Tag.nondeterministic_seeded not in func.tags:
        return False
    schema = func._schema.arguments
    names = [each.name for each in schema]
    values = {each.name: each.default_value for each in schema}
    values |= dict(zip(names, args, strict=False)) | dict(kwargs)
    return all(bool(values[name]) for name in ("train", "training", "dropout_p") if name in values)


def _written(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """Return the tensors that an operator writes into."""
    schema = func._schema.arguments
    into = [each for each in schema if each.alias_info is not None and each.alias_info.is_write]
    positions = {each.name: place for place, each in enumerate(schema)}
    values = [
        args[place] if (place := positions[each.name]) < len(args) else kwargs.get(each.name)
        for each in into
    ]
    return _tensors(values)


def _tensors(values: Any) -> list[Tensor]:
    return [each for each in tree_iter(values) if isinstance(each, Tensor)]


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _checked(constant: Tensor) -> str:
    """Return a line that tells a constant from others: its form, and a checksum of its numbers."""
    try:
        plain: Any = constant.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    except Exception:  # noqa: BLE001 (classes of tensors beyond torch's own raise what they like)
        raise NotExportableError(
            f"it reads a tensor without plain numbers ({constant.layout}, {constant.dtype})"
        ) from None
    form = (tuple(constant.shape), constant.stride(), constant.dtype, constant.device)
    return f"{form} {zlib.crc32(plain)}"


def first_line(error: Exception) -> str:
    """Return the first line of an error's text."""
    return str(error).strip().partition("\n")[0]
