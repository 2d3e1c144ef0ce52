"""Victims behind defences: a defended victim is a victim."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqaudit._core.errors import InputError, VictimError
from iqaudit._core.patches import Patch, Patched, Window, whole
from iqaudit._core.picture import Pixels, pixels_sha256
from iqaudit._core.stream import Stream
from iqaudit.defences._base import Draw, Question, Standard, question
from iqaudit.defences._registry import chain, spec
from iqaudit.victims._base import Card, Gradient, Session, Victim, gradient_of, open_session
from iqaudit.victims._objects import Wrapped

EXPECTED = 8
"""Draws whose mean is the gradient behind a defence that draws (EOT; Athalye et al., ICML 2018)."""

LARGEST = 4096
"""Pixels a side of the squares of which the smallest that a victim takes is looked for."""

TOGETHER = 32
"""Pictures of one question that are scored in a call at the most."""

REMEMBERED = 64
"""Changes of which one may become the base without being defended anew."""


class Defended(Wrapped):
    """A victim behind defences.

    A question costs one query, however many pictures are scored for it. Where a defence draws, no
    two questions get the same numbers: in a search they hang on the seed, the clean picture and the
    question's number; outside one on the picture and how often it was asked about.

    Parameters
    ----------
    victim : Victim
        The scorer.
    defences : sequence of str or Defence
        In order, the first nearest to the picture; strings as in `iqaudit.defences.DEFENCES`.

    Raises
    ------
    InputError
        If there is no such defence, or the victim takes no pictures such as it makes.
    """

    def __init__(self, victim: Victim, defences: Sequence[Any]) -> None:
        super().__init__(victim)
        self.defences = chain(defences)
        self.draws = any(each.draws for each in self.defences)
        reaches = [each.reach for each in self.defences]
        self._reach = None if self.draws or None in reaches else sum(each or 0 for each in reaches)
        self._names = "+".join(map(spec, self.defences))
        self._asked: Counter[str] = Counter()
        self._smallest = self._smallest_side(victim.card)

    @property
    def card(self) -> Card:
        """The victim's card, as it is behind the defences."""
        card = self._victim.card
        note = f"behind {self._names}"
        if self.gradient is not None:
            note += f", whose gradient is {self._gradient_kind()}"
        return replace(
            card,
            name=f"{card.name}+{self._names}",
            smallest_side=self._smallest,
            window=self._window,
            incremental=card.incremental and self._reach is not None,
        ).noting(note)

    def score(self, pictures: Pixels) -> NDArray[np.float64]:
        """Score pictures (n, height, width, 3); see `Victim.score`."""
        return self.answers([question(self.defences, each, self._draw(each)) for each in pictures])

    @property
    def gradient(self) -> Gradient | None:
        """The gradient behind the defences; None where the victim answers scores alone.

        Exact where a defence has a derivative; the straight-through estimate where it has none;
        the mean of `EXPECTED` draws, fixed for a picture, where it draws.
        """
        slope = gradient_of(self._victim)
        return None if slope is None else lambda picture: self._gradient(slope, picture)

    def open_session(
        self, height: int, width: int, scores: int, stream: Stream | None = None
    ) -> Session | None:
        """Begin a search; see `iqaudit.victims._base.open_session`."""
        if self.draws and stream is None:
            return None
        if self._reach is not None:
            local = open_session(self._victim, height, width, scores, stream)
            return None if local is None else Local(self.defences, local)
        inner: Session | None = None
        shape = _made(self.defences, height, width)
        if self._victim.card.incremental:  # whose session scores whole pictures faster, too
            inner = open_session(self._victim, shape[1], shape[2], scores * shape[0], stream)
        if inner is None and not self.draws:
            return None
        return Whole(self, inner, shape, stream if self.draws else None)

    def incremental(self, height: int, width: int) -> str:
        """Return a sentence on how much of a search's work is done again only where it changes."""
        if self._reach is None:
            return f"Every query is a dense pass, since {self._names} changes the whole picture."
        own = getattr(self._victim, "incremental", None)
        return "Every query is a dense pass." if own is None else str(own(height, width))

    def answers(self, questions: Sequence[Question]) -> NDArray[np.float64]:
        """Return the answers to questions, by the scores of their pictures."""
        shapes = {each.pictures.shape for each in questions}
        if len(shapes) == 1 and len(questions[0].pictures) == 1:  # as many as the card allows
            scores = self._scores(np.concatenate([each.pictures for each in questions]))
            pairs = zip(questions, scores, strict=True)
            return np.array([each.answer(score[None]) for each, score in pairs])
        return np.array([each.answer(self._scores(each.pictures)) for each in questions])

    def _scores(self, pictures: Pixels) -> NDArray[np.float64]:
        size = self._victim.card.largest_batch or TOGETHER
        scores = []
        for start in range(0, len(pictures), size):
            try:
                part = self._victim.score(pictures[start : start + size].copy())
            except VictimError as error:
                if start:  # they may have been paid for
                    lost = f"{start} of {len(pictures)} pictures that were asked about together"
                    error.args = (f"{error} The answers to {lost} go with it.",)
                raise
            scores.append(np.atleast_1d(np.asarray(part, np.float64)))
        return np.concatenate(scores)

    def _draw(self, picture: Pixels) -> Draw | None:
        if not self.draws:
            return None
        key = pixels_sha256(picture)
        self._asked[key] += 1
        return numbers(key, self._asked[key])

    def _gradient(self, slope: Gradient, picture: Pixels) -> NDArray[np.float32]:
        draws: Iterator[Draw | None] = iter((None,))
        if self.draws:
            stream = Stream(0, f"{pixels_sha256(picture)}:gradient")
            draws = map(stream.at, range(EXPECTED))
        slopes = []
        for draw in draws:
            asked = question(self.defences, picture, draw)
            by_each = np.stack([np.asarray(slope(each), np.float32) for each in asked.pictures])
            alone = len(by_each) == 1  # whose share in the answer hangs on no score
            scores = np.zeros(1) if alone else self._scores(asked.pictures)
            slopes.append(asked.pull_back(scores, by_each))
        mean: NDArray[np.float32] = np.mean(slopes, axis=0, dtype=np.float32)
        return mean

    def _gradient_kind(self) -> str:
        estimates = [spec(each) for each in self.defences if each.estimated]
        parts = [f"straight through {'+'.join(estimates)} (BPDA)" if estimates else "exact"]
        if self.draws:
            parts.append(f"the mean of {EXPECTED} draws (EOT)")
        return ", ".join(parts)

    def _smallest_side(self, card: Card) -> int:
        """Return the side of the smallest square whose pictures the victim takes."""
        side = card.smallest_side
        if card.size is not None:
            made = _made(self.defences, *card.size)[1:3]
            if made != card.size:
                raise InputError(
                    f'The victim "{card.name}" takes {card.size[1]} x {card.size[0]} alone, and '
                    f"{self._names} makes {made[1]} x {made[0]} of it."
                )
            return side
        low = side
        while not self._serves(side):
            low, side = side + 1, 2 * side
            if side > LARGEST:
                raise InputError(
                    f'The victim "{card.name}" needs at least {card.smallest_side} a side, which '
                    f"{self._names} makes of no picture up to {LARGEST:,} a side."
                )
        return low + bisect_left(range(low, side), True, key=self._serves)

    def _serves(self, side: int) -> bool:
        """Tell whether the victim takes what is made of a square of a size."""
        return min(_made(self.defences, side, side)[1:3]) >= self._victim.card.smallest_side

    def _window(self, height: int, width: int) -> Window:
        """Return the part of a picture that the victim looks at, where it stays in its place."""
        window = self._victim.card.window(height, width)
        reach = self._reach
        if reach is None or window == whole(height, width):
            return whole(height, width)
        top, left = max(0, window.top - reach), max(0, window.left - reach)
        bottom = min(height, window.top + window.height + reach)
        right = min(width, window.left + window.width + reach)
        return Window(top, left, bottom - top, right - left)


