"""Standard streams: they may fail, and victims print on others than we do.

What cannot be written is dropped, and the command goes on: the reader of a pipe may have gone, or
the disk of a log be full, and the answers that a run waits for are worth more than its words.
"""

import ctypes
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

Lost = Callable[[], str]
"""Why a part of the standard output was lost; empty where it was not, or its reader has gone."""


NUMBERS = {"stdout": 1, "stderr": 2}
"""The standard streams that are written, with their numbers, which code in C writes to."""

_own: dict[str, Any] = {}
"""Our streams while victims have others, by name."""

_moved: dict[str, Any] = {}
"""The files of our streams under numbers of their own, by name, where they have the usual ones."""


def own(name: str) -> Any:
    """Return our stdout or stderr, on which no victim prints."""
    return _own.get(name) or getattr(sys, name)


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
            while left and not self._end.closed:  # a thread may print when all is over
                left = left[self._end.write(left) or 0 :]
        except OSError as error:
            self.error = error
        return len(content)


@contextmanager
def lossy() -> Iterator[Lost]:
    """Have both streams drop what cannot be written, and show "?" for what their encoding lacks."""
    _take_numbers()
    before = {name: getattr(sys, name) for name in ("stdout", "stderr")}
    ends: dict[str, _Lossy] = {}
    for name, stream in before.items():
        if isinstance(stream, io.TextIOWrapper):
            stream.flush()
            lines = stream.line_buffering or stream.write_through
            ends[name] = _Lossy(_moved_end(name, getattr(stream.buffer, "raw", stream.buffer)))
            setattr(sys, name, _text(ends[name], stream.encoding, lines=lines))

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
            if name in _moved:
                _moved.pop(name).close()


def _take_numbers() -> None:
    """Take the numbers 0 to 2 where they were closed: the next file opened would have one.

    Whatever a library prints would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _moved_end(name: str, end: Any) -> Any:
    """Return the end of our stream under a number of its own where it has the usual one."""
    with suppress(OSError):  # in memory
        if end.fileno() == NUMBERS[name]:
            end = _moved[name] = os.fdopen(os.dup(end.fileno()), "wb", buffering=0)
    return end


@contextmanager
def aside(*, silent: bool) -> Iterator[None]:
    """Have what others' code prints on our standard error or, where that is silent, nowhere.

    On whatever way: Python's streams, the numbers 1 and 2 of code in C and of child processes. It
    can close or replace its streams, and not ours, which `own` returns meanwhile. Nor does it read
    our command line.
    """
    before, arguments = {name: getattr(sys, name) for name in NUMBERS}, sys.argv
    with ExitStack() as stack:
        end, target = getattr(sys.stderr, "buffer", None), NUMBERS["stderr"]
        if "stderr" in _moved:
            target = _moved["stderr"].fileno()
        if silent or end is None:
            end = stack.enter_context(Path(os.devnull).open("wb", buffering=0))
            target = end.fileno()
        theirs = [_text(_Lossy(end), "utf-8") for _ in NUMBERS]
        _own.update(before)
        sys.argv, sys.stdout, sys.stderr = arguments[:1], *theirs
        for name in _moved:
            os.dup2(target, NUMBERS[name])
        try:
            yield
        finally:
            with suppress(AttributeError, OSError, TypeError):
                ctypes.CDLL(None).fflush(None)  # what code in C has printed, and not written yet
            for stream in theirs:
                with suppress(ValueError):  # closed
                    stream.flush()
            for name, file in _moved.items():
                os.dup2(file.fileno(), NUMBERS[name])
            sys.argv, sys.stdout, sys.stderr = arguments, before["stdout"], before["stderr"]
            _own.clear()


def _text(end: Any, encoding: str, *, lines: bool = True) -> io.TextIOWrapper:
    return io.TextIOWrapper(end, encoding, "replace", line_buffering=lines)
