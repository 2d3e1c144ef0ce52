"""The oracle: metered access to a victim, and the only way to a score."""

import math
from collections.abc import Sequence

import numpy as np

from iqaudit._core.errors import InputError, VictimError
from iqaudit._core.goal import Direction, Goal
from iqaudit._core.patches import Change, Patch, Perturbation, Proposal
from iqaudit._core.picture import Pixels, picture_key, window_key
from iqaudit._core.scale import Scale
from iqaudit._core.threat import Linf
from iqaudit.victims._base import Session, Victim
from iqaudit.victims._scoring import as_numbers, ask_batch, check_scale, refuse_unusable

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
        The keys of the pictures that were answered so (`picture_key`): what makes a
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
                refuse_unusable(victim, answers)
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
        return ask_batch(victim, np.stack([change.picture() for change in changes]))
    together = [(oracle.session, change) for oracle, change in requests]
    return as_numbers(victim, lambda: session.scores(together), changes[0].base, len(changes))
