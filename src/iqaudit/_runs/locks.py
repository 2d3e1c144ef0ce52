"""Locks, so that no two processes write one thing."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from iqaudit._core.errors import InputError

try:
    import fcntl
except ImportError:  # Windows: nobody looks after two who write one file
    fcntl = None  # type: ignore[assignment]


def lock(file: int) -> bool:
    """Take an open file for this process until it is closed; False where another has it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder.

    Raises
    ------
    InputError
        If another process does.
    """
    if fcntl is None:
        yield
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        if not lock(file):
            raise InputError(f"{folder}: another iqaudit is at work in this folder.")
        yield
    finally:
        os.close(file)
