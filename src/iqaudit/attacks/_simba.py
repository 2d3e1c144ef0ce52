"""SimBA on pixels: one coordinate at a time, in random order, a step either way.

Guo, Gardner, You, Wilson, Weinberger, "Simple Black-box Adversarial Attacks", ICML 2019;
algorithm 1 with the Cartesian basis.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.patches import Patched
from iqaudit._core.threat import MAX_LEVEL
from iqaudit.attacks._base import PREPARATION, Descent, Problem, beginning


@dataclass(frozen=True, eq=False)
class SimBAState(Descent):
    """The state of the search.

    `order` holds the picture's coordinates, flattened, in the order drawn; the next proposal tries
    the one at `place`, upwards where `up`, else downwards.
    """

    order: NDArray[np.int64]
    place: int = 0
    up: bool = False

    def stepped(self, *, kept: bool) -> Self:
        """Return the state after a step: the other way is due, or the next coordinate."""
        if kept or self.up:
            return replace(self, place=self.place + 1, up=False)
        return replace(self, up=True)


@dataclass(frozen=True)
class SimBA:
    """SimBA with the pixel basis: a channel of a pixel goes ε down or, if that is refused, ε up.

    The first step that lowers the loss is kept, by more than its noise where the victim answers at
    random, and the next coordinate follows. Every coordinate comes once before any comes twice; a
    second step is clipped to ε like any, and one that clipping undoes costs no query.
    """

    anytime: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    def init(self, problem: Problem) -> SimBAState:
        """Return the state before the first step; the whole order is drawn here."""
        order = problem.stream.at(PREPARATION).permutation(problem.pixels.size)
        return _usable(SimBAState(*beginning(problem, problem.clean_loss), order))

    def ask(self, state: SimBAState) -> Patched:
        """Propose the step that is due."""
        row, column, channel = _coordinate(state)
        levels = state.perturbation[row : row + 1, column : column + 1].copy()
        levels[0, 0, channel] = _stepped(state, int(levels[0, 0, channel]))
        return state.edited(levels, row, column)

    def tell(self, state: SimBAState, proposal: Patched, loss: float) -> SimBAState:
        """Keep the step where the loss fell; else try the other way, then the next coordinate."""
        kept = state.gains(loss)
        return _usable(state.told(proposal, loss, kept=kept).stepped(kept=kept))


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
        state = state.stepped(kept=False)


def _coordinate(state: SimBAState) -> tuple[int, int, int]:
    pixel, channel = divmod(int(state.order[state.place % len(state.order)]), 3)
    row, column = divmod(pixel, state.problem.pixels.shape[1])
    return row, column, channel


def _stepped(state: SimBAState, held: int) -> int:
    most = state.problem.levels
    return min(max(held + (most if state.up else -most), -most), most)
