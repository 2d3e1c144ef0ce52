"""Tasks: pictures of one cell, as an engine hands them out, and their execution.

A task holds everything that a worker needs, wherever it is. Its outcome depends on nothing else:
not on the worker, the tasks before it, or the number of stops.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from iqaudit._audit import cell_store
from iqaudit._audit.ranks import refuse_unscored
from iqaudit._audit.spec import Cell
from iqaudit._core.goal import Place
from iqaudit._core.picture import Picture
from iqaudit._core.scale import Scale
from iqaudit._runs.journal import Journal
from iqaudit._runs.records import FLAT
from iqaudit._runs.store import writing
from iqaudit._search.driver import SearchSpec, begin, drive
from iqaudit._search.ledger import Answer
from iqaudit._search.trial import Shared, Trial, TrialResult
from iqaudit.attacks._base import is_carrying
from iqaudit.victims._base import Victim


@dataclass(frozen=True, eq=False)
class Member:
    """A picture of a task.

    Parameters
    ----------
    picture : Picture
        The clean picture.
    labels : mapping
        Its opinion score, distortion and reference.
    answers : tuple of Answer
        The victim's before the audit was stopped.
    lost : bool
        Whether some of them are lost.
    first : tuple of Answer
        The first answers, where they were asked before the searches.
    place : Place, optional
        Its goal, in place of the cell's, where an order is to be broken.
    shared : Shared, optional
        What was made for it, where one change is for many pictures.
    done : bool
        Whether its search is at its end: it is there for what the attack learned on it.
    """

    picture: Picture
    labels: Mapping[str, Any]
    answers: tuple[Answer, ...] = ()
    lost: bool = False
    first: tuple[Answer, ...] = ()
    place: Place | None = None
    shared: Shared | None = None
    done: bool = False


@dataclass(frozen=True, eq=False)
class Task:
    """Pictures of one cell whose searches share the victim's batches; one, where none is shared.

    Of an attack that carries on what it learned, all of a cell, which are searched one after the
    other.

    Parameters
    ----------
    cell : Cell
        The run.
    noise : float
        Of a score of its victim, as it was measured at the audit's first start.
    scale : Scale
        Its victim's, as the audit settled on it.
    members : tuple of Member
        The pictures.
    """

    cell: Cell
    noise: float
    scale: Scale
    members: tuple[Member, ...]

    @property
    def key(self) -> tuple[str, str]:
        """The cell's folder and the first picture's name, which no other task of an audit has."""
        return self.cell.folder, self.members[0].picture.name

    @property
    def carries(self) -> bool:
        """Whether what was learned on a picture is carried to the next."""
        return is_carrying(self.cell.attack.attack)


class Ended(NamedTuple):
    """The end of a picture's search: its cell's folder, its name, and why it could not be scored.

    The reason is empty where its search came to its end: its files and its entry are there.
    """

    folder: str
    name: str
    reason: str = ""


class Fault(NamedTuple):
    """The failure of a picture's search: the reason, and the result of the answers before it."""

    reason: str
    result: TrialResult | None


@dataclass(frozen=True)
class Stride:
    """A step of a task's searches.

    Parameters
    ----------
    answers : mapping
        The answers that came, by the pictures' names.
    queries : mapping
        The number that each of those pictures has had by now.
    finished : mapping
        The results of the pictures that are at their end with it; None where another worker,
        which outlived its run, has written one.
    unscored : mapping
        The failures of the pictures that the victim could not score in it.
    trials : sequence of Trial
        All searches of the task.
    """

    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    queries: Mapping[str, int] = field(default_factory=dict)
    finished: Mapping[str, TrialResult | None] = field(default_factory=dict)
    unscored: Mapping[str, Fault] = field(default_factory=dict)
    trials: Sequence[Trial] = ()

    def ended(self, folder: str) -> Iterator[Ended]:
        """Yield the pictures of a cell's folder that are at their end with it."""
        yield from (Ended(folder, name) for name in self.finished)
        yield from (Ended(folder, name, fault.reason) for name, fault in self.unscored.items())


def search(task: Task, victim: Victim) -> Generator[Stride]:
    """Search a task's pictures, from where their answers left off.

    Parameters
    ----------
    task : Task
    victim : Victim
        The task's.

    Yields
    ------
    Stride
        First where the answers led, without an answer; then every step's, whose answers can be kept
        before anything else is asked.

    Raises
    ------
    InputError
        If the task's answers are those of another search.
    UnscorableError
        If what was learned on a picture is carried to the next, and one cannot be scored.
    VictimError
        If the victim is down. Its answers were yielded.
    """
    spec = task.cell.search(victim)
    if not task.carries:
        yield from _side_by_side(spec, task.members)
        return
    memory: Any = None
    for member in task.members:
        if member.done:
            memory = learned_again(spec, member.picture, member.answers, memory)
            continue
        trials: Sequence[Trial] = ()
        for stride in _side_by_side(spec, [member], memory):
            trials = stride.trials
            yield stride
        for trial in trials:
            refuse_unscored(trial, "An attack that carries on what it learned")
            memory = trial.learned()


