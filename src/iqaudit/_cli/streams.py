"""Standard streams that may fail: what cannot be written is dropped, and the command goes on.

The reader of a pipe may have gone, or the disk of a log be full: the answers that a run waits for
are worth more than its words.
"""

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Lost = Callable[[], str]
"""Why a part of the standard output was lost; empty where it was not, or its reader has gone."""


class _Lossy(io.BufferedIOBase):
    """The end of a stream, which drops what cannot be written, and keeps the last error.

    It buffers nothing, so that a signal's handler may print in the middle of a print.
    """

    def __init__(self, end: Any) -> None:
        self._end = end
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self._end.isatty())

    def fileno(self) -> int:
        return int(self._end.fileno())

    def write(self, content: Any) -> int:
        left = memoryview(content)
        try:
            while left:
                left = left[self._end.write(left) or 0 :]
        except OSError as error:
            self.error = error
        return len(content)


@contextmanager
def lossy() -> Iterator[Lost]:
    """Have both streams drop what cannot be written, and show "?" for what their encoding lacks.

    Numbers 0 to 2 are taken where they were closed: the next file opened would have one, and
    whatever a library prints would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    before = {name: getattr(sys, name) for name in ("stdout", "stderr")}
    ends: dict[str, _Lossy] = {}
    for name, stream in before.items():
        if isinstance(stream, io.TextIOWrapper):
            stream.flush()
            lines = stream.line_buffering or stream.write_through
            end: Any = _Lossy(getattr(stream.buffer, "raw", stream.buffer))
            made = io.TextIOWrapper(end, stream.encoding, "replace", line_buffering=lines)
            ends[name] = end
            setattr(sys, name, made)

    def lost() -> str:
        if "stdout" not in ends:
            return ""
        sys.stdout.flush()
        error = ends["stdout"].error
        if error is None or error.errno == errno.EPIPE:
            return ""
        return f"The standard output cannot be written ({error.strerror or error})."

    try:
        yield lost
    finally:
        for name, stream in before.items():
            if name in ends:
                getattr(sys, name).flush()
                setattr(sys, name, stream)
