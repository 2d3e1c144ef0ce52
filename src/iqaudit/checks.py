"""Is a scorer fit to be audited? Named checks, each with a verdict and a sentence.

``docs/checks.md`` says what each means and what to do about it.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

import numpy as np

from iqaudit import degrade
from iqaudit.errors import InputError, VictimError
from iqaudit.images import Picture, Pixels
from iqaudit.oracle import score, scores_together
from iqaudit.victims import Victim

REPEATS = 5
PROBE_SIDE = 256
BATCH = 3
GRID = 8
"""Cells a side, each changed on its own to see whether the victim looks there."""

MIDDLE = 127

CELL_CHANGE = 40
"""Levels: a change of a cell that any eye sees."""

FINE_CHANGES = 8
"""Pictures that differ by one level, to see whether the score moves at all."""

DIRECTION_PASS, DIRECTION_FAIL = 0.75, 0.5
"""Shares of degraded copies that must score lower."""

SATURATED = 0.5
"""Distance to the ends of 0-10 at which a clean score is warned of."""

EXAMPLE_BUDGETS = (500, 10_000)


class Verdict(Enum):
    """What a check found."""

    PASS = "pass"  # noqa: S105 (no password)
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """A check's name, verdict, and sentence."""

    check: str
    verdict: Verdict
    sentence: str


def fingerprint(victim: Victim) -> tuple[float, float]:
    """Return a victim's native scores of two fixed synthetic pictures: they tell victims apart.

    A gradient, and the same with noise; square, of 256 pixels a side or the nearest that the victim
    takes.
    """
    side = max(PROBE_SIDE, victim.card.smallest_side)
    side = min(side, victim.card.largest_side or side)
    ramp = np.add.outer(np.arange(side), np.arange(side))[..., None] * (255 / (2 * side))
    plain = np.repeat(ramp, 3, axis=2).astype(np.uint8)
    return score(victim, plain), score(victim, degrade.noise(plain, 20))


def example() -> list[Picture]:
    """Return the photographs that are used where the caller gives none."""
    from skimage import data

    return [Picture("astronaut", data.astronaut()), Picture("coffee", data.coffee())]


def check(
    victim: Victim, pictures: Sequence[Picture] | None = None, *, price: float | None = None
) -> Iterator[Finding]:
    """Ask a victim what an audit needs to know of it; about a hundred scores.

    Parameters
    ----------
    victim : Victim
        Who is checked.
    pictures : sequence of Picture, optional
        Good photographs; two of scikit-image's unless given. Cut to what the victim takes.
    price : float, optional
        Money a query, for the cost of a budget.

    Yields
    ------
    Finding
        One a check, as each is done; after a failing victim's, none.

    Raises
    ------
    InputError
        If a picture is too small for the victim, or the price is no amount.
    """
    if price is not None and not (math.isfinite(price) and price >= 0):
        raise InputError(f"price must be a finite number of at least 0, not {price!r}.")
    cut = [_cut(victim, picture) for picture in pictures or example()]
    if victim.card.note:
        yield Finding("note", Verdict.WARN, victim.card.note)
    first = cut[0]
    try:
        for make in (_deterministic, _batch, _resolution, _everywhere):
            yield make(victim, first)
        yield _scale(victim, cut)
        yield _direction(victim, cut)
        one, two = fingerprint(victim)
        said = f"Scores {one:.6g} and {two:.6g} on two fixed synthetic pictures."
        yield Finding("fingerprint", Verdict.PASS, said)
        yield _cost(victim, first, price)
    except VictimError as error:
        yield Finding("answers", Verdict.FAIL, str(error))


