"""Lowerings of a graph's nodes: steps that the nodes behind them may still be folded into."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, fx
from torch.nn import functional

from iqaudit._incremental.kernels import convolution, matrix, product
from iqaudit._incremental.operators import AnyStep, Pointwise, Shape, Sliding

LONGEST_PRODUCT = 2048
"""Numbers that a cell reads: convolutions that read more have kernels worth setting up."""

Node: TypeAlias = Any
"""A `torch.fx.Node`; the types of its arguments say nothing."""


@dataclass
class Lowering:
    """A step before its readers are known.

    `is_map` is False where its value is a statistic of a map; `cuts` is True where it is pieces of
    one, in which windows lie elsewhere than in the map.
    """

    name: str
    inputs: tuple[str, ...]
    shape: Shape
    make: Callable[..., AnyStep] | None = None
    is_map: bool = True
    flops: float = 0.0
    cuts: bool = False

    def build(self) -> AnyStep:
        """Return the step."""
        if self.make is None:
            raise TypeError(f"{self.name} is nothing that is computed")
        return self.make(self.name, self.inputs, self.shape, flops=self.flops)


@dataclass
class Convolution(Lowering):
    """A convolution, into which a batch normalisation and an activation may still be folded."""

    weight: Tensor = field(default_factory=lambda: torch.empty(0))
    bias: Tensor | None = None
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    border: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Left, right, top, bottom: zeros of a padding operator before it."""
    activation: tuple[str, list[float]] | None = None
    last: Node = None
    """The node whose value it is so far."""

    def normalise(self, gain: Tensor, shift: Tensor) -> None:
        """Fold an affine map of the channels into the weights."""
        self.weight = (self.weight.double() * gain[:, None, None, None]).to(self.weight.dtype)
        bias = shift if self.bias is None else self.bias.double() * gain + shift
        self.bias = bias.to(self.weight.dtype)

    def build(self) -> AnyStep:
        """Return the step."""
        kernel = (self.weight.shape[2], self.weight.shape[3])
        left, _, top, _ = self.border
        plain = kernel == self.stride == (1, 1) and self.groups == 1
        if plain and self.padding == (0, 0) and not any(self.border):
            run = matrix(self.weight, self.bias, self.activation)
            n, _, height, width = self.shape
            at_once = matrix(self.weight, self.bias, self.activation, n * height * width)
            return Pointwise(self.name, self.inputs, self.shape, run, at_once, flops=self.flops)
        strides = (self.stride, self.padding, self.dilation, self.groups)
        inside, whole = convolution(self.weight, self.bias, *strides, self.activation)
        if any(self.border):
            border, unpadded = self.border, whole
            whole = lambda x: unpadded(functional.pad(x, border))  # noqa: E731
        before = (top + self.padding[0], left + self.padding[1])
        short = self.groups == 1 and self.weight[0].numel() <= LONGEST_PRODUCT
        rows = product(self.weight, self.bias, self.activation) if short else None
        window = (kernel, self.stride, before, self.dilation)
        step = (self.name, self.inputs, self.shape)
        return Sliding(*step, inside, whole, *window, product=rows, flops=self.flops)


@dataclass
class Border(Lowering):
    """A padding operator with a constant."""

    amount: tuple[int, int, int, int] = (0, 0, 0, 0)
    fill: float = 0.0
    last: Node = None
    """The node whose value it is so far."""

    def build(self) -> AnyStep:
        """Return the step."""
        amount, fill = self.amount, self.fill
        whole = partial(functional.pad, pad=amount, value=fill)
        window = ((1, 1), (1, 1), (amount[2], amount[0]))
        step = (self.name, self.inputs, self.shape)
        return Sliding(*step, lambda x: x, whole, *window, fill=fill, flops=self.flops)


class Context(NamedTuple):
    """The tables of a reading: lowerings, each node's, and values that depend on weights alone."""

    lowerings: Mapping[str, Lowering]
    maps: Mapping[str, str]
    constants: Mapping[str, Any]

    def lowering(self, node: Node) -> Lowering:
        """Return the lowering of a node that is a map."""
        return self.lowerings[self.maps[node.name]]

    def frame(self, lowering: Lowering) -> str:
        """Return the frame that windows of a map lie in: the last cut before it, or the picture."""
        while lowering.inputs and not lowering.cuts:
            lowering = self.lowerings[lowering.inputs[0]]
        return lowering.name

    def is_map(self, arg: Any) -> bool:
        """Whether an argument is a map."""
        return isinstance(arg, fx.Node) and arg.name in self.maps and self.lowering(arg).is_map

    def value(self, arg: Any) -> Any:
        """Return an argument that is no map."""
        return self.constants[arg.name] if isinstance(arg, fx.Node) else arg


def operator_name(node: Node) -> str:
    """Return ATen's name of a node's operator, without its overload."""
    name = getattr(node.target, "_opname", None) or getattr(node.target, "__name__", "")
    return str(name).removesuffix("_") if str(name) != "_" else str(name)


def shape_of(node: Node) -> tuple[int, ...]:
    """Return the shape of a node's value; of the first one where it has several."""
    value = node.meta["val"]
    return tuple((value[0] if isinstance(value, tuple | list) else value).shape)


def map_shape(node: Node) -> Shape:
    """Return the shape of a node that is a map."""
    n, channels, height, width = shape_of(node)
    return n, channels, height, width


def maps_of(node: Node, context: Context) -> list[Node]:
    """Return the maps among a node's arguments, each once."""
    return [arg for arg in dict.fromkeys(node.all_input_nodes) if context.is_map(arg)]


def arguments(node: Node, names: str, **defaults: Any) -> dict[str, Any]:
    """Return a node's arguments by name."""
    positional: dict[str, Any] = dict(zip(names.split(), node.args, strict=False))
    return defaults | positional | dict(node.kwargs)


def called(
    function: Callable[..., Any], args: Any, kwargs: Any, look_up: Callable[[Node], Any]
) -> Any:
    """Call a node's function, with values in the places of the nodes among its arguments."""
    return function(*fx.node.map_arg(args, look_up), **fx.node.map_arg(kwargs, look_up))


def pair(value: Any) -> tuple[int, int]:
    """Return an argument that holds for rows and columns, or for each."""
    if isinstance(value, int):
        return value, value
    return (value[0], value[-1])


def closure(node: Node, context: Context, maps: list[Node]) -> Callable[..., Any]:
    """Return a function of the maps that calls a node's operator with its other arguments."""
    target, args, kwargs = node.target, node.args, dict(node.kwargs)
    values = {
        arg.name: context.value(arg) for arg in node.all_input_nodes if not context.is_map(arg)
    }
    names = [arg.name for arg in maps]
    if kwargs or any(isinstance(arg, tuple | list) for arg in args):

        def call_any(*tensors: Tensor) -> Any:
            known = values | dict(zip(names, tensors, strict=True))

            return called(target, args, kwargs, lambda arg: known[arg.name])

        return call_any
    # The common case, called thousands of times a second: no tree of arguments to walk.
    places = [names.index(arg.name) if context.is_map(arg) else None for arg in args]
    fixed = [
        values[arg.name] if isinstance(arg, fx.Node) and i is None else arg
        for arg, i in zip(args, places, strict=True)
    ]

    def call(*tensors: Tensor) -> Any:
        pairs = zip(fixed, places, strict=True)
        return target(*(value if i is None else tensors[i] for value, i in pairs))

    return call
