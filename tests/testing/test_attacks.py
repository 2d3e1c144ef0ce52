"""A check of attacks finds what is not pure, and nothing in the bundled ones."""

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from iqaudit import InputError, Patch, Patched
from iqaudit.attacks import ATTACKS, RandomSigns
from iqaudit.testing import check_attack

SLOW = {"guided", "guided-quiet", "guided-invisible", "guided-carrying"}


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[pytest.mark.slow] * (each in SLOW)) for each in ATTACKS]
)
def test_the_bundled_attacks_have_no_fault(name: str) -> None:
    assert check_attack(name, queries=30) == ()


Ask = Callable[[Any], Any]
MEMORY: list[Any] = []


def levels(state: Any, value: Any = 1) -> Any:
    return np.full(state.problem.pixels.shape, value, np.int16)


def legacy(state: Any) -> Any:
    np.random.seed(0)  # noqa: NPY002
    return Patched(levels(state, np.random.choice([-1, 1])))  # noqa: NPY002


def fresh(state: Any) -> Any:
    return Patched(levels(state, np.random.default_rng(state.query).integers(-1, 2)))


def python(state: Any) -> Any:
    return Patched(levels(state, random.Random(random.random()).choice([-1, 1])))  # noqa: S311


def outside(state: Any) -> Any:
    """Go another way once much was asked; both calls of one question answer alike."""
    MEMORY.append(state.query)
    return Patched(levels(state, 1 + (len(MEMORY) > 60)))


def in_place(state: Any) -> Any:
    state.perturbation[0, 0, 0] += 1
    return Patched(state.perturbation.copy())


def pixels(state: Any) -> Any:
    state.problem.pixels[:] = 0
    return Patched(levels(state))


def buffer(state: Any) -> Any:
    held = vars(buffer).setdefault(state.problem.pixels.shape, levels(state))
    held[:] = state.query % 3
    return Patched(held)


def ahead(state: Any) -> Any:
    return Patched(levels(state, state.problem.stream.at(state.query + 1).integers(-1, 2)))


def clean(state: Any) -> Any:
    return Patched(levels(state, state.problem.stream.at(state.query - 1).integers(-1, 2)))


def stuck(state: Any) -> Any:
    return Patched(levels(state, state.problem.stream.at(2).integers(-1, 2)))


