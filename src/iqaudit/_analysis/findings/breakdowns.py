"""Breakdowns of RGO: by direction, clean quality, type of distortion and image features."""

from collections.abc import Callable, Sequence

import numpy as np

from iqaudit._analysis.findings import sentences
from iqaudit._analysis.findings.figures import Directions, Distortions, Group, Trend
from iqaudit._analysis.findings.observations import Observation, compared
from iqaudit._core.goal import Direction, Goal
from iqaudit.measures._bootstrap import interval, mean, paired, rank_correlation

BINS = (0, 2, 4, 6, 8, 10)
"""Clean quality; each without its upper end but the last."""

THIRDS = ("low", "middle", "high")

FEATURES: dict[str, Callable[[Observation], float]] = {
    "spatial information": lambda each: each.spatial_information,
    "colourfulness": lambda each: each.colourfulness,
}


def group(label: str, observations: Sequence[Observation]) -> Group:
    """Measure some pictures."""
    return Group(
        label,
        len(observations),
        compared(mean, observations, lambda effect: abs(effect.share)),
        compared(mean, observations, lambda effect: abs(effect.move)),
    )


def by_direction(observations: Sequence[Observation], goal: Goal) -> Directions:
    """Compare pushing down with pushing up."""
    drift = interval(mean, [each.drift for each in observations])
    down, up = (
        group(direction.value, [each for each in observations if each.direction is direction])
        for direction in (Direction.LOWER, Direction.RAISE)
    )
    text = sentences.on_directions(down, up, drift, both=goal is Goal.BIDIRECTIONAL)
    return Directions((down, up), drift, text)


def by_clean_quality(observations: Sequence[Observation]) -> Trend:
    """Relate RGO to the clean quality."""
    numbers = [each.before for each in observations]
    bins = np.clip(np.searchsorted(BINS, numbers, side="right") - 1, 0, len(BINS) - 2)
    groups = [
        group(f"{BINS[index]} to {BINS[index + 1]}", [observations[at] for at in members])
        for index in range(len(BINS) - 1)
        if (members := np.flatnonzero(bins == index).tolist())
    ]
    return _trend("clean quality", numbers, observations, groups)


def by_image_features(observations: Sequence[Observation]) -> tuple[Trend, ...]:
    """Relate RGO to image features; thirds by rank."""
    trends = []
    for title, feature in FEATURES.items():
        numbers = [feature(each) for each in observations]
        order = np.argsort(numbers, kind="stable")
        groups = [
            group(
                f"{third}, {numbers[members[0]]:.3g} to {numbers[members[-1]]:.3g}",
                [observations[at] for at in members],
            )
            for third, members in zip(THIRDS, np.array_split(order, len(THIRDS)), strict=True)
            if members.size
        ]
        trends.append(_trend(title, numbers, observations, groups))
    return tuple(trends)


def by_distortion(observations: Sequence[Observation]) -> Distortions:
    """Compare types of distortion, the farthest pushed first."""
    kinds: dict[str, list[Observation]] = {}
    for each in observations:
        if (kind := each.pair.entry.distortion) is not None:
            kinds.setdefault(str(kind), []).append(each)
    groups = [group(kind, kinds[kind]) for kind in sorted(kinds)]
    groups.sort(key=lambda each: -(each.rgo.attack.value or 0))
    return Distortions(tuple(groups), sentences.on_distortions(groups))


def _trend(
    name: str,
    numbers: Sequence[float],
    observations: Sequence[Observation],
    groups: Sequence[Group],
) -> Trend:
    both = paired(
        rank_correlation,
        *((numbers, [abs(each.effects[side].share) for each in observations]) for side in (0, 1)),
    )
    return Trend(name, both, tuple(groups), sentences.on_trend(name, both, len(observations)))
