"""NES: the gradient estimated from pairs of random pictures, and followed by signed steps.

Ilyas, Engstrom, Athalye, Lin, "Black-box Adversarial Attacks with Limited Queries and Information",
ICML 2018; section 3.1 (the query-limited setting). Momentum and the shrinking step are those of
their released program.
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import refuse_unless, whole_number
from iqaudit._core.patches import Patch, Patched, Perturbation, whole_levels
from iqaudit.attacks._base import FIRST_QUERY, Problem

PLATEAU, SHRINK, SMALLEST = 5, 2, 1 / 200
"""Estimates after which the step shrinks if the loss has not fallen over them, by what, and down to
which part of the first step."""


@dataclass(frozen=True, eq=False)
class NESState:
    """The state of the search.

    `perturbation` is `point`, real levels, as whole ones; pictures around it are
    scored until `samples` are there, then the point reached by a step.

    Attributes
    ----------
    sampled : int
        Pictures scored around the point.
    before : float
        The loss of the pair's first picture.
    total : float
        The sum of the pictures' losses.
    estimate : ndarray of float32, (height, width, 3)
        The gradient's, but for a factor, summed over the pairs so far.
    velocity : ndarray of float32, (height, width, 3)
        The estimates' running mean.
    step : float
        Levels.
    means : tuple of float
        Of the pictures' losses at the last points.
    """

    problem: Problem
    query: int
    perturbation: Perturbation
    point: NDArray[np.float32]
    estimate: NDArray[np.float32]
    velocity: NDArray[np.float32]
    step: float
    sampled: int = 0
    before: float = 0.0
    total: float = 0.0
    means: tuple[float, ...] = ()


@dataclass(frozen=True)
class NES:
    """Natural evolution strategies with antithetic sampling, and projected signed steps.

    Every picture scored is billed: `samples` around the point, one the other way of the next, then
    the point that a step of `step` · ε against the sign of the estimate leads to, projected onto
    the ball. It is taken whatever it scores, as in the paper.

    Parameters
    ----------
    samples : int
        Pictures an estimate, even, at least 2; n in the paper.
    sigma : float
        The Gaussian's standard deviation in levels, above 0; rounded to whole levels. Theirs is a
        quarter of a level, which would round to nothing.
    step : float
        As a share of ε, above 0; theirs, 0.01 where ε is 0.05.
    momentum : float
        What an estimate leaves to those before it, in [0, 1).
    """

    samples: int = 50
    sigma: float = 1.0
    step: float = 0.2
    momentum: float = 0.9

    anytime: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "samples", whole_number("samples", self.samples))
        pairs = self.samples > 0 and self.samples % 2 == 0
        refuse_unless(pairs, "samples come in pairs: an even number", self.samples)
        for name, value in (("sigma", self.sigma), ("step", self.step)):
            refuse_unless(0 < value < math.inf, f"{name} must be above 0", value)
        refuse_unless(0 <= self.momentum < 1, "momentum lies in [0, 1)", self.momentum)

    def init(self, problem: Problem) -> NESState:
        """Return the state at the clean picture."""
        nothing = np.zeros(problem.pixels.shape, np.float32)
        step = self.step * problem.levels
        return NESState(problem, FIRST_QUERY, problem.unchanged(), nothing, nothing, nothing, step)

    def ask(self, state: NESState) -> Patched:
        """Propose a picture of a pair or, once they are all there, the next point."""
        problem = state.problem
        if state.sampled == self.samples:
            levels = whole_levels(self._stepped(state), problem.levels)
        else:
            second = state.sampled % 2
            draw = problem.stream.at(state.query - second)
            noise = draw.standard_normal(problem.pixels.shape, dtype=np.float32)
            drawn = np.rint(np.float32(-self.sigma if second else self.sigma) * noise)
            levels = state.perturbation + drawn.astype(np.int16)
        return Patched(state.perturbation, (Patch(0, 0, levels),))

    def tell(self, state: NESState, proposal: Patched, loss: float) -> NESState:
        """Take a picture into the estimate, or the next point as the one to stand at."""
        state = replace(state, query=state.query + 1)
        if state.sampled == self.samples:
            return self._moved(state, proposal)
        state = replace(state, sampled=state.sampled + 1, total=state.total + loss)
        if state.sampled % 2:
            return replace(state, before=loss)
        fall = state.before - loss
        [edit] = proposal.patches
        drawn = edit.values - state.perturbation
        return replace(state, estimate=state.estimate + np.float32(fall) * -drawn)

    def _moved(self, state: NESState, proposal: Patched) -> NESState:
        means = (*state.means, state.total / self.samples)[-PLATEAU:]
        step = state.step
        if len(means) == PLATEAU and means[-1] > means[0]:
            smallest = self.step * state.problem.levels * SMALLEST
            step, means = max(step / SHRINK, smallest), ()
        return replace(
            state,
            perturbation=proposal.painted(),
            point=self._stepped(state),
            velocity=self._velocity(state),
            estimate=np.zeros_like(state.estimate),
            step=step,
            sampled=0,
            total=0.0,
            means=means,
        )

    def _velocity(self, state: NESState) -> NDArray[np.float32]:
        fresh = np.float32(1 - self.momentum) * state.estimate
        return np.float32(self.momentum) * state.velocity + fresh

    def _stepped(self, state: NESState) -> NDArray[np.float32]:
        most = state.problem.levels
        ahead = state.point - np.float32(state.step) * np.sign(self._velocity(state))
        return np.clip(ahead, -most, most)
