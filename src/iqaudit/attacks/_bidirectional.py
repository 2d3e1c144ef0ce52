"""The paper's attack: vertical stripes, then a random search over coloured squares.

Ran, Zhang, Li, Tang, Wang, "Black-box Adversarial Attacks Against Image Quality Assessment
Models", arXiv 2402.17533. The two-stage search; the bi-directional loss is the goal's
(`iqaudit.Goal.BIDIRECTIONAL`).
"""

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from iqaudit._core.errors import refuse_unless, whole_number
from iqaudit._core.patches import Patch, Patched, Perturbation
from iqaudit.attacks._base import FIRST_QUERY, Descent, Problem, beginning

PHASE_ENDS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000, 10000)
"""The queries, of PHASE_ENDS[-1], after which the squares' share of the picture halves."""


@dataclass(frozen=True)
class Bidirectional:
    """Patch-based random search in two stages (arXiv 2402.17533).

    1. Vertical stripes, one random sign a column and channel, taken as the start.
    2. Each query draws `n_squares` squares, gives each one random sign a channel in place of the
       perturbation's levels there, and is kept where the loss strictly falls; by more than its
       noise, where the victim answers at random.

    Parameters
    ----------
    n_squares : int
        Squares drawn a query, at least 1.
    p_init : float
        A square's share of the picture at the start, in (0, 1]; it halves along the schedule.

    Examples
    --------
    >>> Bidirectional()  # the paper's setting for DB-CNN, UNIQUE and TReS
    Bidirectional(n_squares=2, p_init=0.04)
    >>> Bidirectional(n_squares=8, p_init=0.09)  # and for LIQE
    Bidirectional(n_squares=8, p_init=0.09)
    """

    n_squares: int = 2
    p_init: float = 0.04

    compares: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_squares", whole_number("n_squares", self.n_squares, 1))
        rule = "p_init is a share of the picture in (0, 1]"
        refuse_unless(0 < self.p_init <= 1, rule, self.p_init)

    def init(self, problem: Problem) -> Descent:
        """Return the state before the stripes."""
        return Descent(*beginning(problem, math.inf))

    def ask(self, state: Descent) -> Patched:
        """Propose the stripes first, then squares upon what was kept."""
        problem = state.problem
        height, width, _ = problem.pixels.shape
        draw = problem.stream.at(state.query)
        if state.query == FIRST_QUERY:
            stripes = _signs(draw, (1, width, 3), problem.levels)
            return state.edited(np.broadcast_to(stripes, (height, width, 3)))
        side = self.side(state.query, problem.queries, height, width)
        edits = []
        for _ in range(self.n_squares):
            row = int(draw.integers(height - side + 1))  # the last row and column included
            column = int(draw.integers(width - side + 1))
            held = state.perturbation[row : row + side, column : column + side]
            colour = _signs(draw, 3, problem.levels)
            # Levels that differ stay different when clipped to 0-255, so this asks a new picture.
            while _is_flat(held, colour):
                colour = _signs(draw, 3, problem.levels)
            edits.append(Patch(row, column, _flat(colour, side)))
        return Patched(state.perturbation, tuple(edits))

    def tell(self, state: Descent, proposal: Patched, loss: float) -> Descent:
        """Keep the proposal where the loss strictly fell, and by more than the noise."""
        return state.told(proposal, loss, kept=state.gains(loss))

    def side(self, query: int, queries: int, height: int, width: int) -> int:
        """Return the squares' side in pixels at a query of a budget.

        s = round(sqrt(p h w)), where p is `p_init` halved once for every phase of the schedule
        that has ended; at least 1, at most the picture's shorter side less 1 where that is above.

        Parameters
        ----------
        query : int
            From 1, the clean picture's.
        queries : int
            The budget, in scores.
        height, width : int
            Those of the part that the victim sees, in pixels.
        """
        # Exact: a budget's phases must not end early or late by a float's rounding.
        ended = bisect_left(PHASE_ENDS, PHASE_ENDS[-1] * query, key=lambda end: end * queries)
        p = self.p_init / 2**ended
        return max(1, min(round(math.sqrt(p * height * width)), min(height, width) - 1))


def _signs(draw: np.random.Generator, shape: int | tuple[int, ...], levels: int) -> Perturbation:
    return np.array((-levels, levels), np.int16)[draw.integers(2, size=shape)]


def _flat(colour: Perturbation, side: int) -> Perturbation:
    """Return a square of one colour: a view, at a quarter of the time of `np.broadcast_to`."""
    return np.ndarray((side, side, 3), colour.dtype, colour, strides=(0, 0, colour.itemsize))


def _is_flat(held: Perturbation, colour: Perturbation) -> bool:
    """Whether a square holds one colour and nothing else; most differ in their first pixel."""
    return held[0, 0].tolist() == colour.tolist() and bool((held == colour).all())
