"""The commands on audits: audit, plan and status."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from iqaudit._analysis import transfer
from iqaudit._analysis.findings import insights
from iqaudit._audit.engines.cluster import ray
from iqaudit._audit.engines.processes import usual_workers
from iqaudit._audit.engines.registry import ENGINES, Engine, named
from iqaudit._audit.estimate import Estimate, estimate
from iqaudit._audit.execute import campaign_devices, run
from iqaudit._audit.parse import PAPERS, campaign, read
from iqaudit._audit.spec import Campaign
from iqaudit._audit.status import status
from iqaudit._cli import tables
from iqaudit._cli.console import INTERRUPTED, output_options, stderr, stdout
from iqaudit._cli.gates import Gate, gate_options
from iqaudit._cli.insights import analyse
from iqaudit._cli.progress import AuditWatcher
from iqaudit._core.errors import InputError
from iqaudit._core.goal import Goal
from iqaudit._runs.schema import load, runs

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = (
    click.argument("pictures", nargs=-1, metavar="[PICTURE]..."),
    click.option("--from", "file", type=Path, help="A TOML file that says the audit."),
    click.option("--paper", type=click.Choice(PAPERS), help="The paper's protocol on a data set."),
    click.option(
        "--victim",
        "victims",
        multiple=True,
        help="Who scores, with its options: SPEC,OPTION=VALUE; repeatable.",
    ),
    click.option("--data", "spec", help="A data set, as `iqaudit datasets` names it."),
    click.option(
        "--opinion-range",
        type=float,
        nargs=2,
        metavar="WORST BEST",
        help="The ends of a CSV's opinion scores.",
    ),
    click.option("--subset", help="A list of names, one a line, of the pictures to take."),
    click.option("--sample", type=int, help="Draw so many pictures.", metavar="N"),
    click.option(
        "--stratify",
        type=click.Choice(("type", "score")),
        help="Draw equal shares of the distortion types, or of the tenths of the scores.",
    ),
    click.option("--sample-seed", type=int, help="Of --sample; 0 by default."),
    click.option("--attack", "attacks", multiple=True, help="Who proposes; repeatable."),
    click.option(
        "--levels", multiple=True, type=int, help="Largest change, 3 by default; repeatable."
    ),
    click.option(
        "--goal",
        "goals",
        multiple=True,
        type=click.Choice([goal.value for goal in Goal]),
        help="Which way pictures are pushed; repeatable.",
    ),
    click.option(
        "--seed", "seeds", multiple=True, type=int, help="Of the attack, 0 by default; repeatable."
    ),
    click.option("--queries", type=int, help="Budget a picture, 500 by default."),
    click.option("--early-stop", type=float, metavar="RGO", help="End a picture's search there."),
    click.option(
        "--until-plateau",
        type=int,
        metavar="QUERIES",
        help="End a picture's search when so many find nothing better.",
    ),
    click.option("--out", type=Path, help="Folder to write."),
    click.option("--workers", type=int, help="Pictures worked on at once; a core each by default."),
    click.option(
        "--engine",
        type=click.Choice(tuple(ENGINES)),
        default="processes",
        show_default=True,
        help="How.",
    ),
    click.option(
        "--ray-address",
        metavar="auto|HOST:PORT",
        help="With --engine ray: the cluster to join. Unless said, Ray is started for the while.",
    ),
    click.option(
        "--gpus-per-worker",
        type=float,
        metavar="GPUS",
        help="With --engine ray: what part of a GPU a worker takes, 0 by default.",
    ),
    click.option("--yes", is_flag=True, help="A victim that may have to be paid is to be asked."),
)

OF_DATA = {
    "spec": "spec",
    "pictures": "pictures",
    "opinion_range": "opinion_range",
    "subset": "subset",
    "sample": "sample",
    "stratify": "stratify",
    "sample_seed": "seed",
}
"""What the command line calls the keys of a campaign's data."""

OTHERS = (
    *("paper", "victims", "attacks", "levels", "goals", "seeds", "queries"),
    *("early_stop", "until_plateau"),
)


def campaign_options(command: F) -> F:
    """Give a command the options of an audit, gathered into its argument `campaign`."""

    @wraps(command)
    def gathered(**arguments: Any) -> Any:
        said = {name: arguments.pop(name) for name in (*OF_DATA, *OTHERS)}
        given = {name: value for name, value in said.items() if value not in (None, ())}
        return command(campaign=_campaign(arguments.pop("file"), given), **arguments)

    for option in reversed(OPTIONS):
        gathered = option(gathered)
    return cast("F", gathered)


