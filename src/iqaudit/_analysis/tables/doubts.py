"""Signs in the answers to a cell's queries that its figures do not tell how firm the victim is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iqaudit import measures
from iqaudit._assess.calibration import FEWEST
from iqaudit._assess.questions import FAR
from iqaudit._core.errors import some
from iqaudit._core.picture import same_pixels
from iqaudit._core.scale import DECLARED, FLAT, RANGE, SPREADS_PER_RANGE, Scale
from iqaudit._runs.figures import Row
from iqaudit.measures._bootstrap import ENOUGH, interval, mean, paired

LEAST = 10
"""Scores asked in a search below which it is too short for a sign."""

STEPS_LEAST = 50
"""Pictures asked in a cell below which too few were scored to tell steps."""

STEPS_SHARE = 0.1
"""Different scores a picture asked at which a victim is said to answer in steps."""


CODES = (-1.0, 0.0, 999.0)
"""Numbers that scorers answer where they fail."""

CODES_LEAST = 3
"""Different scores that are none, for a number among them to be told for a code."""

LATE, RISING = 0.2, 0.1
"""The last share of the queries, and the share of the way that is much for it to go."""

RISING_LEAST = 100
"""Scores below which every search rises to its end."""

MASKED = "masked gradient"
"""The flag of a white box whose gradient does not lead, so that it is no ceiling."""


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
    codes : tuple of float
        Values that seem an error's code; see `coded`.
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
    codes: tuple[float, ...] = ()

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
            codes=coded(natives[taken]),
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
    flag : str
        A word for it on the victim's row, which is then never ranked as firm; empty for a remark.
    """

    text: str
    whole: bool
    flag: str = ""


def doubts(answers: Sequence[Answers], *, white_box: bool) -> tuple[Doubt, ...]:
    """Return the signs that searches' figures do not tell how firm their victim is.

    Parameters
    ----------
    answers : sequence of Answers
        Of each search that has come to its end.
    white_box : bool
        Whether they followed the victim's gradient.
    """
    spoilt = (
        *_no_scores(answers),
        *_outside(answers),
        *_answered_codes(answers),
        *_alone(answers),
    )
    judged = [each for each in answers if each.asked >= LEAST]
    if not judged:
        return spoilt
    pictures = sum(each.pictures for each in judged)
    low, high = min(each.low for each in judged), max(each.high for each in judged)
    if low == high and pictures > 1:
        text = f"All {pictures:,} pictures asked got the same score, {low:g}: the victim does not "
        text += "look at the picture, it failed without saying so, or it reads pictures through a "
        text += "library that keeps files by their name."
        return (*spoilt, Doubt(text, whole=True, flag="constant"))
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
        found.append(_doubt(still, judged, why, "zero gradient" if white_box else "unmoved"))
    if stuck:
        why = "no change that was tried changed the score at all"
        found.append(_doubt(stuck, judged, why, "constant"))
    steps = sum(each.scores for each in judged if each.pictures > 1)
    asked = sum(each.pictures for each in judged if each.pictures > 1)
    some_moved = len(still) + len(stuck) < len(judged)
    if some_moved and asked >= STEPS_LEAST and steps <= STEPS_SHARE * asked:
        text = f"{asked:,} pictures asked got {steps} different scores: the victim answers in "
        text += "steps, which small changes seldom pass."
        found.append(Doubt(text, whole=True, flag="steps"))
    if white_box and not found and not any(each.moved for each in judged):
        text = "The gradient led no search to a better score: that is no ceiling, and no firmness."
        found.append(Doubt(text, whole=True, flag=MASKED))
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


def on_scale(rows: Sequence[Row], scale: Scale) -> str:
    """Say C and S, and how narrow the clean scores lie within a declared range that they are of."""
    clean = [row.clean_score for row in rows]
    if scale.basis not in (RANGE, DECLARED) or len(clean) < 2:  # noqa: PLR2004
        return f"{scale}."
    span = max(clean) - min(clean)
    share = 100 * span / (SPREADS_PER_RANGE * scale.spread)
    text = f"{scale}. RGO hangs on that range, of which the {len(clean)} clean scores span "
    text += f"{share:.2g} % ({span:.3g})"
    return text + (f"; {FEWEST} pictures or more fit a scale." if scale.basis == RANGE else ".")


