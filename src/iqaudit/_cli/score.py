"""The command score."""

import sys
from collections.abc import Sequence
from typing import Any

import click
from rich.text import Text

import iqaudit
from iqaudit._api.victims import made
from iqaudit._cli import options
from iqaudit._cli.printing import UNSCORED, noted, print_json, say, stdout, table
from iqaudit._core.collection import collect
from iqaudit._search.trial import Unscored, on_unscored
from iqaudit.victims._spec import VictimSpec


@options.command()
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@options.victim
@options.recursive
@options.ignore_memory
@options.strict
@options.output
def score(
    *,
    pictures: Sequence[str],
    recursive: bool,
    ignore_memory: bool,
    strict: bool,
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
        say(f"{card.name}: {card.note}", err=True)
    scores: list[iqaudit.Score] = []
    try:
        iqaudit.score(collected, scorer, ignore_memory=True, strict=strict, progress=scores.append)
    finally:  # the answers may have been paid for
        print_scores(scores, output)
    if code := print_unscored(scores):
        sys.exit(code)


def print_scores(scores: Sequence[iqaudit.Score], output: options.Output) -> None:
    """Print pictures' scores."""
    if output.as_json:
        print_json([_as_json(each) for each in scores])
    elif any(not each.unscored for each in scores) and not output.quiet:
        rows = table("picture", "*size", "*score", "*quality 0-10")
        for name, width, height, native, quality, unscored in scores:
            figures = ("-", "-") if unscored else (f"{native:.4f}", f"{quality:.3f}")
            rows.add_row(Text(name), f"{width} x {height}", *figures)
        stdout().print(rows)


def print_unscored(scores: Sequence[iqaudit.Score]) -> int:
    """Print which pictures could not be scored; return the exit code."""
    unscored = [Unscored(each.name, each.unscored) for each in scores if each.unscored]
    if not unscored:
        return 0
    say(on_unscored(unscored, len(scores)), err=True)
    return UNSCORED


def _as_json(score: iqaudit.Score) -> dict[str, Any]:
    keys = score._asdict()
    unscored = keys.pop("unscored")
    return keys | ({"score": None, "quality": None, "unscored": unscored} if unscored else {})
