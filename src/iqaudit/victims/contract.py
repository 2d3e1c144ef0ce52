"""What a victim is: a card that says what it is, and pictures in, a score each out."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqaudit.errors import InputError, whole_number
from iqaudit.scale import Scale

ELSEWHERE = "elsewhere"
"""The device of a victim whose scores may be paid for, as a service's."""


class Window(NamedTuple):
    """A rectangle of a picture, in pixels."""

    top: int
    left: int
    height: int
    width: int


def whole(height: int, width: int) -> Window:
    """Return a picture's whole extent as a window."""
    return Window(0, 0, height, width)


@dataclass(frozen=True)
class Card:
    """What a victim says of itself, before it is asked for a score.

    Parameters
    ----------
    name : str
        What results call it.
    scale : Scale
        Its native range, direction and map onto 0-10.
    smallest_side, largest_side : int
        Pixels; a picture beyond them is refused before the first query. None: no upper limit.
    largest_batch : int or None
        Pictures that may be scored in one call; None where any number may.
    device : str
        Where it computes, as ``"cpu"``, ``"cuda:0"``, or `ELSEWHERE`.
    note : str
        What whoever cites a score must know: a licence, that weights are untrained.
    window : callable
        From a picture's height and width to the part of it that the victim looks at; an attack
        changes nothing beyond it, where no change is ever seen.
    cost : int
        Queries that a score costs, at least 1; more where a score is the mean of several answers.
    noise : float
        Standard deviation of a score, in native units; 0 where the same picture always gets the
        same one. An attack asks a step to gain more.

    Raises
    ------
    InputError
        If the cost or the noise is no such number.
    """

    name: str
    scale: Scale
    smallest_side: int = 1
    largest_side: int | None = None
    largest_batch: int | None = None
    device: str = "cpu"
    note: str = ""
    window: Callable[[int, int], Window] = whole
    cost: int = 1
    noise: float = 0.0

    def __post_init__(self) -> None:
        if whole_number("cost", self.cost) < 1:
            raise InputError(f"A score costs at least 1 query, not {self.cost}.")
        if not (math.isfinite(self.noise) and self.noise >= 0):
            raise InputError(f"noise must be a finite number of at least 0, not {self.noise}.")


@runtime_checkable
class Victim(Protocol):
    """A no-reference image-quality model, asked for nothing but scores.

    One that keeps its answers has a method `forget` besides, after which it asks again.
    """

    card: Card

    def score(self, pictures: NDArray[np.uint8]) -> ArrayLike:
        """Score a batch of pictures of one size.

        Parameters
        ----------
        pictures : ndarray of uint8, (n, height, width, 3)
            RGB, within the card's limits; the victim's own to write into.

        Returns
        -------
        array_like, (n,)
            A native score each, in order. A picture's score must not depend on its neighbours.
        """
        ...


def forget(victim: Victim) -> None:
    """Have a victim that keeps its answers ask again."""
    own = getattr(victim, "forget", None)
    if own is not None:
        own()