def far(rows: Sequence[Row], scale: Scale) -> tuple[Doubt, ...]:
    """Tell of clean scores that lie where a fitted logistic is flat."""
    away = [row for row in rows if abs(row.clean_score - scale.center) > FLAT * scale.spread]
    if not away:
        return ()
    which = f"{len(away)} of {len(rows)} clean scores, as {away[0].clean_score:.4g},"
    text = f"{which} lie more than {FLAT} S from C, where RGO tells nothing: see shift, and "
    text += "whether they are failures."
    return (Doubt(text, whole=False, flag="outlier"),)


def rising(searches: Sequence[NDArray[np.float64]]) -> tuple[Doubt, ...]:
    """Tell that searches still rise at their end: a larger budget goes farther.

    `searches` has the best native score so far of each that spent its budget, score by score.
    """
    long = [each for each in searches if len(each) >= RISING_LEAST]
    gone = sum(abs(float(each[-1] - each[0])) for each in long)
    late = sum(abs(float(each[-1] - each[int(len(each) * (1 - LATE))])) for each in long)
    if not late > RISING * gone:
        return ()
    text = f"{100 * late / gone:.0f} % of the way that scores went came in the last "
    text += f"{100 * LATE:.0f} % of the queries: the searches still rise, and more go farther."
    return (Doubt(text, whole=False, flag="rising"),)


def held_out(rows: Sequence[Row], cost: int) -> tuple[Doubt, ...]:
    """Tell what the figures of a change for many pictures are of, and what it took."""
    if not rows:
        return ()
    total, still = sum(row.queries for row in rows), sum(row.best_query == cost for row in rows)
    text = f"One change for many pictures, tested on others than it was made on: {total:,} queries "
    text += f"in all, {rows[0].queries:,} a picture."
    if still:
        text += f" {still} of {len(rows)} scores did not move the way that was meant: they count "
        text += "as not moved."
    return (Doubt(text, whole=False),)


def clean_codes(rows: Sequence[Row]) -> tuple[Doubt, ...]:
    """Tell of clean scores that are an error's code, far from all others."""
    clean = np.array([row.clean_score for row in rows])
    if not (codes := coded(clean)):
        return ()
    count = int(np.isin(clean, codes).sum())
    text = f"{count} of {len(rows)} clean scores are {codes[0]:g}, far from all others: an error's "
    return (Doubt(text + "code, it seems, and no score.", whole=False, flag="error code"),)


def beaten(rows: Sequence[Row], chances: Sequence[tuple[float, float] | None]) -> tuple[Doubt, ...]:
    """Tell of an attack that random signs alone go beyond, whichever way they move scores."""
    known = [(row.rgo, chance) for row, chance in zip(rows, chances, strict=True) if chance]
    found = []
    for index, way in enumerate(("raise", "lower") if len(known) >= ENOUGH else ()):
        attack, floor = ([each[0] for each in known], [each[1][index] for each in known])
        both = paired(mean, [attack], [floor])
        if both.sign < 0:
            found.append(
                f"Random signs {way} scores by an RGO of {both.floor.value:.3f}, beyond the "
                f"attack's {both.attack.value:.3f} on the same pictures: noise alone moves this "
                "victim farther."
            )
    return (Doubt(" ".join(found), whole=False, flag="beaten by chance"),) if found else ()


