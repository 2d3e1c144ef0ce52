"""Wrappers of victims that record, fail, answer at random or are slow.

They have the card of the victim inside, and scores alone: no gradient, no session that scores
again only what changes, so that every score of a search passes through them.
"""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqaudit._core.errors import InputError, refuse_unless, whole_number
from iqaudit._core.picture import Pixels, picture_key
from iqaudit._core.stream import Stream
from iqaudit.victims._base import Victim
from iqaudit.victims._spec import as_victim

Inside = str | Victim | Callable[..., Any]


class _Wrapper:
    """A victim with the card and the scores of another."""

    def __init__(self, victim: Inside, **options: Any) -> None:
        self.victim = as_victim(victim, **options)
        self.card = self.victim.card

    def score(self, pictures: Pixels) -> ArrayLike:
        """Score pictures (n, height, width, 3); see `Victim.score`."""
        return self.victim.score(pictures)


class Recording(_Wrapper):
    """A victim that keeps a copy of every picture for which it has a score.

    Parameters
    ----------
    victim : str, Victim, torch.nn.Module or callable
        The victim inside.
    **options
        As `iqaudit.victims.as_victim` takes them: for a function, `score_range` or `scale`.

    Attributes
    ----------
    batches : list of ndarray of uint8, (n, height, width, 3)
        The pictures of each call that was answered, in order.

    Raises
    ------
    InputError
        If `as_victim` refuses the victim or an option.
    """

    def __init__(self, victim: Inside, **options: Any) -> None:
        super().__init__(victim, **options)
        self.batches: list[Pixels] = []

    @property
    def pictures(self) -> list[Pixels]:
        """Every picture, (height, width, 3), in order: as many as scores."""
        return [picture for batch in self.batches for picture in batch]

    @property
    def keys(self) -> list[int]:
        """The 64-bit keys of those, by which answers are recorded."""
        return [picture_key(picture) for picture in self.pictures]

    def score(self, pictures: Pixels) -> ArrayLike:
        """Score pictures (n, height, width, 3), and keep a copy of them."""
        batch = pictures.copy()  # a victim may write into its own
        scores = super().score(pictures)
        self.batches.append(batch)
        return scores


class Failing(_Wrapper):
    """A victim that raises an error from a certain picture on.

    Parameters
    ----------
    victim : str, Victim, torch.nn.Module or callable
        The victim inside, which answers until then.
    at : int
        The first picture that gets no score, from 1; neither do the others of its batch.
    error : BaseException, optional
        A `ConnectionError` unless given; `KeyboardInterrupt()` is a user who presses Ctrl-C.
    **options
        As `iqaudit.victims.as_victim` takes them: for a function, `score_range` or `scale`.

    Raises
    ------
    InputError
        If `at` is no whole number of at least 1, or `as_victim` refuses the victim or an option.
    """

    def __init__(
        self, victim: Inside, *, at: int, error: BaseException | None = None, **options: Any
    ) -> None:
        super().__init__(victim, **options)
        if whole_number("at", at) < 1:
            raise InputError(f"The first picture is at 1; there is none at {at}.")
        self._left = at - 1
        self._error = error or ConnectionError("the victim has failed, as a test asked for")

    def score(self, pictures: Pixels) -> ArrayLike:
        """Score pictures (n, height, width, 3), or raise the error.

        Raises
        ------
        BaseException
            The error, from its picture on.
        """
        self._left -= len(pictures)
        if self._left < 0:
            raise self._error
        return super().score(pictures)


class Noisy(_Wrapper):
    """A victim whose scores have Gaussian noise.

    The noise of the n-th score depends on the seed and on n alone, not on how pictures are
    batched. The card does not tell of it: `repeats=` measures it, as for any victim.

    Parameters
    ----------
    victim : str, Victim, torch.nn.Module or callable
        The victim inside.
    deviation : float
        Standard deviation of the noise, in native units of the score, finite and at least 0.
    seed : int
        Of the noise.
    **options
        As `iqaudit.victims.as_victim` takes them: for a function, `score_range` or `scale`.

    Raises
    ------
    InputError
        If `deviation` is no such number, or `as_victim` refuses the victim or an option.
    """

    def __init__(self, victim: Inside, deviation: float, *, seed: int = 0, **options: Any) -> None:
        super().__init__(victim, **options)
        rule = "A standard deviation is finite and at least 0"
        refuse_unless(0 <= deviation < math.inf, rule, deviation)
        self._deviation, self._stream, self._count = deviation, Stream(seed, "noise"), 0

    def score(self, pictures: Pixels) -> NDArray[np.float64]:
        """Score pictures (n, height, width, 3), each with noise of its own."""
        first, self._count = self._count, self._count + len(pictures)
        noise = [self._stream.at(count).normal() for count in range(first, self._count)]
        return np.asarray(super().score(pictures)) + self._deviation * np.array(noise)


class Slow(_Wrapper):
    """A victim that takes its time.

    Parameters
    ----------
    victim : str, Victim, torch.nn.Module or callable
        The victim inside.
    seconds : float
        Time that each picture takes besides, at least 0.
    **options
        As `iqaudit.victims.as_victim` takes them: for a function, `score_range` or `scale`.

    Raises
    ------
    InputError
        If `seconds` is no such number, or `as_victim` refuses the victim or an option.
    """

    def __init__(self, victim: Inside, seconds: float, **options: Any) -> None:
        super().__init__(victim, **options)
        refuse_unless(seconds >= 0, "A picture takes at least 0 seconds", seconds)
        self._seconds = seconds

    def score(self, pictures: Pixels) -> ArrayLike:
        """Score pictures (n, height, width, 3), after a while."""
        time.sleep(self._seconds * len(pictures))
        return super().score(pictures)
