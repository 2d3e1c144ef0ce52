"""A trial: one picture, victim, attack, threat, goal, budget and seed, joined in one search."""

import math
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import (
    InputError,
    IqauditError,
    UnscorableError,
    VictimError,
    foreign,
    some,
)
from iqaudit._core.goal import AnyGoal, Direction, Goal, Place
from iqaudit._core.patches import Patched, Perturbation
from iqaudit._core.picture import Picture, Pixels
from iqaudit._core.scale import Scale
from iqaudit._core.stream import Stream
from iqaudit._core.threat import Threat
from iqaudit._search.ledger import Answer, Ledger
from iqaudit._search.painter import Painter
from iqaudit._search.stop import Outcome, Stop
from iqaudit.attacks._base import Attack, Problem, compares, edits_of, is_carrying, learned
from iqaudit.attacks._universal import Laid, Signs
from iqaudit.victims._base import Card, Session

MARGIN = 0.5
"""Of the noise of one answer, what a proposal must gain where the victim answers at random: by one
answer, to be asked about again, and by the mean of both, to be kept."""


class Step(NamedTuple):
    """An accepted step of a search.

    Parameters
    ----------
    query : int
        The query's number, from 1; where a score costs several queries, that of the last.
    score : float
        The native score that it was answered.
    """

    query: int
    score: float


@dataclass(frozen=True)
class Unscored:
    """A picture that the victim could not score, though it scored others.

    Attributes
    ----------
    name : str
        The picture's.
    reason : str
        The victim's failure, a sentence.
    """

    name: str
    reason: str


def on_unscored(unscored: Sequence[Unscored], pictures: int | None = None) -> str:
    """Return the sentence on the pictures, of so many, that could not be scored; empty for none."""
    if not unscored:
        return ""
    by_reason: dict[str, list[str]] = {}
    for each in unscored:
        by_reason.setdefault(each.reason.rstrip("."), []).append(each.name)
    parts = [f"{some(names, last=', ')}: {reason}" for reason, names in by_reason.items()]
    of = "" if pictures is None else f" of {pictures}"
    noun = "picture" if (pictures or len(unscored)) == 1 else "pictures"
    return f"{len(unscored)}{of} {noun} could not be scored. {some(parts, joint='; ', last='; ')}."


def refuse_nothing(unscored: Sequence[Unscored], pictures: int) -> None:
    """Raise an `UnscorableError` where not one of so many pictures could be scored."""
    if len(unscored) == pictures:
        alone = f"{unscored[0].name}: {unscored[0].reason}"
        raise UnscorableError(alone if pictures == 1 else on_unscored(unscored, pictures))


