"""Scores asked once: each answer is on disk before the next is asked, and is never asked again.

The file has a line an answer: the victim's label, the picture's key (`picture_key`)
and the native score.
"""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self, TypeAlias

from iqaudit._core.errors import InputError
from iqaudit._core.picture import Pixels, picture_key
from iqaudit.victims._base import Victim
from iqaudit.victims._fingerprint import tolerance
from iqaudit.victims._scoring import score

Progress: TypeAlias = Callable[[int], None]
"""Called after every score asked, with how many were. A KeyboardInterrupt raised in it stops
between two scores."""


@dataclass(frozen=True)
class Scorer:
    """A victim, and its label in answers and tables."""

    label: str
    victim: Victim

    def quality(self, native: float) -> float:
        """Map a native score onto 0-10."""
        return self.victim.card.scale.quality(native)


class ScoreCache:
    """A file of scores that grows, a context manager.

    One picture is asked at a time: a score's last bits then do not depend on where an earlier
    start was interrupted.

    Parameters
    ----------
    path : path
        The file; what it holds is known. A torn last line is dropped.
    progress : callable, optional
        See `Progress`.

    Raises
    ------
    InputError
        If the file is none of answers.
    """

    def __init__(self, path: str | os.PathLike[str], progress: Progress | None = None) -> None:
        self._path, self._progress = Path(path), progress
        self._known: dict[tuple[str, int], float] = {}
        self._kept: dict[str, int] = {}
        self._file: IO[bytes] | None = None
        self._asked = 0
        self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def know(self, label: str, answers: Iterable[tuple[int, float]]) -> None:
        """Take in pictures' keys and scores that were recorded elsewhere."""
        for key, native in answers:
            self._known.setdefault((label, key), native)

    @property
    def counts(self) -> dict[str, int]:
        """How many answers of each victim the file holds."""
        return dict(self._kept)

    def knows(self, label: str, key: int) -> bool:
        """Tell whether a picture's score is known, by the picture's key."""
        return (label, key) in self._known

    def of(self, scorer: Scorer, pixels: Pixels) -> float:
        """Return a picture's native score: the known one, or else asked and kept."""
        place = scorer.label, picture_key(pixels)
        if place not in self._known:
            native = score(scorer.victim, pixels)
            self._write(*place, native)
            self._known[place] = native
            self._count()
        return self._known[place]

    def qualities(self, scorer: Scorer, pictures: Iterable[Pixels]) -> list[float]:
        """Return pictures' qualities on 0-10: known ones, or else asked and kept one by one."""
        return [scorer.quality(self.of(scorer, each)) for each in pictures]

    def check(self, scorer: Scorer, pixels: Pixels) -> None:
        """Ask for a known score again: answers of two victims must not stand in one figure.

        Raises
        ------
        InputError
            If the victim answers otherwise now.
        """
        known = self._known.get((scorer.label, picture_key(pixels)))
        if known is None:
            return
        found = score(scorer.victim, pixels)
        self._count()
        if abs(found - known) > tolerance(scorer.victim.card):
            raise InputError(
                f'The victim "{scorer.label}" scores a picture {found:.6g} that it scored '
                f"{known:.6g} before: it is another. Give the run's victim, or remove "
                f"{self._path} where that is older."
            )

    def _count(self) -> None:
        self._asked += 1
        if self._progress is not None:
            self._progress(self._asked)

    def _read(self) -> None:
        if not self._path.exists():
            return
        whole = self._path.read_bytes()
        lines = whole.split(b"\n")
        for line in lines[:-1]:
            try:
                label, key, native = json.loads(line)
                self._known[str(label), int(key)] = float(native)
            except (ValueError, TypeError):
                raise InputError(
                    f"{self._path}: these are no kept answers ({line[:40]!r})."
                ) from None
            self._kept[label] = self._kept.get(label, 0) + 1
        if lines[-1]:
            os.truncate(self._path, len(whole) - len(lines[-1]))

    def _write(self, label: str, key: int, native: float) -> None:
        if self._file is None:
            self._file = self._path.open("ab", buffering=0)
        self._file.write(json.dumps([label, key, native]).encode() + b"\n")
        self._kept[label] = self._kept.get(label, 0) + 1
