"""The process: its environment, its memory, and the compiler of networks that it finds."""

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@contextmanager
def environment(name: str, value: str) -> Iterator[None]:
    """Set a variable of the environment for a while."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name, None)  # another thread may have been here
        if before is not None:
            os.environ[name] = before


COMPILER, COMPILING = "openvino", "IQAUDIT_OPENVINO"
"""The package that compiles networks where it is installed, and the variable that forbids it: 0."""


def compiler_version() -> str | None:
    """Return the version of the package that compiles networks; None where none does."""
    if os.environ.get(COMPILING) == "0":
        return None
    try:
        return version(COMPILER)
    except PackageNotFoundError:
        return None


def keep_freed_memory() -> None:
    """Ask glibc to keep freed memory: a network's activations otherwise cost page faults anew.

    1.5 to 2 times the queries a second on the reference victim at 512 x 512 on two cores. Set for
    this process only, and not at all where the C library is another.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    m_trim_threshold, m_top_pad, m_mmap_max = -1, -2, -4  # malloc.h
    mallopt(m_mmap_max, 0)
    mallopt(m_trim_threshold, 2**31 - 1)
    mallopt(m_top_pad, 64 * 2**20)


def give_freed_memory_back() -> None:
    """Give freed memory back to the system, where the C library is glibc.

    After a dense pass beside a picture's kept maps: no window fills what its maps took. Takes 1 to
    10 ms, so it is not for every query.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return


SAMPLED = 0.001
"""Seconds between two looks at the memory in use."""


def memory_taken(call: Callable[[], object]) -> int | None:
    """Call something, and return the most bytes by which this process grew meanwhile.

    Memory that the C library keeps is given back first, or it would be used again unseen. None
    where the system does not tell.
    """
    give_freed_memory_back()
    before = _in_use()
    if before is None:
        call()
        return None
    most, highest, done = before["VmRSS"], before["VmHWM"], threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(SAMPLED):
            most = max(most, (_in_use() or before)["VmRSS"])

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        call()
    finally:
        done.set()
        thread.join()
    after = _in_use() or before
    if after["VmHWM"] > highest:  # what was between two looks counts as well
        most = max(most, after["VmHWM"])
    return most - before["VmRSS"]


def machine_memory() -> int | None:
    """Return the bytes of memory that this process may have at most; None where none tells."""
    found = []
    with suppress(AttributeError, ValueError, OSError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for limit in ("memory.max", "memory/memory.limit_in_bytes"):  # of a container
        with suppress(ValueError, OSError):
            found.append(int(Path("/sys/fs/cgroup", limit).read_text("ascii")))
    return min((each for each in found if each > 0), default=None)


def _in_use() -> dict[str, int] | None:
    """Return the memory that is in use and the most that ever was, in bytes."""
    try:
        lines = Path("/proc/self/status").read_text("ascii", "replace").splitlines()
        told = {line.partition(":")[0]: line.split()[1:2] for line in lines}
        return {key: 1024 * int(told[key][0]) for key in ("VmRSS", "VmHWM")}
    except (OSError, KeyError, ValueError, IndexError):
        return None
