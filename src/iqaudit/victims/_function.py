"""Any function as a victim."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqaudit._core.scale import Scale
from iqaudit.victims._base import Card


class Function:
    """A function that scores pictures.

    Parameters
    ----------
    function : callable
        Takes a uint8 batch (n, height, width, 3), RGB, and returns n scores.
    scale : Scale
        Native range and direction; ``Scale.from_range(low, high)`` where nothing was fitted.
    name : str, optional
        Its name in results; the function's own by default.
    smallest_side : int
        Pixels.
    largest_batch : int, optional
        Pictures that may be scored in one call; any number by default.
    """

    def __init__(
        self,
        function: Callable[[NDArray[np.uint8]], ArrayLike],
        scale: Scale,
        *,
        name: str | None = None,
        smallest_side: int = 1,
        largest_batch: int | None = None,
    ) -> None:
        name = name or getattr(function, "__name__", "") or type(function).__name__
        self.card = Card(name, scale, smallest_side=smallest_side, largest_batch=largest_batch)
        self._function = function

    def score(self, pictures: NDArray[np.uint8]) -> ArrayLike:
        """Score pictures (n, height, width, 3); see `Victim.score`."""
        return self._function(pictures)
