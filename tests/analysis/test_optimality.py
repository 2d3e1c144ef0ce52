"""Optimality: an attack's area under its curve, over that under the best of all curves."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.auditing import iqaudit_, serial

import iqaudit
from iqaudit._analysis.tables.cells import CellData
from iqaudit._analysis.tables.optimality import optimality
from iqaudit._audit.spec import AuditSpec
from iqaudit.testing import synthetic_picture

QUERIES = 64


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> tuple[CellData, ...]:
    root = tmp_path_factory.mktemp("optimality")
    pictures = [synthetic_picture(20, 24, seed) for seed in range(3)]
    victim = "python:tests.support.audited:rough"
    attacks = ["bidirectional", "random", "square"]
    iqaudit.audit(
        [victim], pictures, attacks, queries=QUERIES, seeds=[0, 1], out=root / "run", analyses=False
    )
    return iqaudit.load(root / "run").cells


def plain(cells: tuple[CellData, ...], queries: int) -> dict[str, float]:
    """Return the values, said in full: a loop a number of queries."""
    areas: dict[str, float] = dict.fromkeys([cell.attack for cell in cells], 0.0)
    envelope = 0.0
    asked = [int(queries ** (step / 63) + 1e-9) for step in range(64)]
    curves = {}
    for attack in areas:
        own = [cell for cell in cells if cell.attack == attack]
        curves[attack] = [
            np.mean(
                [
                    abs(quality - clean) / max(10 - clean, clean)
                    for cell in own
                    for picture in cell.pictures
                    for clean in [cell.scale.quality(picture.reached[0])]
                    for quality in [cell.scale.quality(picture.reached[:count][-1])]
                ]
            )
            for count in asked
        ]
    for step in range(63):
        for attack, curve in curves.items():
            areas[attack] += float(curve[step] + curve[step + 1]) / 2
        best = [max(curve[at] for curve in curves.values()) for at in (step, step + 1)]
        envelope += float(best[0] + best[1]) / 2
    return {attack: area / envelope for attack, area in areas.items()}


def test_it_is_the_area_over_that_of_the_envelope(cells: tuple[CellData, ...]) -> None:
    found = optimality(cells)
    assert {each.attack: each.share.value for each in found} == pytest.approx(plain(cells, QUERIES))
    assert {(each.attacks, each.pictures, each.queries) for each in found} == {(3, 3, QUERIES)}
    for each in found:
        low, value, high = each.share.low, each.share.value, each.share.high
        assert low is not None and value is not None and high is not None  # noqa: PT018 (types)
        assert 0 < low <= value <= high <= 1


def test_an_attack_that_is_best_everywhere_has_1_and_one_alone_none(
    cells: tuple[CellData, ...],
) -> None:
    best = [cell for cell in cells if cell.attack == "square"]
    assert optimality(best) == ()
    twin = [replace(cell, attack="twin") for cell in best]
    assert [each.share.value for each in optimality([*best, *twin])] == [1, 1]
    white = [replace(cell, attack="white", settings={"white_box": True}) for cell in best]
    assert optimality([*best, *white]) == ()


def test_a_shorter_search_is_left_out_of_larger_budgets(cells: tuple[CellData, ...]) -> None:
    short = [replace(cell, attack="short", queries=16) for cell in cells if cell.attack == "random"]
    found = optimality([*cells, *short])
    assert [each.attack for each in found if each.queries == QUERIES] == [
        *("bidirectional", "random", "square")
    ]
    assert sum(each.queries == 16 for each in found) == 4


def test_the_command_prints_a_table_a_victim(tmp_path: Path, campaign: AuditSpec) -> None:
    serial(replace(campaign, attacks=("bidirectional", "square")), tmp_path / "run")
    result = iqaudit_("tables", tmp_path / "run")
    assert "optimality · rough · 3/255" in result.output
    values = json.loads(iqaudit_("tables", tmp_path / "run", "--json").output)["optimality"]
    assert [each["attack"] for each in values] == ["bidirectional", "square"]
