"""Scores as they are answered: an append-only file, a line an answer.

Given its answers, a search is determined: with them it can be taken up where it stood. So they are
handed to the operating system one by one, before anything else may happen, and outlive the process.
Room for the next ones is taken beforehand, as zeros, so that a full disk stops a run before a
score is asked that could not be written. A damaged line, which its checksum tells, takes nothing
else along.
"""

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, Self, TypeVar, overload

from iqaudit._core.errors import InputError, naming, printable, some
from iqaudit._runs.checksums import checksum
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

SHOWN = 5
"""Numbers of damaged lines that a sentence has."""

SEAL = re.compile(rb', "([0-9a-f]{8})"\]')
"""The end of a line: its array's last element, the checksum of the array without it."""

SEAL_LENGTH = 13

T = TypeVar("T", bound=tuple[Any, ...])


class Kept(NamedTuple, Generic[T]):
    """The entries of a journal's whole lines, the numbers of damaged ones, and where all end."""

    entries: tuple[T, ...]
    damaged: tuple[int, ...]
    end: int


@dataclass(frozen=True)
class Lines(Generic[T]):
    """The lines of a journal: an array in JSON each, whose last element is a checksum.

    Lines of earlier versions, which have none, are read where they come first.

    Parameters
    ----------
    entry : callable
        From a line's array to the entry; a ValueError or TypeError where it is none.
    subject : str
        The thing that they are about.
    """

    entry: Callable[[Any], T]
    subject: str

    def read(self, content: bytes) -> Kept[T]:
        """Return what a file holds; a torn last line is none, and zeros are room."""
        *lines, _ = content.rstrip(b"\0").split(b"\n")
        entries: list[T] = []
        damaged = []
        seals = False
        for number, line in enumerate(lines, 1):
            whole = self._sealed(line)
            seals = seals or bool(whole)
            if not (whole or seals):
                whole = self._entry(line)
            if not whole:
                damaged.append(number)
                whole = self._within(line)
            entries += whole
        return Kept(tuple(entries), tuple(damaged), sum(map(len, lines)) + len(lines))

    def _sealed(self, line: bytes) -> list[T]:
        """Return the entry of a line that has its checksum; none of another."""
        seal = SEAL.fullmatch(line, max(0, len(line) - SEAL_LENGTH))
        array = line[:-SEAL_LENGTH] + b"]"
        return self._entry(array) if seal and checksum(array) == seal[1].decode() else []

    def _within(self, line: bytes) -> list[T]:
        """Return the whole entries in a damaged line: two where it is the end of one that is."""
        found, end = [], 0
        for seal in SEAL.finditer(line):
            start, end = line.rfind(b"[", end, seal.start()), seal.end()
            found += self._sealed(line[max(0, start) : end])
        return found

    def _entry(self, array: bytes) -> list[T]:
        try:
            return [self.entry(json.loads(array))]
        except (ValueError, TypeError, OverflowError, RecursionError):
            return []


def line(entry: tuple[Any, ...]) -> bytes:
    """Return an entry's line."""
    array = json.dumps(entry)
    return f'{array[:-1]}, "{checksum(array.encode())}"]\n'.encode()


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
    damaged : tuple of int
        The numbers of damaged lines, from 1; they stay where they are.
    """

    @overload
    def __init__(self: "Journal[Answer]", path: Path) -> None: ...

    @overload
    def __init__(self, path: Path, lines: Lines[T], patience: float | None = ...) -> None: ...

    def __init__(
        self, path: Path, lines: Lines[Any] = ANSWERS, patience: float | None = None
    ) -> None:
        self.path = path
        self._file = _locked(path, lines.subject, PATIENCE if patience is None else patience)
        try:
            content = os.pread(self._file, os.fstat(self._file).st_size, 0)
            self.answers: tuple[T, ...]
            self.answers, self.damaged, self._end = lines.read(content)
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
        content = b"".join(map(line, answers))
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


def read(path: Path, lines: Lines[T]) -> Kept[T]:
    """Return what a file holds; nothing where there is no file."""
    try:
        return lines.read(path.read_bytes())
    except FileNotFoundError:
        return Kept((), (), 0)


def tidy(path: Path, lines: Lines[Any]) -> None:
    """Give back the room that a killed process left in a file, where nothing is added to it now."""
    with contextlib.suppress(OSError, InputError):  # the entries are whole, with room or without
        if path.read_bytes().endswith(b"\0"):
            Journal(path, lines, patience=0).close()


def on_damage(path: Path, damaged: Sequence[int]) -> str:
    """Return the sentence on a file's damaged lines."""
    numbers = some(list(map(str, damaged)), SHOWN)
    noun, verb = ("line", "is") if len(damaged) == 1 else ("lines", "are")
    return f"{printable(path)}: {noun} {numbers} {verb} damaged: what stood there is asked again."


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
