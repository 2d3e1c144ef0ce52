"""The engine of several processes on one machine.

Workers are started with `spawn`; each makes the victims that it needs, and keeps them. It writes to
the audit's directory itself: whatever dies, every answer is in a journal before the next is asked.
A worker whose driver died ends with its stride.
"""

import multiprocessing
import signal
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType

from iqaudit._audit.engines.pool import Channel, Pool, WorkerDiedError
from iqaudit._audit.engines.worker import Reply, Worker
from iqaudit._audit.observer import Observer
from iqaudit._audit.task import Ended, Task
from iqaudit._core.threads import cores
from iqaudit._runs.schema import load_audit
from iqaudit.victims._base import ELSEWHERE
from iqaudit.victims._spec import Victims

ENDS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
"""The signals that may reach a whole group of processes, the driver among them, to end it."""

GRACE = 4.0
"""Seconds for the query under way of a worker that is let go of."""


def usual_workers(devices: Iterable[str]) -> int:
    """Return the number of workers on this machine by default: a core each, on the CPU."""
    if any(device not in ("cpu", ELSEWHERE) for device in devices):
        return 1
    return cores()


def processes(
    root: Path, tasks: Iterable[Task], observer: Observer, workers: int | None, _victims: Victims
) -> Generator[Ended]:
    """Work tasks off in several processes of this machine."""
    usual = usual_workers(victim.device for victim in load_audit(root).victims)
    yield from Pool(_Processes(root), tasks, observer, workers or usual).run()


class _Processes:
    """The transport: a pipe to each process."""

    stillborn = (
        "Worker processes end with {} before they begin: a script that starts an audit does so "
        'under `if __name__ == "__main__":`, or says engine="serial".'
    )
    advice = ", with fewer workers perhaps,"
    wait = staticmethod(wait)

    def __init__(self, root: Path) -> None:
        self._root = root

    def start(self) -> Channel:
        return _Process(self._root)


class _Process:
    """A pipe to a process; `multiprocessing.connection.wait` waits on its file."""

    def __init__(self, root: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, root), daemon=True, name="iqaudit worker"
        )
        # Ctrl-C reaches a whole group of processes: a child that is not up yet must not hear it.
        resource_tracker.ensure_running()  # which lets Ctrl-C through again when it starts
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
        try:
            with _no_lost_script():
                self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        self.fileno = self._pipe.fileno

    def send(self, task: Task | None) -> None:
        with suppress(OSError):  # it has died: `receive` says so
            self._pipe.send(task)

    def receive(self) -> Reply:
        try:
            reply: Reply = self._pipe.recv()
        except (EOFError, OSError):
            self.close()
            self.join()
            code = self._process.exitcode or 0
            memory = " (as where memory runs out)" if code == -signal.SIGKILL else ""
            how = f"signal {-code}{memory}" if code < 0 else f"exit code {code}"
            raise WorkerDiedError(how) from None
        return reply

    def close(self) -> None:
        self._pipe.close()
        self._until = time.monotonic() + GRACE

    def join(self) -> None:
        try:
            self._process.join(max(0.0, self._until - time.monotonic()))
        finally:  # where its victim hangs: its answers are kept, but for that one
            self._process.kill()
            self._process.join()


@contextmanager
def _no_lost_script() -> Iterator[None]:
    """Keep from workers a script that is no file, as one on standard input: none needs it.

    They would run it anew, as those of a file, and end where they do not find it.
    """
    script = sys.modules["__main__"]
    file = getattr(script, "__file__", None)
    lost = file is not None and not Path(file).is_file()
    if lost:
        del script.__file__
    try:
        yield
    finally:
        if lost:
            script.__file__ = file


def _serve(pipe: Connection, root: Path) -> None:
    """Reply to the requests that come through a pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's, which asks nothing more
    for number in ENDS - {signal.SIGINT}:
        signal.signal(number, _once_more)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
    # The pipe ends with the driver, or once it asks for nothing more.
    with closing(Worker(root)) as worker, suppress(EOFError, OSError):
        pipe.send(worker.about())
        while True:
            task = pipe.recv()
            pipe.send(worker.begin(task) if task else worker.go_on())


def _once_more(number: int, _frame: FrameType | None) -> None:
    """Take a first signal for the driver's; a second one is meant for this process."""
    signal.signal(number, signal.SIG_DFL)
