"""What every attack that has a name must keep."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.pictures import MakePicture
from tests.support.searching import (
    BLACK_BOX,
    LEVELS,
    ON_ONE,
    Linear,
    Ripple,
    Rough,
    grey,
    problem,
    searched,
)

import iqaudit
from iqaudit.attacks import ATTACKS, PGD, Problem, is_white_box, named
from iqaudit.attacks._base import is_carrying, own_threat
from iqaudit.attacks._registry import attack_spec, made
from iqaudit.victims import TorchModule, Window

SIZES = [(9, 14), (14, 9), (20, 20), (9, 14), (31, 8)]
STEPS = 150
COMPARING = [name for name in BLACK_BOX if name != "nes"] + ["pgd"]
"""NES takes every step, whatever it scores."""


def fingerprint(result: iqaudit.TrialResult) -> tuple[bytes, bytes, object]:
    return result.adversarial.tobytes(), result.scores.tobytes(), result.trace


def most(name: str) -> int:
    """Return the levels by which an attack may change a channel."""
    return LEVELS if own_threat(named(name)) is None else 255


def posed(name: str, scorer: Linear, **others: Any) -> Problem:
    given = {"gradient": scorer.gradient} if is_white_box(named(name)) else {}
    return problem(scorer.clean, **(given | others))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ON_ONE if not is_carrying(named(name))])
@pytest.mark.parametrize("batch", [2, 5])
def test_batch_and_order_change_no_byte(name: str, batch: int, make_picture: MakePicture) -> None:
    victim = Rough(0, 20)
    pictures = [make_picture(*size, seed) for seed, size in enumerate(SIZES)]

    def attack(given: list[Any], side_by_side: int) -> list[Any]:
        results = iqaudit.attack(given, victim, attack=name, queries=70, seed=3, batch=side_by_side)
        return [fingerprint(result) for result in results]

    alone = [attack([picture], 1)[0] for picture in pictures]
    assert alone == attack(pictures, batch)
    assert alone == attack(pictures[::-1], batch)[::-1]


@pytest.mark.parametrize("name", ON_ONE)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_trial_keeps_its_budget_its_ball_and_its_word(
    name: str, seed: int, make_picture: MakePicture
) -> None:
    victim = TorchModule(Ripple(), iqaudit.Scale.from_range(-1, 1), exact="dense")
    for height, width in ((1, 1), (2, 40), (33, 12), (32, 32)):
        picture = make_picture(height, width, seed)
        [result] = iqaudit.attack(picture, victim, attack=name, queries=70, seed=seed, goal="raise")
        assert result.queries == 70
        assert np.abs(result.perturbation).max(initial=0) <= most(name)
        assert result.adversarial_score == result.scores.max()
        for step in result.trace:
            assert step.score == result.scores[step.query - 1]


@pytest.mark.parametrize("name", ATTACKS)
def test_asking_and_telling_change_nothing_and_answer_the_same(name: str) -> None:
    attack, scorer = named(name), Linear(grey(13, 10))
    for state, proposal, loss, after in searched(attack, posed(name, scorer), scorer, STEPS):
        before = {
            field.name: value.copy()
            for field in fields(state)
            if isinstance(value := getattr(state, field.name), np.ndarray)
        }
        again = attack.ask(state)
        guess = attack.tell(state, again, 1e6)  # refused
        attack.ask(guess)
        told = attack.tell(state, again, loss)
        assert np.array_equal(proposal.painted(), again.painted())
        assert np.array_equal(told.perturbation, after.perturbation)
        assert after.query == told.query == guess.query == state.query + 1
        for kept, value in before.items():
            assert np.array_equal(value, getattr(state, kept)), kept


@pytest.mark.parametrize("name", ON_ONE)
def test_nothing_changes_where_the_victim_does_not_look(
    name: str, make_picture: MakePicture
) -> None:
    clean, window = make_picture(17, 21), Window(3, 5, 11, 9)
    victim = Rough(0, 20)
    asked: list[NDArray[np.int64]] = []
    victim.card = replace(victim.card, window=lambda _height, _width: window)
    score = victim.score

    def spy(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        asked.extend(pictures.astype(int) - clean)
        return score(pictures)

    victim.score = spy  # type: ignore[method-assign]
    [result] = iqaudit.attack(clean, victim, attack=name, queries=STEPS)
    reached = np.abs(asked).max(axis=0)
    inside = reached[3:14, 5:14].copy()
    assert len(asked) == result.queries == STEPS
    assert 0 < inside.max() <= most(name)
    reached[3:14, 5:14] = 0
    assert not reached.any()


@pytest.mark.parametrize("name", COMPARING)
def test_a_step_must_gain_more_than_the_noise(name: str) -> None:
    scorer = Linear(grey(12, 10), np.full((12, 10, 3), 1e-4))
    noise = 1.0  # more than any change of the scorer's loss
    attack, given = named(name), posed(name, scorer, noise=noise)
    taken_at_first = not np.isfinite(attack.init(given).loss)
    kept = [
        state.query
        for state, _, _, after in searched(attack, given, scorer, STEPS)
        if after.perturbation is not state.perturbation
    ]
    assert kept == ([2] if taken_at_first else [])


@pytest.mark.parametrize("name", ON_ONE)
def test_the_clean_loss_is_what_the_first_steps_are_compared_with(
    name: str, make_picture: MakePicture
) -> None:
    victim = TorchModule(Ripple(), iqaudit.Scale.from_range(-1, 1), exact="dense")
    seen: list[Problem] = []

    class Spy(type(named(name))):  # type: ignore[misc]
        def init(self, given: Problem) -> Any:
            seen.append(given)
            return super().init(given)

    for goal, sign in (("raise", -1), ("lower", 1)):
        [result] = iqaudit.attack(make_picture(20, 20), victim, attack=Spy(), goal=goal, queries=4)
        given = seen.pop()
        assert given.clean_loss == sign * result.clean_quality
        assert (given.gradient is not None) is (name == "pgd")


def test_hyper_parameters_that_an_older_version_had_not_are_their_defaults() -> None:
    older = {"step": 0.5, "momentum": 0.75, "white_box": True}
    assert made("PGD", older) == PGD()
    assert made("PGD", older | {"starts": 5}) == PGD(starts=5)
    assert made("PGD", older | {"of a newer version": 1}) is None


def test_hyper_parameters_stand_behind_an_attacks_name() -> None:
    spec = attack_spec("pgd,starts=5,momentum=0.5")
    assert (spec.attack, spec.label) == (PGD(momentum=0.5, starts=5), "pgd,starts=5,momentum=0.5")
    own = attack_spec("python:iqaudit.attacks:PGD,starts=2")
    assert (own.attack, own.label) == (PGD(starts=2), "PGD,starts=2")


@pytest.mark.parametrize(
    ("attack", "sentence"),
    [
        (
            "pgd,start=5",
            'hyper-parameter of the attack "pgd" called "start": did you mean "starts"',
        ),
        ("pgd,starts", "wrong kind"),
        ("pgd,starts=many", "wrong kind"),
        ("pgd,starts=0", "at least 1"),
        ("pgd,starts=2,starts=3", 'given "starts" twice'),
        ("pgd,white_box=false", "no hyper-parameter"),
        ("pgb,starts=2", 'did you mean "pgd"'),
        ("random,", "no hyper-parameter"),
    ],
)
def test_a_wrong_hyper_parameter_is_a_sentence(attack: str, sentence: str) -> None:
    with pytest.raises(iqaudit.InputError, match=sentence):
        attack_spec(attack)


def test_an_attack_with_hyper_parameters_is_told_from_its_default(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    attacks = ["square", "square,p_init=0.3"]
    victim = iqaudit.victims.Function(lambda batch: batch.mean((1, 2, 3)), iqaudit.Scale(127, 50))
    done = iqaudit.audit([victim], [make_picture(20, 24)], attacks=attacks, queries=8, out=tmp_path)
    assert [cell.attack for cell in done.cells] == attacks
