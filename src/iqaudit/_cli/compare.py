"""The command compare."""

from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

import iqaudit
from iqaudit._analysis.tables.catalogue import MEASURES, find
from iqaudit._analysis.tables.leaderboard import DEFAULT, Leaderboard, record, shown
from iqaudit._cli import options
from iqaudit._cli.printing import figure, interval, print_json, print_missing, say, stdout, table
from iqaudit._core.threat import words


@options.command()
@click.argument("runs", type=options.PATH, nargs=-1, required=True, metavar="RUN...")
@options.in_output(
    "--by",
    default=DEFAULT,
    show_default=True,
    metavar="MEASURE",
    help="Measure that victims are sorted by.",
)
@options.in_output("--html", type=options.PATH, metavar="FILE", help="HTML page of the boards.")
@options.output
def compare(*, runs: Sequence[Path], by: str, html: Path | None, output: options.Output) -> None:
    """Print leaderboards of victims, the firmest first: by their worst attack, then by each.

    \b
    Examples:
      iqaudit compare dbcnn-run liqe-run
      iqaudit compare audit --by srocc_after
      iqaudit compare dbcnn-run liqe-run --html board.html
    """
    measures = MEASURES if output.as_json else shown(find(by))
    boards = iqaudit.compare(runs, by, measures, html=html)
    if output.as_json:
        print_json(record(boards))
    elif not output.quiet:
        for each in boards:
            stdout().print(_table(each, runs))
        if html is not None:
            say(f"page  {html}")
    if not output.quiet:
        print_missing(iqaudit.Audit(runs[0], others=runs[1:]).missing)


def _table(board: Leaderboard, runs: Sequence[Path]) -> Table:
    """Return a leaderboard's table: the firmest victim first.

    A row says its run where several were named, and its cell where the victim has several rows.
    """
    once = len({each.row.victim for each in board.standings}) == len(board.standings)
    protocol = f"{board.attack} · {words(board.levels)} · goal {board.goal} · {board.budget}"
    places = table(
        "*",
        "victim",
        *(["worst attack"] if board.is_of_the_worst else []),
        *(["run"] if len(runs) > 1 or not once else []),
        "*pictures",
        title=f"{board.data or 'pictures'} · {protocol}",
        caption=_caption(board),
    )
    for measure in board.measures:
        places.add_column(measure.title, justify="right")
        if measure == board.by:
            places.add_column("95 % interval", justify="right", no_wrap=True)
    for standing in board.standings:
        row = standing.row
        values = []
        for measure in board.measures:
            estimate = row.values[measure.name]
            values.append(figure(estimate.value, measure.form))
            if measure == board.by:
                values.append(interval(estimate, measure.form))
        run = standing.run
        if not once and row.cell not in run:
            run = f"{run}/{row.cell}"
        worst = [Text(standing.attack)] if board.is_of_the_worst else []
        places.add_row(
            str(standing.rank or "-"),
            Text(row.victim),
            *worst,
            *([Text(run)] if len(runs) > 1 or not once else []),
            str(row.pictures),
            *values,
        )
    return places


def _caption(board: Leaderboard) -> str:
    caption = f"Firmest first, by {board.by.title}."
    if not board.same_attacks:
        caption += "\nNot all were attacked in as many ways: more attacks find a worse one."
    if not board.same_pictures:
        caption += "\nNot all were attacked on the same pictures: compare with care."
    scales = {each.row.victim: each.row.scale for each in board.standings}
    caption += "".join(f"\n{victim}: {scale}" for victim, scale in scales.items())
    for standing in board.standings:
        if standing.row.doubt:
            place = "" if standing.rank else ", not ranked"
            flags = f" [{standing.row.flags}]" if standing.row.flags else ""
            caption += f"\n{standing.row.victim}{place}{flags}: {standing.row.doubt}"
    texts = [each.text for each in board.comparisons] + [each.text for each in board.citations]
    return "\n".join((caption, *texts, ""))
