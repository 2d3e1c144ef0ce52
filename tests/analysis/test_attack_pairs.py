"""Attacks on one victim in pairs: over the same pictures, and said in a sentence."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.audits import edit, rough, uneven, write_manifest, write_run

import iqaudit
from iqaudit._analysis.tables import leaderboard
from iqaudit._analysis.tables.attack_pairs import compare_attacks
from iqaudit._analysis.tables.cells import load
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import interval, mean

SEEDS = (0, 1)


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an audit of two attacks, each with two seeds."""
    path = tmp_path_factory.mktemp("pairs") / "audit"
    path.mkdir()
    cells = []
    for attack in ("random", "guided"):
        for seed in SEEDS:
            folder = f"rough--{attack}--seed-{seed}"
            write_run(path / folder, rough(), uneven(), attack, queries=40, seed=seed)
            cells.append((folder, "rough", attack))
    return write_manifest(path, cells, pictures=[picture.name for picture in uneven()])


def _rgo(audit: Path, attack: str) -> Floats:
    """Return each picture's RGO, the mean over seeds."""
    cells = [cell for cell in load(audit) if cell.attack == attack]
    rgos = [[picture.figures.rgo for picture in cell.pictures] for cell in cells]
    means: Floats = np.array(rgos, np.float64).mean(axis=0)
    return means


def test_a_difference_is_of_pictures_with_their_seeds_averaged(audit: Path) -> None:
    [found] = compare_attacks(load(audit))
    [pair] = found.pairs
    assert (pair.first, pair.second, pair.pictures) == ("guided", "random", 6)
    expected = interval(mean, _rgo(audit, "guided") - _rgo(audit, "random"))
    difference = pair.difference
    assert (difference.value, difference.low, difference.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )
    assert pair.clear
    assert found.text.startswith("On “rough”, guided is stronger than random: RGO 0.")
    json.dumps(found.to_dict(), allow_nan=False)


def test_what_cannot_be_told_is_said(audit: Path, tmp_path: Path) -> None:
    for attack in ("guided", "square"):
        write_run(tmp_path / attack, rough(), uneven(3), attack, queries=8, seed=0)
    cells = [cell for attack in ("guided", "square") for cell in load(tmp_path / attack)]
    [found] = compare_attacks(cells)
    assert "cannot be told" in found.text
    assert found.text.endswith("too few pictures.")
    assert not compare_attacks([cell for cell in load(audit) if cell.attack == "guided"])


def test_each_of_a_victims_comparisons_says_what_it_is_of(audit: Path) -> None:
    """By what they differ in alone: budgets that are read off, and levels."""
    cells = load(audit)
    both = [replace(cell, shorter=(10,)) for cell in cells]
    shorter, whole = compare_attacks(both)
    assert shorter.text.startswith("On “rough” (10 queries a picture), ")
    assert whole.text.startswith("On “rough” (40 queries a picture), ")
    more = [replace(cell, levels=2, path=cell.path / "2") for cell in cells]
    texts = [each.text for each in compare_attacks([*both, *more])]
    assert [text.partition(")")[0].partition("(")[2] for text in texts] == [
        "3/255, 10 queries a picture",
        "3/255, 40 queries a picture",
        "2/255, 40 queries a picture",
    ]


def test_runs_of_another_network_of_the_same_name_are_not_paired(tmp_path: Path) -> None:
    for attack in ("guided", "square"):
        write_run(tmp_path / attack, rough(), uneven(), attack, queries=8)
    other = tmp_path / "square"
    edit(other, lambda record: [e.update(clean_score=e["clean_score"] + 1)
                                for e in record["pictures"]])  # fmt: skip
    cells = [*load(tmp_path / "guided"), *load(other)]
    assert compare_attacks(cells) == ()


def test_the_first_board_has_each_victim_by_its_worst_attack(audit: Path) -> None:
    worst, *others = leaderboard.compare([audit])
    assert worst.attack == "the worst of 2 attacks"
    [standing] = worst.standings
    assert (standing.attack, standing.attacks, standing.row.seeds) == ("guided", 2, 2)
    assert standing.row.values["rgo"].value == pytest.approx(_rgo(audit, "guided").mean())
    assert [each.text for each in worst.comparisons] == [
        each.text for each in compare_attacks(load(audit))
    ]
    assert [each.attack for each in others] == ["random", "guided"]
    [worst, *_] = leaderboard.compare([audit], "flip")
    assert worst.standings[0].attack == min(
        ("random", "guided"),
        key=lambda attack: np.mean([
            picture.figures.flip or 0
            for cell in load(audit) if cell.attack == attack for picture in cell.pictures
        ]),
    )  # fmt: skip


def test_the_page_is_headed_by_the_worst_attack(audit: Path) -> None:
    from iqaudit._report.page import page

    view = page(audit)
    rgo = 100 * _rgo(audit, "guided").mean()
    assert view["headline"] == (
        f"A change of 3 in 255 moves the scores of “rough” {rgo:.0f} % of the way they could go: "
        "by guided, the worst of 2 attacks"
    )
    assert [each.text for each in view["attack_pairs"]] == [
        each.text for each in iqaudit.load(audit).compare_attacks()
    ]
