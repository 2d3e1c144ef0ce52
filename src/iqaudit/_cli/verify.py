"""The command verify."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.text import Text

import iqaudit
from iqaudit._cli import options
from iqaudit._cli.printing import figure, print_json, print_missing, say, stdout, table
from iqaudit._core.errors import listed, some
from iqaudit._runs.checksums import noting
from iqaudit._runs.schema import RESULTS
from iqaudit.victims._spec import VictimSpec

SHOWN = 3
"""Differences that are printed for a picture, and files in one line; --json has them all."""


@options.command()
@click.argument("directory", type=options.PATH)
@options.own_victim
@options.trust
@options.output
def verify(
    *, directory: Path, victim: VictimSpec | None, trust: bool, output: options.Output
) -> None:
    """Read a run's or an audit's files, measure and score them again, and compare.

    \b
    Example:
      iqaudit verify iqaudit-demo
    """
    checks = iqaudit.verify(directory, victim, trust=trust)
    wrong = sum(bool(check.wrong) for check in checks)
    if output.as_json:
        print_json([vars(check) for check in checks])
    elif not output.quiet:
        rows = table("picture", "*score", "*L∞", "verdict")
        for check in checks:
            figures = figure(check.score, ".4f"), figure(check.linf, "d")
            rows.add_row(Text(check.name), *figures, _verdict(check))
        stdout().print(rows)
        say(_counted(checks))
    if not output.quiet:
        named = {check.name for check in checks}
        with noting():  # what is damaged is among the checks
            missing = iqaudit.Audit(directory).missing
        print_missing(each for each in missing if f"{each}/{RESULTS}" not in named)
    sys.exit(1 if wrong else 0)


def _counted(checks: Sequence[iqaudit.Check]) -> str:
    """Return the sentence on how many pictures are as recorded, and what else is not."""
    pictures = [not check.wrong for check in checks if check.is_picture]
    others = [check.name for check in checks if not check.is_picture]
    verb = "are" if len(others) > 1 else "is"
    named = some(others) if len(others) > SHOWN else listed(others or [""])
    besides = f"; {named} {verb} not" if others else ""
    return f"{sum(pictures)} of {len(pictures)} pictures are as recorded{besides}."


def _verdict(check: iqaudit.Check) -> Text:
    if not check.wrong:
        within = f", within {check.noise:.2g}" if check.noise else ""
        search = "" if check.replayed else "; its search cannot be made again"
        return Text(f"as recorded{within}{search}", style="green")
    return Text(some(check.wrong, SHOWN, "; ", "; "), style="red")
