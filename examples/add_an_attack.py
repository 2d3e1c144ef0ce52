"""An attack of your own beside the paper's: one more row or column of ±ε at each query."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from skimage import data

import iqaudit


@dataclass(frozen=True, eq=False)
class LinesState:
    """The search after some queries; `query` is the number of the next."""

    problem: iqaudit.attacks.Problem
    query: int
    perturbation: NDArray[np.int16]
    loss: float


@dataclass(frozen=True)
class Lines:
    """A random search over whole rows and columns of one colour.

    Parameters
    ----------
    thickness : int
        Pixels.
    """

    thickness: int = 4

    def init(self, problem: iqaudit.attacks.Problem) -> LinesState:
        """Return the start: no change."""
        nothing = np.zeros(problem.pixels.shape, np.int16)
        return LinesState(problem, 2, nothing, math.inf)

    def ask(self, state: LinesState) -> iqaudit.Patched:
        """Propose the current perturbation with one more line."""
        draw = state.problem.stream.at(state.query)
        perturbation = state.perturbation.copy()
        lines = perturbation if draw.integers(2) else perturbation.swapaxes(0, 1)
        start = int(draw.integers(len(lines)))
        colour = state.problem.levels * (2 * draw.integers(2, size=3) - 1)
        lines[start : start + self.thickness] = colour
        return iqaudit.Patched(perturbation)

    def tell(self, state: LinesState, proposal: iqaudit.Patched, loss: float) -> LinesState:
        """Return the next state; a proposal is accepted where the loss falls."""
        if loss < state.loss - state.problem.noise:
            state = replace(state, perturbation=proposal.painted(), loss=loss)
        return replace(state, query=state.query + 1)


for attack in ("bidirectional", Lines()):
    [result] = iqaudit.attack(data.chelsea(), "reference", attack=attack, queries=200)
    print(f"{attack}: {result.clean_score:.2f} -> {result.adversarial_score:.2f}")
