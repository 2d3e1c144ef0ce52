"""Signs in the answers to a cell's queries that its figures do not tell how firm the victim is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iqaudit import measures
from iqaudit._assess.calibration import FEWEST
from iqaudit._core.scale import DECLARED, FLAT, RANGE, SPREADS_PER_RANGE, Scale
from iqaudit._runs.figures import Row

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
    outside : tuple of float
        Answers outside the range; none of `scores` where `refused`.
    limits : tuple of float
        The range.
    refused : bool
        Whether those gained nothing; an older version took them for scores.
    alone : bool
        Whether the best scores, few, lie farther from all others than those lie apart.
    """

    asked: int
    pictures: int
    scores: int
    low: float
    high: float
    moved: bool
    none: int = 0
    outside: tuple[float, ...] = ()
    limits: tuple[float, float] = (0, 0)
    refused: bool = True
    alone: bool = False

    @classmethod
    def of(
        cls,
        answers: NDArray[np.void],
        scale: Scale,
        taken: NDArray[np.bool_],
        *,
        upwards: bool,
        moved: bool,
    ) -> "Answers":
        """Sum up the answers to a search's queries, as its file of scores has them.

        `taken` tells which were taken for scores, `upwards` which way they were pushed.
        """
        natives = answers["score"]
        finite = np.isfinite(natives)
        scores = np.unique(natives[taken])
        gains = scores - natives[0] if upwards else (natives[0] - scores)[::-1]
        # The best few, of different values perhaps; nine tenths and the clean one are the others.
        gaps = np.diff(gains)[-max(1, len(gains) // LEAST) :]
        last = gains[-len(gaps) - 1 : -1]
        return cls(
            asked=len(answers),
            pictures=len(np.unique(answers["picture"])),
            scores=len(scores),
            low=float(scores[0]),
            high=float(scores[-1]),
            moved=moved,
            none=int((~finite).sum()),
            outside=tuple(natives[finite & ~scale.admits(natives)].tolist()),
            limits=(scale.low, scale.high),
            refused=not (taken & ~scale.admits(natives)).any(),
            alone=len(scores) >= LEAST and bool(((gaps > last - gains[0]) & (last >= 0)).any()),
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
    spoilt = (*_no_scores(answers), *_outside(answers), *_alone(answers))
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


def luck(rows: Iterable[Row], scale: Scale) -> tuple[Doubt, ...]:
    """Tell how much of the searches' success was the luck of a victim that answers at random."""
    qualities = [
        (row.clean_quality, row.attacked_quality, scale.quality(row.luckiest_score))
        for row in rows
        if row.luckiest_score is not None
    ]
    if not qualities:
        return ()
    clean, after, lucky = zip(*qualities, strict=True)
    fresh = measures.rgo(clean, after)
    text = f"The victim answers at random. RGO is {fresh:.3f} by fresh answers to the attacked "
    text += f"pictures, and was {measures.rgo(clean, lucky):.3f} by the searches' luckiest ones."
    return (Doubt(text, whole=False),)


def on_range(rows: Iterable[Row], scale: Scale) -> tuple[Doubt, ...]:
    """Tell how narrow the clean scores lie within a declared range that C and S are of."""
    clean = [row.clean_score for row in rows]
    if scale.basis not in (RANGE, DECLARED) or len(clean) < 2:  # noqa: PLR2004
        return ()
    span = max(clean) - min(clean)
    share = 100 * span / (SPREADS_PER_RANGE * scale.spread)
    text = f"C and S are the declared range's, of which the {len(clean)} clean scores span "
    text += f"{share:.2g} % ({span:.3g}): RGO hangs on it."
    if scale.basis == RANGE:
        text += f" {FEWEST} pictures or more fit a scale."
    return (Doubt(text, whole=False),)


def far(rows: Sequence[Row], scale: Scale) -> tuple[Doubt, ...]:
    """Tell of clean scores that lie where a fitted logistic is flat."""
    away = [row for row in rows if abs(row.clean_score - scale.center) > FLAT * scale.spread]
    if not away:
        return ()
    which = f"{len(away)} of {len(rows)} clean scores, as {away[0].clean_score:.4g},"
    text = f"{which} lie more than {FLAT} S from C, where RGO tells nothing: see shift, and "
    return (Doubt(text + "whether they are failures.", whole=False),)


def _no_scores(answers: Sequence[Answers]) -> tuple[Doubt, ...]:
    some = [each for each in answers if each.none]
    if not some:
        return ()
    text = f"{_share(sum(each.none for each in some), some, answers)} were no finite score: "
    text += "changes that nobody sees break the victim. They count as nothing gained."
    return (Doubt(text, whole=False),)


def _outside(answers: Sequence[Answers]) -> tuple[Doubt, ...]:
    some = [each for each in answers if each.outside]
    if not some:
        return ()
    values = [value for each in some for value in each.outside]
    low, high = some[0].limits
    text = f"{_share(len(values), some, answers)} were outside the victim's range, {low:g} to "
    text += f"{high:g}, as {Counter(values).most_common(1)[0][0]:g}: signs of failures, which "
    text += (
        "count as nothing gained. If they are scores, say unbounded (--unbounded)."
        if all(each.refused for each in some)
        else "an older version took for scores; its figures may be of such an answer."
    )
    return (Doubt(text, whole=False),)


def _alone(answers: Sequence[Answers]) -> tuple[Doubt, ...]:
    some = [each for each in answers if each.alone]
    if not some:
        return ()
    where = f"In {len(some)} of {len(answers)} searches" if len(answers) > 1 else "In the search"
    text = f"{where} the best score lies farther from the others than those lie apart: it may be "
    return (Doubt(text + "a failure's, within the range. `iqaudit verify` asks again.", False),)


def _share(count: int, some: Sequence[Answers], answers: Sequence[Answers]) -> str:
    """Return how many answers, of how many, in which searches."""
    asked = sum(each.asked for each in answers)
    where = f"{len(some)} of {len(answers)} searches" if len(answers) > 1 else "the search"
    return f"{count:,} of {asked:,} answers, in {where},"


def _doubt(some: Sequence[Answers], judged: Sequence[Answers], why: str) -> Doubt:
    whole = len(some) == len(judged)
    which = "every search" if whole else f"{len(some)} of {len(judged)} searches"
    return Doubt(f"In {which} {why}.", whole)
