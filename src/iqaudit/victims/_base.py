"""Victims: a card that describes one, and pictures in, a score each out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqaudit._core.errors import printable, refuse_unless, whole_number
from iqaudit._core.patches import Patched, Window, whole
from iqaudit._core.scale import Scale
from iqaudit._core.stream import Stream

ELSEWHERE = "elsewhere"
"""The device of a victim whose scores may be paid for, as a service's."""


@dataclass(frozen=True)
class Card:
    """The description of a victim, known before it is asked for a score.

    Parameters
    ----------
    name : str
        Its name in results.
    scale : Scale
        Its native range, direction and map onto 0-10.
    smallest_side, largest_side : int
        Pixels; a picture beyond them is refused before the first query. None: no upper limit.
    largest_batch : int or None
        Pictures that may be scored in one call; None where any number may.
    batch : int
        Pictures whose searches share a call where nothing else is asked for, at least 1: more where
        a call with several pictures takes less time a picture, as on a GPU.
    device : str
        Where it computes, as ``"cpu"``, ``"cuda:0"``, or `ELSEWHERE`.
    note : str
        A remark for those who cite a score: a licence, that weights are untrained.
    window : callable
        From a picture's height and width to the part of it that the victim looks at; an attack
        changes nothing beyond it, where no change is ever seen.
    cost : int
        Queries that a score costs, at least 1; more where a score is the mean of several answers.
    noise : float
        Standard deviation of a score, in native units; 0 where the same picture always gets the
        same one. An attack asks a step to gain more.
    size : (int, int), optional
        The height and width of the only pictures that it takes, where it takes one size alone.
    incremental : bool
        Whether a search may cost it less where a picture changes in a small window alone.
    concurrency : int
        Calls that may be under way at once, each in a thread: more than one of a service alone.

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
    batch: int = 1
    device: str = "cpu"
    note: str = ""
    window: Callable[[int, int], Window] = whole
    cost: int = 1
    noise: float = 0.0
    size: tuple[int, int] | None = None
    incremental: bool = False
    concurrency: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", printable(self.name))  # it may be a file's
        batch, cost = whole_number("batch", self.batch), whole_number("cost", self.cost)
        refuse_unless(batch >= 1, "A batch is at least 1 picture", batch)
        refuse_unless(cost >= 1, "A score costs at least 1 query", cost)
        rule = "noise must be a finite number of at least 0"
        refuse_unless(0 <= self.noise < math.inf, rule, self.noise)

    def noting(self, remark: str) -> "Card":
        """Return it with one more remark."""
        return replace(self, note="; ".join(filter(None, (self.note, remark))))


class Session(Protocol):
    """A search on one picture with a victim that keeps something from score to score.

    As one that scores again only what changes, or counts the questions that it draws numbers for.
    """

    @staticmethod
    def scores(requests: "Sequence[tuple[Any, Patched]]") -> ArrayLike:
        """Score changes, each in the session of its picture; all of one victim."""

    def recall(self, change: Patched) -> None:
        """Take note of a change that was scored in an earlier search, which this one goes on with.

        Later scores must be, to the last bit, those that it would have given in that search.
        """

    def close(self) -> None:
        """End the search."""


def open_session(
    victim: "Victim", height: int, width: int, scores: int, stream: Stream | None = None
) -> Session | None:
    """Begin a search of so many scores on a picture of a size.

    None where the victim scores whole pictures only, or the search is too short to be worth more.
    The stream is the search's, of which a victim that draws takes its numbers.
    """
    begin = getattr(victim, "open_session", None)
    return None if begin is None else begin(height, width, scores, stream)


@runtime_checkable
class Victim(Protocol):
    """A no-reference image-quality model, asked for nothing but scores.

    One that keeps its answers has a method `forget` besides, after which it asks again; one that
    can be differentiated has `gradient`, a `Gradient`; one that need not be asked to be told from
    another has `fingerprint`, which returns two numbers.
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


Gradient: TypeAlias = Callable[[NDArray[np.uint8]], ArrayLike]
"""From a picture, uint8 (height, width, 3), to the gradient of its native score by its levels,
of the same shape."""


def gradient_of(victim: Victim) -> Gradient | None:
    """Return a victim's gradient; None where it answers scores alone."""
    return getattr(victim, "gradient", None)


def draws(victim: Victim) -> bool:
    """Whether a victim draws random numbers, which its sessions count."""
    return bool(getattr(victim, "draws", False))


def forget(victim: Victim) -> None:
    """Have a victim that keeps its answers ask again."""
    method = getattr(victim, "forget", None)
    if method is not None:
        method()
