"""A suite's figures of a victim: the worst over its attacks, and a line that a paper can print."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from iqaudit._analysis.tables.catalogue import Measure, find
from iqaudit._analysis.tables.cells import CellData
from iqaudit._analysis.tables.tables import TableRow, estimate_record, table
from iqaudit._runs import schema
from iqaudit._runs.suites import SUITES, Suite
from iqaudit.measures._bootstrap import Estimate


@dataclass(frozen=True)
class CitedFigure:
    """A measure at a budget, by the attack under which it is worst for the victim.

    Attributes
    ----------
    measure : str
        Its name.
    queries : int
        The budget.
    attack : str
        The attack; empty where none has the figure.
    estimate : Estimate
        The figure, with its interval.
    """

    measure: str
    queries: int
    attack: str
    estimate: Estimate


@dataclass(frozen=True)
class Citation:
    """What a suite says of a victim.

    Attributes
    ----------
    suite, victim, data
        Names; the data's is None where it is not known.
    cells : tuple of str
        The cells that it is of.
    pictures, planned : int
        Those that every attack has finished, and those that there were to be.
    figures : tuple of CitedFigure
        By measure and budget.
    flags : str
        Words for the signs that a figure tells less than it seems to, by commas; empty without any.
    ranked : bool
        Whether the figures tell how firm the victim is, of one attack at the least.
    text : str
        The line.
    """

    suite: str
    victim: str
    data: str | None
    cells: tuple[str, ...]
    pictures: int
    planned: int
    figures: tuple[CitedFigure, ...]
    flags: str
    ranked: bool
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        figures = [
            vars(each) | {"estimate": estimate_record(each.estimate)} for each in self.figures
        ]
        return vars(self) | {"figures": figures}


def citations(path: str | os.PathLike[str], cells: Sequence[CellData]) -> tuple[Citation, ...]:
    """Return what the suite of an audit says of each victim that all its attacks are finished on.

    Parameters
    ----------
    path : path
        The audit's directory; without a suite there is nothing to cite.
    cells : sequence of CellData
        Its cells that have results.
    """
    manifest = schema.manifest(path)
    suite = None if manifest is None else SUITES.get(manifest.suite)
    if suite is None:
        return ()
    chosen = [find(name) for name in (*suite.at_each, *suite.at_last)]
    victims: dict[str, list[TableRow]] = {}
    for row in table(cells, chosen, over_seeds=True).rows:
        victims.setdefault(row.group, []).append(row)
    attacks, budgets = suite.settings["attacks"], suite.settings["queries"]
    whole = {(attack, queries) for attack in attacks for queries in budgets}
    return tuple(
        _citation(suite, rows)
        for rows in victims.values()
        if whole <= {(row.attack, row.queries) for row in rows}
    )


def _citation(suite: Suite, rows: Sequence[TableRow]) -> Citation:
    budgets = sorted(suite.settings["queries"])
    cited = [
        *((find(name), budgets) for name in suite.at_each),
        *((find(name), budgets[-1:]) for name in suite.at_last),
    ]
    figures = {
        measure: [_worst(measure, [row for row in rows if row.queries == at]) for at in queries]
        for measure, queries in cited
    }
    first = rows[0]
    pictures = min(row.pictures for row in rows)
    flags = ", ".join(dict.fromkeys(flag for row in rows for flag in row.flags.split(", ") if flag))
    ranked = any(row.ranked for row in rows)
    planned = first.pictures + first.unfinished
    counted = f"{pictures}" if pictures == planned else f"{pictures} of {planned}"
    noun = "picture" if planned == 1 else "pictures"
    # "pictures" is what loose files are called, and no data set's name.
    of = f" of {first.data}" if first.data and first.data != "pictures" else ""
    said = ", ".join(_said(measure, found) for measure, found in figures.items())
    signs = f" ({'' if ranked else 'not to be ranked: '}{flags})" if flags else ""
    return Citation(
        suite=suite.name,
        victim=first.victim,
        data=first.data,
        cells=tuple(dict.fromkeys(row.cell for row in rows)),
        pictures=pictures,
        planned=planned,
        figures=tuple(each for found in figures.values() for each in found),
        flags=flags,
        ranked=ranked,
        text=f"iqaudit {suite.name}, {first.victim}, {counted} {noun}{of}: {said}, worst over "
        f"attacks{signs}",
    )


def _worst(measure: Measure, rows: Sequence[TableRow]) -> CitedFigure:
    """Return the figure that is worst for the victim, of attacks whose figures tell something."""
    there = [row for row in rows if row.values[measure.name].value is not None]
    told = [row for row in there if row.ranked] or there
    if not told:
        return CitedFigure(measure.name, rows[0].queries, "", rows[0].values[measure.name])
    worst = max(told, key=lambda row: measure.weakness(row.values[measure.name].value or 0))
    return CitedFigure(measure.name, worst.queries, worst.attack, worst.values[measure.name])


def _said(measure: Measure, found: Sequence[CitedFigure]) -> str:
    """Return a measure's words: ``RGO@100 0.214 / @1,000 0.485``, and of one budget the figure."""
    values = [each.estimate.value for each in found]
    said = ["-" if value is None else format(value, measure.form) for value in values]
    if len(found) == 1:
        return f"{measure.title} {said[0]}"
    return measure.title + " / ".join(
        f"@{each.queries:,} {value}" for each, value in zip(found, said, strict=True)
    )
