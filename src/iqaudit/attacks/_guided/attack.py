"""Ours: patterns over the whole picture first, then a search that learns what pays.

A quality model sums up what it sees everywhere, so a change that is repeated everywhere adds up:
one query with the right checks of one or two pixels moves some victims further than thousands of
queries with squares do. Which checks are right differs from victim to victim and is found by
asking. docs/explanation/attacks.md has the measurements.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import refuse_unless
from iqaudit._core.patches import Patch, Patched, whole
from iqaudit.attacks._base import PREPARATION, Problem, beginning, own_proposal
from iqaudit.attacks._guided import moves
from iqaudit.attacks._guided.allowance import allowance
from iqaudit.attacks._guided.memory import Known, Learned, Memory, Ranking, raises, share
from iqaudit.attacks._guided.moves import KINDS, SHARES, GuidedState, Move
from iqaudit.attacks._guided.patterns import COLOURS, Checks

GREY, GREEN, BLUE, RED = COLOURS
OPENING = (
    *(Checks(2, 1), Checks(1, 1, GREEN), Checks(2, 2), Checks(0, 16, slant=1), Checks(3, 3)),
    *(Checks(1, 0), Checks(8, 8), Checks(0, 2, slant=1), Checks(1, 2), Checks(0, 3, BLUE)),
    *(Checks(8, 0), Checks(0, 12, slant=1), Checks(2, 2, GREEN), Checks(4, 0, RED), Checks(8, 4)),
    *(Checks(0, 1), Checks(0, 8, GREEN, slant=1), Checks(1, 1), Checks(4, 4)),
    *(Checks(4, 2), Checks(2, 4), Checks(0, 12, slant=-1), Checks(0, 8)),
    *(Checks(16, 16, GREEN), Checks(2, 0), Checks(0, 2)),
)
"""The patterns asked first, over the whole picture: the likeliest to be of use first."""

MEMORY = 0.99
"""The share of a tally that is left after each query."""

KEPT = 8
"""Accepted patterns that may be grown."""

SHARPNESS = 5.0
"""The weight of gains: an operator that pays twice as much is drawn 2 to this power as often."""

QUERIES, COMPUTE = "queries", "compute"
"""What may be scarce."""

THRIFT = 2.0
"""The weight of costs, where arithmetic is scarce: an operator at half the cost of another is drawn
2 to this power as often."""

BELIEF = 4.0
"""Queries' worth of what is believed of an operator or a size that was hardly tried."""

FIRST = Learned(tuple(Known(pattern) for pattern in OPENING))
"""What is known before the first picture."""


