"""The oracle: metered access to a victim, and the only way to a score."""

import math
from collections.abc import Sequence

import numpy as np

from iqaudit.errors import InputError, VictimError
from iqaudit.goal import Direction, Goal
from iqaudit.images import Pixels, pixels_sha256
from iqaudit.proposal import Perturbation, Proposal
from iqaudit.scale import Scale
from iqaudit.threat import Linf
from iqaudit.victims.contract import Victim

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
    asked : list of str
        The hashes of the pictures that were answered so: what makes a run one that can be replayed.
    best : (int, ndarray of uint8)
        The query with the lowest loss, from 1 (the last of its score's), and its picture. The clean
        picture counts: an attack that found nothing better leaves the picture as it was.
    """

    def __init__(
        self, pixels: Pixels, scale: Scale, threat: Linf, goal: Goal, queries: int, cost: int = 1
    ) -> None:
        check_budget(queries, cost)
        self.queries, self.cost = queries, cost
        self.scores: list[float] = []
        self.asked: list[str] = []
        self.best = (0, pixels)
        self._pixels, self._scale, self._threat, self._goal = pixels, scale, threat, goal
        self._best_loss = math.inf
        self._base: Perturbation | None = None
        self._painted_base = pixels

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

    def paint(self, proposal: Proposal) -> Pixels:
        """Return the picture that a proposal stands for, clipped to the threat."""
        if proposal.base is not self._base:
            self._base = proposal.base
            self._painted_base = self._threat.apply(self._pixels, proposal.base)
        painted = self._painted_base.copy()
        for edit in proposal.edits:
            painted[edit.window] = self._threat.apply(self._pixels[edit.window], edit.levels)
        return painted

    def book(self, painted: Pixels, score: float) -> float:
        """Write a score down as the next one answered, and return its loss."""
        self.scores.append(score)
        self.asked.append(pixels_sha256(painted))
        loss = self.direction.loss(self._scale.quality(score))
        if loss < self._best_loss:
            self._best_loss, self.best = loss, (self.spent, painted)
        return loss


def ask(
    victim: Victim, requests: Sequence[tuple[Oracle, Proposal]]
) -> tuple[list[float | None], VictimError | None]:
    """Ask the victim for a score on each request.

    Pictures of one size are scored as one batch, as large as the victim allows.

    Returns
    -------
    losses : list of float or None
        In order; None where no usable answer came.
    error : VictimError or None
        What went wrong: the victim raised, or answered with anything but one finite score a
        picture. Every usable answer is booked all the same, so that none is lost.
    """
    losses: list[float | None] = [None] * len(requests)
    by_size: dict[tuple[int, ...], list[int]] = {}
    for index, (oracle, _) in enumerate(requests):
        if not oracle.left:
            raise RuntimeError("a query was asked beyond the budget")
        by_size.setdefault(oracle.best[1].shape, []).append(index)
    for indices in by_size.values():
        size = victim.card.largest_batch or len(indices)
        for start in range(0, len(indices), size):
            chosen = indices[start : start + size]
            painted = [requests[index][0].paint(requests[index][1]) for index in chosen]
            try:
                # The victim gets a copy: some write into what they are given.
                scores = _scores(victim, np.stack(painted))
                for index, pixels, answer in zip(chosen, painted, scores, strict=True):
                    if math.isfinite(answer):
                        losses[index] = requests[index][0].book(pixels, answer)
                _check(victim, scores)
                _check_scale(victim, [requests[index][0] for index in chosen])
            except VictimError as error:
                return losses, error
    return losses, None


def score(victim: Victim, pixels: Pixels) -> float:
    """Return the victim's native score of one picture, outside any budget."""
    return scores_together(victim, pixels[None])[0]


def scores_together(victim: Victim, batch: Pixels) -> list[float]:
    """Return the victim's native scores of pictures of one size, outside any budget."""
    scores = _scores(victim, batch.copy())
    _check(victim, scores)
    return scores


def _check(victim: Victim, scores: Sequence[float]) -> None:
    if bad := [answer for answer in scores if not math.isfinite(answer)]:
        raise VictimError(
            f'The victim "{victim.card.name}" answered {bad[0]} where a finite score was due.'
        )


def _check_scale(victim: Victim, oracles: Sequence[Oracle]) -> None:
    """Refuse a scale that was not made for a clean score, when that is the one just booked."""
    for clean in (oracle.scores[0] for oracle in oracles if len(oracle.scores) == 1):
        if not victim.card.scale.fits(clean):
            raise VictimError(
                f'The victim "{victim.card.name}" scored a clean picture {clean:g}, far outside '
                "what its scale was made for "
                f"({victim.card.scale.source}); say the range that it has."
            )


def _scores(victim: Victim, batch: Pixels) -> list[float]:
    try:
        answer = np.asarray(victim.score(batch), dtype=np.float64)
    except VictimError:
        raise  # the victim has a sentence of its own
    except Exception as error:
        raise VictimError(
            f'The victim "{victim.card.name}" failed on {len(batch)} picture(s) of '
            f"{batch.shape[2]} x {batch.shape[1]}: {type(error).__name__}: {error}"
        ) from error
    if answer.shape != (len(batch),):
        raise VictimError(
            f'The victim "{victim.card.name}" answered an array of shape {answer.shape} where one '
            f"score for each of {len(batch)} picture(s) was due."
        )
    return [float(value) for value in answer]
