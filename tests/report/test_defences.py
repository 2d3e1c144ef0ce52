"""Defences on the page: the drawing, the table and the verdicts are those of the disk."""

import base64
import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.auditing import ROUGH
from tests.support.audits import uneven

import iqaudit
from iqaudit import DefenceTable
from iqaudit._report.defences import GAP, _apart, compared
from iqaudit._report.figures import figure

DEFENCES = ["median:3", "bits:5"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "run"
    settings: dict[str, Any] = {"attacks": ["square"], "queries": 12, "engine": "serial"}
    iqaudit.compare_defences(out, DEFENCES, [ROUGH], uneven(), **settings)
    return out


@pytest.fixture(scope="module")
def table(run: Path) -> DefenceTable:
    found = iqaudit.load(run).defences
    assert found is not None
    return found


def test_a_point_lies_where_its_figures_are(table: DefenceTable) -> None:
    [drawn] = compared(table)
    marks = {point.sign: point for point in drawn.points if not point.hollow}
    assert list(marks) == ["0", "1", "2"]
    assert len([point for point in drawn.points if point.hollow]) == len(DEFENCES)
    x, y = (
        placed([(tick.value, tick.at) for tick in ticks])
        for ticks in (drawn.x_ticks, drawn.y_ticks)
    )
    for sign, row in enumerate(table.rows, 1):
        assert marks[str(sign)].x == pytest.approx(x(row.kept.value), abs=GAP * len(DEFENCES))
        assert marks[str(sign)].y == pytest.approx(y(row.rgo_adaptive.value), abs=0.02)
        ends = row.rgo_adaptive.low, row.rgo_adaptive.high
        assert marks[str(sign)].up == pytest.approx([y(each) for each in ends], abs=0.02)
    assert marks["0"].y == pytest.approx(y(table.rows[0].rgo_undefended.value), abs=0.02)
    assert marks["0"].x == pytest.approx(x(1), abs=GAP * len(DEFENCES))  # nobody rated
    for point in drawn.points:  # a hollow one is known by its number, its column and its line
        if point.hollow:
            full = marks[point.sign]
            assert (point.x, point.to, point.name) == (full.x, full.y, full.name)
    assert "undefended scores" in drawn.x_title


@pytest.mark.parametrize(
    ("places", "apart"),
    [
        ([10, 50, 90], [10, 50, 90]),
        ([50, 50, 52], [50, 56, 62]),
        ([100, 20, 100, 99], [94, 20, 100, 88]),
        ([0, 0], [0, 6]),
    ],
)
def test_points_do_not_lie_upon_one_another(places: list[float], apart: list[float]) -> None:
    assert _apart(places) == apart
    many = _apart([100.0] * 40)
    assert min(many) >= 0
    assert len(set(many)) == 40


def placed(ticks: list[tuple[float, float]]) -> Callable[[float | None], float]:
    """Return the places of an axis' numbers, by its marks."""
    (low, start), (high, end) = ticks[0], ticks[-1]
    return lambda value: start + ((value or 0) - low) / (high - low) * (end - start)


@pytest.mark.slow
def test_the_page_has_the_tables_figures_and_verdicts(run: Path, table: DefenceTable) -> None:
    html = iqaudit.load(run).report().read_text("utf-8")
    section = html[html.index('<h2 id="defences">') : html.index('<h2 id="transfer">')]
    for row in table.rows:
        assert f"<strong>{row.verdict}</strong>" in section
        assert figure(row.rgo_adaptive.value) in section
        assert figure(row.rgo_unaware.value) in section
    assert section.count('<i class="hollow"') == len(DEFENCES)
    assert section.count('<path class="link"') == len(DEFENCES)
    url = re.search(r'download="defences-1.csv" href="data:text/csv[^,]*,([^"]*)"', section)
    assert url is not None
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(url[1]).decode())))
    assert [each["defence"] for each in rows] == DEFENCES
    assert [float(each["rgo_adaptive"]) for each in rows] == [
        each.rgo_adaptive.value for each in table.rows
    ]
    assert iqaudit.load(run).report().read_text("utf-8") == html


def test_a_page_without_the_table_says_nothing_of_it(run: Path) -> None:
    kept = (run / "defences.json").read_bytes()
    (run / "defences.json").unlink()
    assert 'id="defences"' not in iqaudit.load(run).report().read_text("utf-8")
    (run / "defences.json").write_bytes(kept)
