"""Which pictures were pushed farther: by direction, clean quality, distortion and content."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from iqaudit._analysis.findings.observations import OF, Look
from iqaudit._analysis.formatting import few, figure, pictures, too_few
from iqaudit._core.goal import Direction, Goal
from iqaudit.measures._bootstrap import (
    Beside,
    Estimate,
    apart,
    beside,
    beyond,
    interval,
    mean,
    rank_correlation,
)

BINS = (0, 2, 4, 6, 8, 10)
"""Clean quality; each without its upper end but the last."""

THIRDS = ("low", "middle", "high")

FEATURES: dict[str, tuple[str, Callable[[Look], float]]] = {
    "spatial_information": ("spatial information", lambda look: look.spatial_information),
    "colourfulness": ("colourfulness", lambda look: look.colourfulness),
}
"""Each content's name for people, and the number."""


@dataclass(frozen=True)
class Group:
    """Pictures that share something, and how far they were pushed.

    Attributes
    ----------
    rgo : Beside
        How far of how far they could go; the floor's whichever way it moved the score.
    deviation : Beside
        In quality, 0-10.
    """

    label: str
    pictures: int
    rgo: Beside
    deviation: Beside


@dataclass(frozen=True)
class Directions:
    """How far scores went up and down.

    `drift` is the mean quality by which random changes move the scores, upwards positive, none of
    them chosen by its score.
    """

    groups: tuple[Group, ...]
    drift: Estimate
    text: str


@dataclass(frozen=True)
class Trend:
    """How RGO goes with a number that every picture has.

    `correlation` is Spearman's between the number and RGO; `groups` are bins or thirds.
    """

    name: str
    correlation: Beside
    groups: tuple[Group, ...]
    text: str


@dataclass(frozen=True)
class Kinds:
    """RGO by type of distortion."""

    groups: tuple[Group, ...]
    text: str


def group(label: str, looks: Sequence[Look]) -> Group:
    """Measure some pictures."""
    return Group(
        label,
        len(looks),
        beside(mean, *([[abs(of(look).share) for look in looks]] for of in OF)),
        beside(mean, *([[abs(of(look).move) for look in looks]] for of in OF)),
    )


def directions(looks: Sequence[Look], goal: Goal) -> Directions:
    """Compare pushing up with pushing down."""
    drift = interval(mean, [look.drift for look in looks])
    down, up = (
        group(direction.value, [look for look in looks if look.direction is direction])
        for direction in (Direction.LOWER, Direction.RAISE)
    )
    return Directions((down, up), drift, _on_directions(down, up, drift, goal))


def _on_directions(down: Group, up: Group, drift: Estimate, goal: Goal) -> str:
    counts = f"{pictures(down.pictures)} down ({figure(down.rgo.attack)}) and {up.pictures} up"
    if not (down.pictures and up.pictures):
        way, only = ("down", down) if down.pictures else ("up", up)
        text = f"All {pictures(only.pictures)} were pushed {way}: RGO {figure(only.rgo.attack)}."
    elif few(down.pictures, up.pictures):
        text = f"{counts} ({figure(up.rgo.attack)}) are too few to say which way is easier."
    elif not apart(down.rgo.attack, up.rgo.attack):
        text = (
            f"No clear difference between pushing down (RGO {figure(down.rgo.attack)}, "
            f"{pictures(down.pictures)}) and up ({figure(up.rgo.attack)}, {pictures(up.pictures)})."
        )
    else:
        easy, hard = (
            (down, up) if (down.rgo.attack.value or 0) > (up.rgo.attack.value or 0) else (up, down)
        )
        ways = {"lower": "down", "raise": "up"}
        text = (
            f"Pushing {ways[easy.label]} was easier: RGO {figure(easy.rgo.attack)} over "
            f"{pictures(easy.pictures)}, against {figure(hard.rgo.attack)} over "
            f"{pictures(hard.pictures)} pushed {ways[hard.label]}."
        )
    if down.pictures and up.pictures and goal is Goal.BIDIRECTIONAL:
        text += (
            " Pictures that score above 5 are pushed down and the others up, so this compares good "
            "with bad pictures as well as one way with the other."
        )
    if beyond(drift, 0) and not few(down.pictures + up.pictures):
        way = "raise" if (drift.value or 0) > 0 else "lower"
        text += f" Random changes alone {way} the score, by {figure(_size(drift))} of 10."
    return text


