"""Attacks of a user's own, named as python:MODULE:NAME: hashed, told apart, killed, verified."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.attacking import Signs
from tests.support.auditing import ROOT, ROUGH, contents, kept, serial
from tests.support.processes import started, wait_until

import iqaudit
from iqaudit import InputError
from iqaudit._audit.parse import audit_spec, read
from iqaudit._audit.spec import AuditSpec
from iqaudit._runs.schema import load, load_audit
from iqaudit.attacks import RandomSigns, Square
from iqaudit.attacks._code import digest
from iqaudit.attacks._registry import attack_spec

OWN = "python:tests.support.attacking:Signs"

MODULE = '''
"""An attack called as a bundled one, which draws otherwise."""

from dataclasses import dataclass

import numpy as np
import {helper}
from iqaudit import Patched
from iqaudit.attacks import RandomSigns as Bundled

@dataclass(frozen=True)
class RandomSigns(Bundled):
    most: int = 1
    of: tuple[int, ...] = (1, 2)

    def ask(self, state):
        draw = state.problem.stream.at(state.query)
        signs = 2 * draw.integers(2, size=state.problem.pixels.shape) - 1
        return Patched((min(self.most, {helper}.MOST) * signs).astype(np.int16))

STRONG = RandomSigns(3)
'''


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder of two modules with an attack of one name, and work there.

    Their modules are new in each test, as Python keeps them.
    """
    folder = tmp_path / "own"
    folder.mkdir()
    for name in ("one_attack", "other_attack"):
        (folder / f"{name}.py").write_text(MODULE.format(helper="helped"))
    (folder / "helped.py").write_text("MOST = 3\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.chdir(folder)
    yield folder
    forget()


def forget() -> None:
    """Have the modules be imported anew."""
    for name in ("one_attack", "other_attack", "helped"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("own")
def test_attacks_of_one_name_are_told_apart(tmp_path: Path, campaign: AuditSpec) -> None:
    names = (
        "python:one_attack:RandomSigns",
        "python:other_attack:RandomSigns",
        "python:one_attack:STRONG",
        "random",
    )
    serial(replace(campaign, attacks=names), tmp_path / "run")
    audit = iqaudit.load(tmp_path / "run")
    assert [cell.attack for cell in load_audit(audit.path).cells] == list(names)
    assert [cell.cell for cell in audit.cells] == [
        "rough--RandomSigns",
        "rough--RandomSigns-2",
        "rough--STRONG",
        "rough--random",
    ]
    assert [cell.attack for cell in audit.cells] == list(names)
    kinds = [load(cell.path).attack.name for cell in audit.cells]
    assert kinds == [names[0], names[1], names[0], "RandomSigns"]
    boards = [each for each in iqaudit.compare([audit.path]) if not each.is_of_the_worst]
    assert len({board.attack for board in boards}) == 4
    checks = audit.verify()
    assert len(checks) == 12
    assert all(check.replayed and not check.wrong for check in checks)


def test_values_of_one_class_are_told_apart(tmp_path: Path, campaign: AuditSpec) -> None:
    attacks = (Square(p_init=0.2), Square(p_init=0.3))
    serial(replace(campaign, attacks=attacks), tmp_path / "run")
    assert not any(check.wrong for check in iqaudit.verify(tmp_path / "run"))


def test_an_object_called_as_a_bundled_attack_is_none() -> None:
    kind: Any = type("random", (RandomSigns,), {})
    impostor = dataclass(frozen=True)(kind)()
    spec = attack_spec(impostor)
    assert spec.record == {"name": f"python:{__name__}:random"}
    assert attack_spec(RandomSigns()).record == "random"


def test_the_code_beside_an_attack_is_part_of_it(
    own: Path, tmp_path: Path, campaign: AuditSpec
) -> None:
    spec = replace(campaign, attacks=("python:one_attack:STRONG",))
    serial(spec, tmp_path / "run")
    first = digest(attack_spec("python:one_attack:STRONG").attack)
    (own / "helped.py").write_text("MOST = 3  # levels\n")
    digest.__globals__["_digest"].cache_clear()
    assert digest(attack_spec("python:one_attack:STRONG").attack) == first
    (own / "helped.py").write_text("MOST = 2\n")
    forget()
    with pytest.raises(InputError, match=r"STRONG has changed since, its code"):
        serial(replace(campaign, attacks=("python:one_attack:STRONG",)), tmp_path / "run")
    # The search is not held against another attack.
    assert not any(check.replayed or check.wrong for check in iqaudit.verify(tmp_path / "run"))


def test_the_code_of_an_attack_inside_another_is_part_of_it() -> None:
    @dataclass(frozen=True)
    class Outer(RandomSigns):
        inner: Any = field(default_factory=RandomSigns)

    assert digest(Outer()) != digest(Outer(Square()))


def test_an_attack_is_named_in_toml_and_given_as_an_object(
    own: Path, tmp_path: Path, photos: Path
) -> None:
    (own / "audit.toml").write_text(
        f'victims = ["{ROUGH}"]\nattacks = ["random", "{OWN}"]\nqueries = 6\n'
        f'[data]\npictures = ["{photos}"]\n'
    )
    spec = read(own / "audit.toml")
    assert [each.name for each in spec.attacks] == ["random", OWN]
    audit = iqaudit.audit([ROUGH], photos, attacks=[Signs(), OWN], queries=6, out=tmp_path / "run")
    first, second = audit.cells
    assert contents(first.path / "scores") == contents(second.path / "scores")
    assert not any(check.wrong for check in audit.verify())
    assert not iqaudit.plan([ROUGH], photos, attacks=[OWN], queries=6).skipped


@pytest.mark.usefixtures("own")
def test_a_strangers_attack_is_not_imported(tmp_path: Path, campaign: AuditSpec) -> None:
    spec = replace(campaign, attacks=("python:one_attack:RandomSigns",))
    serial(spec, tmp_path / "run")
    assert all(check.replayed for check in iqaudit.verify(tmp_path / "run"))
    (tmp_path / "run").rename(tmp_path / "strange")
    forget()
    [cell] = iqaudit.load(tmp_path / "strange").cells
    for checks in (iqaudit.verify(cell.path, ROUGH), iqaudit.verify(cell.path, ROUGH)):
        assert not any(check.replayed or check.wrong for check in checks)
    iqaudit.load(tmp_path / "strange").table()
    iqaudit.compare([tmp_path / "strange"])
    iqaudit.insights(tmp_path / "strange" / cell.cell, ROUGH)
    iqaudit.load(tmp_path / "strange").report()
    assert "one_attack" not in sys.modules
    assert all(check.replayed for check in iqaudit.verify(cell.path, ROUGH, trust=True))
    assert all(check.replayed for check in iqaudit.verify(cell.path, ROUGH))


@dataclass(frozen=True)
class Weighed(RandomSigns):
    weights: Any = None


@pytest.mark.parametrize(
    "weights", [np.ones(2), np.inf, {1}, print], ids=["array", "inf", "set", "call"]
)
def test_a_hyper_parameter_that_no_file_can_hold_is_refused(weights: Any, photos: Path) -> None:
    with pytest.raises(InputError, match='cannot be written to a file: "weights" is of'):
        audit_spec(
            {"victims": [ROUGH], "attacks": [Weighed(weights)], "data": {"pictures": [photos]}}
        ).record(["rough"])


@pytest.mark.slow
def test_an_attack_that_is_killed_on_workers_comes_to_the_same_bytes(
    own: Path, tmp_path: Path, photos: Path
) -> None:
    run, whole, name = tmp_path / "run", tmp_path / "whole", "python:one_attack:RandomSigns"
    line = ["audit", photos, "--victim", ROUGH, "--attack", name, "--queries", 40, "--quiet"]
    words = [sys.executable, "-m", "iqaudit", *map(str, line), "--out"]
    how = ["--engine", "processes", "--workers", "2"]
    there = os.environ | {"PYTHONPATH": str(ROOT)}  # the attack is found in the current folder
    slow = there | {"IQAUDIT_TESTS_PAUSE": "0.02"}
    for answers in (20, 60):
        with started([*words, str(run), *how], cwd=own, env=slow) as driver:
            wait_until(lambda least=answers: kept(run).total() > least, driver)  # type: ignore[misc]
            driver.send_signal(signal.SIGKILL)
    subprocess.run([*words, str(run), *how], cwd=own, env=there, check=True)
    subprocess.run([*words, str(whole), "--engine", "serial"], cwd=own, env=there, check=True)
    assert contents(run) == contents(whole)


def test_an_error_in_an_attack_is_said_with_its_place(tmp_path: Path, campaign: AuditSpec) -> None:
    spec = replace(campaign, attacks=(Broken(),))
    sentence = r"The attack Broken failed in ask, .* \(ZeroDivisionError: .*; test_own_attacks.py, "
    with pytest.raises(InputError, match=sentence):
        serial(spec, tmp_path / "run")


@dataclass(frozen=True)
class Broken(RandomSigns):
    def ask(self, state: Any) -> Any:
        return super().ask(state) if 1 / (state.query - 5) else None
