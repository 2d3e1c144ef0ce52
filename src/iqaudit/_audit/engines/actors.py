"""Workers on a Ray cluster, and the driver's channels to them.

A worker there has no disk in common with the driver, and keeps nothing: each reply holds the
answers since the last, and with a picture's end its files, and the driver writes both. So all that
a dead node takes along are the answers since its last reply, and nobody works for a driver that has
gone.
"""

import os
import platform
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from iqaudit._audit import cell_store, manifest
from iqaudit._audit.engines.pool import Channel, WorkerDiedError
from iqaudit._audit.engines.worker import Files, Reply, Worker
from iqaudit._audit.observer import Observer
from iqaudit._audit.task import Ended, Stride, Task, search, taken_up
from iqaudit._core.errors import InputError
from iqaudit._runs.journal import Journal
from iqaudit._runs.records import AuditRecord, AuditVictim
from iqaudit._runs.store import versions, writing
from iqaudit._search.ledger import Answer
from iqaudit.victims._base import Victim
from iqaudit.victims._fingerprint import fingerprint
from iqaudit.victims._spec import VictimSpec

PATIENCE = 20.0
"""Seconds without a worker until the observer is told."""


class RemoteWorker(Worker):
    """A worker on a node, which writes nothing, and refuses other packages and victims.

    Parameters
    ----------
    root : Path
        The audit's directory on the driver's disk, for sentences alone.
    record : AuditRecord
        Its manifest.
    folder : str
        Where the driver looks up paths; this node's own where it is not there.
    """

    def __init__(self, root: Path, record: AuditRecord, folder: str) -> None:
        with suppress(OSError):
            os.chdir(folder)
        sys.argv = sys.argv[:1]  # Ray's, which is none of a victim's
        super().__init__(root)
        self._record, self._compared = record, list[VictimSpec]()
        self._about = Reply(node=platform.node())

    def about(self) -> Reply:
        """Return the first message, which refuses the node where its packages are others."""
        here = {**versions(), "python": platform.python_version()}
        for package in here | dict(self._record.versions):
            version = self._record.versions.get(package)
            if here.get(package) != version:
                error = InputError(
                    f"{package} is {here.get(package) or 'missing'}; the audit was begun with "
                    f"{version or 'none'}: have that there."
                )
                return replace(self._about, error=error)
        return self._about

    def _search(self, task: Task) -> Generator[tuple[Stride, tuple[Files, ...]]]:
        victim = self._victims.get(task.cell.victim, task.noise, task.scale)
        if task.cell.victim not in self._compared:
            [cell] = [each for each in self._record.cells if each.folder == task.cell.folder]
            self._compare(self._record.victim_of(cell), victim)
            self._compared.append(task.cell.victim)
        labels = {member.picture.name: member.labels for member in task.members}
        for stride in search(task, victim):
            ends = (
                *((name, result, cell_store.commit) for name, result in stride.finished.items()),
                *((name, each.result, cell_store.keep) for name, each in stride.unscored.items()),
            )
            yield (
                stride,
                tuple(
                    cell_store.packed(write, result, victim.card, labels[name])
                    for name, result, write in ends
                    if result is not None
                ),
            )

    def _compare(self, then: AuditVictim, victim: Victim) -> None:
        """Raise an `InputError` where a victim is not the audit's: files differ between nodes."""
        mend = "Its files, or its packages, differ there."
        scores = fingerprint(victim, then.fingerprint_edition)
        if not manifest.refuse_other_victim(self._root, then, victim.card, scores, mend):
            note = (
                f"The node {self._about.node}: a victim's scores differ from the audit's in their "
                "last digits, as on another processor; so may what is computed there."
            )
            self._about = replace(self._about, note=note)


class Actors:
    """The transport: Ray's actors.

    Parameters
    ----------
    ray : module
        Ray, which has joined a cluster.
    root : Path
        The audit's directory.
    record : AuditRecord
        Its manifest.
    observer : Observer
    needs : mapping
        The resources of each worker, as options of Ray's actors.
    """

    stillborn = (
        "Ray's workers end before they begin ({}): every node needs iqaudit, and what the victims "
        "need, as they are here."
    )
    advice = ""

    def __init__(
        self,
        ray: Any,
        root: Path,
        record: AuditRecord,
        observer: Observer,
        needs: Mapping[str, float],
    ) -> None:
        self._ray, self._root, self._record, self._observer = ray, root, record, observer
        self._actor = ray.remote(RemoteWorker).options(max_restarts=0, max_task_retries=0, **needs)
        self._patience = time.monotonic() + PATIENCE

    def start(self) -> Channel:
        """See `Transport`."""
        actor = self._actor.remote(self._root, self._record, str(Path.cwd()))
        return _Actor(self._ray, actor, self._root)

    def wait(self, channels: Sequence["_Actor"], seconds: float, /) -> list["_Actor"]:
        """See `Transport`; say once that the cluster has no room for any worker."""
        replies = {each.reply: each for each in channels if each.reply is not None}
        ready, _ = self._ray.wait(list(replies), num_returns=1, timeout=seconds)
        if ready:
            self._patience = float("inf")
        elif time.monotonic() > self._patience:
            self._patience = float("inf")
            self._observer.says(
                "Waiting for a worker: others may have the cluster's cores and GPUs."
            )
        return [replies[each] for each in ready]


class _Actor:
    """An actor, and the journals of the pictures that it works on."""

    def __init__(self, ray: Any, actor: Any, root: Path) -> None:
        self._ray, self._actor, self._root = ray, actor, root
        self._folder = root
        self._open = ExitStack()
        self._journals: dict[str, Journal[Answer]] = {}
        self._written: list[Ended] = []
        """What another worker, which outlived its run, did of a task: told with the next reply."""
        self.reply = actor.about.remote()
        """A promise of its next message; None while none is to come."""

    def send(self, task: Task | None) -> None:
        if task is None:
            self.reply = self._actor.go_on.remote()
            return
        self._folder = self._root / task.cell.folder
        with writing(self._folder):
            rest, self._journals, written = taken_up(self._folder, task, self._open)
        self._written = [Ended(task.cell.folder, name) for name in written]
        if not all(member.done for member in rest.members):
            self.reply = self._actor.begin.remote(rest)
        else:
            self.reply = self._ray.put(Reply(ended=True))

    def receive(self) -> Reply:
        try:
            reply: Reply = self._ray.get(self.reply)
        except self._ray.exceptions.RayError as error:
            self.close()
            self.join()  # a node that was only out of reach may come back
            raise WorkerDiedError(_reason(error)) from None
        self.reply = None
        with writing(self._folder):
            for name, answers in reply.answers.items():
                self._journals[name].keep(answers)
            for files in reply.files:
                cell_store.unpack(self._folder, files)
            for ended in reply.finished:
                if not ended.reason:
                    self._journals[ended.name].remove()
        if reply.ended:
            self.close()
        written, self._written = self._written, []
        return replace(reply, finished=(*written, *reply.finished))

    def close(self) -> None:
        self._open.close()

    def join(self) -> None:
        with suppress(Exception):  # it, or the cluster, may have gone
            self._ray.kill(self._actor)


def _reason(error: Exception) -> str:
    """Return the cause of a worker's death, as far as one line of Ray's says it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [repr(error)]
    if "creation task" in lines[0]:  # an exception's text comes behind its traceback
        return lines[-1].rstrip(".")
    line = next((line for line in lines if line.startswith("The actor is dead")), lines[0])
    return line.partition(". ")[0].rstrip(".")
