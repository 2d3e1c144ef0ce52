"""The page's first figures: the picture that moved farthest, the pairs that keep their order."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from tests.support.audits import OPINIONS, bright, rough, uneven, write_run

from iqaudit._analysis import telling
from iqaudit._analysis.tables.cells import CellData, load
from iqaudit._analysis.tables.tables import table


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> CellData:
    path = tmp_path_factory.mktemp("telling") / "run"
    [found] = load(write_run(path, rough(), uneven(), "guided", OPINIONS))
    return found


def test_the_most_telling_picture_moved_farthest(cell: CellData) -> None:
    found = telling.most_telling(cell)
    assert found is not None
    moves = {
        each.figures.name: abs(each.figures.attacked_quality - each.figures.clean_quality)
        for each in cell.finished
    }
    assert moves[found.figures.name] == max(moves.values()) > min(moves.values())


def test_of_equal_moves_the_least_visible_tells_most(cell: CellData) -> None:
    one, other = (
        replace(cell.pictures[0], figures=replace(cell.pictures[0].figures, name=name, flip=flip))
        for name, flip in (("seen", 0.2), ("hidden", 0.1))
    )
    found = telling.most_telling(replace(cell, pictures=(one, other)))
    assert found is other


def test_pairs_are_counted_against_people_without_those_that_they_rate_alike(
    cell: CellData,
) -> None:
    order = telling.order(cell)
    assert order is not None
    assert order.rated
    rated = [each for each in cell.finished if each.opinion is not None]
    assert [each.against for each in order.places] == sorted(each.opinion or 0 for each in rated)
    pairs = [(a, b) for a, b in combinations(rated, 2) if a.opinion != b.opinion]

    def kept(quality: str) -> int:
        return sum(
            np.sign((a.opinion or 0) - (b.opinion or 0))
            == np.sign(getattr(a.figures, quality) - getattr(b.figures, quality))
            for a, b in pairs
        )

    found = order.pairs, order.before, order.after
    assert found == (len(pairs), kept("clean_quality"), kept("attacked_quality"))
    assert f"{order.before} of them in people's order before" in order.text


def test_without_people_the_order_is_the_victims_own(tmp_path: Path) -> None:
    [alone] = load(write_run(tmp_path / "run", rough(), uneven()))
    order = telling.order(alone)
    assert order is not None
    assert not order.rated
    assert [each.against for each in order.places] == [each.before for each in order.places]
    assert order.before == order.pairs
    assert "keep their order" in order.text


def test_one_picture_has_no_order(cell: CellData) -> None:
    assert telling.order(replace(cell, pictures=cell.pictures[:1])) is None


def test_a_quarter_moved_by_the_margin_or_more(cell: CellData) -> None:
    moves = [abs(each.figures.attacked_score - each.figures.clean_score) for each in cell.finished]
    margin = telling.margin(cell)
    assert sum(move >= margin for move in moves) >= len(moves) / 4
    assert sum(move > margin for move in moves) < len(moves) / 4


def test_advice_names_the_range_where_there_is_one(cell: CellData, tmp_path: Path) -> None:
    [row] = table([cell]).rows
    first, *others = telling.advice(cell, row, unclear=False, compared=False)
    assert f"{telling.margin(cell):.3g} on 0 to 20" in first.text
    assert f'rgo > {row.values["rgo"].value:.2f}"' in others[-1].command
    [open_ended] = load(write_run(tmp_path / "run", bright(), uneven(), "guided"))
    [row] = table([open_ended]).rows
    assert " on " not in telling.advice(open_ended, row, unclear=False, compared=False)[0].text


def test_places_are_thinned_at_even_steps_and_keep_both_ends() -> None:
    places = [telling.Place(str(number), number, 0, 0) for number in range(100)]
    found = [each.against for each in telling.shown(places, 10)]
    assert found == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]
    assert telling.shown(places[:3], 10) == tuple(places[:3])
