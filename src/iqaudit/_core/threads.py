"""Threads and cores: their numbers, and one thread a picture."""

import contextlib
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from threadpoolctl import threadpool_limits

from iqaudit._core.process import environment

GRACE = 2.0
"""Seconds that calls under way have to end after an interruption."""


def at_once(calls: Sequence[Callable[[], object]], most: int) -> None:
    """Make calls, so many at once at the most; where that is one, in this thread.

    Raises
    ------
    BaseException
        The first call's, in their order, that raised one, once none is under way. Without threads
        the calls behind it are not made.
    KeyboardInterrupt
        If it is interrupted; calls under way are waited for for two seconds.
    """
    threads = min(most, len(calls))
    if threads <= 1:
        for call in calls:
            call()
        return
    left, stopped = deque(enumerate(calls)), threading.Event()
    errors: dict[int, BaseException] = {}
    # Daemons: a request that hangs must not keep the interpreter from its end.
    workers = [
        threading.Thread(target=_work, args=(left, errors, stopped), daemon=True)
        for _ in range(threads)
    ]
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    except KeyboardInterrupt:
        stopped.set()
        until = time.monotonic() + GRACE
        for worker in workers:
            if worker.is_alive():
                worker.join(max(0.0, until - time.monotonic()))
        raise
    for place in sorted(errors):
        raise errors[place]


def _work(
    left: "deque[tuple[int, Callable[[], object]]]",
    errors: dict[int, BaseException],
    stopped: threading.Event,
) -> None:
    """Make the calls that are left, until there is none, and note what they raise."""
    while not stopped.is_set():
        try:
            place, call = left.popleft()
        except IndexError:
            return
        try:
            call()
        except BaseException as error:  # noqa: BLE001 (raised by the thread that waits)
            errors[place] = error


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Have torch and NumPy, loaded now or later, compute with one thread.

    Last bits depend on how many, and several wait for each other in loops, which on a busy machine
    takes the time of all.
    """
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else usual_threads()
    if torch:
        torch.set_num_threads(1)
    try:
        with environment("OMP_NUM_THREADS", "1"), threadpool_limits(1):
            yield
    finally:
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(threads)


def usual_threads() -> int:
    """Return the number of threads that torch begins with: OMP_NUM_THREADS, or one a core."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return (int(first) if first.isdecimal() else 0) or cores()


def cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
