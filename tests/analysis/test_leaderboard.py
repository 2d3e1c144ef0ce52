"""The leaderboard: alike with alike, the firmest first."""

import json
from pathlib import Path

import pytest
from tests.support.audits import Cell, bright, edit, rough, uneven, write_run

import iqaudit
from iqaudit import InputError
from iqaudit._analysis.tables import catalogue, leaderboard


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("runs")
    return {
        "rough": Cell(rough(), queries=30).write(root / "rough"),
        "bright": Cell(bright(), queries=30).write(root / "bright"),
        "square": Cell(rough(), "square", 30).write(root / "square"),
        "few": write_run(root / "few", rough(), uneven(3), queries=30),
    }


def test_the_firmest_is_first_whichever_way_the_measure_points(runs: dict[str, Path]) -> None:
    paths = [runs["rough"], runs["bright"]]
    for by in ("rgo", "r_decimal", "flip"):
        (found,) = leaderboard.compare(paths, by)
        values = [standing.row.values[by].value or 0 for standing in found.standings]
        falling = catalogue.find(by).higher_favours == "victim"
        assert values == sorted(values, reverse=falling)
        assert [standing.rank for standing in found.standings] == [1, 2]
        assert found.same_pictures


def test_attacks_and_pictures_are_told_apart(runs: dict[str, Path]) -> None:
    worst, *found = leaderboard.compare([runs["rough"], runs["square"], runs["few"]])
    assert worst.attack == "the worst of 2 attacks"
    assert [each.attack for each in found] == ["bidirectional", "square"]
    assert [len(each.standings) for each in found] == [2, 1]
    assert [each.same_pictures for each in found] == [False, True]


def test_searches_that_ended_early_are_no_rivals_of_those_that_did_not(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    stopped = Cell(rough(), queries=30).write(tmp_path / "stopped")
    edit(stopped, lambda record: record.update(early_stop=0.1, until_plateau=20))
    found = leaderboard.compare([runs["rough"], stopped])
    assert [each.budget for each in found] == [
        "30 queries a picture",
        "30 queries a picture, fewer where RGO 0.1 is reached or 20 in a row find nothing better",
    ]


def test_equal_figures_share_a_rank_and_undefined_ones_come_last(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    paths = [runs["rough"], runs["rough"], runs["bright"]]
    (found,) = leaderboard.compare(paths, "range_gain_raise")
    assert [standing.rank for standing in found.standings] == [1, 1, 3]
    assert found.standings[2].row.values["range_gain_raise"].value is None
    unfinished = Cell(rough(), queries=30).write(tmp_path / "run")
    edit(unfinished, lambda record: [e.update(outcome="interrupted") for e in record["pictures"]])
    (found,) = leaderboard.compare([unfinished, runs["rough"]])
    assert [standing.run for standing in found.standings] == [str(runs["rough"]), str(unfinished)]


def test_a_board_is_json(runs: dict[str, Path]) -> None:
    held = json.loads(
        json.dumps(leaderboard.record(leaderboard.compare([runs["rough"]])), allow_nan=False)
    )
    assert held[0]["by"] == "rgo"
    assert held[0]["standings"][0]["row"]["values"]["rgo"].keys() == {"value", "low", "high"}
    assert len(held[0]["measures"]) == len(catalogue.MEASURES)


def test_an_unknown_measure_is_refused_before_a_run_is_read() -> None:
    with pytest.raises(InputError, match='no measure called "beauty"'):
        leaderboard.compare(["nowhere"], "beauty")


def test_a_budget_that_is_read_off_has_the_figures_of_that_budget(tmp_path: Path) -> None:
    """On boards, of one attack and of the worst, and in comparisons of attacks, as in the table."""
    attacks = ["bidirectional", "guided", "random"]
    iqaudit.audit(
        [rough()], uneven(4), attacks, out=tmp_path / "run", queries=[8, 80], analyses=False
    )
    done = iqaudit.load(tmp_path / "run")
    told = {(row.attack, row.queries): row.values for row in done.table().rows}
    assert told["guided", 8]["rgo"].value != told["guided", 80]["rgo"].value
    boards = iqaudit.compare([tmp_path / "run"])
    assert sorted(board.queries for board in boards) == sorted([8, 80] * (1 + len(attacks)))
    for board in boards:
        for standing in board.standings:
            values = told[standing.row.attack, board.queries]
            for name in ("rgo", "ssim", "flip", "linf"):
                assert standing.row.values[name] == values[name], (board.attack, board.queries)
    for budget, each in zip((8, 80), done.compare_attacks(), strict=True):
        assert len(each.pairs) == len(attacks)
        for pair in each.pairs:
            assert pair.rgo.value == pytest.approx(told[pair.first, budget]["rgo"].value)
            assert pair.other_rgo.value == pytest.approx(told[pair.second, budget]["rgo"].value)
