"""The searches of a run, from its record: their progress by queries, and their windows.

The windows of the proposals, and of the accepted ones, are found by a replay. No victim is asked:
the attack is made again, and told the recorded answers. Their keys show that its proposals are the
recorded ones.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from iqaudit._analysis.findings import sentences
from iqaudit._analysis.findings.figures import Part, QueryEfficiency, Reached
from iqaudit._analysis.findings.pairs import Pair, moved
from iqaudit._analysis.findings.pixels import GRID, covered
from iqaudit._core.patches import Window
from iqaudit._core.picture import Picture
from iqaudit._core.scale import Scale
from iqaudit._runs.records import RunRecord
from iqaudit._runs.retrace import attack_of, trial_of
from iqaudit.attacks._base import spans
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import interval, paired, ratio
from iqaudit.victims._base import Card

SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Of a picture's queries."""

PARTS = (0, 0.1, 0.3, 1.0)
"""Ends of the parts of a search over which acceptance is counted."""

MOST = 50_000
"""Scores of a run that are replayed: some attacks take ten milliseconds for a proposal."""

WHOLE = 64
"""Scores after which an attack that changed the whole picture each time is taken to go on so."""


def query_efficiency(
    pairs: Sequence[Pair], baseline: Sequence[Pair], record: RunRecord, scale: Scale
) -> QueryEfficiency:
    """Measure the searches' progress by queries.

    Parameters
    ----------
    pairs : sequence of Pair
        The run's pictures.
    baseline : sequence of Pair
        The same in a cell of random changes; empty where there is none.
    record : RunRecord
        The run's results.json.
    scale : Scale
        The victim's.
    """
    cost = record.victim.cost
    sides = [
        np.array([_moves(pair, scale, others) for pair in side])
        for side, others in ((pairs, record.for_others), (baseline, range(0)))
        if side
    ]
    reached = tuple(
        Reached(share, paired(ratio, *((side[:, index], side[:, -1]) for side in sides)))
        for index, share in enumerate(SHARES)
    )
    counts = np.array([_accepted(pair, cost) for pair in pairs])
    parts = tuple(
        Part(low, high, interval(ratio, counts[:, index, 0], counts[:, index, 1]))
        for index, (low, high) in enumerate(pairwise(PARTS))
    )
    text = sentences.on_query_efficiency(reached, parts, len(pairs))
    return QueryEfficiency(reached, parts, text)


def _moves(pair: Pair, scale: Scale, others: range) -> list[float]:
    """Return how far the best picture so far had moved the quality, at each of `SHARES`.

    Answers at the places of `others` were asked for another change, and count as no move.
    """
    answers = pair.answers()["score"].tolist()
    clean = scale.quality(answers[0])
    moves = [
        moved(pair.direction, clean, scale.quality(native)) if scale.admits(native) else 0.0
        for native in answers
    ]
    moves[others.start : others.stop] = [0.0] * len(others)
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


@dataclass(frozen=True, eq=False)
class Windows:
    """Coverage by the windows that a search proposed to change.

    Attributes
    ----------
    accepted : ndarray, (GRID, GRID)
        How often each cell was covered by a window of an accepted proposal.
    expected : ndarray, (GRID, GRID)
        The same if windows of one size were accepted equally often wherever they lie: coverage by
        all proposals, weighted by the acceptance rate of the windows of that size.
    """

    accepted: Floats
    expected: Floats


def replayed(pairs: Sequence[Pair], record: RunRecord, card: Card) -> Iterator[Windows | None]:
    """Yield `replay`'s answer for each picture; None for the pictures that go beyond `MOST`."""
    gone = 0
    for pair in pairs:
        gone += pair.entry.queries // card.cost
        yield replay(pair, record, card) if gone <= MOST else None


def replay(pair: Pair, record: RunRecord, card: Card) -> Windows | None:
    """Return the windows of a picture's proposals.

    Proposals that change all that the victim sees, such as the paper's stripes, say nothing of a
    place and are left out.

    Parameters
    ----------
    pair : Pair
        The picture.
    record : RunRecord
        The run's results.json.
    card : Card
        The victim's.

    Returns
    -------
    Windows or None
        None where the attack cannot be made again, goes another way now, or changes the whole
        picture at every step.
    """
    attack = attack_of(pair.run, record)
    if attack is None or spans(attack):  # it hangs on other pictures
        return None
    picture = Picture(pair.name, pair.clean())
    answers = pair.answers()
    trial = trial_of(picture, pair.entry, record, card, attack)
    steps = {query for query, _ in pair.entry.trace[1:]}
    whole = card.window(picture.height, picture.width)
    # Counted apart by octaves of the windows' area, since small ones come late, when little is
    # accepted: attacks that halve their squares' area have one size a phase.
    counts: Counter[tuple[int, bool]] = Counter()
    proposed, accepted = (defaultdict[int, Floats](_no_cover) for _ in range(2))
    for asked, native in enumerate(answers["score"].tolist()):
        if asked == WHOLE and not proposed:
            return None
        change = trial.ask()
        trial.tell(native)
        for patch in change.patches:
            window = Window(patch.top, patch.left, *patch.values.shape[:2])
            area = window.height * window.width
            if area < whole.height * whole.width:
                octave, taken = round(math.log2(area)), trial.ledger.spent in steps
                covers = covered(window, picture.height, picture.width)
                counts[octave, taken] += 1
                proposed[octave] += covers
                if taken:
                    accepted[octave] += covers
    asked_about = [answer.picture for answer in trial.ledger.answers]
    if asked_about != answers["picture"].tolist() or not proposed:
        return None
    expected = _no_cover()
    for octave, covers in proposed.items():
        gained, refused = counts[octave, True], counts[octave, False]
        expected += gained / (gained + refused) * covers
    return Windows(sum(accepted.values(), start=_no_cover()), expected)


def _no_cover() -> Floats:
    return np.zeros((GRID, GRID))
