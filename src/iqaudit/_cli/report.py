"""The command report."""

from pathlib import Path

import click

from iqaudit import Audit
from iqaudit._cli import options
from iqaudit._cli.printing import say


@options.command()
@click.argument("directory", type=options.PATH)
def report(*, directory: Path) -> None:
    """Write report.html again, of a run or of a whole audit, from its files.

    The page shows the results of `insights` and `transfer` too.

    \b
    Example:
      iqaudit report iqaudit-demo
    """
    say(Audit(directory).report())