def numbers(sha256: str, question: int) -> Draw:
    """Return what is drawn for a question about a picture outside of searches, from 1."""
    return Stream(0, f"{sha256}:defence").at(question)


def defences_of(victim: Victim) -> tuple[Standard, ...]:
    """Return the defences that a victim stands behind; none of one that is not defended."""
    found = getattr(victim, "defences", ())  # which a user's own victim may have for itself
    several = isinstance(found, tuple) and all(isinstance(each, Standard) for each in found)
    return found if several else ()


def exact(defences: Sequence[Standard]) -> bool:
    """Tell whether gradients behind defences are those of the answers: an estimate tells nothing.

    Nor does the mean over draws tell how far one answer goes, and it takes many gradients.
    """
    return not any(each.estimated or each.draws for each in defences)


def passes(victim: Victim, height: int = 256, width: int = 256) -> int:
    """Return how many pictures a victim scores for one question about a picture of a size.

    A service is sent, and may bill, so many.
    """
    return _made(defences_of(victim), height, width)[0]


def _made(defences: Sequence[Standard], height: int, width: int) -> tuple[int, ...]:
    """Return the shape of the pictures made of a picture of a size."""
    grey = np.full((height, width, 3), 128, np.uint8)
    return question(defences, grey, np.random.default_rng(0)).pictures.shape


