"""Scores asked once: each answer is on disk before the next is asked, and is never asked again.

The file is a journal: a line an answer, with the victim's label, the picture's key (`picture_key`)
and the native score.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from iqaudit._core.errors import InputError
from iqaudit._core.picture import Pixels, picture_key
from iqaudit._runs import journal
from iqaudit._runs.journal import Journal, Lines
from iqaudit.victims._base import Victim
from iqaudit.victims._fingerprint import tolerance
from iqaudit.victims._scoring import score

Progress: TypeAlias = Callable[[int], None]
"""Called after every score asked, with how many were. A KeyboardInterrupt raised in it stops
between two scores."""


class CachedScore(NamedTuple):
    """A victim's label, a picture's key, and its native score."""

    label: str
    picture: int
    score: float


def _cached(line: Any) -> CachedScore:
    label, picture, native = line
    return CachedScore(str(label), int(picture), float(native))


SCORES = Lines(_cached, "file", strict=True)


@dataclass(frozen=True)
class Scorer:
    """A victim, and its label in answers and tables."""

    label: str
    victim: Victim

    def quality(self, native: float) -> float:
        """Map a native score onto 0-10."""
        return self.victim.card.scale.quality(native)


class ScoreCache(ExitStack):
    """A file of scores that grows, a context manager.

    One picture is asked at a time: a score's last bits then do not depend on where an earlier
    start was interrupted. The file is opened, and kept from other processes, once there is a score
    to ask for.

    Parameters
    ----------
    path : path
        The file; its answers are known. A torn last line is dropped.
    progress : callable, optional
        See `Progress`.

    Attributes
    ----------
    counts : Counter of str
        The number of answers that the file holds of each victim.

    Raises
    ------
    InputError
        If the file is none of answers, or, once a score is to be asked, another process adds to it.
    OSError
        If there is no room for a score that is to be asked.
    """

    def __init__(self, path: str | os.PathLike[str], progress: Progress | None = None) -> None:
        super().__init__()
        self._path, self._progress = Path(path), progress
        self._known: dict[tuple[str, int], float] = {}
        self._journal: Journal[CachedScore] | None = None
        self._asked = 0
        self._take_in(journal.read(self._path, SCORES))

    def know(self, label: str, answers: Iterable[tuple[int, float]]) -> None:
        """Take in pictures' keys and scores that were recorded elsewhere."""
        for key, native in answers:
            self._known.setdefault((label, key), native)

    def knows(self, label: str, key: int) -> bool:
        """Tell whether a picture's score is known, by the picture's key."""
        return (label, key) in self._known

    def of(self, scorer: Scorer, pixels: Pixels) -> float:
        """Return a picture's native score: the known one, or else asked and kept."""
        place = scorer.label, picture_key(pixels)
        if place not in self._known:
            file = self._open()
            if place not in self._known:  # another process may have asked meanwhile
                native = score(scorer.victim, pixels)
                file.keep([CachedScore(*place, native)])
                self.counts[scorer.label] += 1
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
        now = score(scorer.victim, pixels)
        self._count()
        if abs(now - known) > tolerance(scorer.victim.card):
            raise InputError(
                f'The victim "{scorer.label}" scores a picture {now:.6g} that it scored '
                f"{known:.6g} before: it is another. Give the run's victim, or remove "
                f"{self._path} where that is older."
            )

    def _count(self) -> None:
        self._asked += 1
        if self._progress is not None:
            self._progress(self._asked)

    def _open(self) -> Journal[CachedScore]:
        if self._journal is None:
            self._journal = self.enter_context(Journal(self._path, SCORES, patience=0))
            self._take_in(self._journal.answers)
        return self._journal

    def _take_in(self, answers: Iterable[CachedScore]) -> None:
        """Know the answers of the file: all of them, since it only grows."""
        answers = tuple(answers)
        self._known |= {(each.label, each.picture): each.score for each in answers}
        self.counts = Counter(each.label for each in answers)
