"""Query efficiency: the share of the move that was there when, and the proposals accepted."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from iqaudit._analysis.findings import sentences
from iqaudit._analysis.findings.figures import Part, QueryEfficiency, Reached
from iqaudit._analysis.findings.pairs import Pair, moved
from iqaudit._core.scale import Scale
from iqaudit._runs.records import RunRecord
from iqaudit._runs.schema import load_answers
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import (
    NOTHING,
    Paired,
    interval,
    paired,
    ratio,
)

SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Of a picture's queries."""

PARTS = (0, 0.1, 0.3, 1.0)
"""Ends of the parts of a search over which acceptance is counted."""


def query_efficiency(
    pairs: Sequence[Pair], baseline: Sequence[Pair] | None, record: RunRecord, scale: Scale
) -> QueryEfficiency:
    """Measure the searches' progress by queries.

    Parameters
    ----------
    pairs : sequence of Pair
        The run's pictures.
    baseline : sequence of Pair or None
        The same in a cell of random changes.
    record : mapping
        The run's results.json.
    scale : Scale
        The victim's.
    """
    cost = record.victim.cost
    sides = [np.array([_moves(pair, scale) for pair in side]) for side in (pairs, baseline) if side]
    reached = []
    for index, share in enumerate(SHARES):
        moves = [(side[:, index], side[:, -1]) for side in sides]
        both = (
            paired(ratio, *moves)
            if baseline
            else Paired(interval(ratio, *moves[0]), NOTHING, NOTHING)
        )
        reached.append(Reached(share, both))
    counts = np.array([_accepted(pair, cost) for pair in pairs])
    parts = tuple(
        Part(low, high, interval(ratio, counts[:, index, 0], counts[:, index, 1]))
        for index, (low, high) in enumerate(pairwise(PARTS))
    )
    text = sentences.on_query_efficiency(reached, parts, len(pairs))
    return QueryEfficiency(tuple(reached), parts, text)


def _moves(pair: Pair, scale: Scale) -> list[float]:
    """Return how far the best picture so far had moved the quality, at each of `SHARES`."""
    answers = load_answers(pair.run, pair.name)["score"].tolist()
    clean = scale.quality(answers[0])
    moves = [moved(pair.direction, clean, scale.quality(native)) for native in answers]
    best: Floats = np.maximum.accumulate(moves)
    return [float(best[max(1, round(share * len(best))) - 1]) for share in SHARES]


def _accepted(pair: Pair, cost: int) -> list[tuple[int, int]]:
    """Return how many proposals were accepted in each part, and how many there were."""
    scores = pair.entry.queries // cost
    accepted = np.array([query // cost for query, _ in pair.entry.trace[1:]], int)
    ends = [1, *(max(1, round(share * scores)) for share in PARTS[1:])]  # the clean one is none
    return [
        (int(((accepted > low) & (accepted <= high)).sum()), high - low)
        for low, high in pairwise(ends)
    ]
