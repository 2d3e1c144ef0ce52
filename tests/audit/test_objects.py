"""Victims and attacks that are objects of this process, or a user's own by their names."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.auditing import ROOT, ROUGH, Stopping, begun, contents, serial
from tests.support.pictures import MakePicture
from tests.support.processes import LIMIT
from tests.support.scorers import roughness

import iqaudit
from iqaudit import InputError
from iqaudit._audit import execute
from iqaudit._audit.engines import processes
from iqaudit._audit.spec import AuditSpec
from iqaudit._runs.schema import load, load_audit
from iqaudit.attacks import RandomSigns, Square
from iqaudit.victims._spec import VictimSpec

OWN = "python:tests.support.attacking:Signs"

HERE = "its victim or its attack is an object of this process, so it is worked on here"


def victim(score: Callable[[NDArray[np.uint8]], NDArray[np.float64]] = roughness) -> VictimSpec:
    """Return a function's spec, of the name that all tests give it."""
    scale = iqaudit.Scale.from_range(0, 20)
    return VictimSpec.of(iqaudit.victims.Function(score, scale, name="mine"))


def rougher(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    return 0.9 * roughness(pictures)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing worked on in another process."""
    monkeypatch.setattr(processes, "Pool", lambda *_: pytest.fail("a process of its own"))


# Victims


@pytest.mark.usefixtures("here")
def test_a_victim_that_is_an_object_is_worked_on_here_and_that_is_said(
    tmp_path: Path, campaign: AuditSpec
) -> None:
    spec, observer = replace(campaign, victims=(victim(),)), Stopping(-1)
    run = tmp_path / "run"
    [cell] = execute.run(spec, run, engine="processes", workers=2, observer=observer)
    assert [said for said in observer.said if HERE in said] == [
        f"mine--bidirectional: {HERE}, one task after the other."
    ]
    [named] = serial(campaign, tmp_path / "named")
    for folder in ("clean", "attacked", "scores"):
        assert contents(cell / folder) == contents(named / folder)
    # Nothing by which it could be made again is written.
    record = load(cell).victim
    assert (record.name, record.spec, record.options) == ("mine", None, None)
    assert load_audit(run).campaign["victims"] == [{"spec": "object:mine"}]


def test_another_object_of_the_same_name_is_refused_when_the_audit_goes_on(
    tmp_path: Path, campaign: AuditSpec
) -> None:
    spec = replace(campaign, victims=(victim(),))
    begun(spec, tmp_path / "run")
    other = replace(spec, victims=(victim(rougher),))
    with pytest.raises(InputError, match=r'"mine" is another than the audit was begun with'):
        serial(other, tmp_path / "run")
    serial(replace(spec, victims=(victim(),)), tmp_path / "run")
    serial(spec, tmp_path / "whole")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    # And once it is finished, too: its scores would be taken for the other's.
    with pytest.raises(InputError, match=r'"mine" is another than the audit was begun with'):
        serial(other, tmp_path / "run")


@pytest.mark.slow
def test_the_audit_that_a_call_returns_knows_its_objects(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    data = [make_picture(24, 30), make_picture(30, 24, 1)]
    audit = iqaudit.audit([victim(), ROUGH], data, queries=12, out=tmp_path / "run")
    checks = audit.verify()
    assert len(checks) == 4
    assert all(not check.wrong for check in checks)
    assert audit.analyse() == ()
    assert audit.transfer is not None
    with pytest.raises(InputError, match="was an object of the process"):
        iqaudit.load(tmp_path / "run").verify()


@pytest.mark.slow
def test_the_others_are_worked_on_elsewhere(tmp_path: Path, campaign: AuditSpec) -> None:
    spec, observer = replace(campaign, victims=(victim(), VictimSpec(ROUGH))), Stopping(-1)
    execute.run(spec, tmp_path / "run", engine="processes", workers=2, observer=observer)
    assert [said.partition(":")[0] for said in observer.said if HERE in said] == [
        "mine--bidirectional"
    ]
    serial(spec, tmp_path / "whole")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


# Attacks


@pytest.mark.usefixtures("here")
def test_an_attack_that_cannot_be_sent_is_worked_on_here_and_that_is_said(
    tmp_path: Path, campaign: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the program itself can be sent, and is another there."""

    @dataclass(frozen=True)
    class Unsent(RandomSigns):
        pass

    script = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", script)
    script.Own = dataclass(frozen=True)(  # type: ignore[attr-defined]
        type("Own", (RandomSigns,), {"__module__": "__main__", "__doc__": "The script's."})
    )
    for number, attack in enumerate((Unsent(), script.Own())):
        observer = Stopping(-1)
        spec = replace(campaign, attacks=(attack,))
        run = tmp_path / f"run{number}"
        [cell] = execute.run(spec, run, engine="processes", workers=2, observer=observer)
        assert any(HERE in said for said in observer.said)
        kind = type(attack)
        assert load(cell).attack.name == f"python:{kind.__module__}:{kind.__qualname__}"
        assert load_audit(run).cells[0].attack == kind.__name__
        [plain] = serial(replace(campaign, attacks=("random",)), tmp_path / f"random{number}")
        assert contents(cell / "scores") == contents(plain / "scores")


@pytest.mark.slow
def test_an_attack_that_can_be_sent_is_worked_on_elsewhere(
    tmp_path: Path, campaign: AuditSpec
) -> None:
    spec, observer = replace(campaign, attacks=(Square(p_init=0.2),)), Stopping(-1)
    execute.run(spec, tmp_path / "run", engine="processes", workers=2, observer=observer)
    assert not observer.said
    serial(spec, tmp_path / "whole")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_an_attack_with_other_settings_is_another_audit(
    tmp_path: Path, campaign: AuditSpec
) -> None:
    begun(replace(campaign, attacks=(Square(p_init=0.2),)), tmp_path / "run")
    with pytest.raises(InputError, match=r"begun otherwise: attacks was .*0\.2.* now .*0\.3"):
        serial(replace(campaign, attacks=(Square(p_init=0.3),)), tmp_path / "run")


# An attack of the user's own, by its name


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["serial", "processes"])
def test_a_users_own_attack_is_named_on_the_command_line(
    engine: str, tmp_path: Path, campaign: AuditSpec, photos: Path
) -> None:
    run = tmp_path / "run"
    line = ["audit", photos, "--victim", ROUGH, "--attack", OWN, "--queries", 20, "--out", run]
    how = ["--engine", engine, "--workers", 2]
    done = subprocess.run(
        [sys.executable, "-m", "iqaudit", *map(str, (*line, *how))],
        check=False,
        cwd=ROOT,
        timeout=LIMIT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert HERE not in done.stderr
    assert [cell.attack for cell in load_audit(run).cells] == [OWN]
    assert json.loads((run / "audit.json").read_text())["campaign"]["attacks"] == [OWN]
    serial(replace(campaign, attacks=(OWN,)), tmp_path / "whole")
    cell = "rough--Signs"
    assert load(run / cell).attack.name == OWN
    for folder in ("clean", "attacked", "scores"):
        assert contents(run / cell / folder) == contents(tmp_path / "whole" / cell / folder)


def test_a_users_own_attack_is_stopped_and_taken_up(tmp_path: Path, campaign: AuditSpec) -> None:
    spec = replace(campaign, attacks=(OWN,))
    begun(spec, tmp_path / "run")
    serial(spec, tmp_path / "run")
    serial(spec, tmp_path / "whole")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    with pytest.raises(InputError, match="attacks was"):
        serial(replace(campaign, attacks=("random",)), tmp_path / "run")
