"""The command plot."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from iqaudit import Audit
from iqaudit._cli import options
from iqaudit._cli.printing import print_missing, say
from iqaudit._core.errors import InputError
from iqaudit._plots import KINDS, beside


@options.command()
@click.argument("run", type=options.PATH)
@options.in_output(
    "--kind",
    type=click.Choice(tuple(KINDS)),
    default="curve",
    show_default=True,
    help="RGO over queries; RGO over what is seen; people's scores against the victim's; transfer; "
    "defences.",
)
@options.in_output(
    "--out", type=options.PATH, required=True, metavar="FILE", help="PDF, SVG or PNG, by its name."
)
@options.in_output(
    "--columns",
    type=click.IntRange(1, 2),
    default=1,
    show_default=True,
    metavar="1|2",
    help="Width: one column of a paper's page, 3.5 inches, or two, 7.16.",
)
@options.in_output(
    "--measure",
    metavar="NAME",
    help="Of a curve, or what is seen of a price.  [default: rgo; ssim and flip]",
)
@options.in_data(
    "--cell",
    "cells",
    multiple=True,
    metavar="CELL",
    help="Cell to draw, as iqaudit tables names it.  [default: all; repeatable]",
)
def plot(
    *,
    run: Path,
    kind: Any,
    out: Path,
    columns: Any,
    measure: str | None,
    cells: Sequence[str],
) -> None:
    """Draw a figure for a paper, and write its numbers beside it as CSV.

    \b
    Examples:
      iqaudit plot audit --out curve.pdf
      iqaudit plot audit --kind scatter --columns 2 --out scatter.pdf
    """
    if measure and kind not in ("curve", "price"):
        raise InputError("--measure goes with --kind curve or price.")
    audit = Audit(run)
    audit.plot(kind, out, columns=columns, measure=measure, cells=cells or None)
    say(f"{out} and {beside(out)} written")
    print_missing(audit.missing)
