"""The transfer matrix as the page shows it: numbers on shades, the diagonal framed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from iqaudit._analysis.transfer import Entry, Transfer, titles
from iqaudit._report.figures import csv_url, figure, interval, spread
from iqaudit._report.verdict import Cell
from iqaudit.measures._bootstrap import Estimate


@dataclass(frozen=True)
class Square:
    """A number, its interval, the figure beside it, and its share, -1 to 1, of the largest."""

    own: bool
    value: str
    interval: str
    beside: str
    shade: float


@dataclass(frozen=True)
class Matrix:
    """A row a cell, a column a victim; `judges` where high is good, and shaded so."""

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Square, ...]], ...]
    csv: str
    judges: bool


def matrices(transfer: Transfer, cells: Sequence[Cell]) -> tuple[Matrix, ...]:
    """Return the matrix of RGO and, where people rated the pictures, that of SROCC."""
    rgo = _matrix(
        transfer,
        cells,
        ("transfer-rgo", "RGO on each victim of pictures made against one", "+.3f"),
        lambda entry: entry.rgo.attack,
        lambda entry: f"random {figure(entry.rgo.floor.value, '+.3f')}",
    )
    if all(entry.srocc.value is None for line in transfer.entries for entry in line):
        return (rgo,)
    srocc = _matrix(
        transfer,
        cells,
        ("transfer-srocc", "SROCC with people's scores after the attack", ".3f"),
        lambda entry: entry.srocc,
        lambda entry: f"before {figure(entry.srocc_before.value, '.3f')}",
        judges=True,
    )
    return rgo, srocc


def _matrix(
    transfer: Transfer,
    cells: Sequence[Cell],
    heads: tuple[str, str, str],
    value: Callable[[Entry], Estimate],
    beside: Callable[[Entry], str],
    *,
    judges: bool = False,
) -> Matrix:
    """Return a matrix of the entries' values; `heads` are its name, caption and format."""
    name, caption, form = heads
    labels = {cell.data.cell: cell.label for cell in cells}
    columns = titles(transfer.columns)
    table: list[Sequence[Any]] = [("made against", "scored by", "own", *spread("value"))]
    rows = []
    values = [value(entry).value or 0.0 for line in transfer.entries for entry in line]
    most = max(map(abs, values), default=0.0) or 1.0
    for row, line in zip(transfer.rows, transfer.entries, strict=True):
        label, squares = labels.get(row.cell, row.cell), []
        for column, entry in zip(columns, line, strict=True):
            squares.append(_square(value(entry), beside(entry), form, most, own=entry.own))
            table.append((label, column, entry.own, value(entry)))
        rows.append((label, tuple(squares)))
    return Matrix(name, caption, columns, tuple(rows), csv_url(table), judges)


def _square(estimate: Estimate, beside: str, form: str, most: float, *, own: bool) -> Square:
    shade = round((estimate.value or 0.0) / most, 3)
    return Square(own, figure(estimate.value, form), interval(estimate, form), beside, shade)