@dataclass(frozen=True, eq=False)
class TrialResult:
    """The result of a trial.

    Attributes
    ----------
    picture : Picture
        The clean picture.
    adversarial : ndarray of uint8, (height, width, 3)
        The best picture found; the clean one where nothing was better.
    clean_score, adversarial_score : float
        Native scores before and after; the latter is the mean of `fresh`, where there are any.
    clean_quality, adversarial_quality : float
        The same on the victim's 0-10 scale, higher is better.
    direction : Direction
        Which way the score was pushed.
    scores : ndarray of float64, (queries / cost,)
        Every native score the victim answered, in order; the clean one first. One that is not
        finite, or outside the victim's range, counted as nothing gained.
    asked : tuple of int
        The keys of the pictures that were answered so (`picture_key`).
    trace : tuple of Step
        The clean picture, then every step that the attack accepted. Its start is taken without
        comparing it to the clean picture, so the second may be a step back.
    best_query : int
        The query, from 1, that was answered `luckiest_score`: score `best_query / cost`.
    outcome : Outcome
        Why the trial ended.
    cost : int
        Queries billed a score.
    refused : int
        How many of `scores` are none: not finite, or outside the victim's range.
    fresh : tuple of float
        Native scores of the attacked picture that were asked at the end, of a victim that answers
        at random; beside the budget, `cost` queries each.
    checkpoints : mapping of int to ndarray of uint8, (height, width, 3)
        The best picture after so many queries, at 100, 300, 1,000 and so on, as far as the search
        went on from there; empty for one that is read from disk.
    place : Place or None
        The score that it was to come near to, where an order was to be broken.
    edits : mapping of str to float
        The sizes of the edits that made the best picture, where the attack names them.
    steepness : float or None
        By how much a change of one level moves the clean picture's native score at the most, as
        its gradient foretells: ||grad||_1. None where the attack took none there, or it is none of
        the answers'.
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
    refused: int = 0
    fresh: tuple[float, ...] = ()
    checkpoints: Mapping[int, Pixels] = field(default_factory=dict)
    place: Place | None = None
    edits: Mapping[str, float] = field(default_factory=dict)
    steepness: float | None = None

    @property
    def queries(self) -> int:
        """The number of queries billed, the clean picture's included."""
        return self.cost * len(self.scores)

    @property
    def luckiest_score(self) -> float:
        """The best native score of the search; the attacked picture's, where none is fresh."""
        return float(self.scores[self.best_query // self.cost - 1])

    @property
    def perturbation(self) -> Perturbation:
        """The change made: signed levels, int16, (height, width, 3)."""
        return self.adversarial.astype(np.int16) - self.picture.pixels.astype(np.int16)


def settled(luckiest: float, fresh: Iterable[float], scale: Scale) -> float:
    """Return an attacked picture's score: the mean of its fresh ones, where they are scores."""
    scores = [score for score in fresh if scale.admits(score)]
    return math.fsum(scores) / len(scores) if scores else luckiest


class TrialResults(Sequence[TrialResult]):
    """Results of trials, in the order of their pictures.

    Attributes
    ----------
    unscored : tuple of Unscored
        The pictures that the victim could not score. Of one whose search had begun there is a
        result, whose outcome says so.
    """

    unscored: tuple[Unscored, ...] = ()


@dataclass(frozen=True, eq=False)
class Shared:
    """What is given to a picture's trial where one change is made for many pictures.

    Parameters
    ----------
    tile : ndarray of int16
        The change that it is tested with, made on others.
    answers : tuple of Answer
        Its own to the questions by which the others' was made. They are in its budget and its
        record, and none is its result.
    """

    tile: Signs
    answers: tuple[Answer, ...] = ()


@dataclass(eq=False)
class Trial:
    """A trial under way: `ask` and `tell` in turns until `done`, then `result`.

    The scoring lies outside (`iqaudit._search.driver`), so that many trials share a batch.

    Parameters
    ----------
    picture : Picture
        The clean picture.
    card : Card
        The victim's: its scale, a score's cost and noise, the part of a picture that it sees.
    attack : Attack
        The attack; its proposals are perturbations of that part.
    threat, goal, queries, seed, stop
        As in `iqaudit._search.driver.SearchSpec`.
    session : Session, optional
        The search's, where the victim scores again only what changes.
    slope : callable, optional
        The gradient of the victim's native score by a picture's levels, for a white-box attack.
    others : iterable of int
        Budgets beside `CHECKPOINTS` at which the best picture is kept.
    shared : Shared, optional
        What takes the attack's place, where one change is made for many pictures.
    memory : object, optional
        What the attack learned on earlier pictures, where it carries that on.
    exact : bool
        Whether `slope` is the gradient of the answers, and no estimate.
    """

    picture: Picture
    card: Card
    attack: Attack[Any]
    threat: Threat
    goal: AnyGoal | Place
    queries: int
    seed: int
    session: Session | None = None
    stop: Stop = Stop()  # noqa: RUF009 (frozen)
    slope: Callable[[Pixels], NDArray[np.float32]] | None = None
    others: Iterable[int] = ()
    shared: Shared | None = None
    memory: Any = None
    exact: bool = True

    def __post_init__(self) -> None:
        if self.shared is not None:
            self.attack = Laid(self.shared.tile)
        picture, card = self.picture, self.card
        self.ledger = Ledger(
            picture.pixels, card.scale, self.goal, self.queries, card.cost, self.others, card.noise
        )
        window = card.window(picture.height, picture.width)
        self._painter = Painter(picture.pixels, window, self.threat)
        random, own = card.noise > 0, self.shared is None and compares(self.attack)
        self._asks_again = random and own
        """Whether a proposal that one answer favours is asked about once more."""
        self._probes = self.goal.after if isinstance(self.goal, Place) else 0
        if self.goal is Goal.RANK:
            self._probes = self.ledger.left
        """Answers before which none is: those that places are chosen by are asked about before the
        place, which says what is better, is known."""
        self._problem = Problem(
            pixels=self._painter.seen,
            levels=self.threat.levels,
            queries=self.ledger.left,
            stream=Stream(self.seed, picture.sha256),
            noise=card.scale.slope * card.noise * (MARGIN if self._asks_again else 1),
            incremental=card.incremental,
            memory=self.memory,
        )
        self._state: Any = None
        """The attack's, once the clean picture is scored."""
        self._accepted: list[Step] = []
        self._once: tuple[Patched, float] | None = None
        """A proposal that is asked about again, and its first score."""
        self._edits: dict[int, Mapping[str, float]] = {}
        """Those of pictures that were the best, or may be, by their keys."""
        self._steepness: float | None = None
        self._asked: tuple[Patched | None, Patched] | None = None
        """The proposal and its picture; at the end, none and the attacked picture."""
        self._fresh = self.stop.fresh if card.noise else 0
        """Answers to the attacked picture that are due at the end."""
        self.fresh: list[Answer] = []
        """Those that came."""
        self._kept: dict[int, deque[float]] = {}
        """Scores of an earlier trial that are still to be taken in, by their pictures' keys."""
        self.fault: VictimError | None = None
        """The victim's failure on a picture asked, where the search ended with it."""

    @property
    def done(self) -> bool:
        """Whether the search is at its end."""
        return self.end is not None

    @property
    def end(self) -> Outcome | None:
        """The search's outcome; None while it goes on."""
        if self.fault is not None:
            return Outcome.UNSCORED
        end = self.ledger.end(self.stop)
        return end if len(self.fresh) == self._fresh else None

    @property
    def last(self) -> Answer:
        """The answer that was told last."""
        return self.fresh[-1] if self.fresh else self.ledger.answers[-1]

    def learned(self) -> Any:
        """Return the memory of the next picture's trial, where the attack carries any on."""
        if self._state is None or not is_carrying(self.attack):
            return self.memory
        with self._of_attack("learned"):
            return learned(self.attack, self._state)

    def ask(self) -> Patched:
        """Return the picture to be scored next.

        The clean one, then what the attack proposes; at the end, the attacked one.
        """
        if self.ledger.end(self.stop) is not None:
            self._asked = None, Patched(self.ledger.best_picture)
            return self._asked[1]
        if self.ledger.answers:
            self._charge()
            proposal = self._proposed()
        else:
            proposal = Patched(self._problem.unchanged())
        change = self._painter.change(proposal)
        self._asked = proposal, change
        return change

    def tell(self, score: float) -> None:
        """Take in the native score of the picture asked last."""
        if self._asked is None:
            raise RuntimeError("a trial was told of a picture that it did not ask")
        proposal, change = self._asked
        answer = Answer(score, self._key())
        self._asked = None
        if proposal is None:
            self.fresh.append(answer)
            return
        loss = self.ledger.record(change, answer)
        if self._state is None:
            with self._of_attack("init"):
                self._state = self.attack.init(self._posed(loss))
            return
        if self.card.noise or self.ledger.found == self.ledger.spent:
            with self._of_attack("edits"):
                edits = edits_of(self.attack, proposal)
            if edits:
                self._edits[answer.picture] = edits
        admitted, once = self.card.scale.admits(score), self._once
        again = self._asks_again and len(self.ledger.answers) >= self._probes
        if once is None and again and loss < self._state.loss - self._problem.noise:
            self._once = proposal, score
            return
        self._once = None
        if once is not None and admitted:
            loss = self.ledger.aim.loss((once[1] + score) / 2)
        before = self._state
        with self._of_attack("tell"):
            state = self.attack.tell(before, proposal, loss)
            moved = state.perturbation is not before.perturbation
        self._state = state if once is None else replace(state, query=state.query + 1)
        if moved and admitted:
            self._accepted.append(Step(self.ledger.spent, score))

    def _proposed(self) -> Patched:
        """Return the attack's proposal; once more where one answer on it was good."""
        if self._once is not None:
            return self._once[0]
        with self._of_attack("ask"):
            return self.attack.ask(self._state)

    def _charge(self) -> None:
        """Take in the answers that were asked for the others' change, once."""
        if self.shared is None or len(self.ledger.answers) > 1:
            return
        for answer in self.shared.answers:
            self.ledger.charge(answer)
            if self.session is not None:
                self.session.recall(Patched(self.picture.pixels))

    @contextmanager
    def _of_attack(self, part: str) -> Iterator[None]:
        """Tell an error of the attack's own code in a sentence, with its place."""
        try:
            yield
        except IqauditError:
            raise
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise InputError(
                f"The attack {type(self.attack).__name__} failed in {part}, with "
                f"{self.ledger.spent} queries answered ({type(error).__name__}: {foreign(error)}; "
                f"{Path(place.filename).name}, line {place.lineno})."
            ) from error

    def recall(self, answers: Iterable[Answer], *, lost: bool = False) -> None:
        """Take in the answers that an earlier trial of the same kind had, and stand where it stood.

        The victim is not asked; a session computes again the pictures that came to be a base.

        Parameters
        ----------
        answers : iterable of Answer
            From the first on, in order.
        lost : bool
            Whether some of them are lost. Then the trial stands where the first of those is to be
            asked, and `go_on` takes in the others, each when its picture's turn has come.

        Raises
        ------
        InputError
            If none is lost, and this trial would not have asked about those pictures.
        """
        if lost:
            for answer in answers:
                self._kept.setdefault(answer.picture, deque()).append(answer.score)
            self.go_on()
            return
        for answer in answers:
            if self.done:
                raise self._another()
            self._retell(self.ask(), answer.score)
            if self.last.picture != answer.picture:
                raise self._another()

    def go_on(self) -> None:
        """Take in the kept answers to what is asked next, until one was lost."""
        while self._kept and not self.done:
            change = self.ask()
            key = self._key()
            if key not in self._kept:
                return
            scores = self._kept[key]
            self._retell(change, scores.popleft())
            if not scores:
                del self._kept[key]

    @property
    def due(self) -> int:
        """The key of the picture that is asked about next."""
        self.ask()
        return self._key()

    def _key(self) -> int:
        """Return the key of the picture asked last."""
        proposal, change = self._asked or (None, None)
        if proposal is None or change is None:
            return self.ledger.best.picture
        return self._painter.key(proposal, change)

    def _retell(self, change: Patched, score: float) -> None:
        if self.session is not None:
            self.session.recall(change)
        self.tell(score)

    def _another(self) -> InputError:
        return InputError(
            f"{self.picture.name}: the answers that were kept are another search's: the picture, "
            "the attack or what bounds it has changed since."
        )

    def _posed(self, clean_loss: float) -> Problem:
        """Return the problem as it stands once the clean picture's loss is known."""
        slope = self.slope
        if slope is None:
            return replace(self._problem, clean_loss=clean_loss)
        # Quality rises with the native score, or falls with it; the loss is quality or less it.
        falls = self.card.scale.lower_is_better is not (self.ledger.direction is Direction.RAISE)

        def gradient(perturbation: Perturbation) -> NDArray[np.float32]:
            by_level = self._painter.crop(slope(self._painter.picture(perturbation)))
            if self.exact and not perturbation.any():
                self._steepness = float(np.abs(by_level).sum(dtype=np.float64))
            return -by_level if falls else by_level

        return replace(self._problem, clean_loss=clean_loss, gradient=gradient)

    def close(self) -> None:
        """End the victim's session."""
        if self.session is not None:
            self.session.close()
            self.session = None

    def result(self, unfinished: Outcome = Outcome.INTERRUPTED) -> TrialResult:
        """Return the result so far; at least the clean picture must have been scored.

        `unfinished` is the outcome where the search is not at its end.
        """
        ledger = self.ledger
        clean = ledger.answers[0].score
        fresh = tuple(answer.score for answer in self.fresh) if self.end else ()
        best = settled(ledger.best_score, fresh, self.card.scale)
        scores = np.array([answer.score for answer in ledger.answers])
        return TrialResult(
            picture=self.picture,
            adversarial=ledger.best_picture,
            clean_score=clean,
            adversarial_score=best,
            clean_quality=self.card.scale.quality(clean),
            adversarial_quality=self.card.scale.quality(best),
            direction=ledger.direction,
            scores=scores,
            asked=tuple(answer.picture for answer in ledger.answers),
            trace=(Step(ledger.cost, clean), *self._accepted),
            best_query=ledger.best_query,
            outcome=self.end or unfinished,
            cost=ledger.cost,
            refused=int((~self.card.scale.admits(scores)).sum()),
            fresh=fresh,
            checkpoints={at: change.painted() for at, change in ledger.snapshots.items()},
            place=self.goal if isinstance(self.goal, Place) else None,
            edits=self._edits.get(ledger.best.picture, {}),
            steepness=self._steepness,
        )
