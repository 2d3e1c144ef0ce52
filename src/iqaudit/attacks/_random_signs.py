"""The floor: random pictures of ±ε, the best of them kept; an attack that learns nothing."""

from dataclasses import dataclass, replace

import numpy as np

from iqaudit._core.patches import Patch, Patched, Perturbation
from iqaudit.attacks._base import FIRST_QUERY, Problem


@dataclass(frozen=True, eq=False)
class RandomState:
    """The state of the search: the next proposal's number, and the best one with its loss."""

    problem: Problem
    query: int
    perturbation: Perturbation
    loss: float


@dataclass(frozen=True)
class RandomSigns:
    """At every query a new picture of random signs, one a pixel and channel, times ε.

    The floor that any search should beat at the same budget.
    """

    def init(self, problem: Problem) -> RandomState:
        """Return the state before the first picture."""
        nothing = problem.unchanged()
        return RandomState(problem, FIRST_QUERY, nothing, problem.clean_loss)

    def ask(self, state: RandomState) -> Patched:
        """Propose a picture."""
        problem = state.problem
        draw = problem.stream.at(state.query)
        signs = 2 * draw.integers(2, size=problem.pixels.shape, dtype=np.int8) - 1
        edit = Patch(0, 0, np.int16(problem.levels) * signs)
        return Patched(state.perturbation, (edit,))

    def tell(self, state: RandomState, proposal: Patched, loss: float) -> RandomState:
        """Keep the picture where it is the best so far, by more than the noise."""
        if loss < state.loss - state.problem.noise:
            state = replace(state, perturbation=proposal.painted(), loss=loss)
        return replace(state, query=state.query + 1)
