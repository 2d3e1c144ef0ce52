"""The commands on audits: audit, plan and status."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from iqaudit._analysis import transfer
from iqaudit._analysis.findings import insights
from iqaudit._audit.engines.processes import usual_workers
from iqaudit._audit.estimate import Estimate, estimate
from iqaudit._audit.execute import devices, run
from iqaudit._audit.parse import audit_spec, read
from iqaudit._audit.settings import DATA, SETTINGS
from iqaudit._audit.spec import AuditSpec
from iqaudit._audit.status import status
from iqaudit._cli import tables
from iqaudit._cli.console import INTERRUPTED, stderr, stdout
from iqaudit._cli.execution import Execution, execution_options
from iqaudit._cli.gates import Gate, gate_options
from iqaudit._cli.insights import analyse
from iqaudit._cli.options import (
    command,
    gathered,
    in_output,
    option,
    output_options,
    overwrite_option,
    setting,
    yes_option,
)
from iqaudit._cli.progress import Progress
from iqaudit._core.errors import InputError
from iqaudit._runs.schema import load, runs


def _audit(*, file: Path | None, **values: Any) -> AuditSpec:
    settings = {key: value for key, value in values.items() if value not in (None, ())}
    if file is None:
        data = {key: settings.pop(key) for key in DATA if key in settings}
        return audit_spec({**settings, "data": data})
    if settings:
        raise InputError(f"--from says the whole audit; say {', '.join(sorted(settings))} there.")
    return read(file)


audit_options = gathered(
    "spec",
    _audit,
    {
        "pictures": click.argument("pictures", nargs=-1, metavar="[PICTURE]..."),
        "file": option(
            "--from",
            "file",
            heading="Data",
            type=Path,
            metavar="FILE",
            help="TOML file of the whole audit.",
        ),
        **{key: setting(row) for key, row in {**SETTINGS, **DATA}.items() if key != "pictures"},
    },
)
"""The options of an audit, gathered into a command's argument `spec`."""


out_option = in_output("--out", type=Path, metavar="DIR", help="Directory to write.")


@command()
@audit_options
@execution_options
@out_option
@overwrite_option
@yes_option
@gate_options
@output_options
def audit(
    *,
    spec: AuditSpec,
    execution: Execution,
    out: Path | None,
    overwrite: bool,
    yes: bool,
    gate: Gate,
    quiet: bool,
    as_json: bool,
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
    progress = Progress(stderr(), quiet=quiet or as_json)
    how = execution.arguments()
    try:
        with progress:
            run(spec, out, yes=yes, overwrite=overwrite, observer=progress, **how)
    except KeyboardInterrupt:
        click.echo(f"Interrupted: {progress.far}; the same command goes on.", err=True)
        sys.exit(INTERRUPTED)
    finish(out, quiet=quiet, as_json=as_json)
    sys.exit(gate.exit_code(out))


def finish(out: Path, *, quiet: bool, as_json: bool) -> None:
    """Print a finished audit's figures, then score its analyses and write its page.

    The figures first: the rest takes a while, and the same command goes on with it.
    """
    from iqaudit._report import write_report  # other commands do without

    cells = [(path.name, load(path)) for path in runs(out)]
    if as_json:
        rows = [{"cell": name, **asdict(record.summary)} for name, record in cells]
        click.echo(json.dumps(rows, indent=1, allow_nan=False))
    elif not quiet:
        stdout().print(tables.cells(cells))
        click.echo(f"\nruns    {out}")
    silent = quiet or as_json
    try:
        left = analyse(out, silent=silent)
    except KeyboardInterrupt:
        click.echo("Interrupted: every picture is finished; the same command goes on.", err=True)
        sys.exit(INTERRUPTED)
    if left and not silent:
        click.echo(left, err=True)
    page = write_report(out)
    if not silent:
        click.echo(f"report  {page}")


@command()
@audit_options
@execution_options
@out_option
@overwrite_option
@yes_option
@output_options
def plan(*, spec: AuditSpec, execution: Execution, quiet: bool, as_json: bool, **_: Any) -> None:
    """Estimate an audit's queries, time, disk space and money, from the same arguments.

    A victim whose scores may cost money is not asked.

    \b
    Example:
      iqaudit plan --victim reference --data clive:CLIVE --sample 50 --queries 1000
    """
    taken = estimate(spec)
    workers = execution.workers or usual_workers(devices(spec))
    if as_json:
        click.echo(json.dumps({**asdict(taken), "workers": workers}, indent=1))
    elif not quiet:
        _print_estimate(taken, workers)


def _print_estimate(taken: Estimate, workers: int) -> None:
    trials = sum(share.trials for share in taken.shares)
    queries = sum(share.queries for share in taken.shares)
    click.echo(
        f"{taken.cells} cells x {taken.pictures} pictures: {trials:,} searches, at most "
        f"{queries:,} queries, about {taken.size / 1e6:,.0f} MB on disk"
    )
    stdout().print(tables.shares(taken.shares, workers))
    most = taken.cells * taken.pictures
    click.echo(
        f"Then insights ask at most {insights.MOST * most:,} scores more, and the transfer matrix "
        f"{transfer.MOST * most * len(taken.shares):,}; of no victim where one may have to be paid."
    )


@command("status")
@click.argument("directory", type=Path)
@output_options
def status_(*, directory: Path, quiet: bool, as_json: bool) -> None:
    """Print how far an audit is.

    \b
    Example:
      iqaudit status run
    """
    cells = status(directory)
    if as_json:
        click.echo(json.dumps([asdict(cell) for cell in cells], indent=1))
    elif not quiet:
        stdout().print(tables.standings(cells))


COMMANDS: Sequence[click.Command] = (audit, plan, status_)
