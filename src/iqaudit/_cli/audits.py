"""The commands on audits: audit, plan and status."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import click

from iqaudit._analysis import transfer
from iqaudit._analysis.findings import insights
from iqaudit._audit.engines.cluster import ray
from iqaudit._audit.engines.processes import usual_workers
from iqaudit._audit.engines.registry import ENGINES, Engine, named
from iqaudit._audit.estimate import Estimate, estimate
from iqaudit._audit.execute import campaign_devices, run
from iqaudit._audit.parse import campaign, read
from iqaudit._audit.settings import DATA, SETTINGS
from iqaudit._audit.spec import Campaign
from iqaudit._audit.status import status
from iqaudit._cli import tables
from iqaudit._cli.console import INTERRUPTED, stderr, stdout
from iqaudit._cli.gates import Gate, gate_options
from iqaudit._cli.insights import analyse
from iqaudit._cli.options import (
    command,
    gathered,
    in_data,
    in_execution,
    in_output,
    output_options,
    setting,
    yes_option,
)
from iqaudit._cli.progress import AuditWatcher
from iqaudit._core.errors import InputError
from iqaudit._runs.schema import load, runs


def _campaign(*, file: Path | None, **values: Any) -> Campaign:
    settings = {key: value for key, value in values.items() if value not in (None, ())}
    if file is None:
        data = {key: settings.pop(key) for key in DATA if key in settings}
        return campaign({**settings, "data": data})
    if settings:
        raise InputError(f"--from says the whole audit; say {', '.join(sorted(settings))} there.")
    return read(file)


campaign_options = gathered(
    "campaign",
    _campaign,
    {
        "pictures": click.argument("pictures", nargs=-1, metavar="[PICTURE]..."),
        "file": in_data(
            "--from", "file", type=Path, metavar="FILE", help="TOML file of the whole audit."
        ),
        **{key: setting(row) for key, row in {**SETTINGS, **DATA}.items() if key != "pictures"},
    },
)
"""The options of an audit, gathered into a command's argument `campaign`."""


class _Execution(NamedTuple):
    """The execution of an audit: its engine, its workers, its directory."""

    workers: int | None
    engine: str
    ray_address: str | None
    gpus_per_worker: float | None
    out: Path | None
    yes: bool

    def backend(self) -> Engine:
        """Return the engine, with its options."""
        if self.engine == "ray":
            return ray(self.ray_address, self.gpus_per_worker or 0.0)
        options = {"--ray-address": self.ray_address, "--gpus-per-worker": self.gpus_per_worker}
        for name, value in options.items():
            if value is not None:
                raise InputError(f"{name} goes with --engine ray.")
        return named(self.engine)


execution_options = gathered(
    "execution",
    _Execution,
    {
        "workers": in_execution(
            "--workers",
            type=int,
            metavar="N",
            help="Parallel worker processes.  [default: one a core]",
        ),
        "engine": in_execution(
            "--engine",
            type=click.Choice(tuple(ENGINES)),
            default="processes",
            show_default=True,
            help="Execution backend.",
        ),
        "ray_address": in_execution(
            "--ray-address",
            metavar="auto|HOST:PORT",
            help="Ray cluster to join with --engine ray; otherwise Ray is started here.",
        ),
        "gpus_per_worker": in_execution(
            "--gpus-per-worker",
            type=float,
            metavar="GPUS",
            help="GPUs (or a part of one) a worker with --engine ray.  [default: 0]",
        ),
        "out": in_output("--out", type=Path, metavar="DIR", help="Directory to write."),
        "yes": yes_option,
    },
)
"""The options of an audit's execution, gathered into a command's argument `execution`."""


@command()
@campaign_options
@execution_options
@gate_options
@output_options
def audit(
    *, campaign: Campaign, execution: _Execution, gate: Gate, quiet: bool, as_json: bool
) -> None:
    """Attack several victims on one set of pictures; the same command again goes on.

    \b
    Examples:
      iqaudit audit --victim reference --data clive:CLIVE --sample 50 --queries 1000 --out run
      iqaudit audit --victim dbcnn,checkpoint=dbcnn.pt --paper live --data live:LIVE --out run
      iqaudit audit photos/ --victim reference --attack guided --attack square --out run
      iqaudit audit --from audit.toml --out run
    """
    out = execution.out
    if out is None:
        raise InputError("An audit needs a folder to write: --out RUN.")
    engine, watcher = execution.backend(), AuditWatcher(stderr(), quiet=quiet or as_json)
    workers, yes = execution.workers, execution.yes
    try:
        with watcher:
            run(campaign, out, engine=engine, workers=workers, yes=yes, watch=watcher)
    except KeyboardInterrupt:
        click.echo(f"Interrupted: {watcher.far}; the same command goes on.", err=True)
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
        rows = [{"cell": name, **record["summary"]} for name, record in cells]
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
@campaign_options
@execution_options
@output_options
def plan(*, campaign: Campaign, execution: _Execution, quiet: bool, as_json: bool) -> None:
    """Estimate an audit's queries, time, disk space and money, from the same arguments.

    A victim whose scores may cost money is not asked.

    \b
    Example:
      iqaudit plan --victim reference --data clive:CLIVE --sample 50 --queries 1000
    """
    taken = estimate(campaign)
    workers = execution.workers or usual_workers(campaign_devices(campaign))
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
