"""SimBA-DCT: one low frequency of one channel at a time, a step either way.

Guo, Gardner, You, Wilson, Weinberger, "Simple Black-box Adversarial Attacks", ICML 2019;
algorithm 1 with the discrete cosine basis.
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import refuse_unless
from iqaudit._core.patches import Patched, whole_levels
from iqaudit.attacks._base import PREPARATION, Problem, beginning
from iqaudit.attacks._simba import SimBAState

SHELLS, FIRST_SHELL = 32, 4
"""Their lowest 28 x 28 of 224 x 224 frequencies come first, then 7 rows and columns more at a time:
4/32 of the sides, then 1/32 more at a time."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SimBADCTState(SimBAState):
    """The state of the search.

    `field` is the sum of the accepted steps in real levels, (height, width, 3),
    neither rounded nor clipped. `order` holds the frequencies, flattened as (vertical, horizontal,
    channel); the next proposal tries the one at `place`, upwards where `up`, else downwards.
    """

    field: NDArray[np.float64]


@dataclass(frozen=True)
class SimBADCT:
    """SimBA with the cosine basis, low frequencies first, within L∞.

    A step adds a cosine to one channel or, if that is refused, takes it away. The sum of the
    accepted cosines is kept in real numbers; its whole levels, clipped to ε, are asked.

    Parameters
    ----------
    amplitude : float
        A step's largest change, as a share of ε, above 0. Whole levels need half a level at least:
        their step of 0.2 in a coefficient would be 0.45 levels high in a picture of 224 x 224.
    """

    amplitude: float = 1.0

    anytime: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    def __post_init__(self) -> None:
        rule = "amplitude is a share of ε above 0"
        refuse_unless(0 < self.amplitude < math.inf, rule, self.amplitude)

    def init(self, problem: Problem) -> SimBADCTState:
        """Return the state before the first step; the whole order is drawn here."""
        height, width, _ = problem.pixels.shape
        draw = problem.stream.at(PREPARATION)
        order = low_first(draw, height, width)[: problem.queries]
        field = np.zeros(problem.pixels.shape)
        return SimBADCTState(*beginning(problem, problem.clean_loss), order, field=field)

    def ask(self, state: SimBADCTState) -> Patched:
        """Propose the step that is due."""
        channel, stepped = self._step(state)
        levels = state.perturbation.copy()
        levels[..., channel] = whole_levels(stepped, state.problem.levels)
        return state.edited(levels)

    def tell(self, state: SimBADCTState, proposal: Patched, loss: float) -> SimBADCTState:
        """Keep the step where the loss fell; else try the other way, then the next frequency."""
        kept, field = state.gains(loss), state.field
        if kept:
            channel, stepped = self._step(state)
            field = field.copy()
            field[..., channel] = stepped
        told = replace(state.told(proposal, loss, kept=kept), field=field)
        return told.stepped(kept=kept)

    def _step(self, state: SimBADCTState) -> tuple[int, NDArray[np.float64]]:
        """Return the channel of the step that is due, and its field after it."""
        height, width, _ = state.problem.pixels.shape
        frequency, channel = divmod(int(state.order[state.place % len(state.order)]), 3)
        down, across = divmod(frequency, width)
        wave = np.outer(cosine(down, height), cosine(across, width))
        step = self.amplitude * state.problem.levels
        stepped: NDArray[np.float64] = (
            state.field[..., channel] + (step if state.up else -step) * wave
        )
        return channel, stepped


def cosine(frequency: int, length: int) -> NDArray[np.float64]:
    """Return a wave of the discrete cosine transform (its type II), (length,), of peak about 1."""
    return np.cos(np.pi * (np.arange(length) + 0.5) * frequency / length)


def low_first(draw: np.random.Generator, height: int, width: int) -> NDArray[np.int64]:
    """Return every frequency of a picture's three channels, flattened, low ones first.

    The lowest eighth of both sides in random order, then a 32nd more of both at a time.
    """
    down, across = (SHELLS * np.arange(side) // side for side in (height, width))
    shells = np.maximum(np.maximum.outer(down, across), FIRST_SHELL - 1)
    order = draw.permutation(3 * height * width)
    return order[np.argsort(shells.ravel()[order // 3], kind="stable")]
