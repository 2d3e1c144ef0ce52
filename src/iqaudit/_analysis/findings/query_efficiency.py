"""Which queries paid: how much of the move was there when, and how many proposals were accepted."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from iqaudit._analysis.findings.pairs import Pair, moved
from iqaudit._analysis.formatting import few, percent, too_few
from iqaudit._core.scale import Scale
from iqaudit._runs.records import RunRecord
from iqaudit._runs.schema import load_answers
from iqaudit.measures._bootstrap import (
    NOTHING,
    Beside,
    Estimate,
    apart,
    beside,
    interval,
    ratio,
)

SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Of a picture's queries."""

SAID = (0.1, 0.3)

PARTS = (0, 0.1, 0.3, 1.0)
"""Ends of the parts of a search over which acceptance is counted."""


@dataclass(frozen=True)
class Reached:
    """How much of the final move was there after a share of the queries.

    `share` is the sum of the pictures' moves by then over that of their final ones; the floor's is
    none unless that is a cell of random changes.
    """

    queries: float
    share: Beside


@dataclass(frozen=True)
class Part:
    """A part of the searches, and the share of its proposals that were accepted."""

    low: float
    high: float
    accepted: Estimate


@dataclass(frozen=True)
class Pace:
    """Which queries paid."""

    reached: tuple[Reached, ...]
    parts: tuple[Part, ...]
    text: str


def pace(
    pairs: Sequence[Pair], floor: Sequence[Pair] | None, record: RunRecord, scale: Scale
) -> Pace:
    """Say which queries paid.

    Parameters
    ----------
    pairs : sequence of Pair
        The run's pictures.
    floor : sequence of Pair or None
        The same in a cell of random changes.
    record : RunRecord
        The run's results.json.
    scale : Scale
        The victim's.
    """
    cost = record.victim.cost
    both = [np.array([_moves(pair, scale) for pair in some]) for some in (pairs, floor) if some]
    reached = []
    for index, share in enumerate(SHARES):
        arrays = [(own[:, index], own[:, -1]) for own in both]
        alone = len(arrays) == 1
        shares = (
            Beside(interval(ratio, *arrays[0]), NOTHING, NOTHING)
            if alone
            else beside(ratio, *arrays)
        )
        reached.append(Reached(share, shares))
    counts = np.array([_accepted(pair, cost) for pair in pairs])
    parts = tuple(
        Part(low, high, interval(ratio, counts[:, index, 0], counts[:, index, 1]))
        for index, (low, high) in enumerate(pairwise(PARTS))
    )
    return Pace(tuple(reached), parts, _on_pace(reached, parts, len(pairs)))


def _moves(pair: Pair, scale: Scale) -> list[float]:
    """Return how far the best picture so far had moved the quality, at each of `SHARES`."""
    answers = load_answers(pair.run, pair.name)["score"].tolist()
    clean = scale.quality(answers[0])
    moves = [moved(pair.direction, clean, scale.quality(native)) for native in answers]
    best: NDArray[np.float64] = np.maximum.accumulate(moves)
    return [float(best[max(1, round(share * len(best))) - 1]) for share in SHARES]


def _accepted(pair: Pair, cost: int) -> list[tuple[int, int]]:
    """Return how many proposals were accepted in each part, and how many there were."""
    scores = pair.entry.queries // cost
    kept = np.array([query // cost for query, _ in pair.entry.trace[1:]], int)
    ends = [1, *(max(1, round(share * scores)) for share in PARTS[1:])]  # the clean one is none
    return [
        (int(((kept > low) & (kept <= high)).sum()), high - low) for low, high in pairwise(ends)
    ]


def _on_pace(reached: Sequence[Reached], parts: Sequence[Part], count: int) -> str:
    if reached[-1].share.attack.value is None:
        return "No score was moved."
    said = "; ".join(
        f"{100 * each.queries:.0f} % of the queries reached {percent(each.share.attack)} of the "
        "final move"
        for each in reached
        if each.queries in SAID
    )
    first, last = parts[0].accepted, parts[-1].accepted
    if first.value is None or last.value is None:
        return f"{said}."  # too few queries to be parted
    rates = (
        f"{percent(first)} of the proposals were accepted in the first tenth of the queries, "
        f"{percent(last)} in the last seven tenths"
    )
    if few(count):
        more = f"{too_few(count)} to say more"
    elif apart(first, last):
        more = "they are accepted " + (
            "less often as the search goes on"
            if (first.value or 0) > (last.value or 0)
            else "more often as the search goes on"
        )
    else:
        more = "no clear difference"
    return f"{said}. {rates}: {more}."
