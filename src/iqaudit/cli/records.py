"""The commands that read a run: verify and report."""

import json
import sys
from pathlib import Path

import click

import iqaudit
from iqaudit.cli import tables
from iqaudit.cli.console import output_options, stdout
from iqaudit.cli.options import VictimOptions, own_victim_options


@click.command()
@click.argument("directory", type=Path)
@own_victim_options
@output_options
def verify(*, directory: Path, victim: VictimOptions, quiet: bool, as_json: bool) -> None:
    """Read a run's files back, measure and score them afresh, and compare with results.json.

    \b
    Example:
      iqaudit verify iqaudit-demo
    """
    found = iqaudit.verify(directory, victim.make() if victim.spec else None)
    wrong = sum(bool(check.wrong) for check in found)
    if as_json:
        click.echo(json.dumps([check.__dict__ for check in found], indent=1))
    elif not quiet:
        stdout().print(tables.checks(found))
        stdout().print(f"{len(found) - wrong} of {len(found)} pictures are as recorded.")
    sys.exit(1 if wrong else 0)


@click.command()
@click.argument("directory", type=Path)
def report(*, directory: Path) -> None:
    """Write a run's report.html again, from its files.

    \b
    Example:
      iqaudit report iqaudit-demo
    """
    from iqaudit.report import write_report

    click.echo(write_report(directory))


COMMANDS = (verify, report)
