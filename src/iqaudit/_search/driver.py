"""The search loop: trials stepped side by side, their questions asked of a victim together."""

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from iqaudit._core.errors import InputError, VictimError, refuse_unless, whole_number
from iqaudit._core.goal import AnyGoal, Goal, Place
from iqaudit._core.patches import Patched
from iqaudit._core.picture import Picture
from iqaudit._core.stream import Stream
from iqaudit._core.threads import at_once
from iqaudit._core.threat import Linf, Retouching, Threat, as_linf
from iqaudit._search import halves
from iqaudit._search.ledger import SMALLEST_BUDGET, Answer, check_budget
from iqaudit._search.order import probes
from iqaudit._search.stop import Outcome, Stop
from iqaudit._search.trial import Shared, Trial, TrialResult, Unscored
from iqaudit.attacks._base import Attack, is_carrying, is_shared, is_white_box, own_threat
from iqaudit.victims._base import Victim, gradient_of, open_session
from iqaudit.victims._defended import defences_of, exact
from iqaudit.victims._fingerprint import refuse_if_down, refuse_if_stuck
from iqaudit.victims._scoring import as_numbers, ask_batch, check_scale, refuse_unusable, slope

Reply = float | VictimError | None
"""To a question: the victim's answer, its failure on this picture, or neither."""

Progress = Callable[[Picture, int], None]
"""Called after every score with the picture and how many queries it has had. A KeyboardInterrupt
raised in it stops the run between two queries."""


