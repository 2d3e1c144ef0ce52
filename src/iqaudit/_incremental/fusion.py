"""Fusion of steps that work cell by cell with the one before them: fewer maps to keep track of."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from torch import Tensor

from iqaudit._incremental.operators import INPUT, AnyStep, Pointwise, Sliding, as_map, as_rows

OUTSIDE = ""


def fuse(steps: Iterable[AnyStep], outputs: Iterable[str]) -> tuple[AnyStep, ...]:
    """Return steps, each cell-by-cell one fused with those it alone reads; it gives the name.

    Parameters
    ----------
    steps : iterable of AnyStep
        In order.
    outputs : iterable of str
        The steps that are read from outside.
    """
    steps = tuple(steps)
    readers: dict[str, set[str]] = {name: {OUTSIDE} for name in outputs}
    for step in steps:
        for name in step.inputs:
            readers.setdefault(name, set()).add(step.name)
    result: dict[str, AnyStep] = {}
    grounds = {INPUT: INPUT}
    """By step, the one whose windows it has: itself, or the one that it reads cell by cell."""
    for step in steps:
        under = {grounds[name] for name in step.inputs}
        if not isinstance(step, Pointwise) or len(under) > 1:
            grounds[step.name], result[step.name] = step.name, step
        else:
            grounds[step.name] = under.pop()
            result[step.name] = _absorbing(step, result, readers)
    return tuple(result.values())


def _absorbing(
    step: Pointwise, result: dict[str, AnyStep], readers: Mapping[str, set[str]]
) -> Pointwise | Sliding:
    """Return a step fused with all those that it alone reads, which are taken out of the result."""
    whole: Pointwise | Sliding = step
    joined = {step.name}
    while isinstance(whole, Pointwise):
        alone = (name for name in whole.inputs if name in result and readers[name] <= joined)
        name = next((name for name in alone if _joins(result[name], whole)), None)
        if name is None:
            break
        joined.add(name)
        whole = _composed(whole, result.pop(name))
    for reading in readers.values():  # what those read, this step does now
        if reading & joined:
            reading.difference_update(joined)
            reading.add(step.name)
    return whole


def _joins(inner: AnyStep, outer: Pointwise) -> bool:
    alone = len(outer.inputs) == 1 and not outer.fields
    return isinstance(inner, Pointwise) or (isinstance(inner, Sliding) and alone)


def _composed(outer: Pointwise, inner: Any) -> Pointwise | Sliding:
    """Return a step that computes another one first."""
    flops = inner.flops + outer.flops
    last = outer.compute
    if isinstance(inner, Sliding):
        compute, whole, product = inner.compute, inner.whole, inner.product
        return replace(
            inner,
            name=outer.name,
            shape=outer.shape,
            compute=lambda x: last(compute(x)),
            whole=lambda x: outer.whole(whole(x)),
            # Rows of cells are as good a map: one column of them.
            product=product and (lambda rows: as_rows(last(_column(product(rows))))),
            flops=flops,
        )
    read = (inner.inputs if name == inner.name else (name,) for name in outer.inputs)
    inputs = tuple(dict.fromkeys(chain.from_iterable(read)))
    its = len(inner.fields)
    inner_maps = [inputs.index(name) for name in inner.inputs]
    outer_maps = [None if name == inner.name else inputs.index(name) for name in outer.inputs]

    def both(first: Callable[..., Tensor], second: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def compute(*values: Tensor) -> Tensor:
            fields = values[len(inputs) :]
            inside = first(*(values[i] for i in inner_maps), *fields[:its])
            read = (inside if i is None else values[i] for i in outer_maps)
            return second(*read, *fields[its:])

        return compute

    return replace(
        outer,
        inputs=inputs,
        compute=both(inner.compute, last),
        at_once=both(inner.at_once or inner.compute, outer.at_once or last),
        fields=inner.fields + outer.fields,
        flops=flops,
    )


def _column(rows: Tensor) -> Tensor:
    return as_map(rows, 1, rows.shape[0], 1)
