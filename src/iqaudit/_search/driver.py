"""Many trials: one attack on every picture."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from functools import partial
from typing import Any

from iqaudit._core.errors import InputError, Interrupted, VictimError, whole_number
from iqaudit._core.goal import Goal
from iqaudit._core.picture import Picture, Source, collect
from iqaudit._core.threat import Linf
from iqaudit._search.ledger import ask, check_budget
from iqaudit._search.trial import NEVER, Outcome, Stop, Trial, TrialResult
from iqaudit.attacks import Attack, is_white_box, named
from iqaudit.victims._base import Victim, gradient_of, open_session
from iqaudit.victims._registry import as_victim
from iqaudit.victims._scoring import slope

DEFAULT_THREAT = Linf()

Progress = Callable[[Picture, int], None]
"""Called after every score with the picture and how many queries it has had. A KeyboardInterrupt
raised in it stops the run between two queries."""


@dataclass(frozen=True)
class Plan:
    """Everything that decides an audit's outcome but the pictures; checked when made.

    Parameters
    ----------
    victim : Victim
        Who is asked.
    attack : Attack
        Who proposes.
    threat : Linf
        What is allowed.
    goal : Goal
        What is wanted.
    queries : int
        The budget a picture, the clean score's included; at least what two scores cost.
    seed : int
        Of every random number.
    batch : int
        Pictures whose searches share the victim's batches; changes no result.
    stop : Stop
        When a picture's search ends before its budget is spent.

    Raises
    ------
    InputError
        If a number cannot be used, or the attack needs a gradient that the victim has not.
    """

    victim: Victim
    attack: Attack[Any]
    threat: Linf = DEFAULT_THREAT
    goal: Goal = Goal.BIDIRECTIONAL
    queries: int = 500
    seed: int = 0
    batch: int = 1
    stop: Stop = NEVER

    def __post_init__(self) -> None:
        if not isinstance(self.victim, Victim):
            raise InputError(f"A plan's victim is a Victim, not {self.victim!r}; see as_victim.")
        if not is_dataclass(self.attack) or isinstance(self.attack, type):
            raise InputError(
                f"An attack is a value, as iqaudit.attacks.Bidirectional(), not {self.attack!r}."
            )
        if not isinstance(self.threat, Linf):
            raise InputError(
                f"A threat is a value, as iqaudit.Linf(levels=3), not {self.threat!r}."
            )
        object.__setattr__(self, "goal", _goal(self.goal))
        for name in ("queries", "seed", "batch"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name)))
        check_budget(self.queries, self.victim.card.cost)
        if is_white_box(self.attack) and gradient_of(self.victim) is None:
            raise InputError(
                f"{type(self.attack).__name__} follows the victim's gradient and needs one that is "
                f'a torch module, asked without --repeats; "{self.victim.card.name}" answers '
                "scores alone."
            )
        if self.batch < 1:
            raise InputError(f"A batch is at least 1 picture, not {self.batch}.")


def run(
    plan: Plan, pictures: "Sequence[Source] | Source", progress: Progress | None = None
) -> Iterator[TrialResult]:
    """Yield each picture's result as it is finished, in order.

    Pictures are named as `iqaudit.collect` names them.

    Raises
    ------
    InputError
        If a picture is too small for the victim; before the first query.
    VictimError, KeyboardInterrupt
        After the results of the pictures that were begun, whose outcome says so, were yielded.
    """
    collected = collect(pictures)
    check_sizes(plan.victim, collected)
    for start in range(0, len(collected), plan.batch):
        trials = [begin(plan, picture) for picture in collected[start : start + plan.batch]]
        try:
            while running := [trial for trial in trials if not trial.done]:
                step(plan.victim, running, progress)
            for trial in trials:
                trial.close()
        except (KeyboardInterrupt, VictimError) as error:
            failed = isinstance(error, VictimError)
            outcome = Outcome.VICTIM_FAILED if failed else Outcome.INTERRUPTED
            for trial in trials:
                if trial.oracle.scores:
                    yield trial.result(outcome)
            raise
        yield from (trial.result() for trial in trials)


def attack(
    pictures: "Sequence[Source] | Source",
    victim: Any,
    *,
    attack: Attack[Any] | str = "bidirectional",
    threat: Linf = DEFAULT_THREAT,
    goal: Goal | str = Goal.BIDIRECTIONAL,
    queries: int = 500,
    seed: int = 0,
    batch: int = 1,
    early_stop: float | None = None,
    until_plateau: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> tuple[TrialResult, ...]:
    """Push the scores that a victim gives to pictures as far as a threat and a budget allow.

    Parameters
    ----------
    pictures : path, uint8 array (height, width, 3), Picture, or a sequence of them
        Of any sizes; a folder stands for the pictures in it.
    victim : str, Victim, torch.nn.Module or callable
        A name, as ``"reference"``; or a module from (n, 3, h, w) in [0, 1], or a function from
        uint8 (n, h, w, 3), to n scores.
    attack : Attack or str
        A value as ``iqaudit.attacks.Bidirectional()``, or a name.
    threat : Linf
        What is allowed; three levels of 255 unless given.
    goal : {"bidirectional", "raise", "lower"} or Goal
        Which way each score is pushed.
    queries : int
        The budget a picture: scores asked of the victim, the clean one included; at least 2.
        With `repeats`, answers.
    seed : int
        The same seed gives the same bytes, whatever the batch and the order of pictures.
    batch : int
        Pictures whose searches share the victim's batches; changes no result.
    early_stop : float, optional
        An RGO in (0, 1] at which a picture's search ends.
    until_plateau : int, optional
        Queries without a better picture after which its search ends.
    progress : callable, optional
        Called after every score with the picture and how many queries it has had.
    **options
        What makes the victim, as `iqaudit.victims.as_victim` takes it: for a module or a function
        ``score_range=(low, high)`` and ``lower_is_better=True``; for one that answers at random
        ``repeats=5``, so that a score is the mean of five answers.

    Returns
    -------
    tuple of TrialResult
        One for each picture, in order.

    Raises
    ------
    InputError
        If something given cannot be used; before the first query.
    VictimError
        If the victim fails; its ``results`` hold what was found until then.
    Interrupted
        On Ctrl-C, likewise.

    Examples
    --------
    >>> import iqaudit
    >>> from skimage import data
    >>> [result] = iqaudit.attack(data.astronaut(), "reference", queries=2)
    >>> result.queries
    2
    """
    plan = Plan(
        victim=as_victim(victim, **options),
        attack=named(attack) if isinstance(attack, str) else attack,
        threat=threat,
        goal=goal,  # type: ignore[arg-type]  # the plan takes the name as well
        queries=queries,
        seed=seed,
        batch=batch,
        stop=Stop(early_stop, until_plateau),
    )
    results: list[TrialResult] = []
    try:
        for result in run(plan, pictures, progress):
            results.append(result)  # noqa: PERF402 (extend promises nothing on an error)
    except VictimError as error:
        error.results = tuple(results)
        raise
    except KeyboardInterrupt:
        raise Interrupted(tuple(results)) from None
    return tuple(results)


def check_sizes(victim: Victim, pictures: Sequence[Picture]) -> None:
    """Raise an `InputError` where a picture is too small or too large for the victim."""
    card = victim.card
    for picture in pictures:
        size = f"{picture.name}: {picture.width} x {picture.height} pixels"
        if card.largest_side is not None and max(picture.height, picture.width) > card.largest_side:
            raise InputError(
                f'{size}; the victim "{card.name}" takes at most {card.largest_side} a side.'
            )
        if min(picture.height, picture.width) < card.smallest_side:
            raise InputError(
                f'{size}; the victim "{card.name}" needs at least {card.smallest_side} a side.'
            )


def begin(plan: Plan, picture: Picture) -> Trial:
    """Return a trial of a plan, for `step` to take further.

    Close it once it is done.
    """
    card = plan.victim.card
    scores = plan.queries // card.cost
    session = open_session(plan.victim, picture.height, picture.width, scores)
    white_box = partial(slope, plan.victim) if is_white_box(plan.attack) else None
    return Trial(
        picture,
        card,
        plan.attack,
        plan.threat,
        plan.goal,
        plan.queries,
        plan.seed,
        session,
        plan.stop,
        white_box,
    )


def step(victim: Victim, trials: Sequence[Trial], progress: Progress | None = None) -> None:
    """Score a proposal of every trial; tell all before anything may stop the run."""
    asked = [trial.ask(1) for trial in trials]
    requests = [
        (trial.oracle, change)
        for trial, changes in zip(trials, asked, strict=True)
        for change in changes
    ]
    answers, error = ask(victim, requests)
    found = iter(answers)
    before = [trial.oracle.spent for trial in trials]
    for trial, changes in zip(trials, asked, strict=True):
        trial.tell([next(found) for _ in changes])
    if error is not None:
        raise error
    if progress is not None:
        for trial, spent in zip(trials, before, strict=True):
            cost = trial.oracle.cost
            for query in range(spent + cost, trial.oracle.spent + 1, cost):
                progress(trial.picture, query)


def _goal(goal: Goal | str) -> Goal:
    try:
        return Goal(goal)
    except ValueError:
        known = ", ".join(member.value for member in Goal)
        raise InputError(f"A goal is one of {known}, not {goal!r}.") from None
