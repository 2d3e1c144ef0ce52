"""The command harden: what it prints, killed and taken up, and its refusals."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.auditing import ROOT, contents, iqaudit_
from tests.support.hardening import SPEC, rated
from tests.support.processes import started, wait_until

LINE = ["harden", "--victim", SPEC, "--opinion-range", 0, 10, "--queries", 12]
HOW = ["--attack", "square", "--engine", "serial"]
ATTACKED = ["--method", "attacked", "--rounds", 1]
TRAIN = ["--method", "train", "--epochs", 3]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    rated(folder / "d", 24)
    return folder / "d" / "scores.csv"


@pytest.mark.slow
def test_it_says_what_it_takes_and_prints_the_table_and_the_string(
    photos: Path, tmp_path: Path
) -> None:
    line = [*LINE, *HOW, "--data", f"csv:{photos}", "--licence", "CC0", "--out", tmp_path / "out"]
    done = iqaudit_(*line)
    assert done.exit_code == 0, done.output
    assert "19 pictures to fit on, 5 to test, held out of" in done.stderr
    assert "at most 120 queries, about" in done.stderr
    assert "RGO adaptive" in done.stdout
    assert f"figures: iqaudit defences {tmp_path / 'out' / 'audit'} --all" in done.stdout
    assert f"{SPEC.partition(',')[0]},checkpoint={tmp_path / 'out'}" in done.stdout
    assert (tmp_path / "out" / "audit" / "report.html").exists()
    assert "CC0" in (tmp_path / "out" / "card.md").read_text()
    again = iqaudit_(*line, "--json")
    assert "to fit on" not in again.stderr
    assert json.loads(again.stdout)["table"]["rows"][0]["defence"] == "slopes"
    assert iqaudit_(*line, "--quiet").output == ""


@pytest.mark.slow
def test_training_is_told_epoch_by_epoch_and_is_on_the_card(photos: Path, tmp_path: Path) -> None:
    line = [*LINE, *HOW, *TRAIN, "--data", f"csv:{photos}"]
    done = iqaudit_(*line, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    passes = 19 * (2 + 14 * 3)
    assert f"19 pictures to fit on, 5 to test, held out of csv:{photos}; about {passes} passes" in (
        done.stderr
    )
    assert [
        each.partition(":")[0] for each in done.stderr.splitlines() if each.startswith("epoch ")
    ] == [f"epoch {number} of 3" for number in (1, 2, 3)]
    assert f"{SPEC.partition(',')[0]},checkpoint={tmp_path / 'out'}" in done.stdout
    card = (tmp_path / "out" / "card.md").read_text()
    assert "| epoch | error | movement | SROCC held out |" in card
    record = json.loads((tmp_path / "out" / "harden.json").read_text())
    epochs = record["epochs"]
    assert len(epochs) == 3
    for number, each in enumerate(epochs, 1):
        row = f"| {number} | {each['error']:.2f} | {each['movement']:.2f} | {each['srocc']:.3f} |"
        assert row in card
    assert "fits" not in record
    assert not (tmp_path / "out" / "training").exists()
    again = iqaudit_(*line, "--out", tmp_path / "again")
    assert again.exit_code == 0, again.output
    for name in ("weights.safetensors", "scale.toml", "before.toml"):
        first, second = (tmp_path / each / name for each in ("out", "again"))
        assert first.read_bytes() == second.read_bytes()
    begun = iqaudit_(*line, "--epochs", 4, "--out", tmp_path / "out")
    assert (begun.exit_code, "another epochs" in begun.stderr) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "reached"),
    [
        (ATTACKED, "features"),
        (ATTACKED, "rounds/1/net--square"),
        (ATTACKED, "audit/net--square"),
        ([*TRAIN, "--epochs", 40], "training"),
        (TRAIN, "audit/net+train--square"),
    ],
)
def test_killed_it_goes_on_to_the_same_bytes(
    photos: Path, tmp_path: Path, method: list[object], reached: str
) -> None:
    line = [*LINE, *HOW, *method, "--data", f"csv:{photos}"]
    run, whole = tmp_path / "killed" / "out", tmp_path / "whole" / "out"
    words = [sys.executable, "-m", "iqaudit", *map(str, line), "--quiet", "--out", "out"]
    run.parent.mkdir()
    whole.parent.mkdir()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with started(words, cwd=run.parent, stderr=subprocess.PIPE, env=environment) as process:
        wait_until(
            lambda: any(any((run / reached).glob(each)) for each in ("*/*", "*.npy", "*.pt")),
            process,
        )
        process.send_signal(signal.SIGKILL)
    assert not (run / "card.md").exists()
    for folder in (run.parent, whole.parent):
        subprocess.run(words, cwd=folder, env=environment, check=True)
    assert contents(run) == contents(whole)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["--data", "csv:no.csv", "--out", "out"], "no.csv"),
        (["--out", "out"], "needs pictures"),
        (["--data", "csv:no.csv", "--method", "smooth", "--out", "out"], "smooth"),
        (["--data", "csv:no.csv"], "--out"),
        (["--data", "csv:no.csv", "--epochs", 0, "--out", "out"], "at least 1 epoch"),
        (["--data", "csv:no.csv", "--loss", "x", "--out", "out"], "loss"),
    ],
)
def test_a_mistake_is_told(
    line: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = iqaudit_(*LINE, *line)
    assert done.exit_code == 2, done.output
    assert sentence in done.stderr
    assert not Path("out").exists()
