"""The floor: random pictures of ±ε, the best of them kept; an attack that learns nothing."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from iqaudit._core.patches import Patched
from iqaudit.attacks._base import Descent, Problem, beginning


@dataclass(frozen=True)
class RandomSigns:
    """At every query a new picture of random signs, one a pixel and channel, times ε.

    The floor that any search should beat at the same budget.
    """

    anytime: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    def init(self, problem: Problem) -> Descent:
        """Return the state before the first picture."""
        return Descent(*beginning(problem, problem.clean_loss))

    def ask(self, state: Descent) -> Patched:
        """Propose a picture."""
        problem = state.problem
        draw = problem.stream.at(state.query)
        signs = 2 * draw.integers(2, size=problem.pixels.shape, dtype=np.int8) - 1
        return state.edited(np.int16(problem.levels) * signs)

    def tell(self, state: Descent, proposal: Patched, loss: float) -> Descent:
        """Keep the picture where it is the best so far, by more than the noise."""
        return state.told(proposal, loss, kept=state.gains(loss))
