"""Checksums: who reads a file that is not as it was written refuses it, and names it.

A record's is its file's last key, over all that stands before it; a journal's line has its own; of
pictures and scores a run's record has the hashes. They tell of damage, not of a forger, who can
make them again: `iqaudit._runs.verify` compares what is recorded. A record without one was written
by an earlier version, or changed by somebody who removed it.
"""

import hashlib
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from iqaudit._core.errors import InputError, printable

SEAL = re.compile(rb',\n "([^"\n]{8})": "([^"\n]{8})"\n\}\Z')
"""A record's last key and its value, whatever became of them."""

LONGEST = 40
"""Bytes that a record's last lines, its checksum, are shorter than."""

_noted: ContextVar[dict[str, None] | None] = ContextVar("noted", default=None)


class DamagedRecordError(InputError):
    """A file of a run that is damaged: one value is of another type, or the checksum another."""


@contextmanager
def noting() -> Iterator[dict[str, None]]:
    """Have files that are not as they were written noted, a sentence each, and read all the same.

    Noted once each, in a dictionary's keys.
    """
    noted: dict[str, None] = {}
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def refuse_changed(file: Path, *, intact: bool, mend: str = "") -> None:
    """Refuse, or note, a file that is not as it was written.

    Raises
    ------
    DamagedRecordError
        If it is not intact, and nobody is `noting`.
    """
    if not intact:
        sentence = f"{printable(file)}: this was changed or damaged after it was written{mend}."
        if (noted := _noted.get()) is None:
            raise DamagedRecordError(sentence)
        noted[sentence] = None


def checksum(content: bytes) -> str:
    """Return the checksum of a line or a record: CRC-32, eight digits."""
    return f"{zlib.crc32(content):08x}"


def sealed(text: str) -> str:
    """Return a record's text, an object in JSON with an indent of 1, with its checksum."""
    return f'{text[:-2]},\n "checksum": "{checksum(text.encode())}"\n}}'


def is_sealed(content: bytes) -> bool:
    """Tell whether a record's file has a checksum."""
    return b'"checksum":' in content


def refuse_unsealed(file: Path, content: bytes) -> None:
    """Refuse, or note, a record whose checksum is not that of its file; see `refuse_changed`."""
    seal = SEAL.search(content, max(0, len(content) - LONGEST))
    if seal is None:
        intact = not is_sealed(content)
    else:
        found = zlib.crc32(b"\n}", zlib.crc32(memoryview(content)[: seal.start()]))
        intact = seal.groups() == (b"checksum", f"{found:08x}".encode())
    mend = ": where that is meant, remove its checksum, the last key"
    refuse_changed(file, intact=intact, mend=mend)


def file_sha256(path: Path) -> str:
    """Return the hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
