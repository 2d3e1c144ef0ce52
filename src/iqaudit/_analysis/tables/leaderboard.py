"""Victims side by side: by the worst of their attacks, and attack by attack."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from iqaudit._analysis.tables.attack_pairs import (
    AttackComparison,
    attack_name,
    by_attack,
    compare_attacks,
    rivals,
)
from iqaudit._analysis.tables.catalogue import MEASURES, Measure, find
from iqaudit._analysis.tables.cells import CellData, load
from iqaudit._analysis.tables.citation import Citation, citations
from iqaudit._analysis.tables.tables import TableRow, measure_record, table
from iqaudit._runs.schema import manifest
from iqaudit._runs.suites import SUITES

DEFAULT = "rgo"

SHOWN = ("rgo", "shift", "reachable_rgo", "srocc_before", "srocc_after", "ssim", "flip")
"""Measures shown beside the one that victims are sorted by; JSON and CSV have all."""


@dataclass(frozen=True)
class Standing:
    """A rank on a leaderboard; `run` is the path to it that the caller gave.

    A row whose figures do not tell how firm its victim is (`TableRow.ranked`) has none. `attack` is
    that of the row, `attacks` the number of those that it is the worst of.
    """

    rank: int | None
    run: str
    row: TableRow
    attack: str = ""
    attacks: int = 1


@dataclass(frozen=True)
class Leaderboard:
    """The cells that were attacked alike, the firmest victim first.

    Attributes
    ----------
    data, attack, settings, levels, goal, queries, budget
        Their common settings; `budget` is the queries in words, with the early stop. Where each
        victim stands by the worst of its attacks, `attack` says so, and `settings` is empty.
    same_pictures : bool
        Whether all were attacked on the same pixels; victims on others compare with care.
    by : Measure
        The sort key; where it is undefined, a victim comes last.
    measures : tuple of Measure
        The rows' columns.
    standings : tuple of Standing
        Firmest first; equal figures share a rank. Rows with flags come behind those without, and
        those without a rank last.
    comparisons : tuple of AttackComparison
        Of a board of the worst attacks: each victim's, in pairs over the same pictures.
    citations : tuple of Citation
        Of the first board where all runs are of one suite: each victim's line.
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
    comparisons: tuple[AttackComparison, ...] = ()
    citations: tuple[Citation, ...] = ()

    @property
    def is_of_the_worst(self) -> bool:
        """Whether each victim stands by the worst of its attacks."""
        return any(standing.attacks > 1 for standing in self.standings)

    @property
    def same_attacks(self) -> bool:
        """Whether each victim was attacked in as many ways as the others."""
        return len({standing.attacks for standing in self.standings}) == 1


def compare(
    paths: Sequence[str | os.PathLike[str]],
    by: str = DEFAULT,
    measures: Sequence[Measure] = MEASURES,
) -> tuple[Leaderboard, ...]:
    """Return leaderboards of the cells of audits, or runs.

    Where a victim was attacked in several ways, the first has each victim by the worst of them; the
    others are of one attack each. Where all runs are of one suite, the first is that of its largest
    budget.

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
    worst: dict[str, list[tuple[str, CellData]]] = {}
    boards: dict[str, list[tuple[str, CellData]]] = {}
    cited: list[Citation] = []
    for path in paths:
        cells = load(path)
        cited += citations(path, cells)
        for cell in cells:
            for read_off in cell.by_budget():
                entry = str(path), read_off
                worst.setdefault(_terms(read_off), []).append(entry)
                boards.setdefault(_protocol(read_off), []).append(entry)
    found = (_of_the_worst(cells, sorted_by, columns) for cells in worst.values())
    told = [each for each in found if each is not None]
    return (
        *_of_suite(_suite(paths), told, cited),
        *(_board(cells, sorted_by, columns) for cells in boards.values()),
    )


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
            "comparisons": [each.to_dict() for each in board.comparisons],
            "citations": [each.to_dict() for each in board.citations],
        }
        for board in boards
    ]


def _suite(paths: Sequence[str | os.PathLike[str]]) -> str:
    """Return the suite that all audits are of; empty without one."""
    found = {held.suite if (held := manifest(path)) else "" for path in paths}
    return found.pop() if len(found) == 1 and found <= SUITES.keys() else ""


def _of_suite(
    suite: str, boards: Sequence[Leaderboard], cited: Sequence[Citation]
) -> list[Leaderboard]:
    """Return boards of the worst attacks as those of a suite, from its largest budget down."""
    if not suite:
        return list(boards)
    largest = max(SUITES[suite].settings["queries"])
    return [
        replace(
            each,
            attack=f"{suite}, {each.attack}",
            citations=tuple(
                line for line in cited if line.data == each.data and each.queries == largest
            ),
        )
        for each in sorted(boards, key=lambda each: -each.queries)
    ]


def _protocol(cell: CellData) -> str:
    settings = (cell.data, cell.method, cell.settings, cell.levels, cell.goal, cell.budget)
    return json.dumps(settings, sort_keys=True)


def _terms(cell: CellData) -> str:
    """Return what the attacks on victims that stand on one board have in common."""
    return json.dumps((cell.data, cell.levels, cell.goal, cell.budget))


def _board(
    cells: Sequence[tuple[str, CellData]], by: Measure, measures: tuple[Measure, ...]
) -> Leaderboard:
    runs = [
        Standing(None, run, table([cell], measures).rows[0], attack_name(cell))
        for run, cell in cells
    ]
    return _ranked(cells, runs, by, measures)


def _of_the_worst(
    cells: Sequence[tuple[str, CellData]], by: Measure, measures: tuple[Measure, ...]
) -> Leaderboard | None:
    """Return the board of the victims' worst attacks; None where each has one."""
    runs = {cell.path: run for run, cell in cells}
    standings = []
    for group in rivals(cell for _, cell in cells):
        attacks = by_attack(group)
        rows = [
            Standing(None, runs[seeds[0].path], row, name, len(attacks))
            for name, seeds in attacks.items()
            for row in table(seeds, measures, over_seeds=True).rows
        ]
        # Of a victim whose answers tell nothing of any attack, nothing is told.
        told = [each for each in rows if each.row.ranked] or rows
        standings.append(max(told, key=lambda each: _weakness(each.row, by, -math.inf)))
    if all(each.attacks == 1 for each in standings):
        return None
    board = _ranked(cells, standings, by, measures)
    names = {attack_name(cell) for _, cell in cells}
    return replace(
        board,
        attack=f"the worst of {len(names)} attacks",
        settings={},
        comparisons=compare_attacks(cell for _, cell in cells),
    )


def _ranked(
    cells: Sequence[tuple[str, CellData]],
    runs: Sequence[Standing],
    by: Measure,
    measures: tuple[Measure, ...],
) -> Leaderboard:
    first = cells[0][1]
    # A sign says that the figure may be too small: such a row is behind all that show none.
    placed = [((bool(each.row.flags), _weakness(each.row, by, math.inf)), each) for each in runs]
    ranked = sorted(placed, key=lambda each: (not each[1].row.ranked, each[0]))
    places = [place for place, each in ranked if each.row.ranked]
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
            replace(each, rank=places.index(place) + 1 if each.row.ranked else None)
            for place, each in ranked
        ),
    )


def _weakness(row: TableRow, by: Measure, unknown: float) -> float:
    """Return a key that is higher the weaker the victim looks; `unknown` without a figure."""
    value = row.values[by.name].value
    return unknown if value is None else by.weakness(value)


def _pixels(cell: CellData) -> tuple[str, ...]:
    return tuple(sorted(picture.sha256 for picture in cell.finished))
