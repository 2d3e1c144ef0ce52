"""PGD: the ceiling, for victims whose gradient is at hand; the one attack that is no black box.

Madry, Makelov, Schmidt, Tsipras, Vladu, "Towards Deep Learning Models Resistant to Adversarial
Attacks", ICLR 2018, with the momentum of Dong et al., "Boosting Adversarial Attacks with Momentum",
CVPR 2018.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import InputError, refuse_unless
from iqaudit._core.patches import Patched, whole_levels
from iqaudit.attacks._base import FIRST_QUERY, Descent, Problem, beginning

FLAT = 1e-30
"""Added to a gradient's mean size: one that is zero everywhere leaves the momentum alone."""


@dataclass(frozen=True, eq=False)
class PGDState(Descent):
    """The state of the search.

    `perturbation` is the best so far, with its `loss`; `point` is where the last step led, in real
    levels, and `velocity` the gradients' running sum there, each over its mean size.
    """

    point: NDArray[np.float32]
    velocity: NDArray[np.float32]

    @cached_property
    def slope(self) -> NDArray[np.float32]:
        """The gradient where the last step led, as whole levels: taken once a state.

        Raises
        ------
        InputError
            If the problem has no gradient.
        """
        problem = self.problem
        if problem.gradient is None:
            raise InputError(
                "PGD needs a victim that is a torch module, whose gradient it follows."
            )
        gradient = problem.gradient(whole_levels(self.point, problem.levels))
        slope: NDArray[np.float32] = gradient / (np.abs(gradient).mean() + np.float32(FLAT))
        return slope


@dataclass(frozen=True)
class PGD:
    """Signed gradient steps with momentum, projected onto the ball; the best picture is kept.

    The steps shrink from `step` · ε to nothing by half a cosine, over a start's share of queries.
    The first start is the clean picture, the others are drawn from the ball. Points are real
    numbers; their whole levels are scored, and there the gradient is taken. A step is a
    query; the gradient, which no black box gives, is not counted.

    Parameters
    ----------
    step : float
        The first step as a share of ε, above 0.
    momentum : float
        What stays of the gradients before, in [0, 1).
    starts : int
        Searches that share the budget, at least 1; the last may be the shortest.
    """

    step: float = 0.5
    momentum: float = 0.75
    starts: int = 1

    white_box: ClassVar[bool] = True

    def __post_init__(self) -> None:
        refuse_unless(0 < self.step < math.inf, "step is a share of ε above 0", self.step)
        refuse_unless(0 <= self.momentum < 1, "momentum lies in [0, 1)", self.momentum)
        refuse_unless(self.starts >= 1, "starts are at least 1", self.starts)

    def init(self, problem: Problem) -> PGDState:
        """Return the state at the clean picture."""
        nothing = np.zeros(problem.pixels.shape, np.float32)
        return PGDState(*beginning(problem, problem.clean_loss), nothing, nothing)

    def ask(self, state: PGDState) -> Patched:
        """Propose where the next step leads."""
        point, _ = self._stepped(state)
        return state.edited(whole_levels(point, state.problem.levels))

    def tell(self, state: PGDState, proposal: Patched, loss: float) -> PGDState:
        """Take the step, and its picture as the best where it is."""
        point, velocity = self._stepped(state)
        told = state.told(proposal, loss, kept=state.gains(loss))
        problem = state.problem
        if self._step(problem, told.query)[0] == 0:
            draw, shape = problem.stream.at(told.query), problem.pixels.shape
            point = draw.uniform(-problem.levels, problem.levels, shape).astype(np.float32)
            velocity = np.zeros_like(point)
        return replace(told, point=point, velocity=velocity)

    def _step(self, problem: Problem, query: int) -> tuple[int, int]:
        """Return how many steps of its start were taken before a query, and how many it takes."""
        steps = max(1, problem.queries - 1)
        length = math.ceil(steps / self.starts)
        start, done = divmod(query - FIRST_QUERY, length)
        return done, min(length, steps - start * length)

    def _stepped(self, state: PGDState) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the point that the next step leads to, and the velocity there."""
        problem = state.problem
        velocity = np.float32(self.momentum) * state.velocity + state.slope
        done, steps = self._step(problem, state.query)
        size = self.step * problem.levels * (1 + math.cos(math.pi * done / steps)) / 2
        point = state.point - np.float32(size) * np.sign(velocity)
        return np.clip(point, -problem.levels, problem.levels), velocity
