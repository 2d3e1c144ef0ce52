"""The commands that read a run: verify and report."""

import json
import sys
from pathlib import Path

import click

from iqaudit._api.audit import verify as verify_all
from iqaudit._cli import tables
from iqaudit._cli.console import stdout
from iqaudit._cli.options import command, output_options, own_victim_options
from iqaudit.victims._spec import VictimSpec


@command()
@click.argument("directory", type=Path)
@own_victim_options
@output_options
def verify(*, directory: Path, victim: VictimSpec | None, quiet: bool, as_json: bool) -> None:
    """Read a run's or an audit's files, measure and score them again, and compare.

    \b
    Example:
      iqaudit verify iqaudit-demo
    """
    named = verify_all(directory, victim)
    wrong = sum(bool(check.wrong) for check in named)
    if as_json:
        click.echo(json.dumps([check.__dict__ for check in named], indent=1))
    elif not quiet:
        stdout().print(tables.checks(named))
        stdout().print(f"{len(named) - wrong} of {len(named)} pictures are as recorded.")
    sys.exit(1 if wrong else 0)


@command()
@click.argument("directory", type=Path)
def report(*, directory: Path) -> None:
    """Write report.html again, of a run or of a whole audit, from its files.

    The page shows the results of `insights` and `transfer` too.

    \b
    Example:
      iqaudit report iqaudit-demo
    """
    from iqaudit._report import write_report

    click.echo(write_report(directory))


COMMANDS = (verify, report)
