"""Steps that work cell by cell drawn into the one before them: fewer steps to keep track of."""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from torch import Tensor

from iqaudit._incremental.operators import INPUT, AnyStep, Pointwise, Sliding, as_map, as_rows

OUTSIDE = ""

LARGE = 1 << 22
"""Numbers of a map between a convolution and a pooling that is not worth keeping: to compute whole
blocks of it anew costs little on maps that large, where windows are small."""


def fused(steps: Iterable[AnyStep], outputs: Iterable[str]) -> tuple[AnyStep, ...]:
    """Draw what works cell by cell into what it alone reads, under the name of the last.

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
    made: dict[str, AnyStep] = {}
    grounds = {INPUT: INPUT}
    """The step whose windows a step has: its own, unless it works cell by cell on one's alone."""
    for step in steps:
        under = {grounds[name] for name in step.inputs}
        if not isinstance(step, Pointwise) or len(under) > 1:
            grounds[step.name] = step.name
            inner = made.get(step.inputs[0])
            if inner is not None and readers[inner.name] == {step.name} and _pools(inner, step):
                made[step.name] = _pooled(inner, step)
                del made[inner.name]
            else:
                made[step.name] = step
            continue
        grounds[step.name] = under.pop()
        whole: Pointwise | Sliding = step
        drawn_in = {step.name}
        while isinstance(whole, Pointwise):
            inner = next(
                (
                    made[name]
                    for name in whole.inputs
                    if name in made and readers[name] <= drawn_in and _joins(made[name], whole)
                ),
                None,
            )
            if inner is None:
                break
            drawn_in.add(inner.name)
            whole = _behind(whole, inner)
            del made[inner.name]
        made[step.name] = whole
    return tuple(made.values())


def _joins(inner: AnyStep, outer: Pointwise) -> bool:
    return isinstance(inner, Pointwise) or (isinstance(inner, Sliding) and len(outer.inputs) == 1)


def _pools(inner: AnyStep, outer: AnyStep) -> bool:
    """Whether a step sums up blocks of another's map that is too large to be kept lightly."""
    return (
        isinstance(inner, Sliding)
        and isinstance(outer, Sliding)
        and outer.kernel == outer.stride != (1, 1)
        and outer.before == (0, 0)
        and inner.dilation == outer.dilation == (1, 1)
        # Beyond the map the pooling reads its own padding, not the convolution of the other's.
        and all(outer.reads(0, outer.shape[a], a - 2)[1] <= inner.shape[a] for a in (2, 3))
        and math.prod(inner.shape) >= LARGE
    )


def _pooled(inner: Any, outer: Any) -> Sliding:
    """Return a pooling and the convolution before it as one step: the map between is not kept."""
    kernel, stride = (
        tuple(
            (outer.kernel[axis] - 1) * inner.stride[axis] + inner.kernel[axis] for axis in (0, 1)
        ),
        tuple(outer.stride[axis] * inner.stride[axis] for axis in (0, 1)),
    )
    made: Sliding = replace(
        outer,
        inputs=inner.inputs,
        compute=lambda x: outer.compute(inner.compute(x)),
        whole=lambda x: outer.whole(inner.whole(x)),
        kernel=kernel,
        stride=stride,
        before=inner.before,
        fill=inner.fill,
        work=inner.work + outer.work,
    )
    return made


def _behind(outer: Pointwise, inner: Any) -> Pointwise | Sliding:
    """Return a step that does another's work first."""
    work = inner.work + outer.work
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
            work=work,
        )
    inputs = tuple(dict.fromkeys(n for name in outer.inputs for n in _read(name, inner)))
    takes = [inputs.index(name) for name in inner.inputs]
    gives = [None if name == inner.name else inputs.index(name) for name in outer.inputs]

    def both(first: Callable[..., Tensor], second: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def compute(*maps: Tensor) -> Tensor:
            made = first(*(maps[i] for i in takes))
            return second(*(made if i is None else maps[i] for i in gives))

        return compute

    return replace(
        outer,
        inputs=inputs,
        compute=both(inner.compute, last),
        at_once=both(inner.whole, outer.whole),
        work=work,
    )


def _read(name: str, inner: Pointwise) -> tuple[str, ...]:
    return inner.inputs if name == inner.name else (name,)


def _column(rows: Tensor) -> Tensor:
    return as_map(rows, 1, rows.shape[0], 1)
