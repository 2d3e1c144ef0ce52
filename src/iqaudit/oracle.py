"""The oracle: metered access to a victim, and the only way to a score."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqaudit.errors import InputError, VictimError
from iqaudit.goal import Direction, Goal
from iqaudit.images import Pixels, picture_key, window_key
from iqaudit.proposal import Perturbation, Proposal
from iqaudit.scale import Scale
from iqaudit.threat import Linf
from iqaudit.victims.contract import Change, Patch, Session, Victim, gradient_of

SMALLEST_BUDGET = 2
"""The clean score and one more: less asks nothing of the victim that an attack could use."""


def check_budget(queries: int, cost: int) -> None:
    """Raise an `InputError` where a budget affords less than two scores at their cost."""
    if queries < SMALLEST_BUDGET * cost:
        each = f" of two, and each costs {cost}" if cost > 1 else ""
        raise InputError(
            f"A budget is at least {SMALLEST_BUDGET * cost} queries a picture "
            f"(the clean score is one{each}), not {queries}."
        )


class Oracle:
    """One picture's account with a victim: the budget, every answer, the best picture so far.

    The first proposal scored must be the clean picture: its quality fixes the direction.

    Parameters
    ----------
    pixels : ndarray of uint8, (height, width, 3)
        The clean picture.
    scale : Scale
        The victim's.
    threat, goal
        What is allowed, and what is wanted.
    queries : int
        The budget, the clean score's included; at least two scores'.
    cost : int
        Queries a score. What is left of the budget and affords none is not spent.

    Attributes
    ----------
    scores : list of float
        Every native score answered, in the order asked.
    asked : list of int
        The keys of the pictures that were answered so (`iqaudit.images.picture_key`): what makes a
        run one that can be replayed.
    session : Session or None
        The search, where the victim scores again only what changes.
    """

    def __init__(
        self,
        pixels: Pixels,
        scale: Scale,
        threat: Linf,
        goal: Goal,
        queries: int,
        cost: int = 1,
        session: Session | None = None,
    ) -> None:
        check_budget(queries, cost)
        self.queries, self.cost, self.session = queries, cost, session
        self.scores: list[float] = []
        self.asked: list[int] = []
        self._pixels, self._scale, self._threat, self._goal = pixels, scale, threat, goal
        self._best, self._best_loss = (0, Change(pixels)), math.inf
        self._base: Perturbation | None = None
        self._last: tuple[Proposal, Change] | None = None
        self._painted, self._canvas, self._painted_key = pixels, pixels, 0

    @property
    def spent(self) -> int:
        """How many queries were billed."""
        return self.cost * len(self.scores)

    @property
    def left(self) -> int:
        """How many scores may still be asked."""
        return (self.queries - self.spent) // self.cost

    @property
    def direction(self) -> Direction:
        """Which way the score is pushed; known once the clean picture is scored."""
        return self._goal.direction(self._scale.quality(self.scores[0]))

    @property
    def best_query(self) -> int:
        """The query of `best`."""
        return self._best[0]

    @property
    def best(self) -> tuple[int, Pixels]:
        """The query with the lowest loss, from 1 (the last of its score's), and its picture.

        The clean picture counts: an attack that found nothing better leaves the picture as it was.
        """
        query, change = self._best
        return query, change.picture()

    def change(self, proposal: Proposal) -> Change:
        """Return the picture that a proposal stands for, clipped to the threat."""
        if proposal.base is not self._base:
            self._rebase(proposal.base)
        patches = (
            Patch(edit.top, edit.left, self._threat.apply(self._pixels[edit.window], edit.levels))
            for edit in proposal.edits
        )
        return Change(self._painted, tuple(patches))

    def book(self, proposal: Proposal, change: Change, score: float) -> float:
        """Write a proposal's score down as the next one answered, and return its loss."""
        if not self.left:
            raise RuntimeError("a query was asked beyond the budget")
        self.scores.append(score)
        self.asked.append(self._key(change))
        self._last = proposal, change
        loss = self.direction.loss(self._scale.quality(score))
        if loss < self._best_loss:
            self._best_loss, self._best = loss, (self.spent, change)
        return loss

    def _rebase(self, base: Perturbation) -> None:
        """Paint a base; the last proposal's, which an attack accepts, is painted already."""
        self._base = base
        if self._last is not None and self._last[0].was(base):
            change = self._last[1]
            if change.base is self._painted:
                self._paint(change)  # faster than a copy of the picture
            else:
                self._canvas = change.picture().copy()
            self._painted, self._painted_key = change.picture(), self.asked[-1]
        else:
            self._painted = self._threat.apply(self._pixels, base)
            self._painted_key = picture_key(self._painted)
            self._canvas = self._painted.copy()

    def _key(self, change: Change) -> int:
        """Return the key of a change of the base painted last."""
        if change.base is not self._painted:
            return picture_key(change.picture())
        key = self._painted_key
        for patch in change.patches:
            held = self._canvas[patch.window]
            difference = patch.pixels.astype(np.int16) - held
            key += window_key(difference, patch.top, patch.left, self._pixels.shape[:2])
            held[:] = patch.pixels  # patches may overlap: the later one counts
        for patch in change.patches:
            self._canvas[patch.window] = self._painted[patch.window]
        return key % 2**64

    def _paint(self, change: Change) -> None:
        for patch in change.patches:
            self._canvas[patch.window] = patch.pixels


def ask(
    victim: Victim, requests: Sequence[tuple[Oracle, Change]]
) -> tuple[list[float | None], VictimError | KeyboardInterrupt | None]:
    """Ask the victim for the score of each change; nothing is booked.

    Pictures of one size are scored as one batch, as large as the victim allows.

    Returns
    -------
    scores : list of float or None
        In order; None where no usable answer came.
    error : VictimError, KeyboardInterrupt or None
        What went wrong: the victim raised, or answered with anything but one finite score a
        picture, or with a clean score that its scale was not made for; or it was interrupted.
        Every usable answer is there all the same, so that none is lost.
    """
    scores: list[float | None] = [None] * len(requests)
    by_size: dict[tuple[tuple[int, ...], bool], list[int]] = {}
    for index, (oracle, change) in enumerate(requests):
        if not oracle.left:
            raise RuntimeError("a query was asked beyond the budget")
        kind = (change.base.shape, oracle.session is not None)
        by_size.setdefault(kind, []).append(index)
    for (_, kept), indices in by_size.items():
        size = len(indices) if kept else victim.card.largest_batch or len(indices)
        for start in range(0, len(indices), size):
            chosen = indices[start : start + size]
            try:
                answers = _answers(victim, [requests[index] for index in chosen])
                for index, answer in zip(chosen, answers, strict=True):
                    if math.isfinite(answer):
                        scores[index] = answer
                _check(victim, answers)
                first = [i for i in chosen if not requests[i][0].scores]
                for index in first:
                    check_scale(victim, scores[index])
            except (VictimError, KeyboardInterrupt) as error:
                return scores, error
    return scores, None


def _answers(victim: Victim, requests: Sequence[tuple[Oracle, Change]]) -> list[float]:
    changes = [change for _, change in requests]
    session = requests[0][0].session
    if session is None:
        # The victim gets a copy: some write into what they are given.
        return _scores(victim, np.stack([change.picture() for change in changes]))
    together = [(oracle.session, change) for oracle, change in requests]
    return _numbers(victim, lambda: session.scores(together), changes[0].base, len(changes))


def score(victim: Victim, pixels: Pixels) -> float:
    """Return the victim's native score of one picture, outside any budget."""
    return scores_together(victim, pixels[None])[0]


def scores_together(victim: Victim, batch: Pixels) -> list[float]:
    """Return the victim's native scores of pictures of one size, outside any budget."""
    scores = _scores(victim, batch.copy())
    _check(victim, scores)
    return scores


def slope(victim: Victim, pixels: Pixels) -> NDArray[np.float32]:
    """Return the gradient of the victim's native score by a picture's levels.

    Outside any budget, which counts scores: for white-box attacks, whose victims have one.
    """
    own = gradient_of(victim)
    if own is None:
        raise RuntimeError("a gradient was asked of a victim that has none")
    try:
        found = np.asarray(own(pixels.copy()), dtype=np.float32)
    except Exception as error:
        raise _failed(victim, "the gradient for a picture", pixels, error) from error
    if found.shape != pixels.shape or not np.isfinite(found).all():
        raise VictimError(
            f'The victim "{victim.card.name}" has no finite gradient for a picture of '
            f"{pixels.shape[1]} x {pixels.shape[0]}."
        )
    return found


def _check(victim: Victim, scores: Sequence[float]) -> None:
    if bad := [answer for answer in scores if not math.isfinite(answer)]:
        raise VictimError(
            f'The victim "{victim.card.name}" answered {bad[0]} where a finite score was due.'
        )


def check_scale(victim: Victim, clean: float | None) -> None:
    """Raise a `VictimError` where the scale was not made for a clean picture's score, if any."""
    if clean is not None and not victim.card.scale.fits(clean):
        raise VictimError(
            f'The victim "{victim.card.name}" scored a clean picture {clean:g}, far outside '
            "what its scale was made for "
            f"({victim.card.scale.source}); say the range that it has."
        )


def _scores(victim: Victim, batch: Pixels) -> list[float]:
    return _numbers(victim, lambda: victim.score(batch), batch[0], len(batch))


def _numbers(
    victim: Victim, answer: Callable[[], ArrayLike], like: Pixels, count: int
) -> list[float]:
    """Return what a victim answers as so many floats, or raise its fault as a `VictimError`."""
    try:
        scores = np.asarray(answer(), dtype=np.float64)
    except VictimError:
        raise  # the victim has a sentence of its own
    except Exception as error:
        raise _failed(victim, f"{count} picture(s)", like, error) from error
    if scores.shape != (count,):
        raise VictimError(
            f'The victim "{victim.card.name}" answered an array of shape {scores.shape} where one '
            f"score for each of {count} picture(s) was due."
        )
    numbers: list[float] = scores.tolist()
    return numbers


def _failed(victim: Victim, what: str, like: Pixels, error: Exception) -> VictimError:
    return VictimError(
        f'The victim "{victim.card.name}" failed on {what} of '
        f"{like.shape[1]} x {like.shape[0]}: {type(error).__name__}: {error}"
    )