def beyond_gradient(attack: str, moves: Sequence[tuple[float, float]]) -> tuple[Doubt, ...]:
    """Tell that scores went farther than their gradient says that they can.

    Parameters
    ----------
    attack : str
        The attack that moved them.
    moves : sequence of (float, float)
        Of each picture, how far its native score went, and eps * ||grad||_1 at the clean one.
    """
    ahead = [went - FAR * foretold for went, foretold in moves]
    if len(ahead) >= ENOUGH:
        clearly = (interval(mean, ahead).low or 0) > 0
    else:
        clearly = bool(ahead) and min(ahead) > 0
    if not clearly:
        return ()
    text = f"{attack} moves scores more than {FAR} times as far as eps * ||grad||_1 foretells: the "
    return (Doubt(f"{text}gradient is masked, and no ceiling.", whole=True, flag=MASKED),)


def twins(names: Sequence[str], pixels: Sequence[str]) -> tuple[Doubt, ...]:
    """Tell of pictures that have the same pixels: they are drawn together in intervals."""
    same = same_pixels(names, pixels)
    if not same:
        return ()
    text = f"The same pixels: {some(same)}. Intervals are over "
    text += f"{len(set(pixels))} different pictures, not {len(names)}."
    return (Doubt(text, whole=False),)


def coded(scores: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the error codes among scores.

    They are values of `CODES` that lie farther from all others than those lie apart.
    """
    found = []
    for code in CODES:
        others = scores[scores != code]
        if len(others) in (len(scores), 0) or len(np.unique(others)) < CODES_LEAST:
            continue
        if np.abs(others - code).min() > np.ptp(others):
            found.append(code)
    return tuple(found)


def _no_scores(answers: Sequence[Answers]) -> tuple[Doubt, ...]:
    some = [each for each in answers if each.none]
    if not some:
        return ()
    text = f"{_share(sum(each.none for each in some), some, answers)} were no finite score: "
    text += "changes that nobody sees break the victim. They count as nothing gained."
    return (Doubt(text, whole=False, flag="no score"),)


def _outside(answers: Sequence[Answers]) -> tuple[Doubt, ...]:
    some = [each for each in answers if each.outside]
    if not some:
        return ()
    values = [value for each in some for value in each.outside]
    low, high = some[0].limits
    text = f"{_share(len(values), some, answers)} were outside the victim's range, {low:g} to "
    text += f"{high:g}, as {Counter(values).most_common(1)[0][0]:g}: signs of failures, which "
    text += (
        "count as nothing gained. If they are scores, declare none (unbounded)."
        if all(each.refused for each in some)
        else "an older version took for scores; its figures may be of such an answer."
    )
    return (Doubt(text, whole=False, flag="out of range"),)


def _answered_codes(answers: Sequence[Answers]) -> tuple[Doubt, ...]:
    some = [each for each in answers if each.codes]
    if not some:
        return ()
    where = f"In {len(some)} of {len(answers)} searches" if len(answers) > 1 else "In the search"
    text = f"{where} some changes were answered {some[0].codes[0]:g}, far from all other scores: "
    return (Doubt(text + "an error's code, it seems, and no score.", False, "error code"),)


def _alone(answers: Sequence[Answers]) -> tuple[Doubt, ...]:
    some = [each for each in answers if each.alone]
    if not some:
        return ()
    where = f"In {len(some)} of {len(answers)} searches" if len(answers) > 1 else "In the search"
    text = f"{where} the best score lies farther from the others than those lie apart: it may be "
    text += "a failure's, within the range. `iqaudit verify` asks again."
    return (Doubt(text, whole=False, flag="lone best"),)


def _share(count: int, some: Sequence[Answers], answers: Sequence[Answers]) -> str:
    """Return how many answers, of how many, in which searches."""
    asked = sum(each.asked for each in answers)
    where = f"{len(some)} of {len(answers)} searches" if len(answers) > 1 else "the search"
    return f"{count:,} of {asked:,} answers, in {where},"


def _doubt(some: Sequence[Answers], judged: Sequence[Answers], why: str, flag: str) -> Doubt:
    whole = len(some) == len(judged)
    which = "every search" if whole else f"{len(some)} of {len(judged)} searches"
    return Doubt(f"In {which} {why}.", whole, flag)
