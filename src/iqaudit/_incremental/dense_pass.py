"""Dense passes: a module's answers to whole pictures."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from iqaudit._core.picture import Pixels


class DensePass:
    """A module asked about whole pictures, on its own device and in its own type.

    Parameters
    ----------
    module : torch.nn.Module
        From (n, 3, height, width) in [0, 1] to n scores; in eval mode.
    like : Tensor
        Of the module's device and type.
    """

    def __init__(self, module: nn.Module, like: Tensor) -> None:
        self.module, self.like = module, like
        self._channels_first: set[torch.Size] = set()
        """Shapes of pictures that the module takes in no other layout."""

    def score(self, pixels: Pixels) -> float:
        """Return the score of a picture, (height, width, 3)."""
        with torch.inference_mode():
            return as_number(self(self.tensor(pixels[None])))

    def __call__(self, pictures: Tensor) -> Any:
        """Return the module's answer to pictures, as `tensor` makes them."""
        if pictures.shape in self._channels_first:
            return self.module(pictures.contiguous())
        try:
            return self.module(pictures)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError:  # some take for granted how their maps lie in memory, as `view` does
            answer = self.module(pictures.contiguous())
            self._channels_first.add(pictures.shape)  # other sizes' last bits must not hang on it
            return answer

    def tensor(self, pixels: Pixels) -> Tensor:
        """Return pictures (n, height, width, 3) as the module takes them, channels last."""
        batch = torch.from_numpy(np.array(pixels, order="C")).to(self.like.device)
        return batch.permute(0, 3, 1, 2).to(self.like.dtype) / 255


def as_number(answer: Tensor) -> float:
    """Return a module's answer to one picture as its score.

    Raises
    ------
    TypeError
        If it is not one number.
    """
    if answer.numel() != 1:
        raise TypeError(f"the module must return a score a picture, not {tuple(answer.shape)}")
    return float(answer.reshape(()).double().cpu())
