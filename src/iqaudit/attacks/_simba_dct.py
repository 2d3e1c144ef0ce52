"""SimBA-DCT: one low frequency of one channel at a time, a step either way.

Guo, Gardner, You, Wilson, Weinberger, "Simple Black-box Adversarial Attacks", ICML 2019;
algorithm 1 with the discrete cosine basis.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.errors import InputError
from iqaudit._core.patches import Patch, Patched, Perturbation, whole_levels
from iqaudit.attacks._base import FIRST_QUERY, PREPARATION, Problem

SHELLS, FIRST_SHELL = 32, 4
"""Their lowest 28 x 28 of 224 x 224 frequencies come first, then 7 rows and columns more at a time:
4/32 of the sides, then 1/32 more at a time."""


@dataclass(frozen=True, eq=False)
class SimBADCTState:
    """The state of the search.

    `field` is the sum of the accepted steps in real levels, (height, width, 3),
    neither rounded nor clipped. `order` holds the frequencies, flattened as (vertical, horizontal,
    channel); the next proposal tries the one at `place`, upwards where `up`, else downwards.
    """

    problem: Problem
    query: int
    perturbation: Perturbation
    loss: float
    field: NDArray[np.float64]
    order: NDArray[np.int64]
    place: int = 0
    up: bool = False


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

    def __post_init__(self) -> None:
        if not (math.isfinite(self.amplitude) and self.amplitude > 0):
            raise InputError(f"amplitude is a share of ε above 0, not {self.amplitude}.")

    def init(self, problem: Problem) -> SimBADCTState:
        """Return the state before the first step; the whole order is drawn here."""
        height, width, _ = problem.pixels.shape
        draw = problem.stream.at(PREPARATION)
        return SimBADCTState(
            problem,
            FIRST_QUERY,
            problem.unchanged(),
            problem.clean_loss,
            np.zeros(problem.pixels.shape),
            low_first(draw, height, width)[: problem.queries],
        )

    def ask(self, state: SimBADCTState) -> Patched:
        """Propose the step that is due."""
        channel, stepped = self._step(state)
        levels = state.perturbation.copy()
        levels[..., channel] = whole_levels(stepped, state.problem.levels)
        return Patched(state.perturbation, (Patch(0, 0, levels),))

    def tell(self, state: SimBADCTState, proposal: Patched, loss: float) -> SimBADCTState:
        """Keep the step where the loss fell; else try the other way, then the next frequency."""
        query, place = state.query + 1, state.place + 1
        if loss < state.loss - state.problem.noise:
            channel, stepped = self._step(state)
            field = state.field.copy()
            field[..., channel] = stepped
            perturbation = proposal.painted()
            state = replace(state, perturbation=perturbation, loss=loss, field=field)
            return replace(state, query=query, place=place, up=False)
        if state.up:
            return replace(state, query=query, place=place, up=False)
        return replace(state, query=query, up=True)

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
    wave: NDArray[np.float64] = np.cos(np.pi * (np.arange(length) + 0.5) * frequency / length)
    return wave


def low_first(draw: np.random.Generator, height: int, width: int) -> NDArray[np.int64]:
    """Return every frequency of a picture's three channels, flattened, low ones first.

    The lowest eighth of both sides in random order, then a 32nd more of both at a time.
    """
    down, across = (SHELLS * np.arange(side) // side for side in (height, width))
    shells = np.maximum(np.maximum.outer(down, across), FIRST_SHELL - 1)
    order = draw.permutation(3 * height * width)
    low: NDArray[np.int64] = order[np.argsort(shells.ravel()[order // 3], kind="stable")]
    return low
