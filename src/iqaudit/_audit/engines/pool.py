"""The pool: hands tasks to workers, takes in their replies, replaces the workers that die.

It knows tasks by their keys alone, and no disk. A transport starts workers and makes a channel to
each; a channel sees to it that answers and files are on the driver's disk before a reply that tells
of them is received.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from iqaudit._audit.engines.worker import Reply
from iqaudit._audit.observer import Observer
from iqaudit._audit.task import Ended, Task
from iqaudit._core.errors import InputError, VictimError

INTERVAL = 0.2
"""Seconds after which the pool looks whether it is to stop, though no worker replied."""


MOST_DEATHS = 3
"""Of workers, on one task: more would die as well."""


class WorkerDiedError(Exception):
    """A worker died. The text says how, without a stop."""


class Channel(Protocol):
    """The driver's end of a worker."""

    def send(self, task: Task | None) -> None:
        """Ask the worker to begin a task, or to go on with the one that it has."""

    def receive(self) -> Reply:
        """Return the reply that came, once its answers and files are on the disk.

        Raises
        ------
        WorkerDiedError
            If no reply will come any more.
        InputError
            If something cannot be written.
        """

    def close(self) -> None:
        """Let go of the worker, which ends."""

    def join(self) -> None:
        """Wait until a worker that was let go of has ended; end one that takes too long."""


class Transport(Protocol):
    """The way to workers.

    Attributes
    ----------
    stillborn : str
        The sentence of an audit whose workers die before they are up; {} stands for how they did.
    advice : str
        On how to go on where workers died at work, behind "the same command".
    """

    stillborn: str
    advice: str

    def start(self) -> Channel:
        """Start a worker, without waiting until it is up."""

    def wait(self, channels: Sequence[Any], seconds: float, /) -> Iterable[Any]:
        """Wait for a reply, or a death; return the channels that it came on."""


@dataclass
class _Worker:
    """A worker, as the pool sees it.

    `wave`: the number of waves of workers that had died before they were up when it was started.
    `answered`: whether its victim answered anything on its task.
    """

    wave: int
    ready: bool = False
    node: str = ""
    task: Task | None = None
    answered: bool = False


class Failures:
    """The number of workers that died on each task in a row, without an answer between."""

    def __init__(self) -> None:
        self._deaths: Counter[tuple[str, str]] = Counter()

    def count(self, key: tuple[str, str], last: str, *, answered: bool, advice: str = "") -> str:
        """Count a death; return why the task is given up, empty where it is to be taken up again.

        Parameters
        ----------
        key : tuple of (str, str)
            The task's: the folder of its cell, the name of its picture.
        last : str
            How the worker died, behind "the last".
        answered : bool
            Whether it came further than those before it.
        advice : str
            Behind "the same command".
        """
        self._deaths[key] = 1 if answered else self._deaths[key] + 1
        if self._deaths[key] < MOST_DEATHS:
            return ""
        return (
            f"{MOST_DEATHS} workers in a row died on the picture {key[1]}, the last {last}. "
            f"What was answered is kept; the same command{advice} goes on."
        )


class Pool:
    """Workers, and the tasks that they work on.

    Parameters
    ----------
    transport : Transport
    tasks : iterable of Task
    observer : Observer
    most : int
        The number of workers at most.
    """

    def __init__(
        self, transport: Transport, tasks: Iterable[Task], observer: Observer, most: int
    ) -> None:
        self._transport, self._observer, self._most = transport, observer, most
        self._tasks, self._waiting = iter(tasks), deque[Task]()
        self._workers: dict[Channel, _Worker] = {}
        self._failures, self._stillborn = Failures(), 0
        self._notes: set[str] = set()
        self._error: Exception | None = None
        self._stopped = False

    def run(self) -> Iterator[Ended]:
        """Work everything off; yield each picture that is at its end."""
        try:
            while True:
                self._stopped = self._stopped or self._observer.stopping
                if not self._stopping:
                    self._assign()
                busy = any(worker.task for worker in self._workers.values())
                if not busy and (self._stopping or not self._waiting):
                    break
                for channel in self._transport.wait(list(self._workers), INTERVAL):
                    yield from self._receive(channel)
        finally:
            with ExitStack() as ends:  # all of them, though one is interrupted
                for channel in self._workers:
                    channel.close()
                    ends.callback(channel.join)
        if self._error is not None:
            raise self._error
        if self._stopped:
            raise KeyboardInterrupt

    @property
    def _stopping(self) -> bool:
        return self._stopped or self._error is not None

    def _assign(self) -> None:
        """Give a task to every worker that has none; start workers where there are more tasks."""
        workers = self._workers.values()
        idle = [each for each, worker in self._workers.items() if worker.ready and not worker.task]
        starting = sum(not worker.ready for worker in workers)
        room = self._most - len(workers)
        try:
            missing = max(0, len(idle) + starting + room - len(self._waiting))
            self._waiting.extend(islice(self._tasks, missing))
            for channel in idle[: len(self._waiting)]:
                task = self._waiting.popleft()
                channel.send(task)
                worker = self._workers[channel]
                worker.task, worker.answered = task, False
        except InputError as error:  # raised once the others' answers are kept
            self._error = error
        else:
            for _ in range(min(room, len(self._waiting) - starting)):
                self._workers[self._transport.start()] = _Worker(self._stillborn)

    def _receive(self, channel: Channel) -> Iterator[Ended]:
        worker = self._workers[channel]
        try:
            reply = channel.receive()
            yield from self._take_in(worker, reply)
            if worker.task is not None:
                channel.send(None)
        except WorkerDiedError as death:
            del self._workers[channel]
            yield from self._replace(worker, str(death))
        except (InputError, VictimError, RuntimeError) as error:
            worker.task = None
            where = f"On the node {worker.node}: " if worker.node else ""
            self._error = self._error or type(error)(f"{where}{error}")

    def _take_in(self, worker: _Worker, reply: Reply) -> Iterator[Ended]:
        if not worker.ready:
            worker.ready, worker.node, self._stillborn = True, reply.node, 0
        if reply.note and reply.note not in self._notes:
            self._notes.add(reply.note)
            self._observer.says(reply.note)
        worker.answered = worker.answered or bool(reply.answers)
        for key, queries in reply.recalled.items():
            self._observer.recalled(*key, queries)
        for key, queries in reply.queries.items():
            self._observer.answered(*key, queries)
        if reply.error is not None:
            raise reply.error
        if reply.ended or self._stopping:
            worker.task = None
        yield from reply.finished

    def _replace(self, worker: _Worker, how: str) -> Iterator[Ended]:
        """Have a dead worker's task taken up; yield its pictures where others died on it as well.

        Which one of those that share a batch is at fault, nobody knows.
        """
        if worker.task is not None:
            last = f"on the node {worker.node} ({how})" if worker.node else f"with {how}"
            key, advice = worker.task.key, self._transport.advice
            reason = self._failures.count(key, last, answered=worker.answered, advice=advice)
            if not reason:
                self._waiting.appendleft(worker.task)
            for member in worker.task.members if reason else ():
                yield Ended(key[0], member.picture.name, reason)
        elif not worker.ready:
            if worker.wave == self._stillborn:  # a dying node takes all that were to start there
                self._stillborn += 1
            if self._stillborn >= MOST_DEATHS:
                self._error = self._error or InputError(self._transport.stillborn.format(how))
