"""The command transfer."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

import iqaudit
from iqaudit._analysis.findings.sentences import figure
from iqaudit._analysis.transfer import Entry, Transfer, titles
from iqaudit._cli import options
from iqaudit._cli.printing import print_missing, say, stdout, table, unscored_code
from iqaudit._cli.progress import watched
from iqaudit._runs.schema import TRANSFER
from iqaudit._search.trial import on_unscored
from iqaudit.measures._bootstrap import Estimate


@options.command()
@click.argument("directory", type=options.PATH)
@options.option(
    "--victim",
    "--victims",
    "victims",
    heading="Victim",
    multiple=True,
    metavar="SPEC",
    help="Victim and its options, SPEC[,OPTION=VALUE]...  [default: the run's; repeatable]",
)
@options.trust
@options.yes
@options.output
def transfer(
    *,
    directory: Path,
    victims: Sequence[str],
    trust: bool,
    yes: bool,
    output: options.Output,
) -> None:
    """Score the pictures made against each victim with all victims.

    The same command again goes on where it was stopped; no score is asked twice.

    \b
    Examples:
      iqaudit transfer audit
      iqaudit transfer audit --victim reference --victim onnx:net.onnx,range=0:1
    """
    watch = watched(silent=output.silent)
    whole = iqaudit.transfer(directory, victims, yes=yes, watch=watch, trust=trust)
    if output.as_json:
        say((directory / TRANSFER).read_text("utf-8"))
    elif not output.quiet:
        _print_transfer(whole)
        say(f"written to {directory / TRANSFER}")
    if not output.quiet:
        print_missing(iqaudit.Audit(directory).missing)
    if code := _code(whole, told=not output.silent):
        sys.exit(code)


def _code(whole: Transfer, *, told: bool) -> int:
    return unscored_code({"transfer": on_unscored(whole.unscored)}, told=told)


def _print_transfer(whole: Transfer) -> None:
    """Print matrices of RGO, of the baseline's, and of SROCC where there are opinion scores."""
    stdout().print(_matrix(whole, lambda entry: entry.rgo.attack, "+.3f"))
    say(
        "RGO on each victim (columns) of pictures made against one (rows); below 0: scores went "
        "the other way.\n* the victim that they were made against"
    )
    stdout().print(_matrix(whole, lambda entry: entry.rgo.floor, "+.3f"))
    say("The same of one random change of each picture.")
    if any(entry.srocc.value is not None for line in whole.entries for entry in line):
        stdout().print(_matrix(whole, lambda entry: entry.srocc, ".3f"))
        say("SROCC with the opinion scores after the attack.")
    say(whole.text)


def _matrix(whole: Transfer, of: Callable[[Entry], Estimate], form: str) -> Table:
    matrix = table("made against")
    for name in titles(whole.columns):
        matrix.add_column(Text(name), justify="right", overflow="fold")
    for row, line in zip(whole.rows, whole.entries, strict=True):
        cells = (("* " if entry.own else "") + figure(of(entry), form) for entry in line)
        matrix.add_row(Text(row.cell), *cells)
    return matrix