def _size(estimate: Estimate) -> Estimate:
    """Return a figure below 0 as one above."""
    if estimate.value is None or estimate.value >= 0:
        return estimate
    low, high = estimate.low, estimate.high
    return Estimate(-estimate.value, None if high is None else -high, None if low is None else -low)


def starts(looks: Sequence[Look]) -> Trend:
    """Relate RGO to the clean quality."""
    numbers = [look.before for look in looks]
    which = np.clip(np.searchsorted(BINS, numbers, side="right") - 1, 0, len(BINS) - 2)
    groups = [
        group(f"{BINS[index]} to {BINS[index + 1]}", members)
        for index in range(len(BINS) - 1)
        if (members := [look for look, own in zip(looks, which, strict=True) if own == index])
    ]
    return _trend("clean quality", numbers, looks, groups)


def contents(looks: Sequence[Look]) -> tuple[Trend, ...]:
    """Relate RGO to what the pictures show; thirds by rank."""
    trends = []
    for title, number in FEATURES.values():
        numbers = [number(look) for look in looks]
        order = np.argsort(numbers, kind="stable")
        groups = [
            group(
                f"{third}, {numbers[members[0]]:.3g} to {numbers[members[-1]]:.3g}",
                [looks[index] for index in members],
            )
            for third, members in zip(THIRDS, np.array_split(order, len(THIRDS)), strict=True)
            if members.size
        ]
        trends.append(_trend(title, numbers, looks, groups))
    return tuple(trends)


def _trend(
    name: str, numbers: Sequence[float], looks: Sequence[Look], groups: Sequence[Group]
) -> Trend:
    both = beside(
        rank_correlation, *((numbers, [abs(of(look).share) for look in looks]) for of in OF)
    )
    found = both.attack
    if few(len(looks)):
        text = f"{too_few(len(looks))} to relate RGO to {name}."
    elif not beyond(found, 0):
        text = f"No clear relation between RGO and {name} (rank correlation {figure(found)})."
    else:
        how = "farther" if (found.value or 0) > 0 else "less far"
        text = (
            f"The higher the {name}, the {how} the score was pushed "
            f"(rank correlation {figure(found)}; random changes: {figure(both.floor)})."
        )
    return Trend(name, both, tuple(groups), text)


def kinds(looks: Sequence[Look]) -> Kinds:
    """Compare types of distortion, the farthest pushed first."""
    names = sorted({str(look.pair.entry.distortion) for look in looks if _known(look)})
    groups = [
        group(
            name,
            [look for look in looks if _known(look) and look.pair.entry.distortion == name],
        )
        for name in names
    ]
    groups.sort(key=lambda each: -(each.rgo.attack.value or 0))
    told = [each for each in groups if not few(each.pictures)]
    if not groups:
        text = "The pictures have no known type of distortion."
    elif len(told) < 2:  # noqa: PLR2004 (a comparison needs two)
        text = "Too few pictures a type of distortion to compare types."
    elif apart(told[0].rgo.attack, told[-1].rgo.attack):
        text = (
            f'"{told[0].label}" was pushed farthest (RGO {figure(told[0].rgo.attack)}), '
            f'"{told[-1].label}" least ({figure(told[-1].rgo.attack)}).'
        )
    else:
        text = "No clear difference between types of distortion."
    return Kinds(tuple(groups), text)


def _known(look: Look) -> bool:
    return look.pair.entry.distortion is not None
