"""The engine of several processes on one machine.

Workers are started with `spawn`; each makes the victims that it is given tasks for, and keeps
them. One that dies is replaced, and its picture taken up from its journal. A worker whose driver
died ends at its next answer.
"""

import multiprocessing
import signal
import time
import traceback
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from iqaudit._audit.failures import MOST_DEATHS, Deaths
from iqaudit._audit.observer import Watch
from iqaudit._audit.task import Task, work
from iqaudit._core.errors import InputError, VictimError
from iqaudit._core.process import keep_freed_memory
from iqaudit._core.threads import cores, one_thread
from iqaudit._runs.schema import load_audit
from iqaudit.victims._base import ELSEWHERE
from iqaudit.victims._spec import Victims

TOLD_EVERY = 0.2
"""Seconds between two words of a worker on how far it is."""

READY, ANSWERED, DONE, STOPPED, FAILED, BROKEN = range(6)
"""What a worker says: that it is up; how many queries the picture has had; that it is finished;
that it stopped as it was told; a sentence; a traceback."""


@dataclass
class _Hand:
    """A worker process, and what it has in hand."""

    process: BaseProcess
    pipe: Connection
    task: Task | None = None
    ready: bool = False


def usual_workers(devices: Iterable[str]) -> int:
    """Return how many workers this machine has where nobody says: a core each, on the CPU."""
    if any(device not in ("cpu", ELSEWHERE) for device in devices):
        return 1
    return cores()


def processes(
    root: Path, tasks: Iterable[Task], watch: Watch, workers: int | None, _victims: Victims
) -> Generator[tuple[str, str]]:
    """Work tasks off in so many processes of this machine."""
    usual = usual_workers(victim.device for victim in load_audit(root).victims)
    pool = _Pool(root, iter(tasks), watch, workers or usual)
    try:
        yield from pool.run()
    finally:
        pool.end()


class _Pool:
    def __init__(self, root: Path, tasks: Iterator[Task], watch: Watch, workers: int) -> None:
        self._root, self._tasks, self._watch, self._workers = root, tasks, watch, workers
        self._context = multiprocessing.get_context("spawn")
        self._hands: list[_Hand] = []
        self._again: list[Task] = []
        self._deaths = Deaths()
        self._stillborn = 0
        self._error: Exception | None = None
        self._told_to_stop = False

    def run(self) -> Iterator[tuple[str, str]]:
        while True:
            if self._watch.stopping or self._error:
                self._tell_to_stop()
            else:
                self._hand_out()
            busy = [hand for hand in self._hands if hand.task is not None]
            if not busy:
                break
            for pipe in wait([hand.pipe for hand in busy], TOLD_EVERY):
                hand = next(hand for hand in busy if hand.pipe is pipe)
                yield from self._heard(hand)
        if self._error:
            raise self._error
        if self._told_to_stop:
            raise KeyboardInterrupt
        self._deaths.tell()

    def end(self) -> None:
        """End every worker: at its next answer where it is at work."""
        for hand in self._hands:
            hand.pipe.close()
        for hand in self._hands:
            hand.process.join()

    def _hand_out(self) -> None:
        while True:
            idle = next((hand for hand in self._hands if hand.task is None), None)
            if idle is None and len(self._hands) >= self._workers:
                return
            task = self._again.pop() if self._again else next(self._tasks, None)
            if task is None:
                return
            if idle is None:
                idle = self._start()
                self._hands.append(idle)
            idle.task = task
            if idle.ready:
                self._send(idle, task)

    def _send(self, hand: _Hand, what: Task | None) -> None:
        with suppress(OSError):  # it has died: its pipe says so
            hand.pipe.send(what)

    def _start(self) -> _Hand:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_work_off, args=(theirs, self._root), daemon=True, name="iqaudit worker"
        )
        # Ctrl-C reaches a whole group of processes: a child that is not up yet must not hear it.
        resource_tracker.ensure_running()  # which lets Ctrl-C through again when it starts
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        return _Hand(process, ours)

    def _heard(self, hand: _Hand) -> Iterator[tuple[str, str]]:
        """Take in what a worker says."""
        task = hand.task
        assert task is not None  # noqa: S101 (only those at work are listened to)
        where = task.cell.folder, task.picture.name
        try:
            kind, said = hand.pipe.recv()
        except (EOFError, OSError):
            self._died(hand, task)
            return
        if kind == READY:
            hand.ready, self._stillborn = True, 0
            if self._told_to_stop:
                hand.task = None
            else:
                self._send(hand, task)
        elif kind == ANSWERED:
            self._watch.answered(*where, said)
        else:
            hand.task = None
            if kind == DONE:
                yield where
            elif kind == FAILED:
                self._error = self._error or said
            elif kind == BROKEN:
                self._error = self._error or RuntimeError(f"a worker failed:\n{said}")

    def _died(self, hand: _Hand, task: Task) -> None:
        hand.process.join()
        hand.pipe.close()
        self._hands.remove(hand)
        code = hand.process.exitcode or 0
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if not hand.ready:
            self._stillborn += 1
            if self._stillborn >= MOST_DEATHS:
                self._error = InputError(
                    f"Worker processes end with {how} before they begin: a script that starts an "
                    'audit does so under `if __name__ == "__main__":`.'
                )
            self._again.append(task)
            return
        memory = " (as where memory runs out)" if code == -signal.SIGKILL else ""
        if self._deaths.spare(
            task, f"with {how}{memory}", advice=", with fewer --workers perhaps,"
        ):
            self._again.append(task)

    def _tell_to_stop(self) -> None:
        if self._told_to_stop:
            return
        self._told_to_stop = True
        for hand in self._hands:
            if hand.ready and hand.task is not None:
                self._send(hand, None)


def _work_off(pipe: Connection, root: Path) -> None:
    """Be a worker: work off what comes through the pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's, who tells its workers
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    keep_freed_memory()
    victims = Victims()
    with one_thread(), suppress(EOFError, OSError):  # the driver has gone
        pipe.send((READY, None))
        while True:
            task = pipe.recv()
            if task is not None:  # it was told to stop when it had just ended
                pipe.send(_worked_off(pipe, root, task, victims))


def _worked_off(pipe: Connection, root: Path, task: Task, victims: Victims) -> tuple[int, object]:
    """Work one task off, and return what is to be said of it."""
    told = time.monotonic()

    def progress(queries: int) -> None:
        nonlocal told
        try:
            if not pipe.poll():
                if time.monotonic() - told >= TOLD_EVERY:
                    told = time.monotonic()
                    pipe.send((ANSWERED, queries))
                return
        except OSError:  # the driver has gone
            pass
        raise KeyboardInterrupt

    try:
        own = replace(task, picture=replace(task.picture))  # read-only again
        work(root, own, victims.get(task.cell.victim, task.noise), progress)
    except KeyboardInterrupt:
        return STOPPED, None
    except (InputError, VictimError) as error:
        return FAILED, type(error)(str(error))
    except Exception:  # noqa: BLE001 (whatever it is, it is told)
        return BROKEN, traceback.format_exc()
    return DONE, None
