"""What a victim is: pictures in, a score each out."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqaudit.scale import Scale


@runtime_checkable
class Victim(Protocol):
    """A no-reference image-quality model, asked for nothing but scores.

    Attributes
    ----------
    name : str
        What results call it.
    scale : Scale
        Its native range, direction and map onto 0-10.
    smallest_side : int
        Pixels; a picture with a shorter side is refused before the first query.
    """

    name: str
    scale: Scale
    smallest_side: int

    def score(self, pictures: NDArray[np.uint8]) -> ArrayLike:
        """Score a batch of pictures of one size.

        Parameters
        ----------
        pictures : ndarray of uint8, (n, height, width, 3)
            RGB, each side at least ``smallest_side``.

        Returns
        -------
        array_like, (n,)
            A native score each, in order. A picture's score must not depend on its neighbours.
        """
        ...
