"""Dense passes: a module's answers to whole pictures."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from iqaudit._core.picture import Pixels


class DensePass:
    """A module asked about whole pictures in eval mode, on its own device and in its own type.

    Parameters
    ----------
    module : torch.nn.Module
        From (n, 3, height, width) in [0, 1] to n scores.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self._channels_first: set[torch.Size] = set()
        """Shapes of pictures that the module takes in no other layout."""

    @property
    def like(self) -> Tensor:
        """A tensor of the device and type that the module has now."""
        for each in chain(self.module.parameters(), self.module.buffers()):
            if each.is_floating_point():
                return each
        return torch.zeros(())

    def score(self, pixels: Pixels) -> float:
        """Return the score of a picture, (height, width, 3)."""
        # Not inference mode: a constant that the module makes now could not be trained with later.
        with torch.no_grad():
            return as_number(self(self.tensor(pixels[None])))

    def __call__(self, pictures: Tensor) -> Any:
        """Return the module's answer to pictures, as `tensor` makes them."""
        with evaluating(self.module):
            if pictures.shape in self._channels_first:
                return self.module(pictures.contiguous())
            try:
                return self.module(pictures)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError:  # some take for granted how maps lie in memory, as `view` does
                answer = self.module(pictures.contiguous())
                self._channels_first.add(pictures.shape)  # other sizes' last bits hang not on it
                return answer

    def tensor(self, pixels: Pixels) -> Tensor:
        """Return pictures (n, height, width, 3) as the module takes them, channels last."""
        like = self.like
        batch = torch.from_numpy(np.array(pixels, order="C")).to(like.device)
        return batch.permute(0, 3, 1, 2).to(like.dtype) / 255


@contextmanager
def own_precision() -> Iterator[None]:
    """Compute in the types that a module has, whatever autocast its caller's code stands in."""
    with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
        yield


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Have a module in eval mode for a while, in its own precision.

    Each part gets the mode back that it had.
    """
    modes = [(each, each.training) for each in module.modules() if hasattr(each, "training")]
    training = [each for each, mode in modes if mode]
    # More than flags may hang on a way of its own, unless that fails, as an exported program's.
    switch = training and any(_switches(each) for each in training)
    try:
        if switch:
            try:
                module.eval()
            except Exception:  # noqa: BLE001 (a foreign module's code may raise anything)
                switch = False
        if not switch:
            for each in training:
                each.training = False
        with own_precision():
            yield
    finally:
        if switch:
            with suppress(Exception):
                module.train(modes[0][1])
        for each, mode in modes if training else ():
            each.training = mode


def _switches(module: nn.Module) -> bool:
    """Whether a module has a way of its own into eval mode."""
    kind = type(module)
    return (kind.eval, kind.train) != (nn.Module.eval, nn.Module.train)


def as_number(answer: Tensor) -> float:
    """Return a module's answer to one picture as its score.

    Raises
    ------
    TypeError
        If it is not one number.
    """
    if answer.numel() != 1:
        raise TypeError(f"the module must return a score a picture, not {tuple(answer.shape)}")
    return float(answer.detach().reshape(()).double().cpu())
