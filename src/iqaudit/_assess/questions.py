"""Questions to a scorer, each with a verdict and a sentence; see `iqaudit._assess.check`."""

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from enum import Enum
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from iqaudit._core import distortions
from iqaudit._core.errors import InputError, VictimError, some
from iqaudit._core.picture import Pixels
from iqaudit._core.wording import worded
from iqaudit.victims._averaging import Repeated
from iqaudit.victims._base import Victim, forget
from iqaudit.victims._scoring import finite, finite_together, slope

REPEATS = 5
BATCH = 3
MIDDLE = 127

SMALL = 16
"""Pixels a side of a small picture, where the victim takes such."""

FINE_CHANGES = 8
"""Pictures that differ by one level, to see whether the score moves at all."""

LAST_DIGITS = 64
"""Steps of a float32 that scores lie apart which differ by rounding, or little more."""

COARSE = 8
"""Levels of a change that a rounded input still shows."""

FEW_DIGITS = 4
"""Behind the point, of an answer that was rounded for people."""

HARDLY = 0.1
"""Share of the scale's S by which the scores of photographs and their degraded copies lie apart
where they hardly differ: a quality between 0 and 10 moves by a quarter then."""

MENDED = 3
"""Times that the scores lie farther apart where an option mends that."""

CLEARLY = 1.1
"""Times that scores lie farther apart by an option than by an earlier one, to be named for it: a
network hardly tells the order of its channels."""

OPTIONS: tuple[Mapping[str, Any], ...] = (
    {"normalise": "imagenet"},
    {"normalise": "imagenet", "colour": "bgr"},
    {"normalise": "0.5/0.5"},
    {"input": (0, 255)},
    {"colour": "bgr", "input": (0, 255)},
)
"""Preprocessing that is often forgotten, in the order in which it is tried."""

DIRECTION_PASS, DIRECTION_FAIL = 0.75, 0.5
"""Shares of degraded copies that must score lower."""

FAR = 2
"""Times eps * ||grad||_1 beyond which a score does not go that its gradient tells of."""

BEYOND_CHANCE = 4
"""Standard deviations of a score that two of one picture seldom lie apart."""

SATURATED = 0.5
"""Distance to the ends of 0-10 at which a clean score is warned of."""


class Verdict(Enum):
    """The verdict of a check."""

    PASS = "pass"  # noqa: S105 (no password)
    WARN = "warn"
    FAIL = "fail"


Outcome: TypeAlias = tuple[Verdict, str]
"""A check's verdict and sentence."""


def deterministic(victim: Victim, pixels: Pixels) -> Outcome:
    answers = []
    for _ in range(REPEATS):
        forget(victim)
        answers.append(finite(victim, pixels))
    if len(set(answers)) == 1:
        return Verdict.PASS, f"{REPEATS} times the same score."
    sentence = f"The same picture was scored {min(answers):.6g} to {max(answers):.6g}"
    noise = float(np.std(answers, ddof=1))
    if isinstance(victim, Repeated):
        single = victim.card.noise * math.sqrt(victim.repeats)
        brought = f"{victim.repeats} repeats bring a standard deviation of {single:.2g} to"
        sentence += (
            f": {brought if victim.repeats > 1 else 'a standard deviation of'} "
            f"{victim.card.noise:.2g} ({noise:.2g} here). A search asks again where that decides, "
            "and verify allows for it."
        )
        if victim.repeats > 1:
            sentence += f" {worded('repeats=1', '--repeats 1')} takes fewer answers."
        return Verdict.WARN, sentence
    why = "a run cannot be repeated or verified, and takes luck for progress; with "
    why += f"{worded('repeats=1', '--repeats 1')} the noise is measured, and a search asks again "
    why += "where that decides."
    return Verdict.FAIL, f"{sentence} (standard deviation {noise:.2g}): {why}"


