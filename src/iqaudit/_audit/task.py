"""One picture of one cell: what an engine hands out, and how it is worked off.

A task says everything that a worker needs, wherever it is. Its outcome depends on nothing else: not
on the worker, on what ran before, or on how often it was stopped.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from iqaudit._audit import cell_store
from iqaudit._audit.spec import Cell
from iqaudit._core.errors import InputError
from iqaudit._core.picture import Picture
from iqaudit._runs.journal import Journal
from iqaudit._search.driver import begin, drive
from iqaudit._search.ledger import Answer
from iqaudit._search.trial import TrialResult
from iqaudit.victims._base import Victim

Keep = Callable[[Sequence[Answer]], None]
"""Called with what the victim answered, before anything else is asked."""

Progress = Callable[[int], None]
"""Called with how many queries the picture has had. A KeyboardInterrupt raised in it stops the
picture between two queries."""


@dataclass(frozen=True, eq=False)
class Task:
    """A picture of a cell.

    Parameters
    ----------
    cell : Cell
        What is run.
    noise : float
        Of a score of its victim, as it was measured at the audit's first start.
    picture : Picture
        What is attacked.
    labels : mapping
        What people said of it: `opinion`, `distortion`, `reference`.
    answers : tuple of Answer
        What the victim was asked before the run was stopped.
    """

    cell: Cell
    noise: float
    picture: Picture
    labels: Mapping[str, Any]
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Stride:
    """How far a search came at once: what was answered, and how many queries it has had by then."""

    answers: tuple[Answer, ...]
    queries: int


def search(task: Task, victim: Victim) -> Generator[Stride, None, TrialResult]:
    """Attack a task's picture, from where its answers left off.

    Parameters
    ----------
    task : Task
    victim : Victim
        The task's.

    Yields
    ------
    Stride
        First where its answers led, without an answer; then every step's.

    Raises
    ------
    InputError
        If the task's answers are those of another search.
    VictimError
        If the victim fails. What it answered was yielded.
    """
    trial = begin(task.cell.search(victim), task.picture, task.answers)
    ledger = trial.ledger
    if ledger.answers:
        yield Stride((), ledger.spent)
    for answered in drive(victim, [trial]):
        yield Stride(tuple(each.ledger.answers[-1] for each in answered), ledger.spent)
    return trial.result()


def perform(
    task: Task, victim: Victim, keep: Keep, progress: Progress | None = None
) -> TrialResult:
    """Attack a task's picture in this process; see `search`.

    Parameters
    ----------
    task : Task
    victim : Victim
        The task's.
    keep : callable
        Given every answer that is not among the task's, as soon as it is there.
    progress : callable, optional
        Told how far it is.
    """
    with closing(search(task, victim)) as strides:
        while True:
            try:
                stride = next(strides)
            except StopIteration as ended:
                result: TrialResult = ended.value
                return result
            keep(stride.answers)
            if progress is not None:
                progress(stride.queries)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what cannot be written into an `InputError` that says how to go on."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{error.filename or folder}: this cannot be written ({error.strerror or error}). "
            "What was answered is kept: mend it, and the same command goes on."
        ) from None


def work(root: Path, task: Task, victim: Victim, progress: Progress | None = None) -> None:
    """Work a task off in a directory on this machine: its answers, its files, its entry.

    Raises
    ------
    InputError
        If something cannot be written; or as `perform` does.
    VictimError
        As `perform` does.
    """
    folder, name = root / task.cell.folder, task.picture.name
    with writing(folder), Journal(cell_store.journal(folder, name)) as journal:
        if not cell_store.is_finished(folder, name):  # by a worker that outlived its run
            begun = replace(task, answers=journal.answers)
            result = perform(begun, victim, journal.keep, progress)
            cell_store.commit(folder, result, victim.card, task.labels)
        journal.remove()
