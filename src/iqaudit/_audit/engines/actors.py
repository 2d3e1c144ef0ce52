"""The driver of workers on a cluster: hands pictures out, keeps what comes, replaces who dies."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from iqaudit._audit import cell_store
from iqaudit._audit.engines.processes import TOLD_EVERY
from iqaudit._audit.engines.remote import Node, Said, Worker
from iqaudit._audit.failures import MOST_DEATHS, Deaths
from iqaudit._audit.manifest import victim_in
from iqaudit._audit.observer import Watch
from iqaudit._audit.task import Task, writing
from iqaudit._core.errors import InputError, VictimError
from iqaudit._runs.journal import Journal
from iqaudit._runs.schema import load_audit
from iqaudit._search.ledger import Answer

PATIENCE = 20.0
"""Seconds without a worker until that is said."""


@dataclass
class _Hand:
    """An actor, and the picture that it has in hand."""

    actor: Any
    saying: Any
    """What it is going to say; None while nothing was asked of it."""
    wave: int
    """How many waves of workers had died before they were up when this one was started."""
    node: str = ""
    """Where it is, once it is up."""
    task: Task | None = None
    journal: Journal[Answer] | None = None
    answered: bool = False
    """Whether it answered anything on this picture."""

    def drop(self) -> None:
        """Have it no picture in hand."""
        if self.journal is not None:
            self.journal.close()
        self.saying = self.task = self.journal = None
        self.answered = False


class Pool:
    """Workers, and what they work on.

    Parameters
    ----------
    ray : module
        Ray, which has joined a cluster.
    root : Path
        The audit's directory.
    tasks : iterable of Task
    watch : Watch
    most : int
        Workers.
    needs : mapping
        What Ray is to set aside for each, as its actors' options say it.
    """

    def __init__(
        self,
        ray: Any,
        root: Path,
        tasks: Iterable[Task],
        watch: Watch,
        most: int,
        needs: Mapping[str, float],
    ) -> None:
        self._ray, self._root, self._watch, self._most = ray, root, watch, most
        self._tasks, self._needs = iter(tasks), needs
        self._made = ray.remote(Worker).options(max_restarts=0, max_task_retries=0, **needs)
        self._held = load_audit(root)
        self._hands: list[_Hand] = []
        self._waiting: deque[Task] = deque()
        self._deaths = Deaths()
        self._stillborn = 0
        self._inexact: set[str] = set()
        self._error: Exception | None = None
        self._begun = time.monotonic()

    def run(self) -> Iterator[tuple[str, str]]:
        """Work everything off."""
        stopped = False
        while True:
            stopped = stopped or self._watch.stopping
            if not stopped and self._error is None:
                try:
                    yield from self._hand_out()
                except InputError as error:  # the others' answers are kept before it is raised
                    self._error = error
            stopping = stopped or self._error is not None
            if not any(hand.task for hand in self._hands) and (stopping or not self._waiting):
                break
            hands = {hand.saying: hand for hand in self._hands if hand.saying is not None}
            said, _ = self._ray.wait(list(hands), num_returns=1, timeout=TOLD_EVERY)
            for each in said:
                yield from self._heard(hands[each], stopping=stopping)
            self._tell_of_waiting()
        if self._error is not None:
            raise self._error
        if stopped:
            raise KeyboardInterrupt
        self._deaths.tell()

    def end(self) -> None:
        """End every worker, at once."""
        for hand in self._hands:
            hand.drop()
            self._kill(hand)

    def _hand_out(self) -> Iterator[tuple[str, str]]:
        """Give every worker that has none a picture; have more workers where there are more."""
        idle = [hand for hand in self._hands if hand.node and hand.task is None]
        coming = sum(not hand.node for hand in self._hands)
        room = self._most - len(self._hands)
        while len(self._waiting) < len(idle) + coming + room:
            task = next(self._tasks, None)
            if task is None:
                break
            self._refuse_without_gpu(task)
            self._waiting.append(task)
        while idle and self._waiting:
            yield from self._give(idle.pop(), self._waiting.popleft())
        for _ in range(min(room, len(self._waiting) - coming)):
            self._start()

    def _refuse_without_gpu(self, task: Task) -> None:
        victim = victim_in(self._held, task.cell.folder)
        if victim.device.startswith("cuda") and "num_gpus" not in self._needs:
            raise InputError(
                f'The victim "{victim.name}" computes on a GPU: say what part of one a worker '
                "takes, as --gpus-per-worker 0.25."
            )

    def _start(self) -> None:
        actor = self._made.remote(self._root, self._held, str(Path.cwd()))
        self._hands.append(_Hand(actor, actor.about.remote(), self._stillborn))

    def _give(self, hand: _Hand, task: Task) -> Iterator[tuple[str, str]]:
        folder, name = self._root / task.cell.folder, task.picture.name
        with writing(folder):
            journal = Journal(cell_store.journal(folder, name))
        hand.task, hand.journal = task, journal
        if cell_store.is_finished(folder, name):  # by a worker of an earlier run, which outlived it
            yield from self._finished(hand)
        else:
            hand.saying = hand.actor.begin.remote(replace(task, answers=journal.answers))

    def _heard(self, hand: _Hand, *, stopping: bool) -> Iterator[tuple[str, str]]:
        """Take in what a worker says."""
        try:
            said = self._ray.get(hand.saying)
        except self._ray.exceptions.RayError as error:
            self._died(hand, error)
            return
        hand.saying = None
        try:
            if isinstance(said, Node):
                hand.node, self._stillborn = said.name, 0
                self._refuse_other_versions(said)
                return
            self._keep(hand, said)
            if said.error is not None:
                raise said.error
            if said.files is not None:
                yield from self._finished(hand, said.files)
            elif stopping:
                hand.drop()
            else:
                hand.saying = hand.actor.go_on.remote()
        except (InputError, VictimError, RuntimeError) as error:
            hand.drop()
            where = f"On the node {hand.node}: {error}"
            self._error = self._error or type(error)(where)

    def _refuse_other_versions(self, node: Node) -> None:
        for package, version in self._held.versions.items():
            found = node.versions.get(package)
            if found != version:
                raise InputError(
                    f"{package} is {found or 'missing'}; the audit was begun with {version}: have "
                    "that there."
                )

    def _keep(self, hand: _Hand, said: Said) -> None:
        """Write a worker's answers down."""
        assert hand.task is not None  # noqa: S101 (it was given one)
        assert hand.journal is not None  # noqa: S101
        folder, name = hand.task.cell.folder, hand.task.picture.name
        with writing(self._root / folder):
            hand.journal.keep(said.answers)
        hand.answered = hand.answered or bool(said.answers)
        if said.queries:
            self._watch.answered(folder, name, said.queries)
        if not said.exact and hand.node not in self._inexact:
            self._inexact.add(hand.node)
            self._watch.says(
                f"The node {hand.node}: a victim's scores differ from the audit's in their last "
                "digits, as on another processor; so may what is computed there."
            )

    def _finished(
        self, hand: _Hand, files: dict[str, bytes] | None = None
    ) -> Iterator[tuple[str, str]]:
        assert hand.task is not None  # noqa: S101 (it was given one)
        assert hand.journal is not None  # noqa: S101
        folder, name = hand.task.cell.folder, hand.task.picture.name
        with writing(self._root / folder):
            if files is not None:
                cell_store.unpack(self._root / folder, files)
            hand.journal.remove()
        hand.drop()
        yield folder, name

    def _died(self, hand: _Hand, error: Exception) -> None:
        """Have a dead worker's picture taken up; give it up where others died on it as well."""
        task, answered = hand.task, hand.answered
        hand.drop()
        self._hands.remove(hand)
        self._kill(hand)  # a node that was only out of reach may come back
        reason = _reason(error)
        if task is None:
            if (
                hand.wave == self._stillborn
            ):  # a dying node takes all along that were to start there
                self._stillborn += 1
            if self._stillborn >= MOST_DEATHS:
                self._error = self._error or InputError(
                    f"Ray's workers end before they begin ({reason}): every node needs iqaudit, "
                    "and what the victims need, as they are here."
                )
            return
        if self._deaths.spare(task, f"on the node {hand.node} ({reason})", answered=answered):
            self._waiting.appendleft(task)

    def _kill(self, hand: _Hand) -> None:
        with suppress(Exception):  # it, or the cluster, may have gone
            self._ray.kill(hand.actor)

    def _tell_of_waiting(self) -> None:
        """Say once that the cluster has no room."""
        if any(hand.node for hand in self._hands):
            self._begun = float("inf")
        elif time.monotonic() - self._begun > PATIENCE:
            self._begun = float("inf")
            self._watch.says("Waiting for a worker: others may have the cluster's cores and GPUs.")


def _reason(error: Exception) -> str:
    """Return why a worker died, as far as one line of Ray's says it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [repr(error)]
    if "creation task" in lines[0]:  # an exception's text comes behind its traceback
        return lines[-1].rstrip(".")
    said = next((line for line in lines if line.startswith("The actor is dead")), lines[0])
    return said.partition(". ")[0].rstrip(".")
