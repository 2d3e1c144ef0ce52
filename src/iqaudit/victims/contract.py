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
    largest_batch : int or None
        Pictures that may be scored in one call; None where any number may.
    """

    name: str
    scale: Scale
    smallest_side: int
    largest_batch: int | None

    def score(self, pictures: NDArray[np.uint8]) -> ArrayLike:
        """Score a batch of pictures of one size.

        Parameters
        ----------
        pictures : ndarray of uint8, (n, height, width, 3)
            RGB, each side at least ``smallest_side``; the victim's own to write into.

        Returns
        -------
        array_like, (n,)
            A native score each, in order. A picture's score must not depend on its neighbours.
        """
        ...
