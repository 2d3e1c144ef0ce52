"""A trial: one picture, victim, attack, threat, goal, budget and seed, joined in one loop."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import InputError, whole_number
from iqaudit._core.goal import Direction, Goal, progress
from iqaudit._core.patches import Change, Perturbation, Proposal
from iqaudit._core.picture import Picture, Pixels
from iqaudit._core.stream import Stream
from iqaudit._core.threat import Linf
from iqaudit._search.ahead import Ahead
from iqaudit._search.ledger import Oracle
from iqaudit.attacks._base import Attack, Problem
from iqaudit.victims._base import Card, Session


class Outcome(Enum):
    """How a trial ended, as a sentence."""

    BUDGET_SPENT = "The query budget was spent."
    FAR_ENOUGH = "The RGO that was to be reached was reached."
    PLATEAU = "As many queries as were allowed to found nothing better."
    INTERRUPTED = "The run was interrupted; this is the best found until then."
    VICTIM_FAILED = "The victim failed; this is the best found until then."

    @property
    def finished(self) -> bool:
        """Whether the trial came to the end that was planned."""
        return self not in (Outcome.INTERRUPTED, Outcome.VICTIM_FAILED)


@dataclass(frozen=True)
class Stop:
    """When a trial ends before its budget is spent; never, unless said.

    Parameters
    ----------
    rgo : float, optional
        In (0, 1]: once the picture's quality went so far of how far it could go.
    plateau : int, optional
        At least 1: once so many queries in a row found nothing better.

    Raises
    ------
    InputError
        If a number cannot be used.
    """

    rgo: float | None = None
    plateau: int | None = None

    def __post_init__(self) -> None:
        if self.rgo is not None and not 0 < self.rgo <= 1:
            raise InputError(f"An RGO to stop at lies in (0, 1], not {self.rgo}.")
        if self.plateau is not None:
            object.__setattr__(self, "plateau", whole_number("plateau", self.plateau))
            if self.plateau < 1:
                raise InputError(f"A plateau is at least 1 query long, not {self.plateau}.")

    def __str__(self) -> str:
        """Say what ends a search early, behind its budget; nothing where it never does."""
        rules = []
        if self.rgo is not None:
            rules.append(f"RGO {self.rgo:g} is reached")
        if self.plateau is not None:
            rules.append(f"{self.plateau:,} in a row find nothing better")
        return f", fewer where {' or '.join(rules)}" if rules else ""


NEVER = Stop()


class Answer(NamedTuple):
    """A native score, and the `picture_key` of the picture that was scored so."""

    score: float
    picture: int


class Step(NamedTuple):
    """An accepted step: the query's number, from 1, and the native score that it was answered.

    Where a score costs several queries, the number is that of the last.
    """

    query: int
    score: float


@dataclass(frozen=True, eq=False)
class TrialResult:
    """What a trial found.

    Attributes
    ----------
    picture : Picture
        The clean picture.
    adversarial : ndarray of uint8, (height, width, 3)
        The best picture found; the clean one where nothing was better.
    clean_score, adversarial_score : float
        Native scores before and after.
    clean_quality, adversarial_quality : float
        The same on the victim's 0-10 scale, higher is better.
    direction : Direction
        Which way the score was pushed.
    scores : ndarray of float64, (queries / cost,)
        Every native score the victim answered, in order; the clean one first.
    asked : tuple of int
        The keys of the pictures that were answered so (`picture_key`).
    trace : tuple of Step
        The clean picture, then every step that the attack accepted. Its start is taken without
        comparing it to the clean picture, so the second may be a step back.
    best_query : int
        The query, from 1, that was answered `adversarial_score`: score `best_query / cost`.
    outcome : Outcome
        Why the trial ended.
    cost : int
        Queries billed a score.
    """

    picture: Picture
    adversarial: Pixels
    clean_score: float
    adversarial_score: float
    clean_quality: float
    adversarial_quality: float
    direction: Direction
    scores: NDArray[np.float64]
    asked: tuple[int, ...]
    trace: tuple[Step, ...]
    best_query: int
    outcome: Outcome
    cost: int = 1

    @property
    def queries(self) -> int:
        """How many queries were billed, the clean picture's included."""
        return self.cost * len(self.scores)

    @property
    def perturbation(self) -> Perturbation:
        """The change made: signed levels, int16, (height, width, 3)."""
        return self.adversarial.astype(np.int16) - self.picture.pixels.astype(np.int16)


