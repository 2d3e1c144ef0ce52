"""The consoles of the commands, and the notes that they all print."""

from collections.abc import Sequence

import click
from rich.console import Console

from iqaudit._core.picture import Picture
from iqaudit.victims._base import Victim

INTERRUPTED = 130
"""The shell's exit code for a command that Ctrl-C ended."""


def print_note(victim: Victim) -> None:
    """Print a victim's note, as a licence, for those who cite its scores."""
    if victim.card.note:
        click.echo(f"{victim.card.name}: {victim.card.note}", err=True)


def print_notes(pictures: Sequence[Picture], *, quiet: bool) -> None:
    """Print what reading did to pictures."""
    for picture in pictures:
        for note in picture.notes:
            if not quiet:
                click.echo(f"{picture.name}: {note}", err=True)


def stdout() -> Console:
    """Return the console of results."""
    return _console(Console())


def stderr() -> Console:
    """Return the console of progress."""
    return _console(Console(stderr=True))


def _console(console: Console) -> Console:
    if not console.is_terminal:
        console.width = 110  # a file or a pipe has no width of its own
    return console
