"""The command export."""

from pathlib import Path

import click

from iqaudit import Audit
from iqaudit._cli import options
from iqaudit._cli.printing import print_missing, say
from iqaudit._core.errors import InputError


@options.command()
@click.argument("run", type=options.PATH)
@options.in_output("--csv", type=options.PATH, metavar="FILE", help="CSV file.")
@options.in_output(
    "--parquet", type=options.PATH, metavar="FILE", help="Parquet file; needs iqaudit[parquet]."
)
def export(*, run: Path, **files: Path | None) -> None:
    """Write a row a picture and cell, with every figure and the opinion score.

    \b
    Examples:
      iqaudit export audit --csv audit.csv
      iqaudit export audit --parquet audit.parquet
    """
    if not any(files.values()):
        raise InputError("Say where to: --csv FILE or --parquet FILE.")
    audit = Audit(run)
    for form, file in files.items():
        if file is not None:
            rows = audit.export(**{form: file})
            say(f"{len(rows)} rows written to {file}")
    print_missing(audit.missing)
