"""What a victim answered on a picture that is begun: an append-only file, a line an answer.

Given its answers, a search is determined: whoever has them can stand where it stood. So they are
handed to the operating system one by one, before anything else may happen, and outlive the process.
Room for what comes next is taken beforehand, as zeros, so that a full disk stops a run before a
score is asked that could not be kept.
"""

import contextlib
import json
import math
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from iqaudit._core.errors import InputError
from iqaudit._runs.locks import lock
from iqaudit._search.ledger import Answer

BLOCK = 1 << 14
"""Bytes of room that are taken at a time; an answer's line has some forty."""

RESERVE = 1 << 12
"""Bytes of room below which more is taken."""

PATIENCE = 600.0
"""Seconds to wait for a worker of a run that was killed: it ends at its next answer."""


class Journal:
    """The answers on one picture, being added to; a context manager.

    Nobody else may add to it meanwhile.

    Parameters
    ----------
    path : path
        The file; made where there is none.

    Raises
    ------
    InputError
        If another process holds it and does not let go.
    OSError
        If it cannot be written, or there is no room.

    Attributes
    ----------
    answers : tuple of Answer
        Those that were there when it was opened. A last line that was torn is dropped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _locked(path)
        try:
            content = os.pread(self._file, os.fstat(self._file).st_size, 0)
            self.answers, self._end = _read(content)
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
        """Let go of the file."""
        os.close(self._file)

    def keep(self, answers: Iterable[Answer]) -> None:
        """Write answers down, and take room for more.

        Raises
        ------
        OSError
            If there is no room for more. Those given are kept.
        """
        lines = "".join(f"{json.dumps(answer)}\n" for answer in answers).encode()
        self._write(lines, self._end)
        self._end += len(lines)
        self._take_room()

    def remove(self) -> None:
        """Remove the file: what it held is kept elsewhere now."""
        self.path.unlink(missing_ok=True)

    def _take_room(self) -> None:
        if self._room - self._end >= RESERVE:
            return
        start = max(self._room, self._end)
        self._write(bytes(BLOCK), start)
        self._room = start + BLOCK

    def _write(self, content: bytes, at: int) -> None:
        while content:
            written = os.pwrite(self._file, content, at)
            content, at = content[written:], at + written


def read(path: Path) -> tuple[Answer, ...]:
    """Return the answers that a file holds; none where there is no file."""
    try:
        return _read(path.read_bytes())[0]
    except FileNotFoundError:
        return ()


def _read(content: bytes) -> tuple[tuple[Answer, ...], int]:
    """Return the answers that whole lines hold, and where they end."""
    answers, end = [], 0
    for line in content.splitlines(keepends=True):
        answer = _parsed(line)
        if answer is None:
            break
        answers.append(answer)
        end += len(line)
    return tuple(answers), end


def _parsed(line: bytes) -> Answer | None:
    if not line.endswith(b"\n"):
        return None
    try:
        score, key = json.loads(line)
    except (ValueError, TypeError):
        return None
    usable = isinstance(score, float) and math.isfinite(score) and isinstance(key, int)
    return Answer(score, key) if usable else None


def _locked(path: Path) -> int:
    """Open a file that nobody else holds."""
    until = time.monotonic() + PATIENCE
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if lock(file) and _is_there(file, path):
            return file
        os.close(file)
        if time.monotonic() > until:
            raise InputError(f"{path}: another process is at work on this picture.")
        time.sleep(0.05)


def _is_there(file: int, path: Path) -> bool:
    """Whether an open file is still the one of its name: who held it may have removed it."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), path.stat())
    return False
