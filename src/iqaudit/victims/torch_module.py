"""A torch module as a victim."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from iqaudit.scale import Scale


class TorchModule:
    """A ``torch.nn.Module`` that scores pictures.

    Parameters
    ----------
    module : torch.nn.Module
        Takes a float tensor (n, 3, height, width) in [0, 1], RGB, and returns n scores, as (n,) or
        (n, 1). Put into eval mode; asked where its parameters lie.
    scale : Scale
        Native range and direction; ``Scale.from_range(low, high)`` where nothing was fitted.
    name : str, optional
        What results call it; the class's name unless given.
    smallest_side : int
        Pixels.
    """

    def __init__(
        self,
        module: nn.Module,
        scale: Scale,
        *,
        name: str | None = None,
        smallest_side: int = 1,
    ) -> None:
        self.module = module.eval()
        self.scale = scale
        self.name = name or type(module).__name__
        self.smallest_side = smallest_side
        parameter = next(module.parameters(), None)
        self._device = torch.device("cpu") if parameter is None else parameter.device

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Score pictures (n, height, width, 3); see `Victim.score`."""
        # On a CPU a batch gains nothing (its activations leave the caches), and one picture a pass
        # keeps a score's last bits from depending on its neighbours.
        size = 1 if self._device.type == "cpu" else len(pictures)
        batches = [pictures[start : start + size] for start in range(0, len(pictures), size)]
        with torch.inference_mode():
            return np.concatenate([self._forward(batch) for batch in batches])

    def _forward(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        # A copy in C order: torch takes neither read-only nor negatively strided arrays.
        batch = torch.from_numpy(np.array(pictures, order="C")).to(self._device)
        answer: Tensor = self.module(batch.permute(0, 3, 1, 2).float() / 255)
        # Flattened only where that loses no axis: a map of scores is the oracle's to refuse.
        if answer.shape[1:] == (1,):
            answer = answer[:, 0]
        return np.asarray(answer.double().cpu().numpy())
