"""Engines: how an audit's tasks are worked off. One function each, and this is the contract.

An engine is called as ``engine(root, tasks, watch, workers, victims)``: the audit's directory, its
tasks (made as they are drawn, so draw no more than are worked on), who is told of them, how many
may be worked on at once, and the victims that this process has made.

- It yields (cell's folder, picture's name) when a picture's files and entry are there.
- It keeps every answer in the picture's journal before the next is asked, whatever happens; on a
  cluster, within half a second, so what is lost with a node is asked again.
- It stops between two queries, with a KeyboardInterrupt, soon after ``watch.stopping`` is true.
- It computes with one thread a picture, so that no result depends on the engine or its workers.
"""

from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from types import MappingProxyType

from iqaudit._audit.engines.cluster import ray
from iqaudit._audit.engines.processes import processes
from iqaudit._audit.observer import Watch
from iqaudit._audit.task import Task, work
from iqaudit._core.errors import unknown
from iqaudit.victims._spec import Victims

Engine = Callable[[Path, Iterable[Task], Watch, int | None, Victims], Generator[tuple[str, str]]]


def serial(
    root: Path, tasks: Iterable[Task], watch: Watch, _workers: int | None, victims: Victims
) -> Generator[tuple[str, str]]:
    """Work tasks off one after the other, in this process."""
    for task in tasks:
        cell, name = task.cell, task.picture.name

        def progress(queries: int, folder: str = cell.folder, name: str = name) -> None:
            watch.answered(folder, name, queries)
            if watch.stopping:
                raise KeyboardInterrupt

        if watch.stopping:
            raise KeyboardInterrupt
        work(root, task, victims.get(cell.victim, task.noise), progress)
        yield cell.folder, name


def named(name: str) -> Engine:
    """Return an engine.

    Raises
    ------
    InputError
        If there is no such engine, or what it needs is not there.
    """
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    return ENGINES[name]()


ENGINES: MappingProxyType[str, Callable[[], Engine]] = MappingProxyType(
    {"serial": lambda: serial, "processes": lambda: processes, "ray": ray}
)
"""What makes every engine, by its name."""
