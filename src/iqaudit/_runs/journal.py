"""Scores as they are answered: an append-only file, a line an answer.

Given its answers, a search is determined: with them it can be taken up where it stood. So they are
handed to the operating system one by one, before anything else may happen, and outlive the process.
Room for the next ones is taken beforehand, as zeros, so that a full disk stops a run before a
score is asked that could not be written.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Self, TypeVar, overload

from iqaudit._core.errors import InputError, naming
from iqaudit._search.ledger import Answer

try:
    import fcntl
except ImportError:  # Windows: two that write one file are not kept apart
    fcntl = None  # type: ignore[assignment]

BLOCK = 1 << 14
"""Bytes of room that are taken at a time; an answer's line has some forty."""

RESERVE = 1 << 12
"""Bytes of room below which more is taken."""

PATIENCE = 600.0
"""Seconds to wait for a worker of a run that was killed: it ends at its next answer."""

T = TypeVar("T", bound=tuple[Any, ...])


@dataclass(frozen=True)
class Lines(Generic[T]):
    """The lines of a journal: an array in JSON each.

    Parameters
    ----------
    entry : callable
        From a line's array to the entry; a ValueError or TypeError where it is none.
    subject : str
        The thing that they are about.
    strict : bool
        Whether a whole line without an entry is an error, or the end of the entries.
    """

    entry: Callable[[Any], T]
    subject: str
    strict: bool = False

    def read(self, path: Path, content: bytes) -> tuple[tuple[T, ...], int]:
        """Return the entries of whole lines, and where these end; zeros are room, no line."""
        entries, end = [], 0
        for line in content.splitlines(keepends=True):
            if not line.endswith(b"\n"):  # torn
                break
            try:
                entries.append(self.entry(json.loads(line)))
            except (ValueError, TypeError):
                if self.strict:
                    raise InputError(
                        f"{path}: these are no kept answers ({line[:40]!r})."
                    ) from None
                break
            end += len(line)
        return tuple(entries), end


def _answer(line: Any) -> Answer:
    score, key = line
    if not (isinstance(score, float) and isinstance(key, int)):
        raise TypeError("no answer")
    return Answer(score, key)


ANSWERS = Lines(_answer, "picture")
"""A picture's answers in a search."""


class Journal(Generic[T]):
    """A file to which entries are added by one process at a time; a context manager.

    Parameters
    ----------
    path : path
        The file; made where there is none.
    lines : Lines
        The form of its lines: a picture's answers unless given.
    patience : float, optional
        Seconds to wait for another process; `PATIENCE` unless given.

    Raises
    ------
    InputError
        If another process holds it and does not let go.
    OSError
        If it cannot be written, or there is no room.

    Attributes
    ----------
    answers : tuple
        The entries that were there when it was opened. A last line that was torn is dropped.
    """

    @overload
    def __init__(self: "Journal[Answer]", path: Path) -> None: ...

    @overload
    def __init__(self, path: Path, lines: Lines[T], patience: float) -> None: ...

    def __init__(
        self, path: Path, lines: Lines[Any] = ANSWERS, patience: float | None = None
    ) -> None:
        self.path = path
        self._file = _locked(path, lines.subject, PATIENCE if patience is None else patience)
        try:
            content = os.pread(self._file, os.fstat(self._file).st_size, 0)
            self.answers: tuple[T, ...]
            self.answers, self._end = lines.read(path, content)
            if self._end < len(content):
                os.ftruncate(self._file, self._end)
            self._room = self._end
            self._take_room()
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the room back, and let go of the file."""
        try:
            os.ftruncate(self._file, self._end)
        finally:
            os.close(self._file)

    def keep(self, answers: Iterable[T]) -> None:
        """Write entries down, and take room for more.

        Raises
        ------
        OSError
            If there is no room for more. The entries are written.
        """
        content = "".join(f"{json.dumps(answer)}\n" for answer in answers).encode()
        self._write(content, self._end)
        self._end += len(content)
        self._take_room()

    def remove(self) -> None:
        """Remove the file: its entries are elsewhere now."""
        self.path.unlink(missing_ok=True)

    def _take_room(self) -> None:
        if self._room - self._end >= RESERVE:
            return
        start = max(self._room, self._end)
        self._write(bytes(BLOCK), start)
        self._room = start + BLOCK

    def _write(self, content: bytes, at: int) -> None:
        with naming(self.path):
            while content:
                written = os.pwrite(self._file, content, at)
                content, at = content[written:], at + written


@overload
def read(path: Path) -> tuple[Answer, ...]: ...


@overload
def read(path: Path, lines: Lines[T]) -> tuple[T, ...]: ...


def read(path: Path, lines: Lines[Any] = ANSWERS) -> tuple[Any, ...]:
    """Return the entries of a file; none where there is no file."""
    try:
        return lines.read(path, path.read_bytes())[0]
    except FileNotFoundError:
        return ()


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


def _locked(path: Path, subject: str, patience: float) -> int:
    """Open a file that no other process holds."""
    until = time.monotonic() + patience
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if lock(file) and _is_there(file, path):
            return file
        os.close(file)
        if time.monotonic() > until:
            raise InputError(f"{path}: another process is at work on this {subject}.")
        time.sleep(0.05)


def _is_there(file: int, path: Path) -> bool:
    """Whether an open file is still the one of its name: its last holder may have removed it."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), path.stat())
    return False