class Whole:
    """A search with a victim whose defences change whole pictures, or draw: questions are counted.

    Parameters
    ----------
    victim : Defended
        The victim.
    inner : Session or None
        The scorer's own, of pictures as the defences make them; None where it has none.
    shape : tuple of int
        Of these pictures.
    stream : Stream or None
        Of the search, where a defence draws.
    """

    def __init__(
        self,
        victim: Defended,
        inner: Session | None,
        shape: tuple[int, ...],
        stream: Stream | None,
    ) -> None:
        self._victim, self._inner, self._shape, self._count = victim, inner, shape, 0
        self._last: Patched | None = None
        if stream is not None:
            stream = replace(stream, picture=f"{stream.picture}:defence")
        self._stream = stream

    @staticmethod
    def scores(requests: "Sequence[tuple[Whole, Patched]]") -> ArrayLike:
        """Score changes; see `Session.scores`."""
        return [session.score(change) for session, change in requests]

    def score(self, change: Patched) -> float:
        """Return a change's score."""
        self.recall(change)
        draw = None if self._stream is None else self._stream.at(self._count)
        asked = question(self._victim.defences, change.painted(), draw)
        if self._inner is None or asked.pictures.shape != self._shape:
            return float(self._victim.answers([asked])[0])
        pairs = [(self._inner, Patched(each, (Patch(0, 0, each),))) for each in asked.pictures]
        return asked.answer(np.asarray(self._inner.scores(pairs), np.float64))

    def recall(self, change: Patched) -> None:
        """Take note of a question that was asked in an earlier search; see `Session.recall`.

        Whole pictures' scores hang on nothing that was asked before.
        """
        if change is not self._last:  # one that was not answered is the same question again
            self._last, self._count = change, self._count + 1

    def close(self) -> None:
        """End the search."""
        if self._inner is not None:
            self._inner.close()


class Local:
    """A search with a victim whose defences are local: they are computed where a change reaches.

    Parameters
    ----------
    defences : sequence of Standard
        Each with its reach.
    inner : Session
        The victim's own.
    """

    def __init__(self, defences: Sequence[Standard], inner: Session) -> None:
        self._defences, self.inner = defences, inner
        self._reach = sum(each.reach or 0 for each in defences)
        self._base: Pixels | None = None
        self._canvas = self._defended = np.empty((0, 0, 3), np.uint8)
        self._changes: list[tuple[Patched, Patched]] = []
        """Of the base, the last ones: as they were asked, and behind the defences."""

    @staticmethod
    def scores(requests: "Sequence[tuple[Local, Patched]]") -> ArrayLike:
        """Score changes; see `Session.scores`."""
        inner = [(session.inner, session.through(change)) for session, change in requests]
        scores = np.asarray(inner[0][0].scores(inner), np.float64)
        pairs = zip(requests, scores, strict=True)
        return [session.answer(score) for (session, _), score in pairs]

    def recall(self, change: Patched) -> None:
        """Take note of a change that was scored in an earlier search; see `Session.recall`."""
        self.inner.recall(self.through(change))

    def close(self) -> None:
        """End the search."""
        self.inner.close()

    def answer(self, score: float) -> float:
        """Return the answer in place of a score."""
        for defence in reversed(self._defences):
            score = defence.answer(np.array([score]))
        return score

    def through(self, change: Patched) -> Patched:
        """Return the change behind the defences."""
        if change.base is not self._base:
            made = next((own for asked, own in self._changes if asked.was(change.base)), None)
            self._defended = self._made(change.base) if made is None else made.painted()
            self._base, self._canvas, self._changes = change.base, change.base.copy(), []
        for patch in change.patches:
            self._canvas[patch.window] = patch.values
        patches = tuple(map(self._around, change.patches))
        for patch in change.patches:
            self._canvas[patch.window] = change.base[patch.window]
        through = Patched(self._defended, patches)
        self._changes = [*self._changes[-REMEMBERED:], (change, through)]
        return through

    def _around(self, patch: Patch) -> Patch:
        """Return what a patch of the canvas changes behind the defences."""
        rows, columns = (
            (max(0, each.start - self._reach), min(side, each.stop + self._reach))
            for each, side in zip(patch.window, self._canvas.shape, strict=False)
        )
        # What lies at a cut through the picture is wrong as far as the defences reach.
        top, left = max(0, rows[0] - self._reach), max(0, columns[0] - self._reach)
        seen = self._canvas[top : rows[1] + self._reach, left : columns[1] + self._reach]
        inside = slice(rows[0] - top, rows[1] - top), slice(columns[0] - left, columns[1] - left)
        return Patch(rows[0], columns[0], self._made(seen)[inside])

    def _made(self, pixels: Pixels) -> Pixels:
        made: Pixels = question(self._defences, pixels, None).pictures[0]
        return made
