"""Threads and cores: their numbers, and one thread a picture."""

import contextlib
import os
import sys
from collections.abc import Iterator

from iqaudit._core.process import environment


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Have torch, loaded now or later, compute with one thread: last bits depend on how many."""
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else usual_threads()
    if torch:
        torch.set_num_threads(1)
    try:
        with environment("OMP_NUM_THREADS", "1"):
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
