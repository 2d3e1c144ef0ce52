"""`iqaudit transfer` and `iqaudit insights`: what they print, write, ask and refuse."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.support.audits import (
    brightness,
    function,
    middle,
    photographs,
    write_manifest,
    write_run,
)
from tests.support.processes import LIMIT, started, wait_until

from iqaudit import _cli
from iqaudit._analysis.findings import insights
from iqaudit._runs.schema import ANSWERS, INSIGHTS, RESULTS, TRANSFER, TRANSFER_ANSWERS

COUNT = 6
BRIGHT, MIDDLE = (f"python:tests.support.audits:{name}" for name in ("brightness", "middle"))


def iqaudit_(*arguments: object) -> Result:
    return CliRunner().invoke(_cli.main, [str(argument) for argument in arguments])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", function(brightness), photographs(COUNT))


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    opinions = [1.0, 2.0, 4.0, 3.0, 5.0, 6.0]
    for name, score in (("one", brightness), ("two", middle)):
        write_run(tmp_path / name, function(score), photographs(COUNT), opinions=opinions)
    cells = [("one", BRIGHT, "bidirectional"), ("two", MIDDLE, "bidirectional")]
    return write_manifest(tmp_path, cells, {"score_range": [118, 138]})


@pytest.mark.slow
def test_insights_are_sentences_and_a_file(run: Path) -> None:
    victim = ["--victim", BRIGHT, "--range", 118, 138]
    result = iqaudit_("insights", run, *victim)
    assert result.exit_code == 0, result.output
    assert "brightness: at most 97 scores to ask\n" in result.stderr
    assert re.search(r"^mirror +A mirror leaves 100 % \(100 to 100\)", result.stdout, re.MULTILINE)
    assert f"written to {run / INSIGHTS}\n" in result.stdout
    again = iqaudit_("insights", run, *victim, "--json")
    assert again.stderr == ""
    [found] = json.loads(again.stdout).values()
    assert found == json.loads((run / INSIGHTS).read_text())
    assert iqaudit_("insights", run, *victim, "--quiet").output == ""


@pytest.mark.slow
def test_every_cell_of_an_audit_has_its_insights(audit: Path) -> None:
    result = iqaudit_("insights", audit, "--json")
    assert result.exit_code == 0, result.output
    assert list(json.loads(result.stdout)) == ["one", "two"]
    assert insights.load(audit / "one")
    assert insights.load(audit / "two")


@pytest.mark.slow
def test_transfer_prints_matrices_with_the_diagonal_marked(audit: Path) -> None:
    result = iqaudit_("transfer", audit)
    assert result.exit_code == 0, result.output
    rgo, floor, srocc = re.findall(r"^two .*$", result.stdout, re.MULTILINE)
    assert re.match(r"two +\+0\.\d{3} \(.*\) +\* \+0\.\d{3} \(", rgo)
    assert re.match(r"two +[+-]0\.\d{3} \(.*\) +\* [+-]0\.\d{3} \(", floor)
    assert re.match(r"two +0\.\d{3} \(.*\) +\* 0\.\d{3} \(", srocc)
    assert (audit / TRANSFER).exists()
    named = ["--victim", f"{BRIGHT},range=118:138", "--victims", f"{MIDDLE},range=118:138"]
    again = json.loads(iqaudit_("transfer", audit, *named, "--json").stdout)
    assert again == json.loads((audit / TRANSFER).read_text())
    assert [[entry["own"] for entry in line] for line in again["entries"]] == [
        [True, False],
        [False, True],
    ]


@pytest.mark.slow
def test_a_victim_that_may_cost_money_is_asked_with_a_yes_alone(
    audit: Path, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    program = tmp_path / "program.py"
    program.write_text(f"open({str(asked)!r}, 'a').write('x')\nprint(128)\n")
    victim = f"command:{sys.executable} {program} {{picture}},range=118:138"
    refused = iqaudit_("transfer", audit, "--victim", victim)
    assert refused.exit_code == 2
    assert re.search(r": (\d+) scores to ask\. They may cost money: say --yes", refused.stderr)
    repeated = iqaudit_("transfer", audit, "--victim", f"{victim},repeats=2")
    assert repeated.exit_code == 2
    assert "say --yes" in repeated.stderr
    options = ["--victim", victim.partition(",")[0], "--range", 118, 138]
    assert "say --yes" in iqaudit_("insights", audit / "one", *options).stderr
    assert not asked.exists()
    allowed = iqaudit_("transfer", audit, "--victim", victim, "--yes")
    assert allowed.exit_code == 0, allowed.output
    [count] = re.findall(r"(\d+) scores to ask", refused.stderr)
    assert len(asked.read_text()) == int(count)


def test_nothing_to_work_on_is_one_sentence(tmp_path: Path) -> None:
    for command in ("transfer", "insights"):
        result = iqaudit_(command, tmp_path)
        assert result.exit_code == 2
        assert "so this is no run" in result.stderr
    write_manifest(tmp_path, [("begun", BRIGHT, "random")])
    for command in ("transfer", "insights"):
        assert "cells is finished yet" in iqaudit_(command, tmp_path).stderr


@pytest.mark.slow
def test_ctrl_c_stops_between_two_scores_and_the_same_command_goes_on(run: Path) -> None:
    program = run.parent / "slow.py"
    program.write_text("import sys, time\ntime.sleep(0.02)\nprint(128)\n")
    victim = f"command:{sys.executable} {program} {{picture}},range=118:138"
    command = [sys.executable, "-m", "iqaudit", "transfer", str(run), "--yes", "--victim", victim]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    kept = run / TRANSFER_ANSWERS
    with started(command, env=environment, stderr=subprocess.PIPE) as process:
        wait_until(lambda: kept.exists() and kept.stat().st_size > 0, process)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert "Interrupted" in error
    before = kept.read_text()
    assert before.endswith("\n")
    subprocess.run([*command, "--quiet"], env=environment, check=True, timeout=LIMIT)
    assert kept.read_text().startswith(before)


@pytest.mark.parametrize(
    "command",
    [
        ("compare",),
        ("compare", "--json"),
        ("export", "--csv", "{out}.csv"),
        ("plot", "--out", "{out}.svg"),
        ("transfer",),
        ("insights",),
        ("verify",),
    ],
)
def test_who_reads_an_audit_names_the_cells_that_have_no_results(
    command: Sequence[str], audit: Path
) -> None:
    if command[0] == "plot":
        pytest.importorskip("matplotlib")
    name, *options = (each.format(out=audit / "x") for each in command)
    whole = iqaudit_(name, audit, *options)
    assert "no results yet" not in whole.output
    (audit / "two" / RESULTS).unlink()
    (audit / "two" / ANSWERS).mkdir()
    result = iqaudit_(name, audit, *options)
    assert result.exit_code == whole.exit_code, result.output
    assert result.stderr.endswith("two: no results yet\n")
