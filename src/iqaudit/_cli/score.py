"""The command score."""

from collections.abc import Sequence

import click
from rich.text import Text

import iqaudit
from iqaudit._api.victims import made
from iqaudit._cli import options
from iqaudit._cli.printing import noted, print_json, stdout, table
from iqaudit._core.collection import collect
from iqaudit.victims._spec import VictimSpec


@options.command()
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@options.victim
@options.recursive
@options.ignore_memory
@options.output
def score(
    *,
    pictures: Sequence[str],
    recursive: bool,
    ignore_memory: bool,
    victim: VictimSpec,
    output: options.Output,
) -> None:
    """Score pictures (files, or folders of them).

    \b
    Example:
      iqaudit score photo.png photos/
    """
    collected = collect(pictures, recursive=recursive)
    scorer = made(victim, noted(collected, silent=output.silent), ignore_memory=ignore_memory)
    card = scorer.card
    if card.note and not output.quiet:  # as a licence, for those who cite the scores
        click.echo(f"{card.name}: {card.note}", err=True)
    scores: list[iqaudit.Score] = []
    try:
        iqaudit.score(collected, scorer, ignore_memory=True, progress=scores.append)
    finally:  # the answers may have been paid for
        print_scores(scores, output)


def print_scores(scores: Sequence[iqaudit.Score], output: options.Output) -> None:
    """Print pictures' scores."""
    if output.as_json:
        print_json([each._asdict() for each in scores])
    elif scores and not output.quiet:
        rows = table("picture", "*size", "*score", "*quality 0-10")
        for name, width, height, native, quality in scores:
            rows.add_row(Text(name), f"{width} x {height}", f"{native:.4f}", f"{quality:.3f}")
        stdout().print(rows)
