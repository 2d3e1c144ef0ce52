"""The view of a run's or of an audit's page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iqaudit._analysis import transfer
from iqaudit._analysis.defences.table import load as load_defences
from iqaudit._analysis.findings import insights
from iqaudit._analysis.tables import export, tables
from iqaudit._analysis.tables.attack_pairs import compare_attacks
from iqaudit._analysis.tables.catalogue import GROUPS, Measure, find
from iqaudit._analysis.tables.cells import CellData, load, missing
from iqaudit._analysis.tables.citation import citations
from iqaudit._analysis.tables.tables import Table
from iqaudit._report import verdict as verdicts
from iqaudit._report.charts import Axis, Chart, Series, chart, domain
from iqaudit._report.defences import compared
from iqaudit._report.face import advice, face, scatter
from iqaudit._report.figures import csv_url, numbers, spread
from iqaudit._report.findings import themes
from iqaudit._report.gallery import gallery
from iqaudit._report.transfer_matrix import matrices
from iqaudit._report.verdict import Cell
from iqaudit._runs import schema
from iqaudit._search.stop import Outcome
from iqaudit.measures._bootstrap import Estimate

PAPER, OTHERS = ("strength", "people", "visibility"), ("others",)
"""The groups of measures in the first table, and in the second."""

AGAINST_QUERIES = ("rgo", "shift", "srocc_after")

MOST_ROWS = 1_500
"""Pictures whose figures the page carries as a file: about a megabyte."""

STYLES = 6
"""Colours and dashes of lines; a seventh cell has the first again."""

FINISHED = {outcome.name.lower() for outcome in Outcome if outcome.finished}
OUTCOMES = {outcome.name.lower(): outcome.value for outcome in Outcome}


def page(path: Path) -> dict[str, Any]:
    """Return all that the page's template shows.

    Parameters
    ----------
    path : Path
        The directory of a run or of an audit.
    """
    data, manifest = load(path), schema.manifest(path)
    whole, earlier = tables.table(data), tables.by_queries(data)
    alone = manifest is None or manifest.flat
    cells = _cells(data, whole, alone=alone)
    moved, defended = transfer.load(path), compared(load_defences(path))
    farthest = verdicts.farthest(cells)
    return {
        "cells": cells,
        "manifest": manifest,
        "missing": missing(path),
        "headline": verdicts.headline(cells),
        "lede": verdicts.lede(cells),
        "face": face(farthest),
        "scatter": scatter(farthest),
        "advice": advice(farthest, compared=bool(defended)),
        "farthest": farthest,
        "attack_texts": {cell.key: verdicts.attack_text(cell) for cell in cells},
        "verdicts": [verdicts.verdict(cell) for cell in cells],
        "tables": _tables(cells, whole.measures),
        "attack_pairs": compare_attacks(data),
        "citations": citations(path, data),
        "infinite": math.inf,
        "checkpoints": _checkpoints(cells, earlier),
        "curves": _curves(cells),
        "transfer": moved,
        "defences": defended,
        "matrices": () if moved is None else matrices(moved, cells),
        "themes": themes(cells),
        "gallery": gallery(path, cells),
        "outcomes": OUTCOMES,
        "finished": FINISHED,
        "pictures_csv": _pictures(data, alone=alone),
        "measures": whole.measures,
    }


@dataclass(frozen=True)
class Measures:
    """A table with a row a measure and a column a cell, in groups."""

    name: str
    caption: str
    groups: tuple[tuple[str, tuple[Measure, ...]], ...]
    csv: str


@dataclass(frozen=True)
class Checkpoints:
    """A measure of each cell after so many queries."""

    measure: Measure
    budgets: tuple[int, ...]
    rows: tuple[tuple[str, tuple[Estimate | None, ...]], ...]
    csv: str


def _cells(data: Sequence[CellData], whole: Table, *, alone: bool) -> tuple[Cell, ...]:
    labels, cells, style = verdicts.labels(data), [], 0
    rows = {row.cell: row for row in whole.rows}  # the whole budgets
    for each in data:
        record = schema.load(each.path)
        baseline = verdicts.is_baseline(each) and len(data) > 1
        style += not baseline
        cells.append(
            Cell(
                data=each,
                row=rows[each.cell],
                # A run's page names no folder, so that the same run is the same page anywhere.
                key="run" if alone else each.cell,
                label=labels[each.cell],
                style=0 if baseline else (style - 1) % STYLES + 1,
                record=record,
                insights=insights.load(each.path),
            )
        )
    return tuple(cells)


def _tables(cells: Sequence[Cell], measures: Sequence[Measure]) -> tuple[Measures, ...]:
    """Return the paper's table, and the other groups' measures; without what no cell has."""
    there = [
        measure
        for measure in measures
        if any(cell.row.values[measure.name].value is not None for cell in cells)
    ]
    tables = []
    for name, caption, chosen in (
        ("measures", "How far, against whose judgement, and how visibly", PAPER),
        ("others", "Other groups' measures on the same pictures", OTHERS),
    ):
        groups = tuple(
            (title, some)
            for group, title in GROUPS.items()
            if group in chosen
            and (some := tuple(measure for measure in there if measure.group == group))
        )
        heads = [head for cell in cells for head in spread(cell.label)]
        table: list[Sequence[Any]] = [("measure", "unit", *heads)]
        for measure in (each for _, some in groups for each in some):
            values = [cell.row.values[measure.name] for cell in cells]
            table.append((measure.title, measure.unit, *values))
        if groups:
            tables.append(Measures(name, caption, groups, csv_url(table)))
    return tuple(tables)


def _checkpoints(cells: Sequence[Cell], earlier: Table) -> tuple[Checkpoints, ...]:
    """Return RGO, and SROCC where there is any, at earlier budgets."""
    budgets = tuple(sorted({row.queries for row in earlier.rows}))
    tables = []
    for measure in (find(name) for name in AGAINST_QUERIES):
        rows: list[tuple[str, tuple[Estimate | None, ...]]] = []
        table: list[Sequence[Any]] = [("cell", "queries", *spread(measure.name))]
        for cell in cells:
            there = {
                row.queries: row.values[measure.name]
                for row in earlier.rows
                if row.cell == cell.data.cell
            }
            rows.append((cell.label, tuple(there.get(budget) for budget in budgets)))
            table += [(cell.label, queries, each) for queries, each in there.items()]
        if any(each is not None and each.value is not None for _, line in rows for each in line):
            tables.append(Checkpoints(measure, budgets, tuple(rows), csv_url(table)))
    return tuple(tables)


def _curves(cells: Sequence[Cell]) -> tuple[Chart, ...]:
    """Draw what `_checkpoints` tabulates at more budgets."""
    charts = []
    for measure in (find(name) for name in AGAINST_QUERIES):
        series = [
            Series(cell.label, cell.style, tables.curve(cell.data, measure)) for cell in cells
        ]
        ends = [end for each in series for _, value in each.points for end in numbers(value)]
        if all(end is None for end in ends):
            continue
        most = max(2, *(cell.data.queries for cell in cells))
        titles = f"{measure.title} against queries", "queries", measure.title
        name = f"{measure.name}-against-queries"
        charts.append(chart(name, titles, series, Axis(1, most, "log"), domain(ends, 0)))
    return tuple(charts)


def _pictures(data: Sequence[CellData], *, alone: bool) -> str:
    """Return every picture's figures as an address; empty where they are too many for a page."""
    if sum(len(each.pictures) for each in data) > MOST_ROWS:
        return ""
    rows = export.rows(data)
    heads = [head for head in (rows[0] if rows else ()) if not (alone and head == "cell")]
    return csv_url([heads, *([row[head] for head in heads] for row in rows)])
