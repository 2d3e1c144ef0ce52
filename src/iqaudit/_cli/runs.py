"""The commands that make a run: demo and attack."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from iqaudit._api.settings import audit_settings
from iqaudit._audit.execute import run
from iqaudit._audit.settings import SETTINGS
from iqaudit._audit.spec import AuditSpec
from iqaudit._cli import tables
from iqaudit._cli.console import INTERRUPTED, stderr, stdout
from iqaudit._cli.execution import Execution, execution_options
from iqaudit._cli.gates import Gate, gate_options
from iqaudit._cli.options import (
    command,
    in_output,
    output_options,
    overwrite_option,
    setting,
    victim_options,
)
from iqaudit._cli.progress import Progress
from iqaudit._core.errors import VictimError
from iqaudit._runs.schema import FORMAT, RESULTS, load
from iqaudit._runs.schema import as_json as as_text
from iqaudit.victims._spec import VictimSpec

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
    from iqaudit.datasets import _demo  # scikit-image's pictures take a second to load

    spec = audit_settings(
        victims=["reference"],
        data=_demo.pictures(),
        queries=_demo.QUERIES if queries is None else queries,
        seeds=[seed],
        flat=True,
    )
    _run(spec, out, overwrite=overwrite, quiet=quiet, as_json=as_json)


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
@execution_options
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
    execution: Execution,
    out: Path,
    gate: Gate,
    seed: int,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Push the quality scores of pictures (files, or folders of them) as far as they go.

    The same command again goes on where it was stopped.

    \b
    Examples:
      iqaudit attack photo.png --out audit
      iqaudit attack photos/ --levels 2 --queries 2000 --goal lower --out audit
      iqaudit attack photos/ --attack guided --early-stop 0.5 --out audit
    """
    spec = audit_settings(
        victims=[victim],
        data=list(pictures),
        attacks=[attack],
        levels=[levels],
        goals=[goal],
        seeds=[seed],
        queries=queries,
        early_stop=early_stop,
        until_plateau=until_plateau,
        flat=True,
    )
    how = execution.arguments()
    _run(spec, out, overwrite=overwrite, quiet=quiet, as_json=as_json, **how)
    sys.exit(gate.exit_code(out))


COMMANDS = (demo, attack)


def _run(
    spec: AuditSpec, out: Path, *, overwrite: bool, quiet: bool, as_json: bool, **how: Any
) -> None:
    """Run an audit of one cell, and print its results; every end keeps the answers so far."""
    progress = Progress(stderr(), quiet=quiet or as_json)
    try:
        with progress:
            run(spec, out, overwrite=overwrite, yes=True, observer=progress, **how)
    except KeyboardInterrupt:
        click.echo(f"Interrupted: {progress.far}; {_kept(out)}", err=True)
        sys.exit(INTERRUPTED)
    except VictimError as error:
        sentence = f"{str(error).rstrip('.')}. {progress.far.capitalize()}; {_kept(out)}"
        raise VictimError(sentence) from error
    _print_results(out, quiet=quiet, as_json=as_json)


def _kept(out: Path) -> str:
    return f"kept in {out}: the same command goes on." if out.exists() else "nothing was written."


def _print_results(out: Path, *, quiet: bool, as_json: bool) -> None:
    """Print the figures first: the page takes seconds, and they must not be lost with it."""
    from iqaudit._report import write_report  # other commands do without

    record = load(out)
    if as_json:
        click.echo(as_text(record, FORMAT))
    elif not quiet:
        stdout().print(tables.results(record.pictures, record.summary))
        click.echo(f"\nattacked pictures  {out / 'attacked'}")
        click.echo(f"figures            {out / RESULTS}")
    page = write_report(out)
    if not (quiet or as_json):
        click.echo(f"report             {page}")
