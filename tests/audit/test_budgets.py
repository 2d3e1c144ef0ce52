"""Audits of several budgets and seeds, and of attacks that change between two starts."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.support.auditing import ROUGH, Stopping, contents, iqaudit_, serial

import iqaudit
from iqaudit import InputError
from iqaudit._audit.parse import audit_spec
from iqaudit._audit.spec import AuditSpec
from iqaudit._runs.records import AttackRecord, AuditRecord
from iqaudit._runs.schema import AUDIT_FORMAT, load_audit
from iqaudit._runs.store import write_record
from iqaudit.attacks import Bidirectional, named
from iqaudit.attacks._code import digest
from iqaudit.attacks._registry import attack_spec

BUDGETS = (30, 120)


@pytest.fixture
def several(campaign: AuditSpec) -> AuditSpec:
    return replace(campaign, attacks=("square", "random"), queries=BUDGETS)


def test_an_anytime_attack_is_searched_once_and_others_once_a_budget(several: AuditSpec) -> None:
    assert [(cell.folder, cell.queries, cell.shorter) for cell in several.cells()] == [
        ("rough--square--queries-30", 30, ()),
        ("rough--square--queries-120", 120, ()),
        ("rough--random", 120, (30,)),
    ]
    assert replace(several, queries=(120, 30)).cells() == several.cells()
    [one, _] = replace(several, queries=(30,)).cells()
    assert (one.folder, one.shorter) == ("rough--square", ())


@pytest.mark.slow
def test_shorter_budgets_are_the_tables_rows_of_an_audit_of_their_own(
    tmp_path: Path, several: AuditSpec
) -> None:
    serial(several, tmp_path / "both")
    serial(replace(several, queries=30), tmp_path / "short")
    read = {(row.cell, row.queries): row for row in iqaudit.load(tmp_path / "both").table().rows}
    short = {row.cell: row for row in iqaudit.load(tmp_path / "short").table().rows}
    assert list(read) == [
        ("rough--square--queries-30", 30),
        ("rough--square--queries-120", 120),
        ("rough--random", 30),
        ("rough--random", 120),
    ]
    off = dict(read["rough--random", 30].values)
    assert off.pop("linf") == short["rough--random"].values["linf"]  # 3 levels in the end, too
    assert off == {name: short["rough--random"].values[name] for name in off}
    folders = ("both/rough--square--queries-30", "short/rough--square")
    assert contents(tmp_path / folders[0]) == contents(tmp_path / folders[1])
    boards = json.loads(iqaudit_("compare", tmp_path / "both", "--json").stdout)
    assert [(board["attack"], board["queries"]) for board in boards] == [
        *(("the worst of 2 attacks", 30), ("the worst of 2 attacks", 120)),
        *(("square", 30), ("square", 120), ("random", 30), ("random", 120)),
    ]


@pytest.mark.slow
def test_an_audit_of_several_budgets_that_was_stopped_comes_to_the_same_bytes(
    tmp_path: Path, several: AuditSpec
) -> None:
    serial(several, tmp_path / "whole")
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            serial(several, tmp_path / "parts", observer=Stopping(310))
    serial(several, tmp_path / "parts")
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_a_rule_is_held_to_every_budget(tmp_path: Path, several: AuditSpec) -> None:
    serial(several, tmp_path / "run")
    judged = iqaudit.load(tmp_path / "run").gate(["rgo > 2"])
    assert [each.cell for each in judged] == ["rough at 30 queries", "rough"]


@pytest.mark.slow
def test_budgets_are_a_list_everywhere(tmp_path: Path, photos: Path) -> None:
    settings = {"victims": ROUGH, "data": {"pictures": [str(photos)]}}
    assert audit_spec({**settings, "queries": [40, 20]}).budgets == (20, 40)
    what = ["audit", photos, "--victim", ROUGH, "--attack", "random", "--quiet"]
    budgets = ["--queries", 20, "--queries", 40]
    assert iqaudit_(*what, *budgets, "--out", tmp_path / "run").exit_code == 0
    again = iqaudit.audit(
        [ROUGH], photos, ["random"], queries=(40, 20), out=tmp_path / "run", analyses=False
    )
    assert [row.queries for row in again.table().rows] == [20, 40]
    for queries, sentence in (([20, 20], "each said once"), ([1, 20], "at least 2 queries")):
        with pytest.raises(InputError, match=sentence):
            serial(audit_spec({**settings, "queries": queries}), tmp_path / "other")


def test_a_single_budget_is_recorded_as_it_was(tmp_path: Path, campaign: AuditSpec) -> None:
    serial(campaign, tmp_path / "run")
    held = json.loads((tmp_path / "run" / "audit.json").read_text())
    assert held["campaign"]["queries"] == 20
    assert "shorter" not in held["cells"][0]
    entry = json.loads((tmp_path / "run/rough--bidirectional/results.json").read_text())
    assert "checkpoints" not in entry["pictures"][0]


def _rewritten(run: Path, change: Callable[[AuditRecord], AuditRecord]) -> None:
    write_record(run / "audit.json", AUDIT_FORMAT, change(load_audit(run)))


def test_an_attack_that_has_changed_is_refused_by_its_name(
    tmp_path: Path, campaign: AuditSpec
) -> None:
    run = tmp_path / "run"
    serial(campaign, run)
    [known] = load_audit(run).attacks
    assert (known.name, known.settings.name) == ("bidirectional", "Bidirectional")
    recoded = replace(known, code="0")
    settings = AttackRecord.of(attack_spec(Bidirectional(n_squares=3)).settings)
    reset = replace(known, settings=settings)
    for other, part in ((recoded, "code"), (reset, "settings")):
        _rewritten(run, lambda record, other=other: replace(record, attacks=(other,)))  # type: ignore[misc]
        with pytest.raises(InputError, match=f"attack bidirectional has changed since, its {part}"):
            serial(campaign, run)
    _rewritten(run, lambda record: replace(record, attacks=()))  # as older versions wrote it
    serial(campaign, run)


def test_another_code_has_another_digest_but_comments_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)

    def written(module: str, text: str) -> str | None:
        lines = text.replace("class", "from dataclasses import dataclass\n\n@dataclass\nclass")
        (tmp_path / f"{module}.py").write_text(lines)
        return digest(import_module(module).Attack())

    first = written("an_attack", "class Attack:\n    size = 2\n")
    commented = written("same_attack", '"""Why."""\n\nclass Attack:\n    size = 2  # pixels\n')
    assert first is not None
    assert commented == first
    assert written("attack_of_three", "class Attack:\n    size = 3\n") != first
    assert digest(named("guided")) != digest(named("nes"))
    unwritten: Any = type("Attack", (), {"__module__": "__main__"})
    assert digest(dataclass(unwritten)()) is None
