"""The audit: victims attacked side by side on one set of pictures, and its figures on disk."""

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from iqaudit._analysis import analyses
from iqaudit._analysis.tables import cells as cell_reader
from iqaudit._analysis.tables import export, gate, tables
from iqaudit._analysis.tables.cells import CellData
from iqaudit._analysis.tables.gate import Judgement
from iqaudit._analysis.tables.tables import Table
from iqaudit._audit.status import Standing, status, verify_audit
from iqaudit._runs.reader import results
from iqaudit._runs.verify import Check
from iqaudit._search.trial import TrialResult


class Audit:
    """An audit, or a run by itself, on disk; made by `iqaudit.audit` and `iqaudit.load`.

    Attributes
    ----------
    path : Path
        Its directory.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"Audit({str(self.path)!r})"

    @cached_property
    def cells(self) -> tuple[CellData, ...]:
        """The cells that have results: settings, and each picture's figures."""
        return cell_reader.load(self.path)

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of the cells that have no results yet."""
        return cell_reader.missing(self.path)

    def results(self, cell: str | None = None) -> tuple[TrialResult, ...]:
        """Return the pictures' results, of a cell where there are several.

        Raises
        ------
        InputError
            If there is no such cell, or none is named of several.
        """
        return tuple(results(cell_reader.find(self.cells, cell).path))

    def table(self) -> Table:
        """Return a row a cell with every measure and its 95 % interval."""
        return tables.table(self.cells)

    def by_queries(self) -> Table:
        """Return a row a cell and budget, for the measures that are known of earlier budgets."""
        return tables.by_queries(self.cells)

    def gate(self, rules: Iterable[str]) -> tuple[Judgement, ...]:
        """Judge every cell by rules, as ``"rgo > 0.3"``; one that holds is a failure.

        Raises
        ------
        InputError
            If a rule cannot be read.
        """
        parsed = tuple(gate.parse(rule) for rule in rules)
        measures = tuple(dict.fromkeys(rule.measure for rule in parsed))
        return gate.judge(tables.table(self.cells, measures), parsed, self.missing)

    def export(
        self,
        *,
        csv: str | os.PathLike[str] | None = None,
        parquet: str | os.PathLike[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Return a row a picture and cell with every figure; write them where files are given.

        Raises
        ------
        InputError
            If Parquet is asked for and pyarrow is not installed.
        """
        if csv is not None:
            export.write_csv(Path(csv), self.cells)
        if parquet is not None:
            export.write_parquet(Path(parquet), self.cells)
        return export.rows(self.cells)

    def analyse(self, *, yes: bool = False) -> str:
        """Make the transfer matrix and every cell's insights, as far as they are not there.

        Returns
        -------
        str
            A sentence on the victims that were not asked, whose scores may be paid for; empty where
            there is none.
        """
        return analyses.analyse(self.path, yes=yes)

    def report(self) -> Path:
        """Write the page, report.html, and return its path."""
        from iqaudit._report import write_report  # takes a second to load

        return write_report(self.path)

    def verify(self) -> tuple[Check, ...]:
        """Verify every picture of the finished cells; see `iqaudit.verify`."""
        return tuple(check for _, checks in verify_audit(self.path) for check in checks)

    def status(self) -> tuple[Standing, ...]:
        """Return how far each cell is."""
        return status(self.path)


def load(path: str | os.PathLike[str]) -> Audit:
    """Return the audit, or the run, of a directory.

    Raises
    ------
    InputError
        If there is neither, or it is not one that this version reads.
    """
    audit = Audit(path)
    _ = audit.cells
    return audit
