"""The ledger of a search: the budget, every answer, and the best picture so far."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from iqaudit._core.errors import InputError
from iqaudit._core.goal import Aim, AnyGoal, Direction, Place, progress
from iqaudit._core.patches import Patched
from iqaudit._core.picture import Pixels
from iqaudit._core.scale import Scale
from iqaudit._search.stop import Outcome, Stop

SMALLEST_BUDGET = 2
"""The clean score and one more: less asks nothing of the victim that an attack could use."""

CHECKPOINTS = (100, 300, 1_000, 3_000, 10_000)
"""The budgets at which a longer search keeps its best picture, and tables have a row."""


def checkpoints(queries: int, cost: int, others: Iterable[int] = ()) -> tuple[int, ...]:
    """Return the checkpoints, and other budgets, below a search's own, smallest first."""
    earlier = {*CHECKPOINTS, *others}
    return tuple(sorted(each for each in earlier if SMALLEST_BUDGET * cost <= each < queries))


CAUTION = 2.0
"""Standard deviations of its mean by which a picture's loss is taken for worse, where the victim
answers at random: one that was asked about once and was lucky is not the best."""


CONTENDERS = 4
"""Pictures of which one may be the best again, where that which seemed better is asked about again
and is not."""


class Answer(NamedTuple):
    """A native score, and the `picture_key` of the picture that was scored so."""

    score: float
    picture: int


class Contender(NamedTuple):
    """A picture that is the best, or may be again: where the victim answers at random.

    Parameters
    ----------
    loss : float
        Of its mean, with what is taken for doubt.
    query : int
        That of its answer with the lowest loss.
    change : Patched
        The picture.
    """

    loss: float
    query: int
    change: Patched


def check_budget(queries: int, cost: int) -> None:
    """Raise an `InputError` where a budget affords less than two scores at their cost."""
    if queries < SMALLEST_BUDGET * cost:
        each = f" of two, and each costs {cost}" if cost > 1 else ""
        raise InputError(
            f"A budget is at least {SMALLEST_BUDGET * cost} queries a picture "
            f"(the clean score is one{each}), not {queries}."
        )


