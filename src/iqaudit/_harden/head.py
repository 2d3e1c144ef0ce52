"""The head of a network: the linear layer with one output that its score rises or falls with."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from iqaudit._core.errors import InputError
from iqaudit._core.picture import Pixels
from iqaudit._core.wording import worded
from iqaudit.measures._arrays import Floats
from iqaudit.victims._base import Victim
from iqaudit.victims._scoring import score

ROUNDING = 1e-4
"""Of the scores' span, by which a monotone score may go back: float32's last bits do."""


class Seen(NamedTuple):
    """A picture's native score, and the features that the head had of it, (f,)."""

    score: float
    features: Floats


class Head:
    """A network's head; a score is a monotone function of the mean of its outputs.

    It may run on several patches of a picture, or at several places. Its features are the mean of
    what it takes, so the mean output is linear in them.

    Parameters
    ----------
    layer : torch.nn.Linear or torch.nn.Conv2d
    """

    def __init__(self, layer: nn.Module) -> None:
        self.layer: Any = layer

    @property
    def weight(self) -> Floats:
        """The weights, (f,)."""
        weight: Tensor = self.layer.weight
        return np.asarray(weight.detach().double().cpu().reshape(-1).numpy())

    @property
    def bias(self) -> float | None:
        """The bias; None where it has none."""
        bias: Tensor | None = self.layer.bias
        return None if bias is None else float(bias.detach())

    def outputs(self, features: Floats) -> Floats:
        """Return the mean outputs of features, (n, f) to (n,)."""
        return features @ self.weight + (self.bias or 0.0)

    def seen(self, victim: Victim, pixels: Pixels) -> Seen:
        """Score a picture, and look at what the head takes.

        Raises
        ------
        VictimError
            If the victim fails.
        """
        native, heard = _heard(victim, [self.layer], pixels)
        return Seen(native, heard[self.layer])


def find(victim: Victim, module: nn.Module, pictures: Sequence[Pixels]) -> Head:
    """Return a network's head: the last layer of which the score is a monotone function.

    Parameters
    ----------
    victim : Victim
        Scores with the module.
    module : torch.nn.Module
    pictures : sequence of ndarray
        Some that differ.

    Raises
    ------
    InputError
        If it has none.
    VictimError
        If the victim fails.
    """
    layers = [each for each in module.modules() if _is_linear(each)]
    if layers:
        passes = [_heard(victim, layers, each) for each in pictures]
        natives = np.array([native for native, _ in passes])
        always = [each for each in passes[0][1] if all(each in heard for _, heard in passes)]
        for layer in reversed(always):
            head = Head(layer)
            outputs = head.outputs(np.stack([heard[layer] for _, heard in passes]))
            if is_monotone(outputs, natives):
                return head
    raise no_head(victim)


def no_head(victim: Victim) -> InputError:
    """Return the error for a network without a head."""
    train = worded('method="train"', "--method train")
    return InputError(
        f'The victim "{victim.card.name}" does not end in a linear layer with one output whose '
        "mean alone decides its score: "
        f"only training ({train}) can harden it."
    )


def is_monotone(outputs: Floats, scores: Floats) -> bool:
    """Tell whether scores only rise, or only fall, with outputs, but for rounding; both differ."""
    span = float(np.ptp(scores))
    if not (span and np.ptp(outputs)):
        return False
    ordered = scores[np.argsort(outputs, kind="stable")]
    rising, falling = (
        (np.maximum.accumulate(each) - each).max() <= ROUNDING * span
        for each in (ordered, -ordered)
    )
    return bool(rising or falling)


def _is_linear(layer: nn.Module) -> bool:
    """Tell whether a layer is linear at each place, with one output."""
    if isinstance(layer, nn.Linear):
        return layer.out_features == 1
    return (
        isinstance(layer, nn.Conv2d)
        and (layer.out_channels, layer.groups, layer.kernel_size) == (1, 1, (1, 1))
        and layer.padding in {"valid", "same", (0, 0)}
    )


def _heard(
    victim: Victim, layers: Sequence[nn.Module], pixels: Pixels
) -> tuple[float, dict[Any, Floats]]:
    """Return a picture's score, and the features that each layer had, the last to run last."""
    with _listening(layers) as heard:
        native = score(victim, pixels)
    return native, {layer: _mean(layer, inputs) for layer, inputs in heard.items()}


@contextmanager
def _listening(layers: Sequence[nn.Module]) -> Iterator[dict[Any, list[Tensor]]]:
    """Hear what layers take while they run."""
    heard: dict[Any, list[Tensor]] = {}

    def hear(layer: Any, arguments: tuple[Tensor, ...], named: dict[str, Tensor], _: Any) -> None:
        [taken] = (*arguments, *named.values())
        heard[layer] = [*heard.pop(layer, ()), taken.detach()]

    handles = [each.register_forward_hook(hear, with_kwargs=True) for each in layers]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def _mean(layer: Any, inputs: Sequence[Tensor]) -> Floats:
    """Return the mean of a layer's inputs over patches and places, (f,)."""
    if isinstance(layer, nn.Conv2d):
        down, across = layer.stride
        inputs = [each[..., ::down, ::across].movedim(-3, -1) for each in inputs]
    rows = torch.cat([each.reshape(-1, each.shape[-1]).double() for each in inputs])
    return np.asarray(rows.mean(dim=0).cpu().numpy())