def history(victim: Victim, pixels: Pixels) -> Outcome:
    """Tell whether a score hangs on the pictures that were asked about before."""
    card, (height, width) = victim.card, pixels.shape[:2]
    side = max(SMALL, card.smallest_side)
    others = {"a grey": np.full_like(pixels, MIDDLE)}
    if card.size is None:
        others["a small"] = pixels[:side, :side]
        if card.largest_side is None or 2 * max(height, width) <= card.largest_side:
            others["a large"] = np.tile(pixels, (2, 2, 1))
    forget(victim)
    before = finite(victim, pixels)
    gaps = {}
    for name, picture in others.items():
        with suppress(VictimError):  # what it does not take is told by other checks
            finite(victim, picture)
        forget(victim)
        gaps[name] = abs(finite(victim, pixels) - before)
    name, gap = max(gaps.items(), key=lambda each: each[1])
    if gap <= BEYOND_CHANCE * card.noise:
        names = [each.removeprefix("a ") for each in others]
        return Verdict.PASS, f"The same score again after pictures of another kind: {some(names)}."
    return Verdict.FAIL, (
        f"After {name} picture the same picture is scored {gap:.2g} otherwise: the victim keeps "
        "something from picture to picture, and no score of a search is its picture's alone."
    )


def batch(victim: Victim, pixels: Pixels) -> Outcome:
    if victim.card.largest_batch == 1:
        return Verdict.PASS, "Takes one picture a call."
    count = min(BATCH, victim.card.largest_batch or BATCH)
    pictures = [np.roll(pixels, 7 * shift, axis=1) for shift in range(count)]
    alone = [finite(victim, picture) for picture in pictures]
    together = finite_together(victim, np.stack(pictures))
    gap = max(abs(a - b) for a, b in zip(alone, together, strict=True))
    if not gap:
        return Verdict.PASS, "The same score alone and in a batch."
    if gap <= BEYOND_CHANCE * victim.card.noise:
        return Verdict.PASS, "The same score alone and in a batch, within noise."
    small = gap <= 1e-4 * victim.card.scale.spread
    mend = (
        f"results depend on the batch ({worded('batch')}) in the last digits."
        if small
        else f"use {worded('batch=1', '--batch 1')}."
    )
    sentence = f"A picture's score alone and in a batch differs by {gap:.2g}: {mend}"
    return Verdict.WARN if small else Verdict.FAIL, sentence


def resolution(victim: Victim, pixels: Pixels) -> Outcome:
    """Tell whether changes of one level reach the score."""
    rng = np.random.default_rng(0)
    answers = [finite(victim, pixels)]
    for _ in range(FINE_CHANGES):
        signs = rng.integers(-1, 2, pixels.shape)
        answers.append(finite(victim, (pixels + signs).clip(0, 255).astype(np.uint8)))
    noise, different = victim.card.noise, len(set(answers))
    sentence = "Changes of one level in 255 move the score"
    if noise and np.ptp(answers) <= BEYOND_CHANCE * noise:
        return Verdict.WARN, f"{sentence} by no more than its noise does."
    if different == FINE_CHANGES + 1:
        return Verdict.PASS, f"{sentence}."
    sentence = (
        f"{different} of {FINE_CHANGES + 1} pictures that differ by one level score differently"
    )
    if 0 < np.ptp(answers) <= LAST_DIGITS * np.spacing(np.float32(max(map(abs, answers)))):
        return Verdict.WARN, f"{sentence}, by a float's last digits: one level hardly moves it."
    why = f"{_steps(victim, pixels, answers)}, and a search sees only steps."
    return Verdict.WARN if different > 1 else Verdict.FAIL, f"{sentence}: {why}"


def _steps(victim: Victim, pixels: Pixels, answers: list[float]) -> str:
    """Tell why changes of one level do not all move a score."""
    draw = np.random.default_rng(1)
    for _ in range(FINE_CHANGES):
        signs = draw.choice([-COARSE, COARSE], pixels.shape)
        answers.append(finite(victim, (pixels + signs).clip(0, 255).astype(np.uint8)))
    if len(set(answers)) == 1:
        return "no change of a few levels moves it"
    for digits in range(FEW_DIGITS + 1):
        if all(answer == round(answer, digits) for answer in answers):
            return f"the victim rounds its answer ({digits} digits behind the point)"
    if len(set(answers[-FINE_CHANGES:])) == FINE_CHANGES:
        return f"the victim rounds its input, as changes of {COARSE} levels all move it"
    return "its answers lie in steps, or hang on little of the picture"


