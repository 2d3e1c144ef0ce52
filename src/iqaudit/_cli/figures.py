"""Tables of measures with intervals on a terminal: a cell's, and the leaderboard."""

import math
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from iqaudit import _analysis
from iqaudit._analysis import GROUPS, Estimate, Leaderboard, Measure, TableRow

BOARD = ("rgo", "reachable_rgo", "srocc_before", "srocc_after", "ssim", "flip")
"""The leaderboard's measures beside the one that it is sorted by; --json has all."""


def cell(row: TableRow, measures: Sequence[Measure], earlier: _analysis.Table) -> Table:
    """Return one cell's table: a row a measure, a column a budget, the interval last.

    Parameters
    ----------
    row : TableRow
        The cell's whole budget.
    measures : sequence of Measure
        The row's.
    earlier : Table
        As `by_queries` returns it.
    """
    before = [each for each in earlier.rows if each.cell == row.cell][:-1]
    table = Table(
        box=None, pad_edge=False, header_style="bold", title=_title(row), title_justify="left"
    )
    table.add_column("queries", overflow="fold")
    for each in (*before, row):
        table.add_column(f"{each.queries:,}", justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column("better for the victim")
    group = None
    for measure in measures:
        estimate = row.values[measure.name]
        if estimate.value is None:
            continue
        if measure.group != group:
            group = measure.group
            table.add_section()
            table.add_row(Text(GROUPS[group], style="italic"))
        there = [
            figure(each.values[measure.name].value, measure) if measure.by_queries else ""
            for each in before
        ]
        better = "higher" if measure.higher_favours == "victim" else "lower"
        unit = f", {measure.unit}" if measure.unit else ""
        table.add_row(
            "  " + measure.title + unit,
            *there,
            figure(estimate.value, measure),
            _interval(estimate, measure),
            better,
        )
    table.caption = _caption(row)
    table.caption_justify = "left"
    return table


def board_measures(by: Measure) -> tuple[Measure, ...]:
    """Return the measures of the leaderboard."""
    return tuple(dict.fromkeys((by, *(_analysis.find(name) for name in BOARD))))


def leaderboard(board: Leaderboard) -> Table:
    """Return a leaderboard's table: the firmest victim first."""
    title = (
        f"{board.data or 'pictures'} · {board.attack} · {board.levels}/255 · goal {board.goal} · "
        + board.budget
    )
    table = Table(
        box=None, pad_edge=False, header_style="bold", title=Text(title), title_justify="left"
    )
    table.add_column("", justify="right")
    table.add_column("victim", overflow="fold")
    table.add_column("run", overflow="fold")
    table.add_column("pictures", justify="right")
    for measure in board.measures:
        table.add_column(measure.title, justify="right")
        if measure == board.by:
            table.add_column("95 % interval", justify="right", no_wrap=True)
    for standing in board.standings:
        row = standing.row
        values = []
        for measure in board.measures:
            estimate = row.values[measure.name]
            values.append(figure(estimate.value, measure))
            if measure == board.by:
                values.append(_interval(estimate, measure))
        run = standing.run if row.cell in standing.run else f"{standing.run}/{row.cell}"
        table.add_row(str(standing.rank), Text(row.victim), Text(run), str(row.pictures), *values)
    caption = f"Firmest first, by {board.by.title}."
    if not board.same_pictures:
        caption += "\nNot all were attacked on the same pictures: compare with care."
    table.caption, table.caption_justify = caption, "left"
    return table


def figure(value: float | None, measure: Measure) -> str:
    """Format a measure's value; a dash where there is none."""
    if value is None:
        return "-"
    return "∞" if value == math.inf else format(value, measure.form)


def _interval(estimate: Estimate, measure: Measure) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{figure(estimate.low, measure)} to {figure(estimate.high, measure)}"


def _title(row: TableRow) -> Text:
    parts = [row.cell, row.victim, row.attack, *([row.data] if row.data else [])]
    return Text(" · ".join((*parts, f"{row.levels}/255", f"goal {row.goal}")))


def _caption(row: TableRow) -> str:
    text = f"{row.pictures} pictures"
    if row.seeds > 1:
        text += f", {row.seeds} seeds averaged within each"
    if row.unfinished:
        text += f", {row.unfinished} more not finished and left out"
    text += f"; {row.rated} with an opinion score" if row.rated else "; none with an opinion score"
    return text + ". Intervals: percentile bootstrap over pictures.\n"