@dataclass(eq=False)
class Ledger:
    """The account of one picture with a victim: the only place where queries are counted.

    The first answer recorded must be the clean picture's: its quality fixes the direction.

    Parameters
    ----------
    pixels : ndarray of uint8, (height, width, 3)
        The clean picture.
    scale : Scale
        The victim's.
    goal : Goal, Target or Place
        Which way the score is pushed, and to where.
    queries : int
        The budget, the clean score's included; at least that of two scores.
    cost : int
        Queries a score. A rest of the budget that affords none is not spent.
    others : iterable of int
        Budgets beside `CHECKPOINTS` at which the best picture is kept.
    noise : float
        Standard deviation of a score in native units. Unless it is 0, a picture's loss is that of
        the mean of its scores, which counts for less the fewer they are.

    Attributes
    ----------
    answers : list of Answer
        Every answer, in the order asked: they make a replay of the search possible.
    snapshots : dict of int to Patched
        The picture with the lowest loss at each checkpoint that the search has passed.
    found : int
        The query that made the best picture the best.
    """

    pixels: Pixels
    scale: Scale
    goal: AnyGoal | Place
    queries: int
    cost: int
    others: Iterable[int] = ()
    noise: float = 0.0
    answers: list[Answer] = field(default_factory=list, init=False)
    snapshots: dict[int, Patched] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._due = list(checkpoints(self.queries, self.cost, self.others))
        self._best, self._best_loss = (0, Patched(self.pixels)), math.inf
        self._worst_loss = -math.inf
        self._means: dict[int, tuple[int, float]] = {}
        """How many scores pictures have, and their means, by their keys, where they may differ."""
        self._contenders: dict[int, Contender] = {}
        """The pictures with the lowest losses, by their keys, where those may rise."""
        self.found = 0

    @property
    def spent(self) -> int:
        """The number of queries billed."""
        return self.cost * len(self.answers)

    @property
    def left(self) -> int:
        """The number of scores that may still be asked."""
        return (self.queries - self.spent) // self.cost

    @property
    def direction(self) -> Direction:
        """The way in which the score is pushed; known once the clean picture is scored."""
        return self.aim.direction

    @property
    def best_query(self) -> int:
        """The query with the lowest loss, from 1 (the last of its score's).

        Of a victim that answers at random, the best picture's with the lowest.
        """
        return self._best[0]

    @property
    def best(self) -> Answer:
        """The answer at `best_query`."""
        return self.answers[self.best_query // self.cost - 1]

    @property
    def best_score(self) -> float:
        """The best picture's native score: the mean, of a victim that answers at random."""
        _, mean = self._means.get(self.best.picture, (1, self.best.score))
        return mean

    @property
    def best_picture(self) -> Pixels:
        """The picture with the lowest loss.

        The clean picture counts: an attack that found nothing better leaves the picture as it was.
        """
        return self._best[1].painted()

    def end(self, stop: Stop) -> Outcome | None:
        """Return the outcome of a search that stands here; None while it goes on."""
        if not self.answers:
            return None
        asked, aim = len(self.answers), self.aim
        if asked >= aim.after and aim.is_met_by(self.best_score):
            return Outcome.TARGET_MET
        if stop.rgo is not None and self._progress >= stop.rgo:
            return Outcome.FAR_ENOUGH
        if not self.left:
            return Outcome.BUDGET_SPENT
        if stop.plateau is not None and self.spent - self.found >= stop.plateau:
            return Outcome.PLATEAU
        return None

    @cached_property
    def aim(self) -> Aim:
        """The picture's goal; known once it is scored."""
        return self.goal.aim(self.answers[0].score, self.scale)

    @property
    def _progress(self) -> float:
        clean, best = self.answers[0].score, self.best_score
        return progress(self.scale.quality(clean), self.scale.quality(best))

    def record(self, change: Patched, answer: Answer) -> float:
        """Record the answer on a change as the next one, and return its loss.

        An answer that is no score, not finite or outside the victim's range, counts as the worst
        so far: nothing is gained by it.
        """
        if not self.left:
            raise RuntimeError("a query was asked beyond the budget")
        self.answers.append(answer)
        if self.scale.admits(answer.score):
            loss = self.aim.loss(answer.score)
            self._worst_loss = max(self._worst_loss, loss)
        else:
            loss = self._worst_loss
        if self.noise and self.scale.admits(answer.score):
            self._weigh(change, answer)
        elif loss < self._best_loss and not (self.noise and self.best_query):
            self._best_loss, self._best = loss, (self.spent, change)
            self.found = self.spent
        while self._due and self.spent + self.cost > self._due[0]:
            self.snapshots[self._due.pop(0)] = self._best[1]
        return loss

    def _weigh(self, change: Patched, answer: Answer) -> None:
        """Take in a score that another answer on the same picture would differ from."""
        count, mean = self._means.get(answer.picture, (0, 0.0))
        count, mean = count + 1, mean + (answer.score - mean) / (count + 1)
        self._means[answer.picture] = count, mean
        doubt = CAUTION * self.scale.slope * self.noise / math.sqrt(count)
        loss = self.aim.loss(mean) + doubt
        before, known = self.best.picture, self._contenders.get(answer.picture)
        query = self.spent if count == 1 else self._lowest(answer.picture)
        own = change if known is None else known.change
        self._contenders[answer.picture] = Contender(loss, query, own)
        best = min(self._contenders, key=lambda key: self._contenders[key].loss)
        self._best_loss, query, picture = self._contenders[best]
        if best != before or not self.best_query:
            self.found = self.spent if best == answer.picture else query
        self._best = query, picture
        if len(self._contenders) > CONTENDERS:
            del self._contenders[max(self._contenders, key=lambda key: self._contenders[key].loss)]

    def _lowest(self, picture: int) -> int:
        """Return the query of a picture's answer with the lowest loss."""
        usable = (
            (self.aim.loss(each.score), self.cost * place)
            for place, each in enumerate(self.answers, 1)
            if each.picture == picture and self.scale.admits(each.score)
        )
        return min(usable)[1]

    def charge(self, answer: Answer) -> None:
        """Record an answer that was asked for other pictures: it is paid for, and no result.

        Nothing is read off such a search before its end.
        """
        if not self.left:
            raise RuntimeError("a query was asked beyond the budget")
        self.answers.append(answer)
        self._due.clear()