class Trial:
    """A trial under way: `ask` and `tell` in turns until `done`, then `result`.

    The scoring lies outside (`iqaudit._search.ledger.ask`), so that many trials share a batch.

    Parameters
    ----------
    stop : Stop
        When the search ends before the budget is spent.
    slope : callable, optional
        The gradient of the victim's native score by a picture's levels, for a white-box attack.

    Attributes
    ----------
    wasted : int
        Scores that were computed ahead and not used: compute, not queries.
    """

    def __init__(
        self,
        picture: Picture,
        card: Card,
        attack: Attack[Any],
        threat: Linf,
        goal: Goal,
        queries: int,
        seed: int,
        session: Session | None = None,
        stop: Stop = NEVER,
        slope: Callable[[Pixels], NDArray[np.float32]] | None = None,
    ) -> None:
        self.picture = picture
        self.oracle = Oracle(picture.pixels, card.scale, threat, goal, queries, card.cost, session)
        self.wasted = 0
        self._stop = stop
        self._scale, self._attack, self._threat, self._slope = card.scale, attack, threat, slope
        self._problem = Problem(
            pixels=picture.pixels,
            levels=threat.levels,
            queries=self.oracle.left,
            stream=Stream(seed, picture.sha256),
            window=card.window(picture.height, picture.width),
            noise=card.scale.slope * card.noise,
        )
        self._state: Any = None
        """The attack's, once the clean picture is scored."""
        self._accepted: list[Step] = []
        self._asked: list[tuple[Any, Proposal, Change]] = []
        self._ahead = Ahead()

    @property
    def done(self) -> bool:
        """Whether the search is at its end."""
        return self.end is not None

    @property
    def end(self) -> Outcome | None:
        """How the search ended; None while it goes on."""
        oracle, stop = self.oracle, self._stop
        if not oracle.scores:
            return None
        if stop.rgo is not None and self._progress >= stop.rgo:
            return Outcome.FAR_ENOUGH
        if not oracle.left:
            return Outcome.BUDGET_SPENT
        if stop.plateau is not None and oracle.spent - oracle.best_query >= stop.plateau:
            return Outcome.PLATEAU
        return None

    @property
    def _progress(self) -> float:
        scores, cost = self.oracle.scores, self.oracle.cost
        best = scores[self.oracle.best_query // cost - 1]
        return progress(self._scale.quality(scores[0]), self._scale.quality(best))

    def ask(self, count: int = 1) -> list[Change]:
        """Return what is to be scored next: the clean picture, then what the attack proposes.

        Up to `count`, where that is faster: behind the first what would be proposed if all before
        it were refused. The outcome does not depend on how many.
        """
        if not self.oracle.scores:
            clean = Proposal(np.zeros(self.picture.pixels.shape, np.int16))
            self._asked = [(self._state, clean, self.oracle.change(clean))]
        else:
            state, self._asked = self._state, []
            for _ in range(min(self._ahead.choose(count), self.oracle.left)):
                if self._asked:
                    state = self._attack.tell(state, self._asked[-1][1], math.inf)
                proposal = self._attack.ask(state)
                self._asked.append((state, proposal, self.oracle.change(proposal)))
        return [change for _, _, change in self._asked]

    def tell(self, scores: Sequence[float | None]) -> None:
        """Take in the scores of what was asked, as far as they were answered and are of use."""
        used = 0
        for (state, proposal, change), score in zip(self._asked, scores, strict=True):
            if score is None or self.done or not _same(state, self._state):
                break
            loss = self.oracle.book(proposal, change, score)
            used += 1
            if len(self.oracle.scores) == 1:
                self._state = self._attack.init(self._posed(loss))
            else:
                before = self._state
                self._state = self._attack.tell(before, proposal, loss)
                if self._state.perturbation is not before.perturbation:
                    self._accepted.append(Step(self.oracle.spent, score))
        self._ahead.took(used)
        self.wasted += sum(score is not None for score in scores[used:])

    def recall(self, answers: Iterable[Answer]) -> None:
        """Take in what an earlier trial of the same kind was answered, and stand where it stood.

        The victim is not asked; a session computes again what came to be a base.

        Parameters
        ----------
        answers : iterable of Answer
            From the first on, in order.

        Raises
        ------
        InputError
            If this trial would not have asked about those pictures.
        """
        for score, key in answers:
            if self.done:
                raise self._another()
            [change] = self.ask()
            if self.oracle.session is not None:
                self.oracle.session.recall(change)
            self.tell([score])
            if self.oracle.asked[-1] != key:
                raise self._another()
        self._ahead = Ahead()  # recalling says nothing of the victim's pace

    def _another(self) -> InputError:
        return InputError(
            f"{self.picture.name}: the answers that were kept are another search's: the picture, "
            "the attack or what bounds it has changed since."
        )

    def _posed(self, clean_loss: float) -> Problem:
        """Return the problem as it stands once the clean picture's loss is known."""
        slope = self._slope
        if slope is None:
            return replace(self._problem, clean_loss=clean_loss)
        # Quality rises with the native score, or falls with it; the loss is quality or less it.
        falls = self._scale.lower_is_better is not (self.oracle.direction is Direction.RAISE)

        def gradient(perturbation: Perturbation) -> NDArray[np.float32]:
            by_level = slope(self._threat.apply(self.picture.pixels, perturbation))
            return -by_level if falls else by_level

        return replace(self._problem, clean_loss=clean_loss, gradient=gradient)

    def close(self) -> None:
        """End the search."""
        if self.oracle.session is not None:
            self.oracle.session.close()
            self.oracle.session = None

    def result(self, unfinished: Outcome = Outcome.INTERRUPTED) -> TrialResult:
        """Return what was found so far; at least the clean picture must have been scored.

        `unfinished` says why, where the search is not at its end.
        """
        scores, cost = np.array(self.oracle.scores), self.oracle.cost
        best_query, adversarial = self.oracle.best
        clean, best = float(scores[0]), float(scores[best_query // cost - 1])
        return TrialResult(
            picture=self.picture,
            adversarial=adversarial,
            clean_score=clean,
            adversarial_score=best,
            clean_quality=self._scale.quality(clean),
            adversarial_quality=self._scale.quality(best),
            direction=self.oracle.direction,
            scores=scores,
            asked=tuple(self.oracle.asked),
            trace=(Step(cost, clean), *self._accepted),
            best_query=best_query,
            outcome=self.end or unfinished,
            cost=cost,
        )


def _same(guessed: Any, state: Any) -> bool:
    """Whether a state is the one that was guessed; arrays are the same where they are one."""
    return guessed is state or (
        type(guessed) is type(state)
        and all(
            getattr(guessed, field.name) is getattr(state, field.name)
            or _equal(getattr(guessed, field.name), getattr(state, field.name))
            for field in fields(state)
        )
    )


def _equal(one: Any, other: Any) -> bool:
    return isinstance(one, int | float | str | bool) and one == other