@dataclass(frozen=True)
class Guided:
    """A bank of global patterns, then random search over learned operators and sizes.

    1. Each pattern of the opening over the whole picture, one query each; the best is held where it
       beats the clean picture.
    2. Each query draws an operator and the share of the picture that it changes, by how much each
       pair has lately lowered the loss: a piece of a tile that is repeated everywhere or in a
       window; or a window filled with a pattern of the opening, with other checks, with grey or
       coloured noise of one scale, with one colour, or with one accepted nearby. It is kept
       where the loss falls by more than the victim's noise.

    Proposals do not depend on the budget: a longer run begins as the shorter one.

    Parameters
    ----------
    visibility : float
        Loss of structural similarity that is allowed, about, as a share of what ±ε everywhere
        would cost, in [0, 1]. 1 spends ε everywhere; below it, less is spent where no texture
        hides it, and at least one level.
    explore : float
        Share of the queries whose operator is drawn without regard to gains, in (0, 1].
    budget : {"queries", "compute"}, optional
        What is scarce. With "compute", operators are drawn by what they gain for the arithmetic
        that they cost a victim which scores a small window's change for less than a picture.
        Unless given, it is the arithmetic with such victims and the queries with others.

    Examples
    --------
    >>> Guided()
    Guided(visibility=1, explore=0.1, budget=None)
    """

    visibility: float = 1
    explore: float = 0.1
    budget: str | None = None

    anytime: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    def __post_init__(self) -> None:
        rule = "visibility is a share from 0 to 1"
        refuse_unless(0 <= self.visibility <= 1, rule, self.visibility)
        rule = "explore is a share of the queries in (0, 1]"
        refuse_unless(0 < self.explore <= 1, rule, self.explore)
        rule = f"budget is {QUERIES} or {COMPUTE}"
        refuse_unless(self.budget in (None, QUERIES, COMPUTE), rule, self.budget)

    def init(self, problem: Problem) -> GuidedState:
        """Return the state before the opening."""
        tiles = moves.tiles(problem.stream.at(PREPARATION))
        allowed = allowance(problem.pixels, problem.levels, self.visibility)
        tally, start = np.zeros((len(KINDS), len(SHARES))), beginning(problem, problem.clean_loss)
        memory: Memory = problem.memory or {}
        known = memory.get(raises(problem), FIRST)
        due = known.next(())
        return GuidedState(*start, allowed, tiles, (), tally, tally, known=known, due=due)

    def ask(self, state: GuidedState) -> Move:
        """Propose the opening's patterns, then what is drawn."""
        if state.due is not None:
            pattern = state.known.all[state.due].pattern
            levels = moves.filled(pattern, whole(*state.allowed.white.shape[:2]), state.allowed)
            return Move(state.perturbation, (Patch(0, 0, levels),))
        draw = state.problem.stream.at(state.query)
        while True:
            kind, share = self._choose(state, draw)
            window, levels, growable = moves.drawn(state, draw, KINDS[kind], SHARES[share])
            if (levels != state.held(window)).any():
                edit = Patch(window.top, window.left, levels)
                return Move(state.perturbation, (edit,), kind, share, growable)

    def tell(self, state: GuidedState, proposal: Patched, loss: float) -> GuidedState:
        """Keep the proposal where the loss fell by more than the noise, and learn from it.

        Raises
        ------
        TypeError
            If the proposal is not one of its own.
        """
        move = own_proposal(proposal, Move)
        gain = state.loss - loss
        better = gain > state.problem.noise
        told = state.told(proposal, loss, kept=better)
        if state.due is not None:
            return _ranked(told, state.due, loss)
        tried, gained = MEMORY * state.tried, MEMORY * state.gained
        tried[move.kind, move.share] += 1
        gained[move.kind, move.share] += gain if better else 0
        told = replace(told, tried=tried, gained=gained)
        if better and move.growable is not None:
            told = replace(told, kept=(*state.kept, move.growable)[-KEPT:])
        return told

    def _choose(self, state: GuidedState, draw: np.random.Generator) -> tuple[int, int]:
        """Draw an operator and a share of the picture."""
        tried, gained = _spread(state.tried), _spread(state.gained)
        mean = gained.sum() / max(tried.sum(), 1.0)
        by_kind = (gained.sum(1) + BELIEF * mean) / (tried.sum(1) + BELIEF)
        expected = (gained + BELIEF / 2 * by_kind[:, None]) / (tried + BELIEF / 2)
        chances, even = expected**SHARPNESS, np.ones_like(expected)
        usual = COMPUTE if state.problem.incremental else QUERIES
        if (self.budget or usual) == COMPUTE:
            chances, even = chances / moves.COSTS**THRIFT, even / moves.COSTS
        total, even = chances.sum(), even / even.sum()
        chances = (1 - self.explore) * chances / total + self.explore * even if total else even
        if not state.kept:
            chances[KINDS.index(moves.GROWN)] = 0
        place = int(draw.choice(chances.size, p=(chances / chances.sum()).ravel()))
        return place // len(SHARES), place % len(SHARES)


def _ranked(state: GuidedState, place: int, loss: float) -> GuidedState:
    """Write down what a pattern of the opening was answered; sort them at its end."""
    asked = (*state.asked, (place, share(state.problem, loss)))
    ranking: Ranking = (*state.ranking, (loss, state.known.all[place].pattern))
    due = state.known.next(asked)
    if due is None:
        ranking = (*sorted(ranking, key=lambda pair: pair[0]), *state.known.others(asked))
    return replace(state, asked=asked, due=due, ranking=ranking)


def _spread(tally: NDArray[np.float64]) -> NDArray[np.float64]:
    """Let half of a tally count for the next smaller and larger share as well."""
    padded = np.concatenate((tally[:, :1], tally, tally[:, -1:]), axis=1)  # `np.pad` is slow
    return padded[:, 1:-1] + (padded[:, :-2] + padded[:, 2:]) / 2
