"""Where the commands print, and what they all can be told of it."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
from rich.console import Console

from iqaudit._core.picture import Picture
from iqaudit.victims._base import Victim

INTERRUPTED = 130
"""The shell's exit code for a command that Ctrl-C ended."""

F = TypeVar("F", bound=Callable[..., Any])


def output_options(command: F) -> F:
    """Give a command the options on what it prints."""
    command = click.option("--json", "as_json", is_flag=True, help="Print JSON, nothing else.")(
        command
    )
    return click.option("--quiet", is_flag=True, help="Print errors only.")(command)


def print_note(victim: Victim) -> None:
    """Say what whoever cites a score must know."""
    if victim.card.note:
        click.echo(f"{victim.card.name}: {victim.card.note}", err=True)


def print_notes(pictures: Sequence[Picture], *, quiet: bool) -> None:
    """Say what reading did to pictures."""
    for picture in pictures:
        for note in picture.notes:
            if not quiet:
                click.echo(f"{picture.name}: {note}", err=True)


def stdout() -> Console:
    """Return where results go."""
    return _console(Console())


def stderr() -> Console:
    """Return where progress goes."""
    return _console(Console(stderr=True))


def _console(console: Console) -> Console:
    if not console.is_terminal:
        console.width = 110  # a file or a pipe has no width of its own
    return console
