"""Leaderboards as the page shows them: victims side by side, the firmest first."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from iqaudit._analysis.tables import leaderboard
from iqaudit._analysis.tables.catalogue import Measure, find
from iqaudit._analysis.tables.leaderboard import Leaderboard
from iqaudit._report.figures import csv_url, spread
from iqaudit._report.findings import Bars, Row, bars
from iqaudit.measures._bootstrap import NOTHING


@dataclass(frozen=True)
class Board:
    """A leaderboard, its columns, and its first measure drawn."""

    name: str
    board: Leaderboard
    shown: tuple[Measure, ...]
    bars: Bars
    csv: str


def view(paths: Sequence[str | os.PathLike[str]], by: str) -> dict[str, Any]:
    """Return all that the comparison's template shows.

    Raises
    ------
    InputError
        If a path is no run, or there is no such measure.
    """
    boards = leaderboard.compare(paths, by)
    return {
        "boards": [_board(f"board-{index + 1}", each) for index, each in enumerate(boards)],
        "by": find(by),
    }


def _board(name: str, board: Leaderboard) -> Board:
    heads = [head for measure in board.measures for head in spread(measure.name)]
    table: list[Sequence[Any]] = [("rank", "victim", "attack", "run", "cell", "pictures", *heads)]
    drawn = []
    for each in board.standings:
        row = each.row
        values = [row.values[measure.name] for measure in board.measures]
        table.append(
            (each.rank, row.victim, each.attack, each.run, row.cell, row.pictures, *values)
        )
        drawn.append(Row(row.victim, row.pictures, row.values[board.by.name], NOTHING))
    shown = leaderboard.shown(board.by)
    return Board(name, board, shown, bars(name, board.by.title, drawn), csv_url(table))
