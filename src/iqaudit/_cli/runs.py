"""The commands that make a run: demo and attack."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

import iqaudit
from iqaudit._audit.settings import SETTINGS
from iqaudit._cli import tables
from iqaudit._cli.console import INTERRUPTED, print_note, print_notes, stderr, stdout
from iqaudit._cli.gates import Gate, gate_options
from iqaudit._cli.options import (
    command,
    in_execution,
    in_output,
    output_options,
    setting,
    victim_options,
)
from iqaudit._cli.progress import Watcher
from iqaudit._core.errors import VictimError
from iqaudit._core.goal import Goal
from iqaudit._core.picture import Picture, collect
from iqaudit._core.threat import Linf
from iqaudit._runs.schema import RESULTS
from iqaudit._runs.store import RunDirectory, replaces
from iqaudit._search.driver import Plan, check_sizes, run
from iqaudit._search.trial import Stop
from iqaudit.attacks import ATTACKS
from iqaudit.victims._spec import VictimSpec, as_victim, averaged, ready, unasked

overwrite_option = in_output("--overwrite", is_flag=True, help="Replace the run that --out holds.")
out_option = partial(in_output, "--out", type=Path, metavar="DIR")


@command()
@setting(
    SETTINGS["queries"],
    help="Query budget per picture.  [default: about three minutes on two cores]",
)
@setting(SETTINGS["seeds"], single=True)
@out_option(default="iqaudit-demo", show_default=True, help="Directory to write.")
@overwrite_option
@output_options
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

    plan = Plan(
        as_victim("reference"),
        ATTACKS["bidirectional"][0],
        queries=pictures.QUERIES if queries is None else queries,
        seed=seed,
    )
    output = _Output(out, overwrite, quiet, as_json)
    _audit(plan, pictures.pictures(), output)


@command()
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@victim_options
@setting(SETTINGS["attacks"], single=True)
@setting(SETTINGS["levels"], single=True)
@setting(SETTINGS["goals"], single=True)
@setting(SETTINGS["seeds"], single=True)
@setting(SETTINGS["queries"], single=True)
@setting(SETTINGS["early_stop"])
@setting(SETTINGS["until_plateau"])
@in_execution(
    "--batch",
    default=1,
    show_default=True,
    metavar="N",
    help="Pictures searched together, in one batch of the victim.",
)
@out_option(required=True, help="Directory to write.")
@overwrite_option
@gate_options
@output_options
def attack(
    *,
    pictures: Sequence[str],
    victim: VictimSpec,
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
    """Push the quality scores of pictures (files, or folders of them) as far as they go.

    \b
    Examples:
      iqaudit attack photo.png --out audit
      iqaudit attack photos/ --levels 2 --queries 2000 --goal lower --out audit
      iqaudit attack photos/ --attack guided --early-stop 0.5 --out audit
    """
    proposer = iqaudit.attacks.named(attack)
    threat, stop = Linf(levels), Stop(early_stop, until_plateau)
    collected = collect(pictures)
    base = unasked(victim)
    plan = Plan(
        averaged(victim, base, 0.0), proposer, threat, Goal(goal), queries, seed, batch, stop=stop
    )
    check_sizes(base, collected)
    replaces(out, overwrite=overwrite)
    # Nothing is asked, as a victim's noise is measured, before everything else fits.
    plan = replace(plan, victim=ready(victim, base))
    _audit(plan, collected, _Output(out, overwrite, quiet, as_json), victim.described)
    sys.exit(gate.exit_code(out))


COMMANDS = (demo, attack)


class _Output(NamedTuple):
    """The output of a run: its directory, and how much of it is printed."""

    path: Path
    overwrite: bool
    quiet: bool
    as_json: bool


def _audit(
    plan: Plan, pictures: Sequence[Picture], output: _Output, named: Mapping[str, Any] | None = None
) -> None:
    """Run a plan into a directory, and print its results; every end keeps finished pictures."""
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
    finished = (
        f"{len(directory.rows) - unfinished} of {len(pictures)} pictures finished"
        + (f", {unfinished} begun" if unfinished else "")
        + (f"; kept in {output.path}." if directory.rows else ".")
    )
    if isinstance(failure, VictimError):
        raise VictimError(f"{str(failure).rstrip('.')}. {finished}")
    click.echo(f"Interrupted: {finished}", err=True)
    sys.exit(INTERRUPTED)


def _print_results(directory: RunDirectory, output: _Output, *, failed: bool) -> None:
    """Print the figures first: the page takes seconds, and they must not be lost with it."""
    from iqaudit._report import write_report  # other commands do without

    silent = output.quiet or output.as_json
    if output.as_json:
        click.echo(json.dumps(directory.record(), indent=1, allow_nan=False))
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
