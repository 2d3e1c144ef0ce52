"""Kernels of the heavy operators, their weights laid out once and their activations included.

oneDNN's operators for such weights are private to PyTorch, as its own compiler uses
them; where they are missing the public ones serve.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from iqaudit._incremental.operators import as_map, as_rows

Activation = tuple[str, list[float]]

ACTIVATIONS: dict[str, Callable[..., Callable[[Tensor], Tensor]]] = {
    "relu": lambda: torch.relu_,
    "hardtanh": lambda low, high: lambda x: x.clamp_(low, high),
}
"""In place, by the name that oneDNN's fused kernels know them by."""


WORTH_PACKING = 16
"""Rows: below, a layer reads each weight too seldom for its layout to matter."""


def convolution(
    weight: Tensor,
    bias: Tensor | None,
    activation: Activation | None,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """Return a convolution without and with its padding, an activation included.

    On a CPU with oneDNN the weights are laid out once, not at every call, and the activation is
    part of the kernel; elsewhere PyTorch's own convolution runs, and the activation in place.
    """
    if _packs(weight):
        packed = torch.ops.mkldnn._reorder_convolution_weight(
            weight, [0, 0], list(stride), list(dilation), groups, _typical(weight, dilation, groups)
        )
        attribute, scalars = activation or ("none", [])

        def run(x: Tensor, padding: tuple[int, int]) -> Tensor:
            window = (list(padding), list(stride), list(dilation), groups)
            y: Tensor = torch.ops.mkldnn._convolution_pointwise(
                x, packed, bias, *window, attribute, scalars, ""
            )
            return y
    else:
        weight, apply = weight.contiguous(memory_format=torch.channels_last), _in_place(activation)

        def run(x: Tensor, padding: tuple[int, int]) -> Tensor:
            return apply(functional.conv2d(x, weight, bias, stride, padding, dilation, groups))

    return lambda x: run(x, (0, 0)), lambda x: run(x, padding)


def matrix(
    weight: Tensor, bias: Tensor | None, activation: Activation | None, cells: int = 0
) -> Callable[[Tensor], Tensor]:
    """Return a 1 x 1 convolution, as a product with a matrix; always of so many cells, if said."""
    if cells >= WORTH_PACKING and _packs(weight):
        multiply = linear(weight[:, :, 0, 0], bias, cells, activation)
    else:
        multiply = product(weight, bias, activation)
    return lambda x: as_map(multiply(as_rows(x)), x.shape[0], x.shape[2], x.shape[3])


def product(
    weight: Tensor, bias: Tensor | None, activation: Activation | None
) -> Callable[[Tensor], Tensor]:
    """Return a convolution of neighbourhoods laid out as rows: see `Sliding.product`."""
    apply = _in_place(activation)
    flat = weight.permute(2, 3, 1, 0).reshape(-1, weight.shape[0]).contiguous()

    def run(rows: Tensor) -> Tensor:
        return apply(rows @ flat if bias is None else torch.addmm(bias, rows, flat))

    return run


def linear(
    weight: Tensor, bias: Tensor | None, rows: int, activation: Activation | None = None
) -> Callable[[Tensor], Tensor]:
    """Return a fully connected layer for `rows` rows, its weights laid out once where that pays."""
    if rows < WORTH_PACKING or not _packs(weight):
        apply = _in_place(activation)
        return lambda x: apply(functional.linear(x, weight, bias))
    packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), rows)
    attribute, scalars = activation or ("none", [])

    def run(x: Tensor) -> Tensor:
        y: Tensor = torch.ops.mkldnn._linear_pointwise(x, packed, bias, attribute, scalars, "")
        return y

    return run


def _in_place(activation: Activation | None) -> Callable[[Tensor], Tensor]:
    return ACTIVATIONS[activation[0]](*activation[1]) if activation else lambda y: y


def _packs(weight: Tensor) -> bool:
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    )


def _typical(weight: Tensor, dilation: tuple[int, int], groups: int) -> list[int]:
    """Return an input's shape for which the packed layout is chosen."""
    reaches = (each * (side - 1) for each, side in zip(dilation, weight.shape[2:], strict=True))
    side = 13 + max(reaches)
    return [2, weight.shape[1] * groups, side, side]
