"""Breakdowns of RGO: by direction, clean quality, type of distortion and image features.

And by treatment: how much of a push is left after compression, resizing and the like.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from iqaudit._analysis.findings import sentences
from iqaudit._analysis.findings.figures import Directions, Distortions, Group, Persistence, Trend
from iqaudit._analysis.findings.observations import Effect, Observation, compared
from iqaudit._analysis.findings.pairs import room
from iqaudit._core.distortions import TREATMENTS
from iqaudit._core.goal import AnyGoal, Direction, Goal
from iqaudit.measures._bootstrap import interval, mean, paired, rank_correlation, ratio

BINS = (0, 2, 4, 6, 8, 10)
"""Clean quality; each without its upper end but the last."""

THIRDS = ("low", "middle", "high")

FEATURES = {
    "spatial information": attrgetter("spatial_information"),
    "colourfulness": attrgetter("colourfulness"),
}


def group(label: str, observations: Sequence[Observation]) -> Group:
    """Measure some pictures."""
    return Group(
        label,
        len(observations),
        compared(mean, observations, lambda effect: abs(effect.share)),
        compared(mean, observations, lambda effect: abs(effect.move)),
    )


def by_direction(observations: Sequence[Observation], goal: AnyGoal) -> Directions:
    """Compare pushing down with pushing up."""
    drift = interval(mean, [each.drift for each in observations])
    down, up = (
        group(direction.value, [each for each in observations if each.pair.direction is direction])
        for direction in (Direction.LOWER, Direction.RAISE)
    )
    text = sentences.on_directions(down, up, drift, both=goal is Goal.BIDIRECTIONAL)
    return Directions((down, up), drift, text)


def by_clean_quality(observations: Sequence[Observation]) -> Trend:
    """Relate RGO to the clean quality."""
    numbers = [each.before for each in observations]
    bins = np.clip(np.searchsorted(BINS, numbers, side="right") - 1, 0, len(BINS) - 2)
    parts = [
        (f"{BINS[index]} to {BINS[index + 1]}", np.flatnonzero(bins == index))
        for index in np.unique(bins)
    ]
    return _trend("clean quality", numbers, observations, parts)


def by_image_features(observations: Sequence[Observation]) -> tuple[Trend, ...]:
    """Relate RGO to image features; thirds by rank."""
    trends = []
    for title, feature in FEATURES.items():
        numbers = [feature(each) for each in observations]
        thirds = np.array_split(np.argsort(numbers, kind="stable"), len(THIRDS))
        parts = [
            (f"{third}, {numbers[members[0]]:.3g} to {numbers[members[-1]]:.3g}", members)
            for third, members in zip(THIRDS, thirds, strict=True)
            if members.size
        ]
        trends.append(_trend(title, numbers, observations, parts))
    return tuple(trends)


def by_distortion(observations: Sequence[Observation]) -> Distortions:
    """Compare types of distortion, the farthest pushed first."""
    said = [each.pair.entry.distortion for each in observations]
    groups = [
        group(kind, [one for one, its in zip(observations, said, strict=True) if its == kind])
        for kind in sorted({kind for kind in said if kind is not None})
    ]
    groups.sort(key=lambda each: -(each.rgo.attack.value or 0))
    return Distortions(tuple(groups), sentences.on_distortions(groups))


def persistence(observations: Sequence[Observation]) -> tuple[Persistence, ...]:
    """Return the part of the push that each treatment leaves."""
    return tuple(_after(observations, index) for index in range(len(TREATMENTS)))


def left(observation: Observation, index: int) -> float | None:
    """Return the share of a picture's move that a treatment leaves; None where nothing moved."""
    effect = observation.attack
    return effect.left[index] / effect.move if effect.move else None


def _after(observations: Sequence[Observation], index: int) -> Persistence:
    def onward(effect: Effect) -> float:
        """Return the treated move, positive where it goes the way of the untreated one."""
        return effect.left[index] if effect.move >= 0 else -effect.left[index]

    rooms = [room(each.treated[index]) for each in observations]
    shares, chance = (
        np.array([each.effects[side].left[index] for each in observations]) / rooms
        for side in (0, 1)
    )
    rgo = paired(mean, [shares], [np.abs(chance)])
    moves = compared(ratio, observations, onward, lambda effect: abs(effect.move))
    treatment = TREATMENTS[index]
    return Persistence(
        treatment=treatment.name,
        title=treatment.title,
        left=moves,
        rgo=rgo,
        shift=interval(mean, [each.treated[index] - each.before for each in observations]),
        text=sentences.on_persistence(treatment.title, moves.attack, rgo, len(observations)),
    )


def _trend(
    name: str,
    numbers: Sequence[float],
    observations: Sequence[Observation],
    parts: Iterable[tuple[str, NDArray[np.intp]]],
) -> Trend:
    """Relate RGO to a number; parts are labels, and the positions of their pictures."""
    both = paired(
        rank_correlation,
        *((numbers, [abs(each.effects[side].share) for each in observations]) for side in (0, 1)),
    )
    groups = tuple(group(label, [observations[at] for at in members]) for label, members in parts)
    return Trend(name, both, groups, sentences.on_trend(name, both, len(observations)))
