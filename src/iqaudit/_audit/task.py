"""One picture of one cell: what an engine hands out, and how it is worked off.

A task says everything that a worker needs, wherever it is. Its outcome depends on nothing else: not
on the worker, on what ran before, or on how often it was stopped.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from iqaudit._audit import cell_store
from iqaudit._audit.spec import Cell
from iqaudit._core.errors import InputError
from iqaudit._core.picture import Picture
from iqaudit._runs.journal import Journal
from iqaudit._search import driver
from iqaudit._search.trial import Answer, TrialResult
from iqaudit.victims._base import Victim
from iqaudit.victims._scoring import check_scale

Keep = Callable[[tuple[Answer, ...]], None]


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

    @property
    def key(self) -> tuple[str, str]:
        """The cell's folder and the picture's name, which no other task of an audit has."""
        return self.cell.folder, self.picture.name


@dataclass(frozen=True)
class Stride:
    """How far a search came at once: what was answered, and how many queries it has had by then."""

    answers: tuple[Answer, ...]
    queries: int


def search(
    task: Task, victim: Victim, keep: Keep = lambda _: None
) -> Generator[Stride, None, TrialResult]:
    """Attack a task's picture, from where its answers left off.

    Parameters
    ----------
    task : Task
    victim : Victim
        The task's.
    keep : callable, optional
        Called with each stride's answers before anything else is asked.

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
    trial = driver.begin(task.cell.plan(victim), task.picture)
    with closing(trial):
        trial.recall(task.answers)
        oracle = trial.oracle
        if oracle.scores:
            check_scale(victim, oracle.scores[0])  # a search that ended there ends there again
            yield Stride((), oracle.spent)
        while not trial.done:
            known, error = len(oracle.scores), None
            try:
                driver.step(victim, [trial])
            except BaseException as raised:  # noqa: BLE001 (raised below)
                error = raised
            answers = tuple(map(Answer, oracle.scores[known:], oracle.asked[known:]))
            keep(answers)
            yield Stride(answers, oracle.spent)
            if error is not None:
                raise error
    return trial.result()


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


def work(root: Path, task: Task, victim: Victim) -> Generator[Stride]:
    """Work a task off in a directory on this machine: its answers, its files, its entry.

    Yields
    ------
    Stride
        Its answers are in the picture's journal. So a search that is closed between two strides
        loses nothing.

    Raises
    ------
    InputError
        If something cannot be written; or as `search` does.
    VictimError
        As `search` does.
    """
    folder, name = root / task.cell.folder, task.picture.name
    with writing(folder), Journal(cell_store.journal(folder, name)) as journal:
        if not cell_store.is_finished(folder, name):  # by a worker that outlived its run
            begun = replace(task, answers=journal.answers)
            result = yield from search(begun, victim, journal.keep)
            cell_store.commit(folder, result, victim.card, task.labels)
        journal.remove()
