"""A trial: one picture, victim, attack, threat, goal, budget and seed, joined in one loop."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iqaudit.attacks.contract import Attack, Problem
from iqaudit.goal import Direction, Goal
from iqaudit.images import Picture, Pixels
from iqaudit.oracle import Oracle
from iqaudit.proposal import Perturbation, Proposal
from iqaudit.randomness import Stream
from iqaudit.threat import Linf
from iqaudit.victims.contract import Card


class Outcome(Enum):
    """How a trial ended, as a sentence."""

    BUDGET_SPENT = "The query budget was spent."
    INTERRUPTED = "The run was interrupted; this is the best found until then."
    VICTIM_FAILED = "The victim failed; this is the best found until then."


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
    asked : tuple of str
        The hashes of the pictures that were answered so (`Picture.sha256`).
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
    asked: tuple[str, ...]
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

    The scoring lies outside (`iqaudit.oracle.ask`), so that many trials share a batch.
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
    ) -> None:
        self.picture = picture
        self.oracle = Oracle(picture.pixels, card.scale, threat, goal, queries, card.cost)
        self._scale, self._attack = card.scale, attack
        problem = Problem(
            pixels=picture.pixels,
            levels=threat.levels,
            queries=self.oracle.left,
            stream=Stream(seed, picture.sha256),
            window=card.window(picture.height, picture.width),
            noise=card.scale.slope * card.noise,
        )
        self._state = attack.init(problem)
        self._accepted: list[Step] = []

    @property
    def done(self) -> bool:
        """Whether the budget is spent."""
        return not self.oracle.left

    def ask(self) -> Proposal:
        """Return what is to be scored next: the clean picture, then what the attack proposes."""
        if not self.oracle.scores:
            return Proposal(np.zeros(self.picture.pixels.shape, np.int16))
        proposal: Proposal = self._attack.ask(self._state)
        return proposal

    def tell(self, proposal: Proposal, loss: float) -> None:
        """Take in the proposal's loss."""
        if len(self.oracle.scores) == 1:
            return
        state = self._attack.tell(self._state, proposal, loss)
        if state.perturbation is not self._state.perturbation:
            self._accepted.append(Step(self.oracle.spent, self.oracle.scores[-1]))
        self._state = state

    def result(self, outcome: Outcome) -> TrialResult:
        """Return what was found so far; at least the clean picture must have been scored."""
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
            outcome=outcome,
            cost=cost,
        )
