"""A search replayed from a run's record: the windows of its proposals, and of the accepted ones.

No victim is asked: the attack is made again, and told the recorded answers. Their keys show that
its proposals are the recorded ones.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iqaudit._analysis.findings.grid import GRID, covered
from iqaudit._analysis.findings.pairs import Pair
from iqaudit._core.goal import Goal
from iqaudit._core.patches import Patched, Window
from iqaudit._core.picture import Picture
from iqaudit._core.threat import Linf
from iqaudit._runs.records import RunRecord
from iqaudit._runs.schema import load_answers
from iqaudit._search.trial import Trial
from iqaudit.attacks._base import Attack, is_white_box
from iqaudit.attacks._registry import made
from iqaudit.victims._base import Card

MOST = 50_000
"""Scores of a run that are replayed: some attacks take ten milliseconds for a proposal."""

WHOLE = 64
"""Scores after which an attack that changed the whole picture each time is taken to go on so."""


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

    accepted: NDArray[np.float64]
    expected: NDArray[np.float64]


def attack_of(record: RunRecord) -> Attack[Any] | None:
    """Make a run's attack again; None where it is not one of ours, or needs a gradient."""
    attack = made(record.attack.name, record.attack.settings)
    return None if attack is None or is_white_box(attack) else attack


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
    record : mapping
        The run's results.json.
    card : Card
        The victim's.

    Returns
    -------
    Windows or None
        None where the attack cannot be made again, goes another way now, or changes the whole
        picture at every step.
    """
    attack = attack_of(record)
    if attack is None:
        return None
    picture = Picture(pair.name, pair.clean())
    answers = load_answers(pair.run, pair.name)
    trial = Trial(picture, card, attack, Linf(record.levels), Goal(record.goal),
                  record.queries, record.seed)  # fmt: skip
    accepted = {query for query, _ in pair.entry.trace[1:]}
    whole = card.window(picture.height, picture.width)
    tally = _Tally(picture.height, picture.width)
    for asked, native in enumerate(answers["score"].tolist()):
        if asked == WHOLE and not tally:
            return None
        change = trial.ask()
        trial.tell(native)
        for window in _windows(change):
            if window.height * window.width < whole.height * whole.width:
                tally.add(window, accepted=trial.ledger.spent in accepted)
    if [answer.picture for answer in trial.ledger.answers] != answers["picture"].tolist():
        return None
    return tally.windows()


def _windows(change: Patched) -> list[Window]:
    return [Window(patch.top, patch.left, *patch.values.shape[:2]) for patch in change.patches]


class _Tally:
    """Coverage by windows, counted apart by size: small ones come late, when little is accepted.

    Sizes are octaves of area: attacks that halve their squares' area have one a phase.
    """

    def __init__(self, height: int, width: int) -> None:
        self._size = height, width
        self._proposed: dict[int, NDArray[np.float64]] = {}
        self._accepted: dict[int, NDArray[np.float64]] = {}
        self._counts: dict[int, list[int]] = {}

    def add(self, window: Window, *, accepted: bool) -> None:
        """Count a window."""
        octave = round(math.log2(window.height * window.width))
        covers = covered(window, *self._size)
        counts = self._counts.setdefault(octave, [0, 0])
        counts[0] += 1
        counts[1] += accepted
        self._proposed.setdefault(octave, np.zeros((GRID, GRID)))[...] += covers
        if accepted:
            self._accepted.setdefault(octave, np.zeros((GRID, GRID)))[...] += covers

    def __bool__(self) -> bool:
        return bool(self._proposed)

    def windows(self) -> Windows | None:
        """Return the sums; None where no window was counted."""
        if not self:
            return None
        expected = np.zeros((GRID, GRID))
        for octave, covers in self._proposed.items():
            proposals, accepted = self._counts[octave]
            expected += accepted / proposals * covers
        return Windows(sum(self._accepted.values(), start=np.zeros((GRID, GRID))), expected)
