"""Victims side by side: a leaderboard of the cells that were attacked alike."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from iqaudit._analysis.tables.catalogue import MEASURES, Measure, find
from iqaudit._analysis.tables.cells import CellData, load
from iqaudit._analysis.tables.tables import Table, TableRow, measure_record, table

DEFAULT = "rgo"


@dataclass(frozen=True)
class Standing:
    """A place on a leaderboard; `run` is the path that was given."""

    rank: int
    run: str
    row: TableRow


@dataclass(frozen=True)
class Leaderboard:
    """The cells that were attacked alike, the firmest victim first.

    Attributes
    ----------
    data, attack, settings, levels, goal, queries, budget
        What they have in common; `budget` is the queries in words, with what ends a search before.
    same_pictures : bool
        Whether all were attacked on the same pixels; victims on others compare with care.
    by : Measure
        What they are sorted by; where it is undefined, a victim comes last.
    measures : tuple of Measure
        What the rows hold.
    standings : tuple of Standing
        Firmest first; equal figures share a rank.
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
        What the rows hold; the one that they are sorted by is added where it is not among them.

    Raises
    ------
    InputError
        If a path is no run, or there is no such measure.
    """
    sorted_by = find(by)
    held = tuple(dict.fromkeys((*measures, sorted_by)))
    boards: dict[str, list[tuple[str, CellData]]] = {}
    for path in paths:
        for cell in load(path):
            boards.setdefault(_protocol(cell), []).append((str(path), cell))
    return tuple(_board(cells, sorted_by, held) for cells in boards.values())


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
    said = (cell.data, cell.method, cell.settings, cell.levels, cell.goal, cell.budget)
    return json.dumps(said, sort_keys=True)


def _board(
    cells: Sequence[tuple[str, CellData]], by: Measure, measures: tuple[Measure, ...]
) -> Leaderboard:
    found: Table = table((cell for _, cell in cells), measures)
    first = cells[0][1]
    rows = sorted(
        zip((run for run, _ in cells), found.rows, strict=True),
        key=lambda each: _place(each[1], by),
    )
    places = [_place(row, by) for _, row in rows]
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
            Standing(places.index(place) + 1, run, row)
            for place, (run, row) in zip(places, rows, strict=True)
        ),
    )


def _place(row: TableRow, by: Measure) -> float:
    """Return what sorts the firmest victim first."""
    value = row.values[by.name].value
    if value is None:
        return math.inf
    return value if by.higher_favours == "attack" else -value


def _pixels(cell: CellData) -> tuple[str, ...]:
    return tuple(sorted(picture.sha256 for picture in cell.finished))
