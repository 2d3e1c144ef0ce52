"""The command insights."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

import iqaudit
from iqaudit._analysis.findings.figures import Insights
from iqaudit._analysis.findings.sentences import UNKNOWING
from iqaudit._cli import options
from iqaudit._cli.printing import print_json, print_missing, say, stdout, unscored_code
from iqaudit._cli.progress import watched
from iqaudit._runs.schema import INSIGHTS
from iqaudit._search.trial import on_unscored
from iqaudit.victims._spec import VictimSpec


@options.command()
@click.argument("directory", type=options.PATH)
@options.own_victim
@options.trust
@options.yes
@options.output
def insights(
    *,
    directory: Path,
    victim: VictimSpec | None,
    trust: bool,
    yes: bool,
    output: options.Output,
) -> None:
    """Print what an attack shows about its victim: of a run, or of each cell of an audit.

    The same command again goes on where it was stopped; no score is asked twice.

    \b
    Example:
      iqaudit insights iqaudit-demo
    """
    watch = watched(silent=output.silent)
    cells = iqaudit.insights(directory, victim, yes=yes, watch=watch, trust=trust)
    if output.as_json:
        files = {cell.resolve().name: cell / INSIGHTS for cell in cells}
        print_json({name: json.loads(file.read_text("utf-8")) for name, file in files.items()})
    elif not output.quiet:
        for cell, whole in cells.items():
            _print_insights(whole, cell.resolve().name)
            say(f"written to {cell / INSIGHTS}\n")
    if not output.quiet:
        print_missing(iqaudit.Audit(directory).missing)
    left_out = {cell.resolve().name: on_unscored(each.unscored) for cell, each in cells.items()}
    if code := unscored_code(left_out, told=not output.silent):
        sys.exit(code)


def _print_insights(whole: Insights, name: str) -> None:
    stdout().print(Text(f"{name}: {whole.attack} on {whole.victim}", style="bold"))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=14)
    grid.add_column(overflow="fold")
    for title, text in _sentences(whole).items():
        grid.add_row(Text(title), Text(text))
    stdout().print(grid)


def _sentences(whole: Insights) -> Mapping[str, str]:
    """Return the figures' sentences, by their subjects."""
    return {
        "strength": whole.floor.text,
        "direction": whole.directions.text,
        "clean quality": whole.starts.text,
        "distortion": whole.distortions.text,
        **{trend.name: trend.text for trend in whole.contents},
        "where": whole.where.text,
        "frequencies": whole.frequencies.text,
        "colour": whole.colours.text,
        **{each.treatment: each.text for each in whole.survival},
        "what survives": UNKNOWING,
        "queries": whole.pace.text,
    }
