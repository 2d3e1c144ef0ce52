"""SimBA on pixels: one coordinate at a time, in random order, a step either way.

Guo, Gardner, You, Wilson, Weinberger, "Simple Black-box Adversarial Attacks", ICML 2019;
algorithm 1 with the Cartesian basis.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.patches import Patch, Patched, Perturbation
from iqaudit._core.threat import MAX_LEVEL
from iqaudit.attacks._base import FIRST_QUERY, PREPARATION, Problem


@dataclass(frozen=True, eq=False)
class SimBAState:
    """The state of the search.

    `order` holds the picture's coordinates, flattened, in the order drawn; the next proposal tries
    the one at `place`, upwards where `up`, else downwards.
    """

    problem: Problem
    query: int
    perturbation: Perturbation
    loss: float
    order: NDArray[np.int64]
    place: int = 0
    up: bool = False


@dataclass(frozen=True)
class SimBA:
    """SimBA with the pixel basis: a channel of a pixel goes ε down or, if that is refused, ε up.

    The first step that lowers the loss is kept, by more than its noise where the victim answers at
    random, and the next coordinate follows. Every coordinate comes once before any comes twice; a
    second step is clipped to ε like any, and one that clipping undoes costs no query.
    """

    def init(self, problem: Problem) -> SimBAState:
        """Return the state before the first step; the whole order is drawn here."""
        order = problem.stream.at(PREPARATION).permutation(problem.pixels.size)
        nothing = problem.unchanged()
        return _usable(SimBAState(problem, FIRST_QUERY, nothing, problem.clean_loss, order))

    def ask(self, state: SimBAState) -> Patched:
        """Propose the step that is due."""
        row, column, channel = _coordinate(state)
        levels = state.perturbation[row : row + 1, column : column + 1].copy()
        levels[0, 0, channel] = _stepped(state, int(levels[0, 0, channel]))
        return Patched(state.perturbation, (Patch(row, column, levels),))

    def tell(self, state: SimBAState, proposal: Patched, loss: float) -> SimBAState:
        """Keep the step where the loss fell; else try the other way, then the next coordinate."""
        kept = loss < state.loss - state.problem.noise
        if kept:
            state = replace(state, perturbation=proposal.painted(), loss=loss)
        return _usable(replace(_next(state, kept=kept), query=state.query + 1))


def _next(state: SimBAState, *, kept: bool) -> SimBAState:
    if kept or state.up:
        return replace(state, place=state.place + 1, up=False)
    return replace(state, up=True)


def _usable(state: SimBAState) -> SimBAState:
    """Pass over steps that leave the clipped picture as it is."""
    while True:
        row, column, channel = _coordinate(state)
        held = int(state.perturbation[row, column, channel])
        clean = int(state.problem.pixels[row, column, channel])
        before, after = (
            min(max(clean + level, 0), MAX_LEVEL) for level in (held, _stepped(state, held))
        )
        if before != after:  # of the two ways one always is
            return state
        state = _next(state, kept=False)


def _coordinate(state: SimBAState) -> tuple[int, int, int]:
    pixel, channel = divmod(int(state.order[state.place % len(state.order)]), 3)
    row, column = divmod(pixel, state.problem.pixels.shape[1])
    return row, column, channel


def _stepped(state: SimBAState, held: int) -> int:
    most = state.problem.levels
    return min(max(held + (most if state.up else -most), -most), most)