def gradient(victim: Victim, pixels: Pixels) -> Outcome:
    try:
        steep = float(np.abs(slope(victim, pixels)).sum())
    except VictimError as error:
        return Verdict.WARN, f"{error} Attack it as a black box: pgd gives it no ceiling."
    if not steep:
        return Verdict.WARN, (
            "The gradient is zero everywhere (the input is rounded, or the score is cut off from "
            "it): pgd cannot attack it, and is no ceiling. Attack it as a black box."
        )
    clean, rng = finite(victim, pixels), np.random.default_rng(0)
    changes = (rng.choice((-1, 1), pixels.shape) for _ in range(FINE_CHANGES))
    fine = ((pixels + each).clip(0, 255).astype(np.uint8) for each in changes)
    moved = max(abs(finite(victim, each) - clean) for each in fine)
    if moved > max(FAR * steep, BEYOND_CHANCE * victim.card.noise):
        return Verdict.WARN, (
            f"The gradient is nearly zero: it foretells that no change of one level moves the "
            f"score by more than {steep:.2g}, and a random one moved it by {moved:.2g}. It is "
            "masked: pgd is no ceiling. Attack it as a black box."
        )
    return Verdict.PASS, "The score has a gradient that pgd, the ceiling, can follow."


def scale(victim: Victim, pictures: Iterable[Pixels]) -> Outcome:
    scale = victim.card.scale
    answers = [finite(victim, picture) for picture in pictures]
    qualities = [scale.quality(answer) for answer in answers]
    sentence = f"scores {min(answers):.4g} to {max(answers):.4g}; scale: {scale.source}."
    if not all(scale.fits(answer) and scale.admits(answer) for answer in answers):
        outside = "Good photographs score outside what the scale was made for"
        return Verdict.FAIL, f"{outside}: {sentence}"
    if min(qualities) < SATURATED or max(qualities) > 10 - SATURATED:
        return Verdict.WARN, f"Near an end of 0-10, where little is left to move: {sentence}"
    return Verdict.PASS, f"Good photographs lie well inside 0-10: {sentence}"


def value_range(victim: Victim, pixels: Pixels) -> Outcome:
    """Tell the answers to pictures that scorers fail on, as they may be signs of a failure."""
    side = max(SMALL, victim.card.smallest_side)
    odd = {
        "a flat": np.full_like(pixels, MIDDLE),
        "a random": np.random.default_rng(0).integers(0, 256, pixels.shape, np.uint8),
        "a small": pixels if victim.card.size else pixels[:side, :side],
    }
    answers = {}
    for name, picture in odd.items():
        with suppress(VictimError):  # a failure that says so is none to be asked about
            answers[name] = finite(victim, picture)
    scale = victim.card.scale
    least, most = (f"{end:g}" for end in (scale.low, scale.high))
    said = ", ".join(f"{name} picture {answer:.4g}" for name, answer in answers.items())
    scored = f"scored were {said or 'none'}"
    if not all(scale.admits(answer) for answer in answers.values()):
        return Verdict.WARN, (
            f"Outside the range, {least} to {most}: {scored}. Such answers are taken for failures, "
            f"and gain nothing; if they are scores, say {worded('unbounded=True')}."
        )
    if len(set(answers.values())) < len(answers):
        return Verdict.WARN, (
            f"The same answer to unlike pictures: {scored}. If it is its sign of a failure, an "
            "attack takes it for a score: have the victim raise an error, or answer nan."
        )
    bounds = f"an answer outside {least} to {most} is taken for a failure"
    if scale.fitted or math.isinf(scale.high - scale.low):
        bounds = "none would be taken for a failure"
    return Verdict.PASS, f"Of odd pictures {scored}; {bounds}."


LADDERS: tuple[tuple[Callable[[Pixels, float], Pixels], tuple[float, ...]], ...] = (
    (distortions.blur, (1, 2, 4)),
    (distortions.noise, (8, 16, 32)),
    (lambda pixels, quality: distortions.jpeg(pixels, int(quality)), (40, 20, 8)),
)
"""Distortions, each in growing strengths."""


