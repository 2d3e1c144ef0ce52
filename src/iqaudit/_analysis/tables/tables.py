"""The tables of an audit: every measure of each cell, at its budget and at earlier ones."""

import importlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from iqaudit._analysis.tables.catalogue import (
    GROUPS,
    LEADING,
    MEASURES,
    OF_ORDER,
    OF_TARGET,
    Measure,
    choose,
)
from iqaudit._analysis.tables.cells import CellData
from iqaudit._analysis.tables.csv_text import csv_text
from iqaudit._analysis.tables.formats import FORMATS, Column, Grid, Value
from iqaudit._analysis.tables.samples import Snapshot
from iqaudit._core.errors import InputError, listed, unknown
from iqaudit._core.goal import Goal
from iqaudit._core.settings import several
from iqaudit._core.threat import words
from iqaudit._search import ledger
from iqaudit.measures._bootstrap import LEVEL, RESAMPLES, Estimate

POINTS = 32
"""Budgets on a curve at the most, at equal steps of the logarithm."""

ENDS = ("value", "low", "high")

INTERVALS = "In brackets: 95 % bootstrap intervals over pictures. Arrows: better for the victim."


@dataclass(frozen=True)
class TableRow:
    """One cell after so many queries.

    Attributes
    ----------
    cell, victim, attack, data
        Names, as `CellData` has them; over seeds, the cell's is without its seed.
    levels, goal, queries
        The protocol; `queries` may be fewer than the cell's budget.
    pictures : int
        The number of pictures that the figures are of.
    unfinished : int
        Pictures that are left out, since their search, or its beginning, is still to come.
    rated : int
        Pictures that have an opinion score.
    values : mapping of str to Estimate
        By the measures' names.
    seeds : int
        The number of seeds that each picture's figures are means of.
    doubt : str
        Sentences on signs that the figures do not tell how firm the victim is; empty without any.
    ranked : bool
        Whether its figures may be ranked and taken for a pass: not where every search shows a sign.
    group : str
        A name that it shares with the victim's other attacks that are the same in all else; empty
        where it cannot be told.
    scale : str
        The sentence on the victim's C and S, and where they come from.
    flags : str
        Words for the signs, by commas: a row that has one is ranked behind all that have none.
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
    seeds: int = 1
    doubt: str = ""
    ranked: bool = True
    group: str = ""
    scale: str = ""
    flags: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON can hold it; see `Table.to_dict`."""
        values = {name: estimate_record(estimate) for name, estimate in self.values.items()}
        return vars(self) | {"values": values}


