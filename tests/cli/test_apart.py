"""What others' code prints, and ours: never on one stream."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.auditing import ROOT, iqaudit_
from tests.support.processes import LIMIT


@pytest.fixture
def picture_file(photos: Path) -> Path:
    return min(photos.iterdir())


WAYS = ("import", "print", "number", "C", "child", "thread", "log", "warning", "own")
"""What it prints by, a word each."""

TALKING = ("--victim", "python:tests.support.talking:talking", "--range", "0", "255")


def outputs(*arguments: object) -> tuple[str, str]:
    """Return the standard output and error of a command, in a process of its own."""
    line = [sys.executable, "-m", "iqaudit", *map(str, arguments)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=True)
    return done.stdout, done.stderr


@pytest.mark.slow
def test_json_is_all_of_the_output_whatever_a_victim_prints(picture_file: Path) -> None:
    out, err = outputs("score", picture_file, *TALKING, "--json")
    assert [each["name"] for each in json.loads(out)] == [picture_file.stem]
    assert all(way in err for way in WAYS)


@pytest.mark.slow
def test_quiet_prints_nothing_of_a_victims(picture_file: Path) -> None:
    assert outputs("score", picture_file, *TALKING, "--quiet") == ("", "")


@pytest.mark.filterwarnings("ignore:warning")
def test_a_result_for_people_is_without_what_a_victim_prints(picture_file: Path) -> None:
    """In one process, too, whose streams are in memory."""
    done = iqaudit_("score", picture_file, *TALKING)
    assert done.exit_code == 0
    assert picture_file.stem in done.stdout
    assert "print" not in done.stdout
    assert "print" in done.stderr


@pytest.mark.slow
def test_a_victim_may_close_its_streams(picture_file: Path) -> None:
    victim = ("--victim", "python:tests.support.talking:closing", "--range", "0", "255")
    before = sys.argv, sys.stdout, sys.stderr
    assert json.loads(outputs("score", picture_file, *victim, "--json")[0])
    assert picture_file.stem in iqaudit_("score", picture_file, *victim).stdout
    assert (sys.argv, sys.stdout, sys.stderr) == before


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["serial", "processes"])
def test_workers_print_apart_as_well(engine: str, picture_file: Path, tmp_path: Path) -> None:
    how = ("--engine", engine, "--queries", 4, "--out")
    out, err = outputs("attack", picture_file, *TALKING, *how, tmp_path / "a", "--json")
    assert json.loads(out)["pictures"]
    assert all(way in err for way in WAYS)
    assert outputs("attack", picture_file, *TALKING, *how, tmp_path / "b", "--quiet") == ("", "")