def _cut(victim: Victim, picture: Picture) -> Pixels:
    """Return the middle of a picture, no larger than the victim takes."""
    card = victim.card
    if min(picture.height, picture.width) < card.smallest_side:
        raise InputError(
            f"{picture.name}: {picture.width} x {picture.height} pixels; the victim "
            f'"{card.name}" needs at least {card.smallest_side} a side.'
        )
    largest = card.largest_side or max(picture.height, picture.width)
    top, left = (max(0, (side - largest) // 2) for side in (picture.height, picture.width))
    return picture.pixels[top : top + largest, left : left + largest]


def _deterministic(victim: Victim, pixels: Pixels) -> Finding:
    answers = []
    for _ in range(REPEATS):
        _forget(victim)
        answers.append(score(victim, pixels))
    if len(set(answers)) == 1:
        return Finding("deterministic", Verdict.PASS, f"{REPEATS} times the same score.")
    noise = float(np.std(answers))
    return Finding(
        "deterministic",
        Verdict.FAIL,
        f"The same picture was scored {min(answers):.6g} to {max(answers):.6g} "
        f"(standard deviation {noise:.2g}): a run cannot be repeated or verified.",
    )


def _forget(victim: Victim) -> None:
    """Have a victim that keeps its answers ask again."""
    forget = getattr(victim, "forget", None)
    if forget is not None:
        forget()


def _batch(victim: Victim, pixels: Pixels) -> Finding:
    if victim.card.largest_batch == 1:
        return Finding("batch", Verdict.PASS, "Takes one picture a call.")
    pictures = [np.roll(pixels, 7 * shift, axis=1) for shift in range(BATCH)]
    alone = [score(victim, picture) for picture in pictures]
    together = scores_together(victim, np.stack(pictures))
    gap = max(abs(a - b) for a, b in zip(alone, together, strict=True))
    if not gap:
        return Finding("batch", Verdict.PASS, "The same score alone and in a batch.")
    small = gap <= 1e-4 * victim.card.scale.spread
    return Finding(
        "batch",
        Verdict.WARN if small else Verdict.FAIL,
        f"A picture's score alone and in a batch differs by {gap:.2g}: "
        + ("results depend on --batch in the last digits." if small else "use --batch 1."),
    )


def _resolution(victim: Victim, pixels: Pixels) -> Finding:
    """Tell whether changes of one level reach the score."""
    rng = np.random.default_rng(0)
    answers = {score(victim, pixels)}
    for _ in range(FINE_CHANGES):
        signs = rng.integers(-1, 2, pixels.shape)
        answers.add(score(victim, (pixels + signs).clip(0, 255).astype(np.uint8)))
    if len(answers) == FINE_CHANGES + 1:
        return Finding("resolution", Verdict.PASS, "Changes of one level in 255 move the score.")
    return Finding(
        "resolution",
        Verdict.WARN if len(answers) > 1 else Verdict.FAIL,
        f"{FINE_CHANGES} pictures that differ by one level got {len(answers)} different scores: "
        "the victim rounds its input or its answer, and a search sees only steps.",
    )


def _everywhere(victim: Victim, pixels: Pixels) -> Finding:
    """Tell which parts of a picture have a say."""
    height, width = pixels.shape[:2]
    clean = score(victim, pixels)
    rows = np.linspace(0, height, GRID + 1).astype(int)
    columns = np.linspace(0, width, GRID + 1).astype(int)
    unseen = 0
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            changed = pixels.copy()
            cell = changed[top:bottom, left:right]
            cell[:] = np.where(cell > MIDDLE, cell - CELL_CHANGE, cell + CELL_CHANGE)
            unseen += score(victim, changed) == clean
    share = unseen / GRID**2
    window = victim.card.window(height, width)
    known = 1 - window.height * window.width / (height * width)
    if not unseen:
        return Finding("every pixel", Verdict.PASS, "Every part of the picture has a say.")
    drawn = (
        f"the attack draws only in the {100 * (1 - known):.0f} % that it looks at"
        if known
        else "queries spent there are wasted"
    )
    return Finding(
        "every pixel",
        Verdict.WARN,
        f"{100 * share:.0f} % of the picture has no say ({width} x {height}): {drawn}.",
    )


def _scale(victim: Victim, pictures: Sequence[Pixels]) -> Finding:
    scale = victim.card.scale
    answers = [score(victim, picture) for picture in pictures]
    qualities = [scale.quality(answer) for answer in answers]
    said = f"scores {min(answers):.4g} to {max(answers):.4g}; scale: {scale.source}."
    if not all(scale.fits(answer) for answer in answers):
        return Finding(
            "scale",
            Verdict.FAIL,
            f"Good photographs score far outside what the scale was made for: {said}",
        )
    if min(qualities) < SATURATED or max(qualities) > 10 - SATURATED:
        return Finding(
            "scale", Verdict.WARN, f"Near an end of 0-10, where little is left to move: {said}"
        )
    return Finding("scale", Verdict.PASS, f"Good photographs lie well inside 0-10: {said}")


def _direction(victim: Victim, pictures: Sequence[Pixels]) -> Finding:
    ladders: list[tuple[Callable[[Pixels, float], Pixels], tuple[float, ...]]] = [
        (degrade.blur, (1, 2, 4)),
        (degrade.noise, (8, 16, 32)),
        (lambda pixels, quality: degrade.jpeg(pixels, int(quality)), (40, 20, 8)),
    ]
    quality = victim.card.scale.quality
    lower = [
        quality(score(victim, make(pixels, strength))) < quality(score(victim, pixels))
        for pixels in pictures
        for make, strengths in ladders
        for strength in strengths
    ]
    share = float(np.mean(lower))
    said = f"{100 * share:.0f} % of blurred, noisy and JPEG-compressed copies score lower"
    if share >= DIRECTION_PASS:
        return Finding("direction", Verdict.PASS, f"{said} than their originals.")
    if share >= DIRECTION_FAIL:
        return Finding("direction", Verdict.WARN, f"Only {said} than their originals.")
    return Finding(
        "direction",
        Verdict.FAIL,
        f"Only {said}: is a lower score better (--lower-is-better)?",
    )


def _cost(victim: Victim, pixels: Pixels, price: float | None) -> Finding:
    started = time.perf_counter()
    for _ in range(REPEATS):
        _forget(victim)
        score(victim, pixels)
    seconds = (time.perf_counter() - started) / REPEATS
    budgets = "; ".join(
        f"{queries:,} queries {_duration(seconds * queries)}"
        + (f" and {price * queries:,.2f} in money" if price else "")
        for queries in EXAMPLE_BUDGETS
    )
    size = f"{pixels.shape[1]} x {pixels.shape[0]}"
    return Finding(
        "cost",
        Verdict.PASS,
        f"{1000 * seconds:.1f} ms a score at {size}: {budgets}.",
    )


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
