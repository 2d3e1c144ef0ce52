"""Signs in the answers to a cell's queries that its figures do not tell how firm the victim is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST = 10
"""Scores asked in a search below which it is too short for a sign."""

STEPS_LEAST = 50
"""Pictures asked in a cell below which too few were scored to tell steps."""

STEPS_SHARE = 0.1
"""Different scores a picture asked at which a victim is said to answer in steps."""


@dataclass(frozen=True)
class Answers:
    """What a search was answered, in short.

    Attributes
    ----------
    asked : int
        Scores asked.
    pictures, scores : int
        Different pictures and scores among them.
    low, high : float
        The lowest and highest, native.
    moved : bool
        Whether a score better than the clean picture's was found.
    none : int
        Answers that were no finite score, and are none of `scores`.
    """

    asked: int
    pictures: int
    scores: int
    low: float
    high: float
    moved: bool
    none: int = 0

    @classmethod
    def of(cls, answers: NDArray[np.void], *, moved: bool) -> "Answers":
        """Sum up the answers to a search's queries, as its file of scores has them."""
        scores = answers["score"][np.isfinite(answers["score"])]
        return cls(
            asked=len(answers),
            pictures=len(np.unique(answers["picture"])),
            scores=len(np.unique(scores)),
            low=float(scores.min()),
            high=float(scores.max()),
            moved=moved,
            none=len(answers) - len(scores),
        )


@dataclass(frozen=True)
class Doubt:
    """A sign in a cell's answers.

    Attributes
    ----------
    text : str
        A sentence.
    whole : bool
        Whether every search shows it, so that the cell's figures tell nothing of the victim.
    """

    text: str
    whole: bool


def doubts(answers: Sequence[Answers], *, white_box: bool) -> tuple[Doubt, ...]:
    """Return the signs that searches' figures do not tell how firm their victim is.

    Parameters
    ----------
    answers : sequence of Answers
        Of each search that has come to its end.
    white_box : bool
        Whether they followed the victim's gradient.
    """
    spoilt = _no_scores(answers)
    judged = [each for each in answers if each.asked >= LEAST]
    if not judged:
        return spoilt
    pictures = sum(each.pictures for each in judged)
    low, high = min(each.low for each in judged), max(each.high for each in judged)
    if low == high and pictures > 1:
        text = f"All {pictures:,} pictures asked got the same score, {low:g}: the victim does not "
        text += "look at the picture, or it failed without saying so."
        return (*spoilt, Doubt(text, whole=True))
    still = [each for each in judged if each.pictures == 1]
    stuck = [each for each in judged if each.pictures > 1 and each.scores == 1]
    found = []
    if still:
        why = (
            "its gradient was zero, so the attack never left the clean picture: that "
            "is no ceiling, and no firmness"
            if white_box
            else "the attack proposed nothing but the clean picture"
        )
        found.append(_doubt(still, judged, why))
    if stuck:
        found.append(_doubt(stuck, judged, "no change that was tried changed the score at all"))
    steps = sum(each.scores for each in judged if each.pictures > 1)
    asked = sum(each.pictures for each in judged if each.pictures > 1)
    some_moved = len(still) + len(stuck) < len(judged)
    if some_moved and asked >= STEPS_LEAST and steps <= STEPS_SHARE * asked:
        text = f"{asked:,} pictures asked got {steps} different scores: the victim answers in "
        found.append(Doubt(text + "steps, which small changes seldom pass.", whole=True))
    if white_box and not found and not any(each.moved for each in judged):
        text = "The gradient led no search to a better score: that is no ceiling, and no firmness."
        found.append(Doubt(text, whole=True))
    return (*spoilt, *found)


def _no_scores(answers: Sequence[Answers]) -> tuple[Doubt, ...]:
    none, searches = sum(each.none for each in answers), sum(each.none > 0 for each in answers)
    if not none:
        return ()
    asked = sum(each.asked for each in answers)
    where = f"{searches} of {len(answers)} searches" if len(answers) > 1 else "the search"
    text = f"{none:,} of {asked:,} answers, in {where}, were no finite score: changes that nobody "
    return (Doubt(text + "sees break the victim. They count as nothing gained.", whole=False),)


def _doubt(some: Sequence[Answers], judged: Sequence[Answers], why: str) -> Doubt:
    whole = len(some) == len(judged)
    which = "every search" if whole else f"{len(some)} of {len(judged)} searches"
    return Doubt(f"In {which} {why}.", whole)