@dataclass(frozen=True)
class Table:
    """Rows of measures, each with its 95 % interval.

    Attributes
    ----------
    measures : tuple of Measure
        The columns: their names, titles, captions and units.
    rows : tuple of TableRow
        A cell and budget each; a cell's whole budget is the last of its rows.
    """

    measures: tuple[Measure, ...]
    rows: tuple[TableRow, ...]

    def to_dict(self) -> list[dict[str, Any]]:
        """Return a plain dict a row, as JSON can hold it.

        `values` has, by the measures' names, the `value` and its interval's `low` and `high`; None
        for a figure that does not exist, and for an infinite R.
        """
        return [row.to_dict() for row in self.rows]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return an array a column, (rows,).

        First the row's names and numbers, then, in float64, each measure and the ends of its
        interval: ``rgo``, ``rgo_low``, ``rgo_high``. NaN for a figure that does not exist; an
        infinite R is infinite.
        """
        columns = self._columns(self.measures)
        return {
            name: np.array(column, None if name in TableRow.__match_args__ else np.float64)
            for name, column in columns.items()
        }

    def to_pandas(self) -> Any:
        """Return the columns of `to_arrays` as a pandas data frame.

        Returns
        -------
        pandas.DataFrame
            A row a row, a column a column.

        Raises
        ------
        InputError
            If pandas is not installed.
        """
        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            raise InputError(
                "Data frames are made by pandas: pip install pandas, or use to_arrays()."
            ) from None
        return pandas.DataFrame(self.to_arrays())

    def to_text(
        self,
        form: Literal["text", "markdown", "latex", "csv"] = "text",
        measures: Iterable[str] | Literal["all"] | None = None,
    ) -> str:
        r"""Return the table for a terminal, a document or a spreadsheet: a row a row.

        Parameters
        ----------
        form : {"text", "markdown", "latex", "csv"}
            LaTeX is a ``tabular`` of the package booktabs, with notes as comments; CSV has the
            columns of `to_arrays`, in full.
        measures : iterable of str or "all", optional
            Their names, in this order; ``"srocc"`` is ``"srocc_before"`` and ``"srocc_after"``.
            Otherwise the ten that matter first, as far as any row has them.

        Returns
        -------
        str
            The table, with its last line's end.

        Raises
        ------
        InputError
            If there is no such form or measure.
        """
        shown = self.chosen(measures)
        if form == "csv":
            columns = self._columns(shown)
            return csv_text([columns, *zip(*columns.values(), strict=True)])
        if form not in FORMATS:
            raise unknown("form of a table", str(form), (*FORMATS, "csv"))
        return FORMATS[form](_grid(self.rows, shown))

    def chosen(self, names: Iterable[str] | None = None) -> tuple[Measure, ...]:
        """Return the measures that `to_text` shows, by its argument."""
        if names == "all":
            return self.measures
        if names is not None:
            return choose(several(names), self.measures)
        there = {
            name for row in self.rows for name, each in row.values.items() if each.value is not None
        }
        ranked = any(row.goal == Goal.RANK.value for row in self.rows)
        leading = {*LEADING, *OF_TARGET, *(OF_ORDER if ranked else ())} & there
        return tuple(each for each in self.measures if each.name in leading)

    def _columns(self, measures: Sequence[Measure]) -> dict[str, list[Any]]:
        """Return the rows' names and numbers, and each measure with its interval's ends."""
        heads = [name for name in TableRow.__match_args__ if name != "values"]
        columns: dict[str, list[Any]] = {
            name: [getattr(row, name) for row in self.rows] for name in heads
        }
        for measure in measures:
            for end in ENDS:
                name = measure.name if end == "value" else f"{measure.name}_{end}"
                columns[name] = [getattr(row.values[measure.name], end) for row in self.rows]
        return columns


def table(
    cells: Iterable[CellData], measures: Sequence[Measure] = MEASURES, *, over_seeds: bool = False
) -> Table:
    """Return a row a cell and budget that the audit was asked for.

    Parameters
    ----------
    cells : iterable of CellData
    measures : sequence of Measure
        The columns.
    over_seeds : bool
        Whether cells that differ in their seed alone are one row: of means over seeds within each
        picture, resampled over pictures.
    """
    grouped = groups(cells, over_seeds=over_seeds)
    return _table([(each, (*each[0].shorter, each[0].queries)) for each in grouped], measures)


def by_queries(
    cells: Iterable[CellData], measures: Sequence[Measure] = MEASURES, *, over_seeds: bool = False
) -> Table:
    """Return a row a cell and checkpoint, the budget itself the last of a cell's; as `table`.

    Without the measures that are not known of earlier budgets.
    """
    known = [measure for measure in measures if measure.by_queries]
    grouped = groups(cells, over_seeds=over_seeds)
    return _table([(each, checkpoints(each[0])) for each in grouped], known)


def checkpoints(cell: CellData) -> tuple[int, ...]:
    """Return the budgets of a cell's rows, its whole one the last.

    A change for many pictures is tested after the whole one alone.
    """
    if cell.shared:
        return (cell.queries,)
    return (*ledger.checkpoints(cell.queries, cell.cost, cell.shorter), cell.queries)


def curve(cell: CellData, measure: Measure, *others: CellData) -> list[tuple[int, Estimate]]:
    """Return a measure after so many queries, from the clean picture's to the whole budget.

    `others` are the cell with other seeds.

    Parameters
    ----------
    cell : CellData
        The cell.
    measure : Measure
        One that is known of earlier budgets (`Measure.by_queries`).
    """
    scores = np.unique(np.rint(np.geomspace(1, cell.queries // cell.cost, POINTS)).astype(int))
    budgets = [cell.cost * int(each) for each in scores]
    return [
        (queries, measure.compute(Snapshot.after(cell, queries, *others))) for queries in budgets
    ]


def groups(cells: Iterable[CellData], *, over_seeds: bool) -> list[list[CellData]]:
    """Return each cell by itself, or cells that differ in their seed alone together."""
    found: dict[Any, list[CellData]] = {}
    for index, cell in enumerate(cells):
        key = (cell.path.resolve().parent, cell.unseeded) if over_seeds else index
        found.setdefault(key, []).append(cell)
    return list(found.values())


def _table(
    groups: Iterable[tuple[Sequence[CellData], Iterable[int]]], measures: Sequence[Measure]
) -> Table:
    rows = (_row(seeds, queries, measures) for seeds, budgets in groups for queries in budgets)
    return Table(tuple(measures), tuple(rows))


def _row(seeds: Sequence[CellData], queries: int, measures: Sequence[Measure]) -> TableRow:
    cell, *others = seeds
    snapshot = Snapshot.after(cell, queries, *others)
    [pictures, *_] = snapshot.pictures
    doubts = [doubt for each in seeds for doubt in each.doubts]
    return TableRow(
        cell=cell.unseeded if others else cell.cell,
        victim=cell.victim,
        attack=cell.attack,
        data=cell.data,
        levels=cell.levels,
        goal=cell.goal,
        queries=queries,
        pictures=len(pictures),
        unfinished=cell.planned - len(pictures),
        rated=sum(each.opinion is not None for each in pictures),
        values={measure.name: measure.compute(snapshot) for measure in measures},
        seeds=len(seeds),
        doubt=" ".join(dict.fromkeys(doubt.text for doubt in doubts)),
        ranked=not any(doubt.whole for doubt in doubts),
        group=cell.seedless(cell.unattacked) if others else cell.unattacked,
        scale=cell.on_scale,
        flags=", ".join(dict.fromkeys(doubt.flag for doubt in doubts if doubt.flag)),
    )


def _grid(rows: Sequence[TableRow], measures: Sequence[Measure]) -> Grid:
    """Return what differs between rows as columns, and what all have in common as a note."""
    protocols = [_protocol(row) for row in rows]
    first = protocols[0]
    shared = [key for key in first if all(each[key] == first[key] for each in protocols)]
    names = [key for key in first if key in ("victim", "attack") or key not in shared]
    lines = [[each[name] for name in names] for each in protocols]
    if len(set(map(tuple, lines))) < len(lines):  # they differ in options alone
        names.insert(0, "cell")
        lines = [[row.cell, *line] for row, line in zip(rows, lines, strict=True)]
    heads = [Column(name) for name in names]
    for each in measures:
        title = f"{each.title} ({each.unit})" if each.unit else each.title
        heads.append(Column(title, "higher" if each.higher_favours == "victim" else "lower"))
    cells: list[tuple[str | Value, ...]] = [
        (*line, *(Value(row.values[each.name], each.form) for each in measures))
        for row, line in zip(rows, lines, strict=True)
    ]
    common = [key for key in shared if key not in names and first[key]]
    told = "; ".join(f"{key} {first[key]}" for key in common)
    doubts = (
        f"{row.victim}, {row.attack}: {f'[{row.flags}] ' if row.flags else ''}{row.doubt}"
        for row in rows
        if row.doubt
    )
    notes = (
        f"{told}.",
        INTERVALS,
        *definitions(measures),
        *_empty(rows, measures),
        *dict.fromkeys(doubts),
    )
    return Grid(tuple(heads), tuple(cells), notes)


def _empty(rows: Sequence[TableRow], measures: Sequence[Measure]) -> Iterator[str]:
    """Yield the sentence on columns that need what people said, where nobody did."""
    unrated = [
        each.title
        for each in measures
        if each.group == "people" and all(row.values[each.name].value is None for row in rows)
    ]
    if unrated and not any(row.rated for row in rows):
        yield f"{listed(unrated)}: no picture has an opinion score."


def definitions(measures: Iterable[Measure]) -> tuple[str, ...]:
    """Return a sentence on each measure of which programs have several."""
    return tuple(f"{each.title}: {each.definition}." for each in measures if each.definition)


def _protocol(row: TableRow) -> dict[str, str]:
    """Return the names and numbers that tell a row from others, as people read them."""
    return {
        "victim": row.victim,
        "attack": row.attack,
        "data": row.data or "",
        "change": words(row.levels),
        "goal": row.goal,
        "queries": f"{row.queries:,}",
        "pictures": str(row.pictures),
        "unfinished": str(row.unfinished or ""),
        "seeds": str(row.seeds),
    }


def record(table: Table) -> dict[str, Any]:
    """Return a table, its measures and its intervals' kind, as JSON can hold them."""
    return {
        "intervals": {"kind": "percentile bootstrap", "level": LEVEL, "resamples": RESAMPLES},
        "measures": [measure_record(measure) for measure in table.measures],
        "rows": table.to_dict(),
    }


def measure_record(measure: Measure) -> dict[str, Any]:
    """Return a measure's description as JSON can hold it."""
    keys = ("name", "title", "caption", "unit", "group", "higher_favours")
    return {key: getattr(measure, key) for key in keys} | {"heading": GROUPS[measure.group]}


def estimate_record(estimate: Estimate) -> dict[str, float | None]:
    """Return an estimate as JSON can hold it."""
    return {end: finite(number) for end, number in vars(estimate).items()}


def finite(value: float | None) -> float | None:
    """Return a number that JSON knows, or None."""
    return value if value is not None and math.isfinite(value) else None
