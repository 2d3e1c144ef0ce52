"""What the attacks' tests share: problems stated by hand, scorers of which the best is known."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tests.support.scorers import roughness
from torch import Tensor, nn

import iqaudit
from iqaudit._core.patches import Patched, Perturbation
from iqaudit._core.picture import Pixels
from iqaudit._core.stream import Stream
from iqaudit._core.threat import Linf
from iqaudit.attacks import ATTACKS, Attack, Problem, is_white_box
from iqaudit.attacks._base import is_shared

ON_ONE = [name for name, (attack, _) in ATTACKS.items() if not is_shared(attack)]
"""Attacks that a picture by itself is searched with."""

BLACK_BOX = [name for name, (attack, _) in ATTACKS.items() if not is_white_box(attack)]

LEVELS = 3


def grey(height: int, width: int) -> Pixels:
    """Return a picture that nothing is clipped in."""
    return np.full((height, width, 3), 128, np.uint8)


def problem(clean: Pixels, queries: int = 500, seed: int = 0, **others: Any) -> Problem:
    """Return a problem."""
    given: dict[str, Any] = {
        "levels": LEVELS,
        "clean_loss": 5.0,
    }
    stream = Stream(seed, "picture")
    return Problem(clean, queries=queries, stream=stream, **(given | others))


class Linear:
    """A scorer whose loss is linear in the levels: the best is -ε times the weights' signs."""

    def __init__(
        self, clean: Pixels, weights: NDArray[np.float64] | None = None, levels: int = LEVELS
    ) -> None:
        drawn = np.random.default_rng(1).normal(0, 1e-3, clean.shape)
        self.clean, self.levels = clean, levels
        self.weights: NDArray[np.float64] = drawn if weights is None else weights

    def loss(self, perturbation: Perturbation) -> float:
        """Return the loss of the clipped picture, 5 for the clean one."""
        painted = Linf(self.levels).apply(self.clean, perturbation).astype(np.int16)
        return 5 + float((self.weights * (painted - self.clean.astype(np.int16))).sum())

    def gradient(self, _: Perturbation) -> NDArray[np.float32]:
        return self.weights.astype(np.float32)

    @property
    def best(self) -> Perturbation:
        """Where the loss is least, in a picture that nothing is clipped in."""
        signs: Perturbation = (-self.levels * np.sign(self.weights)).astype(np.int16)
        return signs


def searched(
    attack: Attack[Any], posed: Problem, scorer: Linear, queries: int | None = None
) -> Iterator[tuple[Any, Patched, float, Any]]:
    """Yield each query's state before, proposal, loss, and state after."""
    state = attack.init(posed)
    for _ in range((queries or posed.queries) - 1):
        proposal = attack.ask(state)
        loss = scorer.loss(proposal.painted())
        after = attack.tell(state, proposal, loss)
        yield state, proposal, loss, after
        state = after


def last(attack: Attack[Any], posed: Problem, scorer: Linear) -> Any:
    """Return the state when the budget is spent."""
    *_, (_, _, _, state) = searched(attack, posed, scorer)
    return state


class Ripple(nn.Module):
    """A torch scorer of any picture: the mean of a fixed curved function of neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(3 * self.conv(x)).mean((1, 2, 3))


class Rough:
    """The tests' `roughness`, and its gradient: both whole numbers over the count of channels."""

    def __init__(self, low: float, high: float) -> None:
        self.card = iqaudit.victims.Card("rough", iqaudit.Scale.from_range(low, high))

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        return roughness(pictures)

    def gradient(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        signs = np.sign(np.diff(picture.astype(np.float32), axis=1))
        falls = np.pad(signs, ((0, 0), (0, 1), (0, 0)))
        rises = np.pad(signs, ((0, 0), (1, 0), (0, 0)))
        slope: NDArray[np.float32] = (rises - falls) / np.float32(picture.size)
        return slope
