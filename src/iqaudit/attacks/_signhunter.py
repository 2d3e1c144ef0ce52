"""SignHunter: the signs of the gradient, found by flipping ever smaller parts of the picture.

Al-Dujaili, O'Reilly, "Sign Bits Are All You Need for Black-Box Attacks", ICLR 2020; algorithms 1
and 2.
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from iqaudit._core.patches import Patched
from iqaudit.attacks._base import FIRST_QUERY, Descent, Problem, beginning


@dataclass(frozen=True, eq=False)
class SignHunterState(Descent):
    """The state of the search.

    The next proposal flips chunk number `chunk` of the 2^`depth` that the flattened picture is cut
    into; `loss` is infinite before the start is scored, which is taken whatever it scores.
    """

    depth: int = 0
    chunk: int = 0


@dataclass(frozen=True)
class SignHunter:
    """Divide and conquer over signs: the whole picture, its halves, quarters, and so on.

    The start is +ε everywhere. Each query flips the signs of one chunk of the picture, flattened by
    rows, columns and channels, and is kept where the loss falls, by more than its noise where the
    victim answers at random. After the chunks of a single channel of a pixel it begins again with
    the whole.
    """

    anytime: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    def init(self, problem: Problem) -> SignHunterState:
        """Return the state before the start is scored."""
        return SignHunterState(*beginning(problem, math.inf))

    def ask(self, state: SignHunterState) -> Patched:
        """Propose the start, then flips."""
        width = state.problem.pixels.shape[1]
        if state.query == FIRST_QUERY:
            start = np.broadcast_to(np.int16(state.problem.levels), state.problem.pixels.shape)
            return state.edited(start)
        begin, end = _chunk(state)
        row, last_row = begin // (3 * width), (end - 1) // (3 * width)
        column, last_column = 0, width - 1
        if row == last_row:
            column, last_column = begin % (3 * width) // 3, (end - 1) % (3 * width) // 3
        # A rectangle around the chunk, which may begin and end inside of rows.
        levels = state.perturbation[row : last_row + 1, column : last_column + 1].copy()
        first = 3 * (row * width + column)
        levels.reshape(-1)[begin - first : end - first] *= -1
        return state.edited(levels, row, column)

    def tell(self, state: SignHunterState, proposal: Patched, loss: float) -> SignHunterState:
        """Keep the flip where the loss fell, and go on to the next chunk."""
        start = state.query == FIRST_QUERY
        told = state.told(proposal, loss, kept=state.gains(loss))
        return told if start else _next(told)


def _length(state: SignHunterState) -> int:
    """Return a chunk's length; the last of a depth may be shorter."""
    return -(-state.problem.pixels.size >> state.depth)


def _chunk(state: SignHunterState) -> tuple[int, int]:
    begin = state.chunk * _length(state)
    return begin, min(begin + _length(state), state.problem.pixels.size)


def _next(state: SignHunterState) -> SignHunterState:
    if _chunk(state)[1] < state.problem.pixels.size:
        return replace(state, chunk=state.chunk + 1)
    deepest = _length(state) == 1
    return replace(state, depth=0 if deepest else state.depth + 1, chunk=0)