def _campaign(file: Path | None, given: dict[str, Any]) -> Campaign:
    if file is None:
        data = {key: given[name] for name, key in OF_DATA.items() if name in given}
        return campaign({**{name: given[name] for name in OTHERS if name in given}, "data": data})
    if given:
        raise InputError(f"--from says the whole audit; say {', '.join(sorted(given))} there.")
    return read(file)


@click.command()
@campaign_options
@gate_options
@output_options
def audit(
    *,
    campaign: Campaign,
    out: Path | None,
    workers: int | None,
    engine: str,
    ray_address: str | None,
    gpus_per_worker: float | None,
    yes: bool,
    gate: Gate,
    quiet: bool,
    as_json: bool,
) -> None:
    """Attack victims side by side on one set of pictures; given again, go on where it stopped.

    \b
    Examples:
      iqaudit audit --victim reference --data clive:CLIVE --sample 50 --queries 1000 --out run
      iqaudit audit --victim dbcnn,checkpoint=dbcnn.pt --paper live --data live:LIVE --out run
      iqaudit audit photos/ --victim reference --attack guided --attack square --out run
      iqaudit audit --from audit.toml --out run
    """
    if out is None:
        raise InputError("An audit needs a folder to write: --out RUN.")
    how = _engine(engine, ray_address, gpus_per_worker)
    silent = quiet or as_json
    watcher = AuditWatcher(stderr(), quiet=silent)
    try:
        with watcher:
            run(campaign, out, engine=how, workers=workers, yes=yes, watch=watcher)
    except KeyboardInterrupt:
        click.echo(f"Interrupted: {watcher.far}; the same command goes on.", err=True)
        sys.exit(INTERRUPTED)
    finish(out, quiet=quiet, as_json=as_json)
    sys.exit(gate.exit_code(out))


def _engine(name: str, address: str | None, gpus: float | None) -> Engine:
    if name == "ray":
        return ray(address, gpus or 0.0)
    for option, value in (("--ray-address", address), ("--gpus-per-worker", gpus)):
        if value is not None:
            raise InputError(f"{option} goes with --engine ray.")
    return named(name)


def finish(out: Path, *, quiet: bool, as_json: bool) -> None:
    """Print what came out of a finished audit, and write what is made of it.

    The figures first: what follows takes a while, and the same command goes on with it.
    """
    from iqaudit._report import write_report  # other commands do without

    found = [(path.name, load(path)) for path in runs(out)]
    if as_json:
        rows = [{"cell": name, **asdict(record.summary)} for name, record in found]
        click.echo(json.dumps(rows, indent=1, allow_nan=False))
    elif not quiet:
        stdout().print(tables.cells(found))
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


@click.command()
@campaign_options
@output_options
def plan(*, campaign: Campaign, workers: int | None, quiet: bool, as_json: bool, **_: Any) -> None:
    """Tell what an audit would take; takes the same arguments. What may be paid is not asked.

    \b
    Example:
      iqaudit plan --victim reference --data clive:CLIVE --sample 50 --queries 1000
    """
    found = estimate(campaign)
    most = workers or usual_workers(campaign_devices(campaign))
    if as_json:
        click.echo(json.dumps({**asdict(found), "workers": most}, indent=1))
    elif not quiet:
        _print_estimate(found, most)


def _print_estimate(found: Estimate, workers: int) -> None:
    trials = sum(share.trials for share in found.shares)
    queries = sum(share.queries for share in found.shares)
    click.echo(
        f"{found.cells} cells x {found.pictures} pictures: {trials:,} searches, at most "
        f"{queries:,} queries, about {found.size / 1e6:,.0f} MB on disk"
    )
    stdout().print(tables.shares(found.shares, workers))
    most = found.cells * found.pictures
    click.echo(
        f"Then insights ask at most {insights.MOST * most:,} scores more, and the transfer matrix "
        f"{transfer.MOST * most * len(found.shares):,}; of no victim where one may have to be paid."
    )


@click.command("status")
@click.argument("directory", type=Path)
@output_options
def status_(*, directory: Path, quiet: bool, as_json: bool) -> None:
    """Tell how far an audit is.

    \b
    Example:
      iqaudit status run
    """
    found = status(directory)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=1))
    elif not quiet:
        stdout().print(tables.standings(found))


COMMANDS: Sequence[click.Command] = (audit, plan, status_)