def late(state: Any) -> Any:
    return Patched(levels(state, 10 // (state.problem.queries - state.query)))


ASKS: dict[Ask, str] = {
    legacy: "ask draws from numpy.random or random",
    fresh: "ask draws from numpy.random or random",
    python: "ask draws from numpy.random or random",
    outside: "goes another way the second time: something is kept outside",
    in_place: "ask changes its state or the problem in place (query 2)",
    pixels: "ask changes its state or the problem in place (query 2)",
    buffer: "an array that was proposed is changed in place later (query 3)",
    ahead: "ask draws at step 3 of the stream where the query is 2: it counts queries wrongly",
    clean: "ask draws at step 1 of the stream where the query is 2: it counts queries wrongly",
    stuck: "ask draws the same numbers at every query (query 6)",
    late: "ask fails (ZeroDivisionError",
    levels: "an iqaudit.Patched, not an object of",
    lambda state: Patched(
        levels(state)[:5]
    ): "has the shape of problem.pixels, (24, 30, 3), not (5",
    lambda state: Patched(
        levels(state).astype(float)
    ): "whole levels (int16), not float64 (query 2)",
    lambda state: Patched(levels(state).astype(np.uint8)): "whole levels (int16), not uint8",
    lambda state: Patched(levels(state), (Patch(20, 0, levels(state)[:5]),)): "A patch lies within",
    lambda state: Patched(levels(state, 4)): "changes a pixel by 4 levels where 3 are allowed",
}


@pytest.mark.parametrize(("ask", "sentence"), ASKS.items(), ids=list(ASKS.values()))
def test_an_impure_ask_is_told(ask: Ask, sentence: str) -> None:
    MEMORY.clear()

    @dataclass(frozen=True)
    class Own(RandomSigns):
        def ask(self, state: Any) -> Any:
            return ask(state)

    faults = check_attack(Own(), queries=30)
    assert any(sentence in fault for fault in faults), faults
    assert all(fault.startswith("Own: ") and fault.endswith(".") for fault in faults)


def twice(told: Any, state: Any) -> Any:  # noqa: ARG001
    return replace(told, query=told.query + 1)


def copied(told: Any, state: Any) -> Any:  # noqa: ARG001
    return replace(told, perturbation=told.perturbation.copy())


def counted(told: Any, state: Any) -> Any:  # noqa: ARG001
    MEMORY.append(0)
    return replace(told, loss=told.loss - 1e-9 * len(MEMORY))


def overwritten(told: Any, state: Any) -> Any:
    state.perturbation[:] = 1
    return replace(told, perturbation=state.perturbation)


TELLS: dict[Callable[[Any, Any], Any], str] = {
    twice: "its state counts 4 as the next query, and that is 3: the clean picture's is 1",
    copied: "a refused step makes a new array of state.perturbation",
    counted: "tell answers otherwise when it is called again (query 2)",
    overwritten: "tell changes its state or the problem in place (query 2)",
    lambda told, state: None: "its state has no perturbation",  # noqa: ARG005
    lambda told, state: state: "its state counts 2 as the next query, and that is 3",  # noqa: ARG005
}


@pytest.mark.parametrize(("tell", "sentence"), TELLS.items(), ids=list(TELLS.values()))
def test_an_impure_tell_is_told(tell: Callable[[Any, Any], Any], sentence: str) -> None:
    MEMORY.clear()

    @dataclass(frozen=True)
    class Own(RandomSigns):
        def tell(self, state: Any, proposal: Patched, loss: float) -> Any:
            return tell(super().tell(state, proposal, loss), state)

    faults = check_attack(Own(), queries=30)
    assert any(sentence in fault for fault in faults), faults


def test_searches_side_by_side_must_not_meet() -> None:
    last: dict[str, Any] = {}

    @dataclass(frozen=True)
    class Own(RandomSigns):
        def ask(self, state: Any) -> Any:
            last["asked"] = state.problem.pixels.shape
            return super().ask(state)

        def tell(self, state: Any, proposal: Patched, loss: float) -> Any:
            mine = last["asked"] == state.problem.pixels.shape
            return super().tell(state, proposal, loss if mine else 0.0)

    [fault] = check_attack(Own(), queries=30)
    assert "two searches side by side go other ways than each alone" in fault


def test_an_attack_that_depends_on_the_budget_is_not_anytime() -> None:
    @dataclass(frozen=True)
    class Own(RandomSigns):
        anytime: ClassVar[bool] = True

        def ask(self, state: Any) -> Any:
            return Patched(levels(state, 1 + state.query * 2 // state.problem.queries))

    [fault] = check_attack(Own(), queries=30)
    assert "it says anytime, and its proposals depend on problem.queries" in fault


def test_an_attack_that_changes_itself_or_is_not_frozen_is_told() -> None:
    @dataclass(frozen=True)
    class Own(RandomSigns):
        met: Any = None

        def tell(self, state: Any, proposal: Patched, loss: float) -> Any:
            self.met.append(loss)
            return super().tell(state, proposal, loss)

    @dataclass
    class Loose:
        init = RandomSigns.init
        ask = RandomSigns.ask
        tell = RandomSigns.tell

    assert any("it changes itself" in fault for fault in check_attack(Own([]), queries=20))
    assert check_attack(Loose(), queries=20) == (
        "Loose: its class is no frozen dataclass, so a search may change it.",
    )
    [fault] = check_attack(Own(np.ones(2)), queries=3)[:1]
    assert 'cannot be written to a file: "met" is of the type ndarray' in fault


def test_an_attack_is_checked_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "checked_attack.py").write_text(
        "from iqaudit.attacks import RandomSigns as Own, Square\nSTRONG = Square(p_init=0.3)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert check_attack("python:checked_attack:Own", queries=10) == ()
    assert check_attack("python:checked_attack:STRONG", queries=10) == ()
    with pytest.raises(InputError, match="no attack called"):
        check_attack("sqare")
    with pytest.raises(InputError, match="queries must be at least 2"):
        check_attack("random", queries=1)
    sys.modules.pop("checked_attack")
