"""The strength benchmark: its kept searches say what its rows say, and audits are read alike."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.support.audits import OPINIONS, rough, uneven, write_manifest, write_run

import iqaudit
from benchmarks import strength
from iqaudit._audit.parse import read

ROWS = json.loads((strength.KEPT.parent / "strength.json").read_text())


def test_the_rows_are_those_of_the_kept_searches() -> None:
    names = "victim attack direction queries rgo rgo_low rgo_high srocc ssim pictures seeds"
    assert list(ROWS[0]) == names.split()
    made = strength.rows(strength.kept())
    assert len(made) == len(ROWS)
    for row, kept in zip(made, ROWS, strict=True):
        words = {name: value for name, value in kept.items() if not isinstance(value, float)}
        numbers = {name: value for name, value in kept.items() if name not in words}
        assert {name: row[name] for name in words} == words
        assert {name: row[name] for name in numbers} == pytest.approx(numbers, rel=1e-9, abs=1e-12)


@pytest.mark.slow
def test_an_audit_has_the_rows_of_its_table(tmp_path: Path) -> None:
    attacks = "bidirectional", "guided", "pgd"
    for attack in attacks[:2]:
        write_run(tmp_path / attack, rough(), uneven(), attack, OPINIONS, queries=120)
    cells = [(attack, "rough", attack) for attack in attacks[:2]]
    write_manifest(tmp_path, cells, pictures=[picture.name for picture in uneven()])
    searches = list(strength.of_audit(tmp_path))
    made = {
        (row["attack"], row["queries"]): row
        for row in strength.rows(searches)
        if row["direction"] == "both"
    }
    for row in iqaudit.load(tmp_path).by_queries().rows:
        own = made[row.attack, row.queries]
        for name in ("rgo", "ssim"):
            assert own[name] == pytest.approx(row.values[name].value)
        assert own["rgo_high"] == pytest.approx(row.values["rgo"].high)
        assert own["srocc"] == pytest.approx(row.values["srocc_after"].value)


def test_the_paper_is_reached_where_the_mean_curve_is() -> None:
    curve = tuple(at / 1_000 for at in strength.GRID if at <= 1_000)
    rest: dict[str, Any] = {"direction": "lower", "opinion": None, "checkpoints": {}}
    ours = [strength.Search("v", "a", name, 0, 1_000, curve=curve, **rest) for name in "abc"]
    assert strength.reaching(ours, {"a": 0.2, "b": 0.3}).value == 251
    never = strength.reaching(ours, {"a": 1.5}).value
    assert never == 2 * strength.GRID[-1]


@pytest.mark.slow
def test_the_curves_are_drawn_and_the_lines_told(tmp_path: Path) -> None:
    searches = strength.kept()
    told = [tuple(line.split()[:2]) for line in strength.lines(searches)]
    for row in ROWS:
        if (row["direction"], row["queries"]) == ("both", strength.BUDGETS[0]):
            assert (row["attack"], f"{row['rgo']:.3f}") in told
    strength.draw(searches, tmp_path / "curves.png")
    assert np.asarray(Image.open(tmp_path / "curves.png")).std() > 0


def test_the_audits_file_is_one() -> None:
    spec = read(Path(strength.__file__).with_suffix(".toml"))
    assert spec.budgets == strength.BUDGETS
    assert {
        len(cell.shorter) for cell in spec.cells() if cell.attack.name.startswith("guided")
    } == {4}
