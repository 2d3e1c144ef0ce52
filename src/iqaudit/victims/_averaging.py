"""Averages of a victim that answers at random: a score is the mean of several answers."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import whole_number
from iqaudit._core.patches import Patched
from iqaudit._core.stream import Stream
from iqaudit.victims._base import (
    Gradient,
    Session,
    Victim,
    draws,
    forget,
    gradient_of,
    open_session,
)
from iqaudit.victims._fingerprint import probes
from iqaudit.victims._scoring import real, refuse_infinite, telling_failure

PROBES = 16
"""Answers to one picture that the noise is estimated from: to a fifth of itself, then."""


class Repeated:
    """A victim whose score of a picture is the mean of several answers of another victim.

    Each answer is billed as a query. The card's noise, the standard deviation of a score, is
    measured here and now: that of 16 answers to one fixed synthetic picture, outside any budget,
    over the square root of `repeats`.

    Parameters
    ----------
    victim : Victim
        The victim that answers. One that remembers its answers, as services do, is made to forget
        them before each, so that no answer is counted twice.
    repeats : int
        Answers a score, at least 1; one is averaged with nothing, but its noise is known.
    noise : float, optional
        The card's noise as it was measured before, so that nothing is asked now.

    Raises
    ------
    InputError
        If `repeats` is no such number.
    VictimError
        If the victim fails on the synthetic picture.
    """

    def __init__(self, victim: Victim, repeats: int, noise: float | None = None) -> None:
        self.repeats = whole_number("repeats", repeats, 1)
        self._victim = victim
        card = victim.card
        if noise is None:
            noise = self._deviation() / math.sqrt(self.repeats)
        note = f"a score is the mean of {self.repeats} answer(s), " + (
            f"standard deviation {noise:.2g}" if noise else "which do not differ"
        )
        cost = card.cost * self.repeats
        self.card = replace(card, cost=cost, noise=noise).noting(note)

    @property
    def account(self) -> Any:
        """The account of a service so far; None where the victim has none."""
        return getattr(self._victim, "account", None)

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Score pictures (n, height, width, 3); see `Victim.score`."""
        return self.averaged(np.array([self._ask(pictures) for _ in range(self.repeats)]))

    def averaged(self, answers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores that rounds of answers, (rounds, n), come to."""
        # About the first: the mean of answers that do not differ is theirs to the last bit.
        with np.errstate(invalid="ignore"):
            mean: NDArray[np.float64] = answers[0] + (answers - answers[0]).mean(axis=0)
        # One that is no score would hide in the mean: it stands for all, to be refused.
        none = ~self.card.scale.admits(answers)
        first = np.take_along_axis(answers, none.argmax(axis=0)[None], axis=0)[0]
        return np.where(none.any(axis=0), first, mean)

    @property
    def defences(self) -> Any:
        """The defences that the victim stands behind."""
        return getattr(self._victim, "defences", ())

    @property
    def draws(self) -> bool:
        """Whether the victim draws random numbers, which a search counts."""
        return draws(self._victim)

    @property
    def gradient(self) -> Gradient | None:
        """The gradient of a victim that draws, which is a mean itself; None of others."""
        return gradient_of(self._victim) if self.draws else None

    def open_session(
        self, height: int, width: int, scores: int, stream: Stream | None = None
    ) -> "Session | None":
        """Begin a search, where the victim draws; see `iqaudit.victims._base.open_session`."""
        if not self.draws:
            return None
        inner = open_session(self._victim, height, width, scores * self.repeats, stream)
        return None if inner is None else Averaging(self, inner)

    def _ask(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        forget(self._victim)
        return real(self._victim.score(pictures.copy()))

    def _deviation(self) -> float:
        """Return the standard deviation of single answers."""
        _, probe = probes(self._victim.card)
        with telling_failure(self._victim, "the picture that its noise is measured on"):
            answers = np.array([self._ask(probe[None]).item() for _ in range(PROBES)])
        refuse_infinite(self._victim, answers.tolist())
        return float(np.std(answers - answers[0], ddof=1))


class Averaging:
    """A search with a victim that draws, whose answers are averaged.

    Parameters
    ----------
    victim : Repeated
        The victim.
    inner : Session
        That of the victim whose answers it averages.
    """

    def __init__(self, victim: Repeated, inner: Session) -> None:
        self.victim, self.inner = victim, inner
        self._last: Patched | None = None
        self._questions: list[Patched] = []

    @staticmethod
    def scores(requests: "Sequence[tuple[Averaging, Patched]]") -> NDArray[np.float64]:
        """Score changes; see `Session.scores`."""
        inner = requests[0][0].inner
        rounds = zip(*(session.several(change) for session, change in requests), strict=True)
        answers = [
            inner.scores(
                [(each.inner, one) for (each, _), one in zip(requests, asked, strict=True)]
            )
            for asked in rounds
        ]
        return requests[0][0].victim.averaged(np.array(answers, np.float64))

    def recall(self, change: Patched) -> None:
        """Take note of a change that was scored in an earlier search; see `Session.recall`."""
        for question in self.several(change):
            self.inner.recall(question)

    def close(self) -> None:
        """End the search."""
        self.inner.close()

    def several(self, change: Patched) -> list[Patched]:
        """Return a change as so many questions; the same ones where it is asked again."""
        if change is not self._last:
            whole = change.painted()
            self._last = change
            self._questions = [Patched(whole) for _ in range(self.victim.repeats)]
        return self._questions
