"""The transfer matrix as the page shows it: numbers on shades, the diagonal framed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from iqaudit._analysis.transfer import Entry, Transfer
from iqaudit._report.figures import csv_url, figure, numbers, spread
from iqaudit._report.verdict import Cell
from iqaudit.measures._bootstrap import Estimate


@dataclass(frozen=True)
class Square:
    """A number, its interval, what stands beside it, and its share, -1 to 1, of the largest."""

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
    matrix = _Maker(transfer, cells)
    matrices = [
        matrix.of(
            "transfer-rgo",
            "RGO on each victim of pictures made against one",
            lambda entry: entry.rgo.attack,
            lambda entry: f"random {figure(entry.rgo.floor.value, '+.3f')}",
            "+.3f",
        )
    ]
    if any(entry.srocc.value is not None for line in transfer.entries for entry in line):
        matrices.append(
            matrix.of(
                "transfer-srocc",
                "SROCC with people's scores after the attack",
                lambda entry: entry.srocc,
                lambda entry: f"before {figure(entry.srocc_before.value, '.3f')}",
                ".3f",
                judges=True,
            )
        )
    return tuple(matrices)


class _Maker:
    """Matrices of one transfer."""

    def __init__(self, transfer: Transfer, cells: Sequence[Cell]) -> None:
        labels = {cell.data.cell: cell.label for cell in cells}
        names = [column.name for column in transfer.columns]
        self._transfer = transfer
        self._rows = [labels.get(row.cell, row.cell) for row in transfer.rows]
        # Two victims of one name are told apart by what they were asked for by.
        self._columns = tuple(
            name if names.count(name) == 1 else column.victim
            for name, column in zip(names, transfer.columns, strict=True)
        )

    def of(
        self,
        name: str,
        caption: str,
        value: Callable[[Entry], Estimate],
        beside: Callable[[Entry], str],
        form: str,
        *,
        judges: bool = False,
    ) -> Matrix:
        table: list[Sequence[Any]] = [("made against", "scored by", "own", *spread("value"))]
        rows = []
        lines = self._transfer.entries
        values = [value(entry).value or 0.0 for line in lines for entry in line]
        most = max(map(abs, values), default=0.0) or 1.0
        for label, line in zip(self._rows, lines, strict=True):
            squares = []
            for column, entry in zip(self._columns, line, strict=True):
                found = value(entry)
                squares.append(_square(found, beside(entry), form, most, own=entry.own))
                table.append((label, column, entry.own, *numbers(found)))
            rows.append((label, tuple(squares)))
        return Matrix(name, caption, self._columns, tuple(rows), csv_url(table), judges)


def _square(estimate: Estimate, beside: str, form: str, most: float, *, own: bool) -> Square:
    interval = ""
    if estimate.low is not None and estimate.high is not None:
        interval = f"{figure(estimate.low, form)} to {figure(estimate.high, form)}"
    shade = round((estimate.value or 0.0) / most, 3)
    return Square(own, figure(estimate.value, form), interval, beside, shade)
