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
from iqaudit._cli.console import stdout
from iqaudit._cli.options import command, make_victim, output_options, own_victim_options
from iqaudit._core.errors import InputError
from iqaudit._runs.schema import AUDIT
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
    if (directory / AUDIT).exists():
        if victim is not None:
            raise InputError(f"{directory}: this is an audit; give --victim with one of its cells.")
        pairs = [(cell, check) for cell, checks in verify_audit(directory) for check in checks]
    else:
        run = directory.resolve()
        scorer = own(run, may_ask=True).victim if victim is None else make_victim(victim)
        pairs = [("", check) for check in iqaudit.verify(directory, scorer)]
    named = [replace(check, name=f"{cell}/{check.name}".lstrip("/")) for cell, check in pairs]
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
