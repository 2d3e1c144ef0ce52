"""Lowerings of a graph's nodes: steps, and what is known of a graph where one is made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor, fx
from torch.nn import functional

from iqaudit._incremental.kernels import Activation, convolution, matrix, product
from iqaudit._incremental.nodes import Node, caller, flops, map_shape
from iqaudit._incremental.operators import Pointwise, Reduction, Sliding, Step

LONGEST_PRODUCT = 2048
"""Numbers that a cell reads: convolutions that read more have kernels worth setting up."""


@dataclass(frozen=True, eq=False)
class Convolution(Step):
    """A convolution, into which a batch normalisation and an activation may still be folded."""

    weight: Tensor
    bias: Tensor | None
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    border: tuple[int, int, int, int]
    """Left, right, top, bottom: zeros of a padding operator before it."""
    last: Node
    """The node whose value it is so far."""
    activation: Activation | None = None

    def normalised(self, gain: Tensor, shift: Tensor, last: Node) -> "Convolution":
        """Return it with an affine map of the channels folded into the weights."""
        weight = (self.weight.double() * gain[:, None, None, None]).to(self.weight.dtype)
        bias = shift if self.bias is None else self.bias.double() * gain + shift
        return replace(self, weight=weight, bias=bias.to(weight.dtype), last=last)

    def built(self) -> Pointwise | Sliding:
        """Return the step."""
        step = {key: getattr(self, key) for key in ("name", "inputs", "shape", "flops", "frame")}
        layer = (self.weight, self.bias, self.activation)
        kernel = (self.weight.shape[2], self.weight.shape[3])
        left, _, top, _ = border = self.border
        plain = kernel == self.stride == (1, 1) and self.groups == 1
        if plain and self.padding == (0, 0) and not any(border):
            n, _, height, width = self.shape
            at_once = matrix(*layer, n * height * width)
            return Pointwise(**step, compute=matrix(*layer), at_once=at_once)
        inside, whole = convolution(*layer, self.stride, self.padding, self.dilation, self.groups)
        short = self.groups == 1 and self.weight[0].numel() <= LONGEST_PRODUCT
        return Sliding(
            **step,
            compute=inside,
            whole=(lambda x: whole(functional.pad(x, border))) if any(border) else whole,
            kernel=kernel,
            stride=self.stride,
            before=(top + self.padding[0], left + self.padding[1]),
            dilation=self.dilation,
            product=product(*layer) if short else None,
        )


@dataclass(frozen=True, eq=False)
class Border(Sliding):
    """A padding operator with a constant."""

    amount: tuple[int, int, int, int] = (0, 0, 0, 0)
    last: Node = None
    """The node whose value it is."""


@dataclass
class Context:
    """What is known of a graph so far.

    Parameters
    ----------
    maps : dict of str to Step
        By node, the step whose value it has: a map, or a map's statistic.
    constants : dict of str to Any
        By node, values that depend on weights alone.
    unruled : dict of str to str
        By node on maps that has no rule, its operator.
    """

    maps: dict[str, Step] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    unruled: dict[str, str] = field(default_factory=dict)

    def is_map(self, arg: Any) -> bool:
        """Whether an argument is a map."""
        step = self.maps.get(arg.name) if isinstance(arg, fx.Node) else None
        return step is not None and not isinstance(step, Reduction)

    def maps_of(self, node: Node) -> list[Node]:
        """Return the maps among a node's arguments, each once."""
        return [arg for arg in dict.fromkeys(node.all_input_nodes) if self.is_map(arg)]

    def value(self, arg: Any) -> Any:
        """Return an argument that is no map."""
        return self.constants[arg.name] if isinstance(arg, fx.Node) else arg

    def closure(self, node: Node, fields: Sequence[Node] = ()) -> Callable[..., Any]:
        """Return a function of a node's maps, and fields, that calls its operator.

        With its other arguments.
        """
        target, given = node.target, (*self.maps_of(node), *fields)
        names = [arg.name for arg in given]
        args, kwargs = fx.node.map_arg(
            (node.args, node.kwargs), lambda arg: arg if arg in given else self.value(arg)
        )
        call = caller(target, args, kwargs)
        return lambda *tensors: call(dict(zip(names, tensors, strict=True)))


def head(node: Node, *sources: Step) -> dict[str, Any]:
    """Return the fields that every step has, for one that computes a node from other steps."""
    return {
        "name": node.name,
        "inputs": tuple(source.name for source in sources),
        "shape": map_shape(node),
        "flops": flops(node),
        "frame": sources[0].frame,
    }
