"""The tables of an audit: every measure of each cell, at its budget and at earlier ones."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from iqaudit._analysis.tables.catalogue import GROUPS, MEASURES, Measure
from iqaudit._analysis.tables.cells import CellData
from iqaudit._analysis.tables.samples import Sample
from iqaudit.measures._bootstrap import LEVEL, RESAMPLES, Estimate

CHECKPOINTS = (100, 300, 1_000, 3_000, 10_000)
"""Budgets that are looked back at, as far as a cell's own goes."""

SCORES = 2
"""The fewest that an attack can do anything with: the clean picture's, and one more."""


@dataclass(frozen=True)
class TableRow:
    """One cell after so many queries.

    Attributes
    ----------
    cell, victim, attack, data
        Names, as `CellData` has them.
    levels, goal, queries
        The protocol; `queries` may be fewer than the cell's budget.
    pictures : int
        What the figures are of.
    unfinished : int
        Pictures that are left out, since their search, or its beginning, is still to come.
    rated : int
        Pictures that have an opinion score.
    values : mapping of str to Estimate
        By the measures' names.
    """

    cell: str
    victim: str
    attack: str
    data: str | None
    levels: int
    goal: str
    queries: int
    pictures: int
    unfinished: int
    rated: int
    values: Mapping[str, Estimate]


@dataclass(frozen=True)
class Table:
    """Rows, and what their values are."""

    measures: tuple[Measure, ...]
    rows: tuple[TableRow, ...]


def table(cells: Iterable[CellData], measures: Sequence[Measure] = MEASURES) -> Table:
    """Return a row a cell: what its whole budget reached."""
    rows = tuple(_row(cell, cell.queries, measures) for cell in cells)
    return Table(tuple(measures), rows)


def by_queries(cells: Iterable[CellData], measures: Sequence[Measure] = MEASURES) -> Table:
    """Return a row a cell and checkpoint, the budget itself the last of a cell's.

    Without the measures of pictures: those of earlier budgets are not kept.
    """
    known = tuple(measure for measure in measures if measure.by_queries)
    rows = tuple(_row(cell, queries, known) for cell in cells for queries in checkpoints(cell))
    return Table(known, rows)


def checkpoints(cell: CellData) -> tuple[int, ...]:
    """Return the budgets at which a cell is looked at, its own the last."""
    earlier = [each for each in CHECKPOINTS if SCORES * cell.cost <= each < cell.queries]
    return (*earlier, cell.queries)


def _row(cell: CellData, queries: int, measures: Sequence[Measure]) -> TableRow:
    sample = Sample.after(cell, queries)
    return TableRow(
        cell=cell.cell,
        victim=cell.victim,
        attack=cell.attack,
        data=cell.data,
        levels=cell.levels,
        goal=cell.goal,
        queries=queries,
        pictures=len(sample.pictures),
        unfinished=cell.planned - len(sample.pictures),
        rated=sum(each.opinion is not None for each in sample.pictures),
        values={measure.name: measure.compute(sample) for measure in measures},
    )


def record(found: Table) -> dict[str, Any]:
    """Return a table as JSON can hold it: null for what is undefined, and for an infinite R."""
    return {
        "intervals": {"kind": "percentile bootstrap", "level": LEVEL, "resamples": RESAMPLES},
        "measures": [measure_record(measure) for measure in found.measures],
        "rows": [row_record(row) for row in found.rows],
    }


def measure_record(measure: Measure) -> dict[str, Any]:
    """Return what a measure is, as JSON can hold it."""
    keys = ("name", "title", "caption", "unit", "group", "higher_favours")
    return {key: getattr(measure, key) for key in keys} | {"heading": GROUPS[measure.group]}


def row_record(row: TableRow) -> dict[str, Any]:
    """Return a row as JSON can hold it."""
    values = {
        name: {key: finite(value) for key, value in vars(estimate).items()}
        for name, estimate in row.values.items()
    }
    return vars(row) | {"values": values}


def finite(value: float | None) -> float | None:
    """Return a number that JSON knows, or None."""
    return value if value is not None and math.isfinite(value) else None
