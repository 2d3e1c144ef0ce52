"""Victims side by side: a leaderboard of the cells that were attacked alike."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from iqaudit._analysis.tables.catalogue import MEASURES, Measure, find
from iqaudit._analysis.tables.cells import CellData, load
from iqaudit._analysis.tables.tables import TableRow, measure_record, table

DEFAULT = "rgo"

SHOWN = ("rgo", "shift", "reachable_rgo", "srocc_before", "srocc_after", "ssim", "flip")
"""Measures shown beside the one that victims are sorted by; JSON and CSV have all."""


@dataclass(frozen=True)
class Standing:
    """A rank on a leaderboard; `run` is the path to it that the caller gave.

    A row whose figures do not tell how firm its victim is (`TableRow.ranked`) has none.
    """

    rank: int | None
    run: str
    row: TableRow


@dataclass(frozen=True)
class Leaderboard:
    """The cells that were attacked alike, the firmest victim first.

    Attributes
    ----------
    data, attack, settings, levels, goal, queries, budget
        Their common settings; `budget` is the queries in words, with the early stop.
    same_pictures : bool
        Whether all were attacked on the same pixels; victims on others compare with care.
    by : Measure
        The sort key; where it is undefined, a victim comes last.
    measures : tuple of Measure
        The rows' columns.
    standings : tuple of Standing
        Firmest first; equal figures share a rank. Rows with flags come behind those without, and
        those without a rank last.
    """

    data: str | None
    attack: str
    settings: dict[str, Any]
    levels: int
    goal: str
    queries: int
    budget: str
    same_pictures: bool
    by: Measure
    measures: tuple[Measure, ...]
    standings: tuple[Standing, ...]


def compare(
    paths: Sequence[str | os.PathLike[str]],
    by: str = DEFAULT,
    measures: Sequence[Measure] = MEASURES,
) -> tuple[Leaderboard, ...]:
    """Return a leaderboard for each way in which cells of audits, or runs, were attacked.

    Parameters
    ----------
    paths : sequence of path
        Audits or runs.
    by : str
        The measure that they are sorted by.
    measures : sequence of Measure
        The rows' columns; the sort key is added where it is not among them.

    Raises
    ------
    InputError
        If a path is no run, or there is no such measure.
    """
    sorted_by = find(by)
    columns = tuple(dict.fromkeys((*measures, sorted_by)))
    boards: dict[str, list[tuple[str, CellData]]] = {}
    for path in paths:
        for cell in load(path):
            for queries in (*cell.shorter, cell.queries):
                read_off = replace(cell, queries=queries, shorter=())
                boards.setdefault(_protocol(read_off), []).append((str(path), read_off))
    return tuple(_board(cells, sorted_by, columns) for cells in boards.values())


def shown(by: Measure) -> tuple[Measure, ...]:
    """Return the columns of a leaderboard for people, the sort key first."""
    return tuple(dict.fromkeys((by, *map(find, SHOWN))))


def record(boards: Sequence[Leaderboard]) -> list[dict[str, Any]]:
    """Return leaderboards as JSON can hold them."""
    return [
        vars(board)
        | {
            "by": board.by.name,
            "measures": [measure_record(measure) for measure in board.measures],
            "standings": [
                vars(standing) | {"row": standing.row.to_dict()} for standing in board.standings
            ],
        }
        for board in boards
    ]


def _protocol(cell: CellData) -> str:
    settings = (cell.data, cell.method, cell.settings, cell.levels, cell.goal, cell.budget)
    return json.dumps(settings, sort_keys=True)


def _board(
    cells: Sequence[tuple[str, CellData]], by: Measure, measures: tuple[Measure, ...]
) -> Leaderboard:
    first = cells[0][1]
    runs = [(run, table([cell], measures).rows[0]) for run, cell in cells]
    # A sign says that the figure may be too small: such a row is behind all that show none.
    placed = [((bool(row.flags), _place(row, by)), run, row) for run, row in runs]
    ranked = sorted(placed, key=lambda each: (not each[2].ranked, each[0]))
    places = [place for place, _, row in ranked if row.ranked]
    return Leaderboard(
        data=first.data,
        attack=first.attack,
        settings=dict(first.settings),
        levels=first.levels,
        goal=first.goal,
        queries=first.queries,
        budget=first.budget,
        same_pictures=len({_pixels(cell) for _, cell in cells}) == 1,
        by=by,
        measures=measures,
        standings=tuple(
            Standing(places.index(place) + 1 if row.ranked else None, run, row)
            for place, run, row in ranked
        ),
    )


def _place(row: TableRow, by: Measure) -> float:
    """Return a key that sorts the firmest victim first."""
    value = row.values[by.name].value
    if value is None:
        return math.inf
    return value if by.higher_favours == "attack" else -value


def _pixels(cell: CellData) -> tuple[str, ...]:
    return tuple(sorted(picture.sha256 for picture in cell.finished))
