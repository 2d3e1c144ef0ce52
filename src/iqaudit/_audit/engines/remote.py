"""A worker on a node of a cluster: what runs there. It writes nothing, and keeps nothing.

Its driver asks it to go on for a while, again and again, and keeps what it answers. So what a dead
node takes along is what was answered since; a driver that has gone is not worked for; and nobody
but the driver needs a disk.
"""

import os
import platform
import time
import traceback
from collections.abc import Generator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from iqaudit._audit import cell_store, manifest
from iqaudit._audit.spec import Cell
from iqaudit._audit.task import Stride, Task, search
from iqaudit._core.errors import InputError, VictimError
from iqaudit._core.process import keep_freed_memory
from iqaudit._core.threads import one_thread
from iqaudit._runs.records import AuditRecord
from iqaudit._runs.store import versions
from iqaudit._search.trial import Answer, TrialResult
from iqaudit.victims._base import Victim
from iqaudit.victims._fingerprint import fingerprint
from iqaudit.victims._spec import Victims, VictimSpec

STRIDE = 0.5
"""Seconds after which a worker says what was answered."""


@dataclass(frozen=True)
class Node:
    """Where a worker is, and the versions of what results depend on there."""

    name: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Said:
    """What a worker says of its picture.

    Parameters
    ----------
    answers : tuple of Answer
        What the victim answered since it last said something.
    queries : int
        How many the picture has had.
    exact : bool
        Whether the victim here scores two fixed pictures just as the audit's did.
    files : dict, optional
        Of a finished picture: what `iqaudit._audit.cell_store.packed` returned.
    error : Exception, optional
        Why the picture cannot be finished.
    """

    answers: tuple[Answer, ...]
    queries: int
    exact: bool = True
    files: dict[str, bytes] | None = None
    error: Exception | None = None


class Worker:
    """Works on one picture at a time, with one thread.

    Parameters
    ----------
    root : Path
        The audit's directory on the driver's disk, for sentences alone.
    held : AuditRecord
        Its manifest.
    folder : str
        Where the driver looks up paths; this node's own where it is not there.
    """

    def __init__(self, root: Path, held: AuditRecord, folder: str) -> None:
        with suppress(OSError):
            os.chdir(folder)
        keep_freed_memory()
        self._root, self._held = root, held
        self._victims = Victims()
        self._known: list[tuple[VictimSpec, bool]] = []
        self._search: Generator[Stride, None, TrialResult] | None = None
        self._threads = ExitStack()
        self._threads.enter_context(one_thread())

    def about(self) -> Node:
        """Return where it is."""
        return Node(platform.node(), {**versions(), "python": platform.python_version()})

    def begin(self, task: Task) -> Said:
        """Begin a picture, or take it up from the task's answers."""
        self._task = replace(task, picture=replace(task.picture))  # read-only again
        self._queries = 0
        try:
            self._victim = self._victims.get(task.cell.victim, task.noise)
            self._exact = self._is_the_audits(task.cell, self._victim)
            self._search = search(self._task, self._victim)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is told)
            return Said((), 0, error=_told(error))
        return self.go_on()

    def go_on(self) -> Said:
        """Work on for a while; return what came of it."""
        assert self._search is not None  # noqa: S101 (a picture is begun before)
        answers: list[Answer] = []
        files, told = None, None
        until = time.monotonic() + STRIDE
        try:
            while time.monotonic() < until:
                stride = next(self._search)
                answers += stride.answers
                self._queries = stride.queries
        except StopIteration as ended:
            files = cell_store.packed(ended.value, self._victim.card, self._task.labels)
        except Exception as error:  # noqa: BLE001
            told = _told(error)
        return Said(tuple(answers), self._queries, self._exact, files, told)

    def _is_the_audits(self, cell: Cell, victim: Victim) -> bool:
        """Whether a victim scores as the audit's, to the last bit.

        Raises
        ------
        InputError
            If it is another: a file may differ from node to node.
        """
        for known, exact in self._known:
            if known == cell.victim:
                return exact
        then = manifest.victim_in(self._held, cell.folder)
        scores = fingerprint(victim)
        exact = manifest.refuse_other_victim(
            self._root, then, victim.card, scores, "Its files, or its packages, differ there."
        )
        self._known.append((cell.victim, exact))
        return exact


def _told(error: Exception) -> Exception:
    """Return an error as it can be sent: one of ours, or the text of another."""
    if isinstance(error, InputError | VictimError):
        return type(error)(str(error))
    return RuntimeError(f"a worker failed:\n{''.join(traceback.format_exception(error))}")
