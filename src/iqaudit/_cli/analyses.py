"""The commands on measures of runs and audits: tables, export, compare."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from iqaudit import _analysis
from iqaudit._analysis.tables import export, leaderboard, tables
from iqaudit._analysis.tables.gate import Judgement
from iqaudit._cli import figures
from iqaudit._cli.console import stdout
from iqaudit._cli.gates import Gate, gate_options, report
from iqaudit._cli.options import command, in_output, output_options
from iqaudit._core.errors import InputError


@command("tables")
@click.argument("run", type=Path)
@in_output("--over-seeds", is_flag=True, help="Average seeds within each picture, a row for all.")
@gate_options
@output_options
def tables_(*, run: Path, over_seeds: bool, gate: Gate, quiet: bool, as_json: bool) -> None:
    """Print every measure of a run, or of an audit's cells, with 95 % intervals.

    \b
    Examples:
      iqaudit tables audit
      iqaudit tables audit --json --over-seeds
      iqaudit tables audit --fail-if "rgo > 0.3" --fail-if "srocc_after < 0.5" --junit gate.xml
    """
    cells, missing = _analysis.load(run), _analysis.missing(run)
    judged = gate.judge(cells, missing, over_seeds=over_seeds) if gate.rules else ()
    if as_json or not quiet:
        whole, earlier = (
            make(cells, over_seeds=over_seeds) for make in (_analysis.table, _analysis.by_queries)
        )
        if as_json:
            record = tables.record(whole) | {
                "by_queries": tables.record(earlier)["rows"],
                "missing": list(missing),
                "gate": [_verdict(each) for each in judged],
            }
            click.echo(json.dumps(record, indent=1, allow_nan=False))
        else:
            for row in {row.cell: row for row in whole.rows}.values():  # the whole budgets
                stdout().print(figures.cell(row, whole.measures, earlier))
            for name in missing:
                click.echo(f"{name}: no results yet")
    sys.exit(report(judged))


@command("export")
@click.argument("run", type=Path)
@in_output("--csv", "csv_file", type=Path, metavar="FILE", help="CSV file.")
@in_output("--parquet", type=Path, metavar="FILE", help="Parquet file; needs iqaudit[parquet].")
def export_(*, run: Path, csv_file: Path | None, parquet: Path | None) -> None:
    """Write a row a picture and cell, with every figure and the opinion score.

    \b
    Examples:
      iqaudit export audit --csv audit.csv
      iqaudit export audit --parquet audit.parquet
    """
    if csv_file is None and parquet is None:
        raise InputError("Say where to: --csv FILE or --parquet FILE.")
    cells = _analysis.load(run)
    count = sum(len(cell.pictures) for cell in cells)
    if csv_file is not None:
        export.write_csv(csv_file, cells)
        click.echo(f"{count} rows written to {csv_file}")
    if parquet is not None:
        export.write_parquet(parquet, cells)
        click.echo(f"{count} rows written to {parquet}")


@command("compare")
@click.argument("runs", type=Path, nargs=-1, required=True, metavar="RUN...")
@in_output(
    "--by",
    default=leaderboard.DEFAULT,
    show_default=True,
    metavar="MEASURE",
    help="Measure that victims are sorted by.",
)
@in_output("--html", type=Path, metavar="FILE", help="HTML page of the boards.")
@output_options
def compare_(
    *, runs: Sequence[Path], by: str, html: Path | None, quiet: bool, as_json: bool
) -> None:
    """Print leaderboards of victims, the firmest first: one for each setting of the attack.

    \b
    Examples:
      iqaudit compare dbcnn-run liqe-run
      iqaudit compare audit --by srocc_after
      iqaudit compare dbcnn-run liqe-run --html board.html
    """
    measures = _analysis.MEASURES if as_json else figures.board_measures(_analysis.find(by))
    boards = _analysis.compare(runs, by, measures)
    if as_json:
        click.echo(json.dumps(leaderboard.record(boards), indent=1, allow_nan=False))
    elif not quiet:
        for each in boards:
            stdout().print(figures.leaderboard(each))
    if html is not None:
        from iqaudit._report import write_comparison

        written = write_comparison(runs, html, by)
        if not (quiet or as_json):
            click.echo(f"page  {written}")


COMMANDS = (tables_, export_, compare_)


def _verdict(judged: Judgement) -> dict[str, object]:
    value = tables.finite(judged.value)
    return {
        "cell": judged.cell,
        "rule": judged.rule.text,
        "value": value,
        "failed": judged.failed,
        "sentence": judged.sentence,
    }
