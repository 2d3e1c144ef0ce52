"""The tables that the command line prints."""

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from iqaudit._assess.check import Finding, Verdict
from iqaudit._assess.cost import duration
from iqaudit._audit.estimate import Share
from iqaudit._audit.status import Standing
from iqaudit._runs.figures import Row, Summary
from iqaudit._runs.records import RunRecord
from iqaudit._runs.verify import Check
from iqaudit._search.stop import Outcome

VERDICTS = 3
"""Differences that `verify` prints for a picture; --json has them all."""


def figure(value: float | None, form: str) -> str:
    """Format a figure, or a dash where there is none."""
    return "-" if value is None else format(value, form)


def results(rows: Iterable[Row], summary: Summary) -> Table:
    """Return a run's table: a row a picture, then the means."""
    table = _table("picture", "*score", "*", "", "*RGO", "*SSIM", "*FLIP", "*L∞", "*queries")
    table.columns[1].header, table.columns[2].header = "score before", "→ after"
    table.columns[3].header = "direction"
    for row in rows:
        mark = "" if Outcome[row.outcome.upper()].finished else " *"
        table.add_row(
            Text(row.name + mark),
            f"{row.clean_score:.4g}",
            f"→ {row.attacked_score:.4g}",
            row.direction,
            f"{row.rgo:.3f}",
            figure(row.ssim, ".4f"),
            figure(row.flip, ".4f"),
            str(row.linf),
            str(row.queries),
        )
    table.add_section()
    table.add_row(
        "mean",
        "",
        "",
        f"{summary.lowered} lower, {summary.raised} raise",
        figure(summary.rgo, ".3f"),
        figure(summary.ssim, ".4f"),
        figure(summary.flip, ".4f"),
        figure(summary.linf, "d"),
        str(summary.queries),
    )
    table.caption = (
        "RGO: how far the score went of how far 0-10 lets it; a perfect attack would reach "
        f"{figure(summary.reachable_rgo, '.3f')} on this victim.\n"
        "FLIP: what is seen on flipping between the two, 0 to 1. "
        "L∞: the largest change of any pixel, in levels of 255.\n"
        "In the row of means, L∞ is the largest, and queries are the sum."
    )
    table.caption_justify = "left"
    return table


def cells(records: Iterable[tuple[str, RunRecord]]) -> Table:
    """Return an audit's table: a row a cell, from its folder's name and its record."""
    table = _table("cell", "*pictures", "*RGO", "*reachable", "*SSIM", "*L∞", "*queries")
    for name, record in records:
        summary = record.summary
        table.add_row(
            Text(name),
            str(summary.pictures),
            figure(summary.rgo, ".3f"),
            figure(summary.reachable_rgo, ".3f"),
            figure(summary.ssim, ".4f"),
            figure(summary.linf, "d"),
            f"{summary.queries:,}",
        )
    return table


def standings(rows: Sequence[Standing]) -> Table:
    """Return the table of `iqaudit status`."""
    table = _table("cell", "*finished", "*begun", "*waiting", "*queries answered")
    for each in rows:
        table.add_row(
            Text(each.cell),
            f"{each.finished} of {each.pictures}",
            str(each.begun),
            str(each.waiting),
            f"{each.queries:,}",
        )
    return table


def shares(rows: Iterable[Share], workers: int) -> Table:
    """Return the table of `iqaudit plan`: a row a victim."""
    table = _table("victim", "*searches", "*queries", "*and outside", "time", "*money")
    for share in rows:
        if share.seconds is None:
            took = "not asked: may be paid; one at a time"
        else:
            took = f"about {duration(share.seconds / workers)}, {workers} at once"
        table.add_row(
            Text(share.victim),
            f"{share.trials:,}",
            f"{share.queries:,}",
            str(share.outside),
            took,
            f"{share.price:,.2f}" if share.price else "-",
        )
    table.caption = (
        "Outside the budgets, at every start: two scores that tell a victim from another."
    )
    table.caption_justify = "left"
    return table


def scores(rows: Sequence[tuple[str, int, int, float, float]]) -> Table:
    """Return the table of `iqaudit score`: name, width, height, native score, quality."""
    table = _table("picture", "*size", "*score", "*quality 0-10")
    for name, width, height, score, quality in rows:
        table.add_row(Text(name), f"{width} x {height}", f"{score:.4f}", f"{quality:.3f}")
    return table


def checks(rows: Iterable[Check]) -> Table:
    """Return the table of `iqaudit verify`."""
    table = _table("picture", "*score", "*L∞", "verdict")
    for check in rows:
        wrong = "; ".join(check.wrong[:VERDICTS])
        recorded = f"as recorded, within {check.noise:.2g}" if check.noise else "as recorded"
        if len(check.wrong) > VERDICTS:
            wrong += f"; and {len(check.wrong) - VERDICTS} more"
        table.add_row(
            Text(check.name),
            figure(check.score, ".4f"),
            figure(check.linf, "d"),
            Text(wrong or recorded, style="red" if check.wrong else "green"),
        )
    return table


def finding(row: Finding) -> Table:
    """Return one check's line."""
    style = {Verdict.PASS: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}
    table = Table.grid(padding=(0, 2))
    for width in (4, 13):
        table.add_column(width=width)
    table.add_column(overflow="fold")
    verdict = Text(row.verdict.value, style=style[row.verdict])
    table.add_row(verdict, Text(row.check), Text(row.sentence))
    return table


def lines(rows: Iterable[tuple[str, str]]) -> Table:
    """Return two plain columns: a name and a line on it."""
    table = Table.grid(padding=(0, 2))
    for name, line in rows:
        table.add_row(Text("  " + name), Text(line))
    return table


def _table(*columns: str) -> Table:
    """Return a table; a star before a column's name sets it to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column.lstrip("*"), justify="right" if column[:1] == "*" else "left", overflow="fold"
        )
    return table
