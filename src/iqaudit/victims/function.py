"""Any function as a victim."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqaudit.scale import Scale


class Function:
    """A function that scores pictures.

    Parameters
    ----------
    function : callable
        Takes a uint8 batch (n, height, width, 3), RGB, and returns n scores.
    scale : Scale
        Native range and direction; ``Scale.from_range(low, high)`` where nothing was fitted.
    name : str, optional
        What results call it; the function's own name unless given.
    smallest_side : int
        Pixels.
    """

    def __init__(
        self,
        function: Callable[[NDArray[np.uint8]], ArrayLike],
        scale: Scale,
        *,
        name: str | None = None,
        smallest_side: int = 1,
    ) -> None:
        self.scale = scale
        self.name: str = name or getattr(function, "__name__", "") or type(function).__name__
        self.smallest_side = smallest_side
        self.largest_batch: int | None = None
        self._function = function

    def score(self, pictures: NDArray[np.uint8]) -> ArrayLike:
        """Score pictures (n, height, width, 3); see `Victim.score`."""
        return self._function(pictures)
