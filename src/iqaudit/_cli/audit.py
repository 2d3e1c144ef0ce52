"""The command audit."""

import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

import iqaudit
from iqaudit._cli import options
from iqaudit._cli.gate import Gate, gate_options
from iqaudit._cli.printing import figure, print_doubts, print_json, stderr, stdout, table
from iqaudit._cli.progress import Progress, watched
from iqaudit._core.errors import InputError
from iqaudit._runs.records import RunRecord
from iqaudit._runs.schema import load, runs

out_option = options.in_output("--out", type=Path, metavar="DIR", help="Directory to write.")


@options.command()
@options.audit
@options.execution
@out_option
@options.overwrite
@options.yes
@gate_options
@options.output
def audit(
    *,
    settings: dict[str, Any],
    execution: options.Execution,
    out: Path | None,
    overwrite: bool,
    yes: bool,
    gate: Gate,
    output: options.Output,
) -> None:
    """Attack several victims on one set of pictures; the same command again goes on.

    \b
    Examples:
      iqaudit audit --victim reference --data clive:CLIVE --sample 50 --queries 1000 --out run
      iqaudit audit --victim dbcnn,checkpoint=dbcnn.pt --paper live --data live:LIVE --out run
      iqaudit audit photos/ --victim reference --attack guided --attack square --out run
      iqaudit audit --from audit.toml --out run
    """
    if out is None:
        raise InputError("An audit needs a folder to write: --out RUN.")
    progress = Progress(stderr(), quiet=output.silent)
    how = execution.arguments() | {"yes": yes, "overwrite": overwrite, "analyses": False}
    try:
        with progress:
            done = iqaudit.audit(**settings, **how, out=out, observer=progress)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{progress.far}; the same command goes on.") from None
    finish(done, output)
    sys.exit(gate.exit_code(out))


def finish(done: iqaudit.Audit, output: options.Output) -> None:
    """Print a finished audit's figures, then score its analyses and write its page.

    The figures first: the rest takes a while, and the same command goes on with it.
    """
    cells = [(path.name, load(path)) for path in runs(done.path)]
    if output.as_json:
        print_json([{"cell": name, **asdict(record.summary)} for name, record in cells])
    elif not output.quiet:
        stdout().print(_table(cells))
        click.echo(f"\nruns    {done.path}")
    if not output.silent:
        print_doubts(done.cells)
    try:
        left = done.analyse(watched(silent=output.silent))
        page = done.report()
    except KeyboardInterrupt:
        sentence = "every picture is finished; the same command goes on."
        raise KeyboardInterrupt(sentence) from None
    if output.silent:
        return
    if left:
        click.echo(
            f"{', '.join(left)}: may cost money, so not asked for more; iqaudit transfer "
            f"{done.path} and iqaudit insights {done.path} say what they would.",
            err=True,
        )
    click.echo(f"report  {page}")


def _table(records: Iterable[tuple[str, RunRecord]]) -> Table:
    """Return a row a cell, from its folder's name and its record."""
    cells = table("cell", "*pictures", "*RGO", "*reachable", "*SSIM", "*L∞", "*queries")
    for name, record in records:
        summary = record.summary
        cells.add_row(
            Text(name),
            str(summary.pictures),
            figure(summary.rgo, ".3f"),
            figure(summary.reachable_rgo, ".3f"),
            figure(summary.ssim, ".4f"),
            figure(summary.linf, "d"),
            f"{summary.queries:,}",
        )
    return cells