class Ladder(NamedTuple):
    """The native scores of a photograph and of its degraded copies."""

    clean: float
    copies: list[float]


def ladders(victim: Victim, pictures: Iterable[Pixels]) -> list[Ladder]:
    """Score photographs and their degraded copies."""
    return [
        Ladder(
            finite(victim, pixels),
            [
                finite(victim, make(pixels, strength))
                for make, strengths in LADDERS
                for strength in strengths
            ],
        )
        for pixels in pictures
    ]


def _lower(victim: Victim, found: Iterable[Ladder]) -> float:
    """Return the share of degraded copies that have less quality than their originals."""
    quality = victim.card.scale.quality
    return float(
        np.mean([quality(copy) < quality(each.clean) for each in found for copy in each.copies])
    )


def _apart(found: Iterable[Ladder]) -> tuple[float, float]:
    """Return the lowest and highest of some scores."""
    every = [score for each in found for score in (each.clean, *each.copies)]
    return min(every), max(every)


def _ended(value: Any, between: str) -> str:
    """Say an option's value, its two ends apart by a sign."""
    return between.join(map(str, value)) if isinstance(value, tuple) else str(value)


def preprocessing(
    victim: Victim,
    found: Iterable[Ladder],
    pictures: Callable[[], Iterable[Pixels]],
    others: Callable[[Mapping[str, Any]], Victim],
) -> Outcome:
    """Tell whether scores differ as they should, and which option would mend it, by trying."""
    found, spread = list(found), victim.card.scale.spread
    low, high = _apart(found)
    share = _lower(victim, found)
    span = f"Photographs and their degraded copies score {low:.6g} to {high:.6g}"
    little = high - low < max(HARDLY * spread, BEYOND_CHANCE * victim.card.noise)
    # Where most score higher, the direction is wrong, which no preprocessing mends.
    if not little and not 1 - DIRECTION_PASS < share < DIRECTION_PASS:
        return Verdict.PASS, f"{span}."
    tried = 0
    best: Any = None
    for options in OPTIONS:
        try:
            other = others(options)
            scores = ladders(other, pictures())
        except (InputError, VictimError):
            continue  # it takes no such option, has one already, or fails with it
        tried += 1
        lowest, highest = _apart(scores)
        ordered = _lower(other, scores)
        farther = (highest - lowest) / (high - low) if high > low else math.inf
        mends = farther >= MENDED if little else ordered > share and farther >= 1 / MENDED
        rank = round(ordered, 1), highest - lowest
        beats = best is None or (rank[0], rank[1] / CLEARLY) > best[0]
        fit = mends and ordered >= DIRECTION_PASS and rank[1] >= HARDLY * spread
        if fit and beats:
            best = rank, ordered, options, lowest, highest
    hardly = ", which is hardly a difference on its scale" if little else ""
    wrong = "" if little else f", and {100 * share:.0f} % of the copies lower"
    if best is not None:
        _, ordered, options, lowest, highest = best
        mend = ", ".join(f"{name}={value!r}" for name, value in options.items())
        flags = " ".join(f"--{name} {_ended(value, ' ')}" for name, value in options.items())
        return Verdict.FAIL, (
            f"{span}{hardly}{wrong}; with {worded(mend, flags)} they score {lowest:.6g} to "
            f"{highest:.6g}, {100 * ordered:.0f} % of the copies lower: the network seems to be "
            "trained on such pictures."
        )
    if not little:
        return Verdict.PASS, f"{span}."
    told = f"; none of {tried} kinds of preprocessing changes that" if tried else ""
    return Verdict.WARN, f"{span}{hardly}{told}: an attack can show little."


def direction(victim: Victim, found: Iterable[Ladder]) -> Outcome:
    share = _lower(victim, found)
    sentence = f"{100 * share:.0f} % of blurred, noisy and JPEG-compressed copies score lower"
    if share >= DIRECTION_PASS:
        return Verdict.PASS, f"{sentence} than their originals."
    if share >= DIRECTION_FAIL:
        return Verdict.WARN, f"Only {sentence} than their originals."
    return (
        Verdict.FAIL,
        f"Only {sentence}: is a lower score better ({worded('lower_is_better=True')})?",
    )
