"""Audits of one cell in a folder of their own: what `iqaudit attack` writes."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support import audited
from tests.support.auditing import (
    ROOT,
    ROUGH,
    asked,
    begun,
    contents,
    digest,
    iqaudit_,
    kept,
    serial,
)
from tests.support.processes import LIMIT, started, wait_until

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit._audit import execute
from iqaudit._audit.spec import AuditSpec
from iqaudit._runs.schema import is_audit, load, load_audit, runs
from iqaudit.testing import Failing
from iqaudit.victims._spec import VictimSpec


@pytest.fixture
def flat(campaign: AuditSpec) -> AuditSpec:
    return replace(campaign, flat=True)


def test_its_files_lie_in_its_own_folder(
    tmp_path: Path, flat: AuditSpec, campaign: AuditSpec
) -> None:
    run = tmp_path / "run"
    assert serial(flat, run) == runs(run) == (run,)
    assert sorted(each.name for each in run.iterdir()) == [
        *("attacked", "audit.json", "clean", "results.json", "scores"),
    ]
    assert [cell.folder for cell in load_audit(run).cells] == ["."]
    assert not is_audit(run)
    [cell] = serial(campaign, tmp_path / "audit")
    inner = contents(cell)
    assert {name: each for name, each in contents(run).items() if name != "audit.json"} == inner


def test_it_holds_one_cell(flat: AuditSpec) -> None:
    with pytest.raises(InputError, match="One folder holds one cell"):
        replace(flat, seeds=(0, 1))


@pytest.mark.parametrize("after", [1, 7, 20, 30, 59])
def test_it_is_stopped_and_taken_up(
    after: int, tmp_path: Path, flat: AuditSpec, asked: Callable[[], int]
) -> None:
    serial(flat, tmp_path / "whole")
    before = asked()
    begun(flat, tmp_path / "run", after)
    assert kept(tmp_path / "run").total() == asked() - before - 2 == after
    assert load(tmp_path / "run").summary.queries == after
    serial(flat, tmp_path / "run")
    assert asked() - before == 3 * 20 + 2 * 2
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def command(photos: Path, out: Path, *others: object) -> list[str]:
    line = ["attack", photos, "--victim", ROUGH, "--queries", 40, "--out", out, "--quiet", *others]
    return [sys.executable, "-m", "iqaudit", *map(str, line)]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["processes"])
def test_the_command_is_killed_and_taken_up(
    engine: str, tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, run, whole = tmp_path / "log", tmp_path / "one" / "run", tmp_path / "two" / "run"
    monkeypatch.setenv(audited.LOG, str(log))
    subprocess.run(command(photos, whole), check=True, cwd=ROOT, timeout=LIMIT)
    known = len(audited.log(str(log)))
    monkeypatch.setenv(audited.PAUSE, "0.05")
    line = command(photos, run, "--engine", engine)
    with started(line, cwd=ROOT) as driver:
        wait_until(lambda: asked(log, known).total() >= 30, driver)
        driver.kill()
    before = kept(run)
    subprocess.run(line, check=True, cwd=ROOT, timeout=LIMIT)
    assert contents(run) == contents(whole)  # the page has the folder's name
    assert before <= kept(run)
    # Asked again was only what was on its way: each worker's answer.
    assert (asked(log, known) - kept(run)).total() <= 2


# Another run in its place


def test_another_is_refused_and_replaces_it_on_a_word(
    tmp_path: Path, flat: AuditSpec, photos: Path
) -> None:
    """A stranger's files stay."""
    run, other = tmp_path / "run", replace(flat, seeds=(1,))
    serial(flat, run)
    for name in ("notes.txt", "clean/notes.txt", "seen.png"):
        (run / name).write_text("mine")
    before = contents(run)
    with pytest.raises(InputError, match=r"begun otherwise: seeds was \[0\], now \[1\]"):
        serial(other, run)
    assert contents(run) == before
    (photos / "p2.png").unlink()
    serial(other, run, overwrite=True)
    serial(other, tmp_path / "other")
    now, whole = contents(run), contents(tmp_path / "other")
    strange = {"notes.txt", "clean/notes.txt", "seen.png"}
    assert now.keys() - whole.keys() == strange
    assert {name: now[name] for name in whole} == whole


def test_one_that_is_begun_is_replaced_as_well(tmp_path: Path, flat: AuditSpec) -> None:
    begun(flat, tmp_path / "run")
    other = replace(flat, seeds=(1,))
    serial(other, tmp_path / "run", overwrite=True)
    serial(other, tmp_path / "whole")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_it_is_replaced_only_once_the_victim_has_answered(
    tmp_path: Path, flat: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    serial(flat, run)
    before = contents(run)
    for other, sentence in (
        ({"queries": 1}, "at least 2 queries"),
        ({"victims": (VictimSpec("reference"),)}, "needs at least 64"),
    ):
        with pytest.raises(InputError, match=sentence):
            serial(replace(flat, **other), run, overwrite=True)
        assert contents(run) == before
    failing = Failing(audited.rough, at=2, error=RuntimeError("out of memory"))
    monkeypatch.setattr(audited, "rough", failing)
    with pytest.raises(VictimError, match="out of memory"):
        serial(flat, run, overwrite=True)
    assert contents(run) == before


def test_a_folder_that_holds_neither_is_never_replaced(tmp_path: Path, flat: AuditSpec) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"holds no (audit|run)"):
        serial(flat, tmp_path / "thesis", overwrite=True)
    assert contents(tmp_path / "thesis") == {"thesis.tex": digest(b"years of work")}


@pytest.mark.slow
@pytest.mark.parametrize("first", ["audit", "attack"])
def test_an_audit_and_a_run_do_not_take_each_other_up(
    first: str, tmp_path: Path, photos: Path
) -> None:
    run = tmp_path / "run"
    lines = {
        "audit": ["audit", photos, "--victim", ROUGH, "--queries", 20, "--out", run, "--quiet"],
        "attack": ["attack", photos, "--victim", ROUGH, "--queries", 20, "--out", run, "--quiet"],
    }
    begin = lines.pop(first)
    [other] = lines.values()
    assert iqaudit_(*begin).exit_code == 0
    before = contents(run)
    refused = iqaudit_(*other)
    assert refused.exit_code == 2, refused.output
    assert f"begun otherwise: by iqaudit {first}, whose" in refused.output.replace("\n", " ")
    assert contents(run) == before
    assert iqaudit_(*other, "--overwrite").exit_code == 0
    assert is_audit(run) is (first == "attack")
    assert iqaudit_("verify", run).exit_code == 0


@pytest.mark.slow
def test_it_asks_for_the_budget_and_two_scores_more(
    tmp_path: Path, photos: Path, asked: Callable[[], int]
) -> None:
    """Those of the fingerprint, which is asked for when it is finished, too."""
    line = ["attack", photos, "--victim", ROUGH, "--queries", 20, "--out", tmp_path / "run"]
    for start in (1, 2):
        assert iqaudit_(*line, "--quiet").exit_code == 0
        assert asked() == 3 * 20 + 2 * start
    assert [each.queries for each in load(tmp_path / "run").pictures] == [20] * 3


@pytest.mark.slow
def test_processes_write_the_same_bytes(tmp_path: Path, flat: AuditSpec) -> None:
    serial(flat, tmp_path / "whole")
    begun(flat, tmp_path / "run")
    execute.run(flat, tmp_path / "run", engine="processes", workers=2)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    assert iqaudit.load(tmp_path / "run").path == tmp_path / "run"
