"""The commands that score a run's pictures once more: transfer and insights."""

import json
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import click
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from iqaudit._analysis import analyse as chain
from iqaudit._analysis import transfer as transfers
from iqaudit._analysis.findings import insights as analysis
from iqaudit._analysis.formatting import figure
from iqaudit._analysis.run_victims import asked, named, own, owns
from iqaudit._analysis.score_cache import Progress, Scorer
from iqaudit._cli.console import stderr, stdout
from iqaudit._cli.options import command, option, output_options, own_victim_options, yes_option
from iqaudit._core.errors import InputError
from iqaudit._core.threads import one_thread
from iqaudit._runs.schema import INSIGHTS, TRANSFER, runs
from iqaudit.measures._bootstrap import Estimate
from iqaudit.victims._base import ELSEWHERE
from iqaudit.victims._spec import VictimSpec


@command("transfer")
@click.argument("directory", type=Path)
@option(
    "--victim",
    "--victims",
    "victims",
    heading="Victim",
    multiple=True,
    metavar="SPEC",
    help="Victim and its options, SPEC[,OPTION=VALUE]...  [default: the run's; repeatable]",
)
@yes_option
@output_options
@one_thread()
def transfer_(
    *, directory: Path, victims: Sequence[str], yes: bool, quiet: bool, as_json: bool
) -> None:
    """Score the pictures made against each victim with all victims.

    The same command again goes on where it was stopped; no score is asked twice.

    \b
    Examples:
      iqaudit transfer audit
      iqaudit transfer audit --victim reference --victim onnx:net.onnx,range=0:1
    """
    cells = [path.resolve() for path in runs(directory)]
    scorers = [named(each, may_ask=yes) for each in victims] or owns(cells, may_ask=yes)
    asking = partial(_asking, yes=yes, silent=quiet or as_json)
    found = chain.write_transfer(directory, scorers, asking)
    if as_json:
        click.echo((directory / TRANSFER).read_text("utf-8"))
    elif not quiet:
        _print_transfer(found)
        click.echo(f"written to {directory / TRANSFER}")


@command("insights")
@click.argument("directory", type=Path)
@own_victim_options
@yes_option
@output_options
@one_thread()
def insights_(
    *, directory: Path, victim: VictimSpec | None, yes: bool, quiet: bool, as_json: bool
) -> None:
    """Print what an attack shows about its victim: of a run, or of each cell of an audit.

    The same command again goes on where it was stopped; no score is asked twice.

    \b
    Example:
      iqaudit insights iqaudit-demo
    """
    cells = runs(directory)
    scores = None if victim is None else asked(victim, may_ask=yes)
    silent = quiet or as_json
    for cell in cells:
        path = cell.resolve()
        scorer = own(path, may_ask=yes) if scores is None else Scorer(scores.card.name, scores)
        found = chain.write_insights(cell, scorer, partial(_asking, yes=yes, silent=silent))
        if not silent:
            _print_insights(found, path.name)
            click.echo(f"written to {cell / INSIGHTS}\n")
    if as_json:
        files = {cell.resolve().name: cell / INSIGHTS for cell in cells}
        contents = {name: json.loads(file.read_text("utf-8")) for name, file in files.items()}
        click.echo(json.dumps(contents, indent=1))


COMMANDS = (transfer_, insights_)


def analyse(directory: Path, *, silent: bool) -> str:
    """Write an audit's transfer.json and its cells' insights.json, where they are not there.

    Returns
    -------
    str
        The cells left unasked, since they may cost money, as a sentence; empty where none.
    """
    left = chain.analyse(directory, partial(_asking, yes=False, silent=silent))
    if not left:
        return ""
    return (
        f"{', '.join(left)}: may cost money, so not asked for more; "
        f"iqaudit transfer {directory} and iqaudit insights {directory} say what they would."
    )


@contextmanager
def _asking(
    shares: Sequence[chain.Share], bound: str, *, yes: bool, silent: bool
) -> Iterator[Progress]:
    """Say how many scores will be asked; refuse where they may cost money, unless with `yes`.

    Then show how many were, and turn the first Ctrl-C into a stop between two.
    """
    for scorer, most in shares:
        card = scorer.victim.card
        line = f"{scorer.label}: {bound}{most:,} scores to ask"
        line += f", {card.cost} queries each" if card.cost > 1 else ""
        if card.device == ELSEWHERE and not yes:
            raise InputError(f"{line}. They may cost money: say --yes to have them asked.")
        if not silent:
            click.echo(line, err=True)
    console, stopped = stderr(), False
    hidden = silent or not console.is_terminal

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def count(asked: int) -> None:
        bar.update(task, completed=asked)
        if stopped:
            raise KeyboardInterrupt

    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    columns = TextColumn("scores"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Bar(*columns, console=console, disable=hidden, transient=True) as bar:
        task = bar.add_task("scores", total=sum(most for _, most in shares))
        if ours:
            signal.signal(signal.SIGINT, stop)
        try:
            yield count
        finally:
            if ours:
                signal.signal(signal.SIGINT, signal.default_int_handler)


def _print_transfer(found: transfers.Transfer) -> None:
    """Print matrices of RGO, of the floor's, and of SROCC where there are opinion scores."""
    stdout().print(_matrix(found, lambda entry: entry.rgo.attack, "+.3f"))
    click.echo(
        "RGO on each victim (columns) of pictures made against one (rows); below 0: scores went "
        "the other way.\n* the victim that they were made against"
    )
    stdout().print(_matrix(found, lambda entry: entry.rgo.floor, "+.3f"))
    click.echo("The same of one random change of each picture.")
    if any(entry.srocc.value is not None for line in found.entries for entry in line):
        stdout().print(_matrix(found, lambda entry: entry.srocc, ".3f"))
        click.echo("SROCC with the opinion scores after the attack.")
    click.echo(found.text)


def _matrix(
    found: transfers.Transfer, of: Callable[[transfers.Entry], Estimate], form: str
) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("made against", overflow="fold")
    for column in found.columns:
        table.add_column(Text(column.victim), justify="right", overflow="fold")
    for row, line in zip(found.rows, found.entries, strict=True):
        cells = (("* " if entry.own else "") + figure(of(entry), form) for entry in line)
        table.add_row(Text(row.cell), *cells)
    return table


def _print_insights(found: analysis.Insights, name: str) -> None:
    console = stdout()
    console.print(Text(f"{name}: {found.attack} on {found.victim}", style="bold"))
    table = Table.grid(padding=(0, 2))
    table.add_column(width=14)
    table.add_column(overflow="fold")
    for title, text in _sentences(found).items():
        table.add_row(Text(title), Text(text))
    console.print(table)


def _sentences(found: analysis.Insights) -> Mapping[str, str]:
    """Return the figures' sentences, by their subject."""
    return {
        "strength": found.floor.text,
        "direction": found.directions.text,
        "clean quality": found.starts.text,
        "distortion": found.distortions.text,
        **{trend.name: trend.text for trend in found.contents},
        "where": found.where.text,
        "frequencies": found.frequencies.text,
        "colour": found.colours.text,
        **{each.treatment: each.text for each in found.survival},
        "queries": found.pace.text,
    }
