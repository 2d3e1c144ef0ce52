"""The lowest versions that are tested are those that pyproject.toml allows."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_oldest_constraints_are_those_of_the_project(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`python tools/oldest.py > constraints-oldest.txt` makes them anew."""
    runpy.run_path(str(ROOT / "tools" / "oldest.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert "numpy==" in printed
    assert (ROOT / "constraints-oldest.txt").read_text("utf-8") == printed


def test_the_one_that_is_not_the_lowest_is_the_one_of_the_other_tests() -> None:
    newest, oldest = (
        (ROOT / f"constraints{name}.txt").read_text("utf-8").splitlines()
        for name in ("", "-oldest")
    )
    [torch] = [line for line in newest if line.startswith("torch==")]
    assert torch in oldest