@dataclass(frozen=True)
class SearchSpec:
    """Everything that decides the outcome of searches but the pictures; checked when made.

    Parameters
    ----------
    victim : Victim
        The scorer.
    attack : Attack
        The attack.
    threat : Linf or Retouching
        The changes allowed; an attack that brings a threat has that.
    goal : Goal, Target or Place
        Which way scores are pushed, and to where.
    queries : int
        The budget a picture, the clean score's included; at least that of two scores.
    seed : int
        Of every random number.
    stop : Stop
        Rules that end a picture's search before its budget is spent.
    shorter : tuple of int
        Budgets, below the own one, at which the best picture is kept as well.

    Raises
    ------
    InputError
        If a number cannot be used, the attack needs a gradient that the victim has not, or no
        score of the victim's meets the goal.
    """

    victim: Victim
    attack: Attack[Any]
    threat: Threat = Linf()  # noqa: RUF009 (frozen)
    goal: AnyGoal | Place = Goal.BIDIRECTIONAL
    queries: int = 500
    seed: int = 0
    stop: Stop = Stop()  # noqa: RUF009 (frozen)
    shorter: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        own = own_threat(self.attack)
        if own is None and isinstance(self.threat, Retouching):
            raise InputError(f"{type(self.attack).__name__} needs an ε: it does not retouch.")
        object.__setattr__(self, "threat", own or as_linf(self.threat))
        for name in ("queries", "seed"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name)))
        for budget in (self.queries, *self.shorter):
            check_budget(budget, self.victim.card.cost)
        self.goal.check(self.victim.card.scale)
        ends_early = self.stop.rgo is not None or self.stop.plateau is not None
        if is_shared(self.attack):
            scores = self.queries // self.victim.card.cost
            halves.check(self.goal, scores, ends_early=ends_early)
        if self.goal is Goal.RANK:
            if ends_early:
                raise InputError(
                    "The goal rank ends searches itself: set no early stop or plateau."
                )
            probes(self.attack, self.queries // self.victim.card.cost)
        if is_white_box(self.attack) and gradient_of(self.victim) is None:
            raise InputError(
                f"{type(self.attack).__name__} follows the victim's gradient and needs one that is "
                f'a torch module, asked without repeats; "{self.victim.card.name}" answers '
                "scores alone."
            )


def check_sizes(victim: Victim, pictures: Iterable[Picture]) -> tuple[int, int]:
    """Return the largest picture's height and width, each picture read once.

    Raises
    ------
    InputError
        If a picture is too small or too large for the victim.
    """
    card, largest = victim.card, (0, 0)
    for picture in pictures:
        size = f"{picture.name}: {picture.width} x {picture.height} pixels"
        if card.size is not None and (picture.height, picture.width) != card.size:
            raise InputError(
                f'{size}; the victim "{card.name}" takes {card.size[1]} x {card.size[0]} alone.'
            )
        if card.largest_side is not None and max(picture.height, picture.width) > card.largest_side:
            raise InputError(
                f'{size}; the victim "{card.name}" takes at most {card.largest_side} a side.'
            )
        if min(picture.height, picture.width) < card.smallest_side:
            raise InputError(
                f'{size}; the victim "{card.name}" needs at least {card.smallest_side} a side.'
            )
        largest = max(largest, (picture.height, picture.width), key=math.prod)
    return largest


def begin(
    spec: SearchSpec,
    picture: Picture,
    answers: Iterable[Answer] = (),
    *,
    lost: bool = False,
    shared: Shared | None = None,
    memory: Any = None,
) -> Trial:
    """Return a trial, for `drive` to bring to its end.

    A `Place` has its own budget.

    Parameters
    ----------
    spec : SearchSpec
        The search.
    picture : Picture
        The clean picture.
    answers : iterable of Answer
        Those of an earlier start, from the first on: the trial stands where that one stood.
    lost : bool
        Whether some of them are lost, and are to be asked again: see `Trial.recall`.
    shared : Shared, optional
        What an attack that makes one change for many pictures has made for this one. Its answers
        are the budget, but for the clean score and the change's.
    memory : object, optional
        What the attack learned on earlier pictures, where it carries that on: `Trial.learned`.

    Raises
    ------
    InputError
        If the answers are another search's.
    """
    victim = spec.victim
    queries = spec.goal.queries if isinstance(spec.goal, Place) else spec.queries
    scores, stream = queries // victim.card.cost, Stream(spec.seed, picture.sha256)
    if shared is not None:
        scores = SMALLEST_BUDGET  # left to be asked
        queries = victim.card.cost * (scores + len(shared.answers))
    elif is_shared(spec.attack):
        raise RuntimeError("a change for many pictures was not made before their searches")
    session = open_session(victim, picture.height, picture.width, scores, stream)
    trial = Trial(
        picture,
        victim.card,
        spec.attack,
        spec.threat,
        spec.goal,
        queries,
        spec.seed,
        session,
        spec.stop,
        partial(slope, victim) if is_white_box(spec.attack) else None,
        spec.shorter,
        shared,
        memory,
        exact=exact(defences_of(victim)),
    )
    try:
        trial.recall(answers, lost=lost)
        if trial.ledger.answers:  # a search that ended there ends there again
            trial.fault = _fault(victim, trial.ledger.answers[0].score, clean=True)
    except BaseException:
        trial.close()
        raise
    return trial


def drive(victim: Victim, trials: Sequence[Trial]) -> Generator[list[Trial]]:
    """Bring trials to their ends side by side; their sessions are closed in the end.

    Their questions share the victim's batches, which changes no answer. A picture that the victim
    cannot score, though it scores others, ends its trial alone, with its `fault`.

    Yields
    ------
    list of Trial
        After every step, those that were answered: the answer is their ledger's last. Nothing is
        asked before the next step is taken, so that it can be kept first.

    Raises
    ------
    VictimError, KeyboardInterrupt
        If the victim fails on every picture, or is interrupted; after the step's answers were
        yielded.
    """
    try:
        while running := _running(trials):
            replies, error = _ask(victim, [(trial, trial.ask()) for trial in running])
            answered = []
            for trial, reply in zip(running, replies, strict=True):
                if isinstance(reply, VictimError):
                    trial.fault = reply
                elif reply is not None:
                    trial.tell(reply)
                    answered.append(trial)
            yield answered
            if error is not None:
                raise error
    finally:
        for trial in trials:
            trial.close()


def _running(trials: Sequence[Trial]) -> list[Trial]:
    """Have trials take in what is known of their next questions; return those not at their end."""
    for trial in trials:
        trial.go_on()
    return [trial for trial in trials if not trial.done]


def run(
    spec: SearchSpec,
    pictures: Sequence[Picture],
    batch: int | None = None,
    progress: Progress | None = None,
    unscored: Callable[[Unscored], object] | None = None,
    first: Mapping[str, Sequence[Answer]] = MappingProxyType({}),
    places: Mapping[str, Place] = MappingProxyType({}),
    shared: Mapping[str, Shared] = MappingProxyType({}),
) -> Iterator[TrialResult]:
    """Yield the result of each picture's search as it is finished, in order.

    Parameters
    ----------
    spec : SearchSpec
        The search.
    pictures : sequence of Picture
        The clean pictures.
    batch : int, optional
        Pictures whose searches share the victim's batches; the card's unless given. It changes no
        result.
    progress : callable, optional
        See `Progress`.
    unscored : callable, optional
        Called with each picture that the victim could not score, and its reason; the result is that
        of the answers before, if any. Unless given, the first one ends all.
    first : mapping of str to sequence of Answer
        First answers that are known, by the pictures' names.
    places : mapping of str to Place
        The pictures' goals, in place of the search's, likewise.
    shared : mapping of str to Shared
        What was made for the pictures, where one change is for many, likewise.

    Raises
    ------
    InputError
        If a picture is too small for the victim; before the first query.
    VictimError, KeyboardInterrupt
        After the results of the pictures that were begun, whose outcome says so, were yielded.
    """
    batch, memory = batch_size(spec.victim, batch), None
    if is_carrying(spec.attack):
        batch, unscored = 1, None
    check_sizes(spec.victim, pictures)
    for start in range(0, len(pictures), batch):
        trials = [
            begin(
                replace(spec, goal=places.get(picture.name, spec.goal)),
                picture,
                first.get(picture.name, ()),
                shared=shared.get(picture.name),
                memory=memory,
            )
            for picture in pictures[start : start + batch]
        ]
        try:
            for answered in drive(spec.victim, trials):
                if progress is not None:
                    for trial in answered:
                        progress(trial.picture, trial.ledger.spent)
                faults = [trial.fault for trial in trials if trial.fault is not None]
                if faults and unscored is None:
                    raise faults[0]
        except (KeyboardInterrupt, VictimError) as error:
            failed = isinstance(error, VictimError)
            outcome = Outcome.VICTIM_FAILED if failed else Outcome.INTERRUPTED
            yield from (trial.result(outcome) for trial in trials if trial.ledger.answers)
            raise
        for trial in trials:
            if trial.fault is not None and unscored is not None:
                unscored(Unscored(trial.picture.name, str(trial.fault)))
        memory = trials[-1].learned()
        yield from (trial.result() for trial in trials if trial.ledger.answers)


def batch_size(victim: Victim, batch: int | None) -> int:
    """Return how many pictures' searches share a victim's batches: those given, or the card's.

    Raises
    ------
    InputError
        If that is no whole number of at least 1.
    """
    batch = victim.card.batch if batch is None else whole_number("batch", batch)
    refuse_unless(batch >= 1, "A batch is at least 1 picture", batch)
    return batch


def _ask(
    victim: Victim, requests: Sequence[tuple[Trial, Patched]]
) -> tuple[list[Reply], VictimError | KeyboardInterrupt | None]:
    """Ask the victim for the score of each change; nothing is recorded.

    Pictures of one size are scored as one batch, as large as the victim allows; of a victim that is
    asked several at once, all batches are under way together.

    Returns
    -------
    replies : list of float, VictimError or None
        In order: the answer, of a clean picture a score that fits the scale; the failure on this
        picture; None where none of both came.
    error : VictimError, KeyboardInterrupt or None
        The fault: the victim is down, or was interrupted. Every answer is there all the same, so
        that none is lost.
    """
    replies: list[Reply] = [None] * len(requests)
    card = victim.card
    by_size: dict[tuple[tuple[int, ...], bool], list[int]] = {}
    for index, (trial, change) in enumerate(requests):
        by_size.setdefault((change.base.shape, trial.session is not None), []).append(index)

    def ask(chosen: Sequence[int]) -> None:
        for place, reply in _together(victim, [requests[index] for index in chosen]):
            replies[chosen[place]] = reply

    together, calls = card.concurrency == 1, []
    for (_, kept), indices in by_size.items():
        size = len(indices) if kept and together else card.largest_batch or len(indices)
        parts = (indices[start : start + size] for start in range(0, len(indices), size))
        calls += [partial(ask, part) for part in parts]
    try:
        at_once(calls, card.concurrency)
    except (VictimError, KeyboardInterrupt) as error:
        return replies, error
    return replies, None


def _together(
    victim: Victim, requests: Sequence[tuple[Trial, Patched]]
) -> Iterator[tuple[int, float | VictimError]]:
    """Ask in one batch, and where that fails picture by picture; yield places and replies.

    Scores come first. Then, unless the victim is down, which raises a `VictimError`, what is none:
    of a clean picture a failure, since no search can begin with it, and later an answer.
    """
    try:
        answers = _answers(victim, requests)
    except VictimError as error:
        refuse_if_down(victim, error)
        if len(requests) == 1:
            yield 0, error
            return
        for place, request in enumerate(requests):
            yield from ((place, reply) for _, reply in _together(victim, [request]))
        return
    begins = [not trial.ledger.answers for trial, _ in requests]
    faults = [
        _fault(victim, answer, clean=clean) for answer, clean in zip(answers, begins, strict=True)
    ]
    yield from (each for each in enumerate(answers) if faults[each[0]] is None)
    for place, fault in enumerate(faults):
        if fault is not None:
            number = math.isfinite(answers[place])
            if number and not begins[place]:
                scored = requests[place][0].picture.pixels
                refuse_if_stuck(victim, fault, answers[place], scored)
            else:
                refuse_if_down(victim, fault, of_scale=number)
            yield place, fault if begins[place] else answers[place]


def _fault(victim: Victim, answer: float, *, clean: bool) -> VictimError | None:
    """Return what is wrong with an answer; None where it is a score, a clean one of the scale."""
    try:
        if clean:
            check_scale(victim, answer)
        refuse_unusable(victim, [answer])
    except VictimError as error:
        return error
    return None


def _answers(victim: Victim, requests: Sequence[tuple[Trial, Patched]]) -> list[float]:
    changes = [change for _, change in requests]
    session = requests[0][0].session
    if session is None:
        # The victim gets a copy: some write into their argument.
        return ask_batch(victim, np.stack([change.painted() for change in changes]))
    together = [(trial.session, change) for trial, change in requests]
    answers = as_numbers(victim, lambda: session.scores(together), changes[0].base, len(changes))
    # Of activations that are not finite no change can be told: such pictures are scored whole.
    return [
        answer if math.isfinite(answer) else ask_batch(victim, change.painted()[None])[0]
        for answer, change in zip(answers, changes, strict=True)
    ]
