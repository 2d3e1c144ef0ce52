"""The command status."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.text import Text

from iqaudit import Audit
from iqaudit._cli import options
from iqaudit._cli.printing import print_json, say, stdout, table


@options.command()
@click.argument("directory", type=options.PATH)
@options.output
def status(*, directory: Path, output: options.Output) -> None:
    """Print how far an audit is.

    \b
    Example:
      iqaudit status run
    """
    audit = Audit(directory)
    cells = audit.status()
    if output.as_json:
        print_json([asdict(cell) for cell in cells])
    elif not output.quiet:
        rows = table("cell", "*finished", "*begun", "*waiting", "*queries answered")
        for each in cells:
            counts = str(each.begun), str(each.waiting), f"{each.queries:,}"
            rows.add_row(Text(each.cell), f"{each.finished} of {each.pictures}", *counts)
        stdout().print(rows)
        for cost in audit.costs:
            tokens = f"{cost.tokens:,} tokens, " if cost.tokens else ""
            say(
                f"{cost.victim}, in all starts: {cost.requests:,} requests billed, "
                f"{tokens}{cost.money:g} spent"
            )
        for sentence in (each for cell in cells for each in cell.damage):
            say(sentence)
