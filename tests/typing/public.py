"""The types of the public surface, as a user's checker sees them; read by checkers, never run."""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import iqaudit
from iqaudit._core.collection import collect
from iqaudit.attacks import Attack, Bidirectional, Problem
from iqaudit.testing import Failing, Noisy, Recording, Slow, synthetic_picture
from iqaudit.victims import Card, Function, Victim, as_victim


def scored(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    means: NDArray[np.float64] = pictures.mean(axis=(1, 2, 3))
    return means


class Own:
    """A victim of a user's, which inherits from nothing."""

    card = Card("own", iqaudit.Scale.from_range(0, 255))

    def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        return scored(pictures)


def victims(path: Path) -> None:
    assert_type(as_victim("reference"), Victim)
    assert_type(as_victim(scored, score_range=(0, 255), repeats=4), Victim)
    protocol: Victim = Own()
    wrapped: Victim = Function(scored, protocol.card.scale)
    assert_type(wrapped.card, Card)
    assert_type(wrapped.card.noise, float)
    assert_type(iqaudit.victims.Reference().card.scale, iqaudit.Scale)
    assert_type(iqaudit.verify(path, wrapped), tuple[iqaudit.Check, ...])


def attacks(path: Path, pixels: NDArray[np.uint8]) -> None:
    results = iqaudit.attack(path, "reference", attack="guided", goal="raise")
    assert_type(results, iqaudit.TrialResults)
    assert_type(results.unscored, tuple[iqaudit.Unscored, ...])
    iqaudit.attack(str(path), "reference")
    iqaudit.attack([path, pixels, iqaudit.Picture("p", pixels)], "reference")
    [result] = iqaudit.attack(pixels, Own(), attack=Bidirectional(), threat=iqaudit.Linf(levels=3))
    assert_type(result.adversarial, NDArray[np.uint8])
    assert_type(result.scores, NDArray[np.float64])
    assert_type(result.trace, tuple[iqaudit.Step, ...])
    assert_type(result.outcome, iqaudit.Outcome)
    assert_type(result.direction, iqaudit.Direction)
    assert_type(result.adversarial_quality, float)
    assert_type(iqaudit.attacks.named("square"), Attack[Any])


def ask_and_tell(problem: Problem) -> None:
    attack = Bidirectional()
    state = attack.init(problem)
    assert_type(attack.ask(state), iqaudit.Patched)


def pictures(path: Path) -> None:
    assert_type(iqaudit.read(path), iqaudit.Picture)
    assert_type(collect([path])[0], iqaudit.Picture)
    assert_type(synthetic_picture(24, 32, seed=1), NDArray[np.uint8])


def doubles() -> None:
    for victim in (
        Recording(scored, score_range=(0, 255)),
        Failing(Own(), at=3, error=KeyboardInterrupt()),
        Noisy(Own(), 0.1, seed=1),
        Slow("reference", 0.01),
    ):
        as_one: Victim = victim
        assert_type(as_one.card, Card)
    assert_type(Recording(Own()).pictures, list[NDArray[np.uint8]])
    assert_type(Recording(Own()).keys, list[int])
