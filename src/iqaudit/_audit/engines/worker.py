"""A worker: one task at a time, with one thread, wherever it runs.

It is asked to begin a task, then to go on, again and again. Each time it searches for a while and
replies. So nobody has to stop it: where nothing more is asked of it, it rests.
"""

import time
import traceback
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from iqaudit._audit.task import Ended, Stride, Task, work
from iqaudit._core.errors import InputError, VictimError
from iqaudit._core.process import keep_freed_memory
from iqaudit._core.threads import one_thread
from iqaudit._search.ledger import Answer
from iqaudit.victims._spec import Victims

STRIDE = 0.5
"""Seconds between two replies of a worker."""

Files = Mapping[str, bytes]
"""Contents by path, as `iqaudit._audit.cell_store.packed` returns them."""


@dataclass(frozen=True)
class Reply:
    """The message of a worker: the first, without a task, when it is up; then one a request.

    Parameters
    ----------
    node : str
        The name of its machine; empty where it is the driver's.
    note : str
        A sentence that readers of the results must know.
    answers : mapping
        Those that came since its last reply, by the pictures' names.
    recalled : mapping
        The number that each picture had when it was taken up, by its cell's folder and its name.
    queries : mapping
        The number that each has had by now, likewise.
    finished : tuple of Ended
        The pictures whose searches are at their end.
    files : tuple of mapping
        Theirs, a picture's each, where it is the driver that writes.
    ended : bool
        Whether nothing is left of the task, or nothing can be done about it.
    error : Exception, optional
        The reason why the task cannot be finished.
    """

    node: str = ""
    note: str = ""
    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    recalled: Mapping[tuple[str, str], int] = field(default_factory=dict)
    queries: Mapping[tuple[str, str], int] = field(default_factory=dict)
    finished: tuple[Ended, ...] = ()
    files: tuple[Files, ...] = ()
    ended: bool = False
    error: Exception | None = None


class Worker:
    """A worker on the driver's machine, which writes to the audit's directory itself.

    Parameters
    ----------
    root : Path
        The audit's directory.
    """

    _folder: str
    _strides: Generator[tuple[Stride, tuple[Files, ...]]]

    def __init__(self, root: Path) -> None:
        keep_freed_memory()
        self._threads = ExitStack()
        self._threads.enter_context(one_thread())
        self._root, self._victims, self._about = root, Victims(), Reply()

    def about(self) -> Reply:
        """Return the first message."""
        return self._about

    def begin(self, task: Task) -> Reply:
        """Begin a task, or take it up from its answers."""
        self._folder = task.cell.folder
        members = (replace(each, picture=replace(each.picture)) for each in task.members)
        self._strides = self._search(replace(task, members=tuple(members)))  # read-only again
        return self.go_on()

    def go_on(self) -> Reply:
        """Search on for a while."""
        answers: dict[str, tuple[Answer, ...]] = {}
        recalled: dict[tuple[str, str], int] = {}
        queries: dict[tuple[str, str], int] = {}
        finished: list[Ended] = []
        files: list[Files] = []
        end: dict[str, Any] = {}
        until = time.monotonic() + STRIDE
        try:
            while time.monotonic() < until:
                stride, written = next(self._strides)
                for name, new in stride.answers.items():
                    answers[name] = answers.get(name, ()) + new
                for name, count in stride.queries.items():
                    had = queries if name in stride.answers else recalled
                    had[self._folder, name] = count
                finished += stride.ended(self._folder)
                files += written
        except StopIteration:
            end = {"ended": True}
        except Exception as error:  # noqa: BLE001 (whatever it is, the driver raises it)
            end = {"error": _sendable(error), "ended": True}
        return replace(
            self._about,
            answers=answers,
            recalled=recalled,
            queries=queries,
            finished=tuple(finished),
            files=tuple(files),
            **end,
        )

    def close(self) -> None:
        """Stop the search that was begun."""
        if hasattr(self, "_strides"):
            self._strides.close()

    def _search(self, task: Task) -> Generator[tuple[Stride, tuple[Files, ...]]]:
        """Work a task off; yield its strides, with the files that are left to the driver."""
        victim = self._victims.get(task.cell.victim, task.noise, task.scale)
        for stride in work(self._root, task, victim):
            yield stride, ()


def _sendable(error: Exception) -> Exception:
    """Return an error of ours as it can be sent; of another, its text."""
    if isinstance(error, InputError | VictimError):
        return type(error)(str(error))
    return RuntimeError(f"a worker failed:\n{''.join(traceback.format_exception(error))}")