def learned_again(
    spec: SearchSpec, picture: Picture, answers: Iterable[Answer], memory: object
) -> object:
    """Return what an attack knows after a picture that is finished, from its answers."""
    trial = begin(spec, picture, answers, memory=memory)
    trial.close()
    return trial.learned()


def _side_by_side(
    spec: SearchSpec, members: Sequence[Member], memory: object = None
) -> Generator[Stride]:
    """Search pictures whose searches share the victim's batches; see `search`."""
    with ExitStack() as stack:
        trials = []
        for member in members:
            own = replace(spec, goal=member.place or spec.goal)
            answers, shared = member.answers, member.shared
            trial = begin(
                own, member.picture, answers, lost=member.lost, shared=shared, memory=memory
            )
            trials.append(trial)
            stack.callback(trial.close)
        known, failed = [trial for trial in trials if trial.ledger.answers], _failed(trials)
        ended = _ended(trials)
        yield Stride(
            queries={trial.picture.name: trial.ledger.spent for trial in known},
            finished={trial.picture.name: trial.result() for trial in ended},
            unscored=failed,
            trials=trials,
        )
        # The last may end by what was kept.
        for answered in chain(drive(spec.victim, trials), [[]]):
            before, failed = failed, _failed(trials)
            earlier, ended = ended, _ended(trials)
            yield Stride(
                {trial.picture.name: (trial.last,) for trial in answered},
                {trial.picture.name: trial.ledger.spent for trial in answered},
                {trial.picture.name: trial.result() for trial in ended if trial not in earlier},
                {name: fault for name, fault in failed.items() if name not in before},
                trials,
            )


def _ended(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that came to the end that was planned."""
    return [trial for trial in trials if trial.end is not None and trial.end.finished]


def _failed(trials: Sequence[Trial]) -> dict[str, Fault]:
    return {
        trial.picture.name: Fault(
            str(trial.fault), trial.result() if trial.ledger.answers else None
        )
        for trial in trials
        if trial.fault is not None
    }


def taken_up(
    folder: Path, task: Task, stack: ExitStack
) -> tuple[Task, dict[str, Journal[Answer]], list[str]]:
    """Open the journals of a task's pictures in its cell's directory.

    Returns
    -------
    rest : Task
        What is left of it, with the answers that were kept.
    journals : dict of str to Journal
        By the pictures' names; `stack` closes them.
    written : list of str
        The pictures that a worker which outlived its run has finished.
    """
    journals, members, written = {}, [], []
    for member in task.members:
        name = member.picture.name
        if member.done:
            members.append(_finished(folder, member))
            continue
        journals[name] = journal = stack.enter_context(Journal(cell_store.journal(folder, name)))
        if cell_store.is_finished(folder, name):
            journal.remove()
            written.append(name)
            if task.carries:
                members.append(_finished(folder, member))
        else:
            lost, others = cell_store.lost(folder, name, journal)
            answers = (*journal.answers, *others)
            if not answers:
                answers = member.first
                journal.keep(answers)
            members.append(replace(member, answers=answers, lost=lost))
    return replace(task, members=tuple(members)), journals, written


def _finished(folder: Path, member: Member) -> Member:
    """Return a picture whose search is at its end, with all its answers."""
    return replace(member, answers=cell_store.answers(folder, member.picture.name), done=True)


def work(root: Path, task: Task, victim: Victim) -> Generator[Stride]:
    """Work a task off in a directory on this machine: its answers, its files, its entries.

    Yields
    ------
    Stride
        Its answers are in the pictures' journals, its results in files. So a task that is closed
        between two strides loses nothing. Of a picture whose search ends with a failure, and of
        all that are under way in a flat audit that is closed, the best until then are in files as
        well, as `iqaudit._audit.cell_store.stop` reads them.

    Raises
    ------
    InputError
        If something cannot be written; or as `search` does.
    VictimError
        As `search` does.
    """
    folder = root / task.cell.folder
    with writing(folder), ExitStack() as stack:
        rest, journals, written = taken_up(folder, task, stack)
        if written:
            yield Stride(finished=dict.fromkeys(written))
        labels = {member.picture.name: member.labels for member in rest.members}
        trials: Sequence[Trial] = ()
        try:
            for stride in search(rest, victim):
                trials = stride.trials
                for name, answers in stride.answers.items():
                    journals[name].keep(answers)
                for name, result in stride.finished.items():
                    assert result is not None  # noqa: S101 (it was searched here)
                    cell_store.commit(folder, result, victim.card, labels[name])
                    journals[name].remove()
                for name, fault in stride.unscored.items():
                    if fault.result is not None:
                        cell_store.keep(folder, fault.result, victim.card, labels[name])
                yield stride
        except BaseException:  # the end of the generator, before that of its searches, is one
            with suppress(OSError):  # the answers are kept, whatever becomes of this
                for trial in trials if task.cell.folder == FLAT else ():
                    name = trial.picture.name
                    if trial.ledger.answers and not cell_store.is_finished(folder, name):
                        cell_store.keep(folder, trial.result(), victim.card, labels[name])
            raise
