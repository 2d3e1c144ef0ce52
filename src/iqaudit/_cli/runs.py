"""The commands that make a run: demo and attack."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

import iqaudit
from iqaudit._cli import tables
from iqaudit._cli.console import (
    INTERRUPTED,
    output_options,
    print_note,
    print_notes,
    stderr,
    stdout,
)
from iqaudit._cli.gates import Gate, gate_options
from iqaudit._cli.options import VictimOptions, victim_options
from iqaudit._cli.progress import Watcher
from iqaudit._core.errors import VictimError
from iqaudit._core.goal import Goal
from iqaudit._core.picture import Picture, collect
from iqaudit._core.threat import Linf
from iqaudit._runs.schema import FORMAT, RESULTS, as_json
from iqaudit._runs.store import RunDirectory, replaces
from iqaudit._search.driver import SearchSpec, check_sizes, run
from iqaudit._search.stop import Stop
from iqaudit.attacks import ATTACKS
from iqaudit.victims._registry import as_victim
from iqaudit.victims._spec import averaged, ready, unasked

F = TypeVar("F", bound=Callable[..., Any])


def _run_options(command: F) -> F:
    for option in (
        click.option("--overwrite", is_flag=True, help="Replace the run that --out holds."),
        click.option("--seed", default=0, show_default=True, help="Of every random number."),
    ):
        command = option(command)
    return output_options(command)


@click.command()
@click.option(
    "--out", default="iqaudit-demo", show_default=True, type=Path, help="Folder to write."
)
@click.option(
    "--queries", type=int, help="Budget a picture; by default what took three minutes on two cores."
)
@_run_options
def demo(
    *, out: Path, queries: int | None, seed: int, overwrite: bool, quiet: bool, as_json: bool
) -> None:
    """Attack the bundled victim on eight photographs, with the paper's attack at 3/255.

    \b
    Examples:
      iqaudit demo
      iqaudit demo --queries 50 --out quick
    """
    from iqaudit.datasets import _demo as pictures  # scikit-image's pictures take a second to load

    plan = SearchSpec(
        as_victim("reference"),
        ATTACKS["bidirectional"][0],
        queries=pictures.QUERIES if queries is None else queries,
        seed=seed,
    )
    output = _Output(out, overwrite, quiet, as_json)
    _audit(plan, pictures.pictures(), output)


@click.command()
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@victim_options
@click.option(
    "--attack",
    default="bidirectional",
    show_default=True,
    help="Who proposes; `iqaudit list` shows the names.",
)
@click.option("--levels", default=3, show_default=True, help="Largest change, in levels of 255.")
@click.option("--queries", default=500, show_default=True, help="Budget: scores a picture.")
@click.option(
    "--goal",
    type=click.Choice([goal.value for goal in Goal]),
    default=Goal.BIDIRECTIONAL.value,
    show_default=True,
    help="Push good pictures down and bad ones up, or all one way.",
)
@click.option("--early-stop", type=float, metavar="RGO", help="End a picture's search there.")
@click.option(
    "--until-plateau",
    type=int,
    metavar="QUERIES",
    help="End a picture's search when so many find nothing better.",
)
@click.option("--out", required=True, type=Path, help="Folder to write.")
@click.option("--batch", default=1, show_default=True, help="Pictures attacked side by side.")
@gate_options
@_run_options
def attack(
    *,
    pictures: Sequence[str],
    victim: VictimOptions,
    attack: str,
    levels: int,
    queries: int,
    goal: str,
    early_stop: float | None,
    until_plateau: int | None,
    out: Path,
    batch: int,
    gate: Gate,
    seed: int,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Push the scores of pictures (files, or folders of them) as far as they go.

    \b
    Examples:
      iqaudit attack photo.png --out audit
      iqaudit attack photos/ --levels 2 --queries 2000 --goal lower --out audit
      iqaudit attack photos/ --attack guided --early-stop 0.5 --out audit
    """
    proposer = iqaudit.attacks.named(attack)
    threat, stop = Linf(levels), Stop(early_stop, until_plateau)
    collected = collect(pictures)
    made = unasked(victim.named)
    plan = SearchSpec(
        averaged(victim.named, made, 0.0),
        proposer,
        threat,
        Goal(goal),
        queries,
        seed,
        batch,
        stop=stop,
    )
    check_sizes(made, collected)
    replaces(out, overwrite=overwrite)
    # Nothing is asked, as a victim's noise is measured, before everything else fits.
    plan = replace(plan, victim=ready(victim.named, made))
    _audit(plan, collected, _Output(out, overwrite, quiet, as_json), victim.named.described)
    sys.exit(gate.exit_code(out))


COMMANDS = (demo, attack)


class _Output(NamedTuple):
    """Where a run's results go, and what of them is printed."""

    path: Path
    overwrite: bool
    quiet: bool
    as_json: bool


def _audit(
    plan: SearchSpec,
    pictures: Sequence[Picture],
    output: _Output,
    named: Mapping[str, Any] | None = None,
) -> None:
    """Run a plan into a directory, and print what came out; every end keeps what was found."""
    silent = output.quiet or output.as_json
    check_sizes(plan.victim, pictures)
    print_notes(pictures, quiet=silent)
    if not silent:
        print_note(plan.victim)
    failure: BaseException | None = None
    cost = plan.victim.card.cost
    watcher = Watcher(stderr(), len(pictures), plan.queries, cost, quiet=silent)
    with RunDirectory(output.path, plan, named=named, overwrite=output.overwrite) as directory:
        with watcher:
            try:
                for result in run(plan, pictures, watcher):
                    directory.add(result)
                    watcher.ended(result.queries)
            except (KeyboardInterrupt, VictimError) as error:
                failure = error
        if directory.rows:
            _print_results(directory, output, failed=failure is not None)
    if failure is None:
        return
    unfinished = directory.summary.unfinished
    kept = (
        f"{len(directory.rows) - unfinished} of {len(pictures)} pictures finished"
        + (f", {unfinished} begun" if unfinished else "")
        + (f"; kept in {output.path}." if directory.rows else ".")
    )
    if isinstance(failure, VictimError):
        raise VictimError(f"{str(failure).rstrip('.')}. {kept}")
    click.echo(f"Interrupted: {kept}", err=True)
    sys.exit(INTERRUPTED)


def _print_results(directory: RunDirectory, output: _Output, *, failed: bool) -> None:
    """Print the figures first: the page takes seconds, and they must not be lost with it."""
    from iqaudit._report import write_report  # other commands do without

    silent = output.quiet or output.as_json
    if output.as_json:
        click.echo(as_json(directory.record(), FORMAT))
    if not silent:
        stdout().print(tables.results(directory.rows, directory.summary))
        if failed:
            click.echo("* not finished; left out of the means")
        click.echo(f"\nattacked pictures  {directory.path / 'attacked'}")
        click.echo(f"figures            {directory.path / RESULTS}")
    page = write_report(directory.path)
    if not silent:
        click.echo(f"report             {page}")
        account = getattr(directory.victim, "account", None)
        if account is not None:
            click.echo(
                f"asked              {account.billed} requests billed, {account.unique} pictures "
                f"answered, {account.cached} answers from the cache, {account.spent:g} spent"
            )
