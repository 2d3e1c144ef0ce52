"""The command defences: the audit that it makes, what it prints, and its refusals."""

import csv
import json
from pathlib import Path

import pytest
from tests.support import audited
from tests.support.auditing import ROUGH, contents, iqaudit_, killed

import iqaudit
from iqaudit._analysis.defences import certificates
from iqaudit._analysis.scorers import Scorer
from iqaudit._core.picture import picture_key
from iqaudit.defences import Smooth

LINE = ["--victim", ROUGH, "--defence", "median:3", "--defence", "median:3+noise:2"]
HOW = ["--attack", "square", "--queries", 16, "--engine", "serial"]


@pytest.mark.slow
def test_it_attacks_with_and_without_and_prints_the_table(photos: Path, tmp_path: Path) -> None:
    run, file = tmp_path / "run", tmp_path / "all.csv"
    done = iqaudit_("defences", photos, *LINE, *HOW, "--out", run)
    assert done.exit_code == 0, done.output
    assert "9 searches, at most 144 queries and 46 outside, about" in done.stderr
    assert "then at most 6 scores to compare, about" in done.stderr
    assert len(iqaudit.load(run).cells) == 3
    for word in ("RGO adaptive", "verdict", "median:3+noise:2: unclear. Fewer than 5 pictures"):
        assert word in done.stdout
    again = iqaudit_("defences", run, "--all", "--csv", file)
    assert again.exit_code == 0, again.output
    assert "queries to the undefended RGO" in again.stdout
    assert "searches, at most" not in again.stderr
    table = iqaudit.load(run).defences
    assert table is not None
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for row, flat in zip(rows, table.to_dict(), strict=True):
        assert row["defence"] == flat["defence"]
        assert float(row["rgo_adaptive"]) == flat["rgo_adaptive"]
    shown = iqaudit_("defences", run, "--json")
    assert json.loads(shown.stdout)["rows"][0]["defence"] == "median:3"
    assert shown.stdout.rstrip("\n") == (run / "defences.json").read_text("utf-8").rstrip("\n")
    assert iqaudit_("defences", run, "--quiet").output == ""


@pytest.mark.slow
def test_a_stopped_command_goes_on_to_the_same_bytes(photos: Path, tmp_path: Path) -> None:
    whole, run = tmp_path / "whole", tmp_path / "run"
    line = ["defences", photos, *LINE, *HOW, "--quiet", "--out"]
    assert iqaudit_(*line, whole).exit_code == 0
    killed([*line, run], run)
    assert iqaudit_(*line, run).exit_code == 0
    assert contents(run) == contents(whole)


@pytest.mark.slow
def test_pictures_that_cannot_be_scored_are_named(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A noisy copy, too: its picture is there, and has no certificate."""
    monkeypatch.setattr(certificates, "DRAWS", 60)
    run, faults = tmp_path / "run", tmp_path / "faults"
    line = ["defences", photos, "--victim", ROUGH, "--defence", "smooth:2@8", *HOW, "--out", run]
    assert iqaudit_(*line).exit_code == 0
    [row] = json.loads((run / "defences.json").read_text())["rows"]
    assert row["certificate"]["share"] == 1
    for name in ("defences.json", "transfer.jsonl"):
        (run / name).unlink()
    picture = iqaudit.read(photos / "p0.png").pixels
    plain = Scorer("any", audited.rough)
    requests = certificates.requests([Smooth(2, 8)], plain, picture)
    faults.write_text(f"{picture_key(requests[3].picture())} raises")
    monkeypatch.setenv(audited.UNSCORED, str(faults))
    assert iqaudit_("defences", run).exit_code == 0
    [row] = json.loads((run / "defences.json").read_text())["rows"]
    assert row["pictures"] == 3
    assert row["certificate"]["share"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["--defence", "jpg:75", "--victim", ROUGH, "p", "--out", "run"], 'called "jpg"'),
        (["--defence", "jpeg:200", "--victim", ROUGH, "p", "--out", "run"], "from 1 to 95"),
        (["--defence", "jpeg", "--victim", ROUGH, "p"], "needs a folder to write"),
        (["--defence", "jpeg", "p", "--out", "run"], "at least one victim: name it"),
        (["--defence", "jpeg", "--victim", ROUGH, "--out", "run"], "needs pictures"),
        (["--defence", "jpeg", "--from", "a.toml", "--out", "run"], "says its victims"),
        (["--defence", "jpeg", "--defence", "jpeg:75", "--victim", ROUGH, "p", "--out", "run"],
         "said once"),
        (["nothing"], "no run"),
        ([], "Name defences"),
        (["one", "two"], "Name defences"),
        (["one", "--victim", ROUGH], "Name defences"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(
    line: list[str], sentence: str, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    photos.rename("p")
    done = iqaudit_("defences", *line)
    assert done.exit_code == 2, done.output
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not Path("run").exists()
