"""Engines: functions that work an audit's tasks off. This is their contract.

An engine is called as ``engine(root, tasks, observer, workers, victims)``: the audit's directory,
its tasks (made as they are drawn, so draw no more than are worked on), the observer, the number of
tasks that may be worked on at once, and the victims that this process has made.

- It yields an `Ended` when a picture's files and entry are there, and one with the reason when the
  victim could not score it.
- It keeps every answer in the picture's journal before the next is asked, whatever happens; on a
  cluster, within half a second, so what is lost with a node is asked again.
- It stops between two queries, with a KeyboardInterrupt, within half a second and a query of
  ``observer.stopping``.
- It computes with one thread a picture, so that no result depends on the engine or its workers.

`serial` does so in this process. `processes` and `ray` are one pool (`pool`) of one kind of worker
(`worker`), with a transport each (`processes`, `actors`); `cluster` joins the cluster.
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

from iqaudit._audit.engines.cluster import ray
from iqaudit._audit.engines.processes import processes
from iqaudit._audit.observer import Observer
from iqaudit._audit.task import Ended, Task, work
from iqaudit._core.errors import unknown
from iqaudit.victims._spec import Victims

Engine = Callable[[Path, Iterable[Task], Observer, int | None, Victims], Generator[Ended]]


def serial(
    root: Path, tasks: Iterable[Task], observer: Observer, _workers: int | None, victims: Victims
) -> Generator[Ended]:
    """Work tasks off one after the other, in this process."""
    for task in tasks:
        if observer.stopping:
            raise KeyboardInterrupt
        victim = victims.get(task.cell.victim, task.noise, task.scale)
        with closing(work(root, task, victim)) as strides:
            for stride in strides:
                for name, queries in stride.queries.items():
                    tell = observer.answered if name in stride.answers else observer.recalled
                    tell(task.cell.folder, name, queries)
                yield from stride.ended(task.cell.folder)
                if observer.stopping:
                    raise KeyboardInterrupt


def named(name: str) -> Engine:
    """Return an engine.

    Raises
    ------
    InputError
        If there is no such engine, or a package that it needs is missing.
    """
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    return ENGINES[name]()


ENGINES: MappingProxyType[str, Callable[[], Engine]] = MappingProxyType(
    {"serial": lambda: serial, "processes": lambda: processes, "ray": ray}
)
"""The makers of the engines, by name."""
