"""The commands that read a run: verify and report."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import click

import iqaudit
from iqaudit._analysis.run_victims import own
from iqaudit._audit.status import verify_audit
from iqaudit._cli import tables
from iqaudit._cli.console import output_options, stdout
from iqaudit._cli.options import VictimOptions, own_victim_options
from iqaudit._core.errors import InputError
from iqaudit._runs.schema import AUDIT, DamagedRecordError


@click.command()
@click.argument("directory", type=Path)
@own_victim_options
@output_options
def verify(*, directory: Path, victim: VictimOptions, quiet: bool, as_json: bool) -> None:
    """Read a run's files back (or an audit's), measure and score them afresh, and compare.

    \b
    Example:
      iqaudit verify iqaudit-demo
    """
    if (directory / AUDIT).exists():
        if victim.spec:
            raise InputError(f"{directory}: this is an audit; give --victim with one of its cells.")
        found = [(cell, check) for cell, checks in verify_audit(directory) for check in checks]
    else:
        try:
            scorer = victim.make() if victim.spec else own(directory.resolve(), may_ask=True).victim
        except DamagedRecordError:  # a finding of the verification, which says where
            scorer = None
        found = [("", check) for check in iqaudit.verify(directory, scorer)]
    named = [replace(check, name=f"{cell}/{check.name}".lstrip("/")) for cell, check in found]
    wrong = sum(bool(check.wrong) for check in named)
    if as_json:
        click.echo(json.dumps([check.__dict__ for check in named], indent=1))
    elif not quiet:
        stdout().print(tables.checks(named))
        stdout().print(f"{len(named) - wrong} of {len(named)} pictures are as recorded.")
    sys.exit(1 if wrong else 0)


@click.command()
@click.argument("directory", type=Path)
def report(*, directory: Path) -> None:
    """Write report.html again, of a run or of a whole audit, from its files.

    What `insights` and `transfer` have found is shown.

    \b
    Example:
      iqaudit report iqaudit-demo
    """
    from iqaudit._report import write_report

    click.echo(write_report(directory))


COMMANDS = (verify, report)
