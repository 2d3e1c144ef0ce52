"""Printing: consoles, notes, JSON, tables and their figures."""

import json
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from iqaudit._analysis.tables.cells import CellData
from iqaudit._cli.streams import own
from iqaudit._core.collection import Pictures
from iqaudit._core.errors import printable
from iqaudit._core.picture import Picture
from iqaudit._core.wording import number
from iqaudit.measures._bootstrap import Estimate

NAME = 16
"""Letters of a name that stand in one line, however narrow the window."""

UNSCORED = 4
"""The exit code where pictures could not be scored, and all others are finished."""


def escaped(text: object) -> str:
    """Return words as a terminal can show them: control characters are escaped, line by line."""
    return "\n".join(map(printable, str(text).split("\n")))


class _Console(Console):
    """A console of tables, whose cells may hold a stranger's names."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=escaped(segment.text))

    def print(self, *objects: Any, **options: Any) -> None:
        # a line that is too long is broken by the terminal; cropped, its last figures would lie
        super().print(*objects, **{"crop": False, **options})


def noted(pictures: Pictures, *, silent: bool) -> Iterator[Picture]:
    """Yield pictures, and print what was skipped and what reading did to each."""
    if not silent:
        print_skipped(pictures.skipped)
    for picture in pictures:
        for note in () if silent else picture.notes:
            say(f"{picture.name}: {note}", err=True)
        yield picture


def print_skipped(sentences: Iterable[str]) -> None:
    """Print what folders hold besides their pictures."""
    for sentence in sentences:
        say(sentence, err=True)


def print_doubts(cells: Iterable[CellData], told: Container[str] = ()) -> set[str]:
    """Print the signs that cells' figures do not tell how firm their victims are.

    But for those that were told; return all.
    """
    lines = [f"{cell.cell}: {doubt.text}" for cell in cells for doubt in cell.doubts]
    for line in lines:
        if line not in told:
            say(line, err=True)
    return set(lines)


def print_missing(names: Iterable[str], *, err: bool = True) -> None:
    """Print the names of an audit's cells that have no results yet."""
    for name in names:
        say(f"{name}: no results yet", err=err)


def unscored_code(sentences: Mapping[str, str], *, told: bool) -> int:
    """Return the exit code where pictures could not be scored, and say what to do about it.

    Parameters
    ----------
    sentences : mapping
        On them, by the cell; empty without any.
    told : bool
        Whether they were printed.
    """
    if not any(sentences.values()):
        return 0
    for cell, sentence in sentences.items():
        if sentence and not told:
            say(f"{cell}: {sentence}", err=True)
    say("The same command asks for the pictures that could not be scored again.", err=True)
    return UNSCORED


def say(text: object = "", *, err: bool = False) -> None:
    """Print words, which may hold a stranger's names, on our stdout or stderr."""
    click.echo(escaped(text), file=own("stderr" if err else "stdout"))


def print_json(value: object) -> None:
    """Print JSON, in which every number is finite."""
    say(json.dumps(value, indent=1, allow_nan=False))


def stdout() -> Console:
    """Return the console of results."""
    return _console(_Console(file=own("stdout")))


def stderr() -> Console:
    """Return the console of progress."""
    return _console(_Console(file=own("stderr"), stderr=True))


def _console(console: Console) -> Console:
    if not console.is_terminal:
        console.width = 110  # a file or a pipe has no width of its own
    return console


class _Table(Table):
    """A table whose figures are whole in a window of any width, between words that fill the window.

    A table's own title and caption would be cut into lines as narrow as it is.
    """

    def __init__(self, title: str, caption: str) -> None:
        super().__init__(box=None, pad_edge=False, header_style="bold")
        self._title, self._caption = title, caption

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        super().add_row(*cells, **options)
        for column, cell in zip(self.columns, cells, strict=False):
            names, figures = str(column.header).split(), str(cell).split()
            if column.justify == "left":
                names, figures = names + figures, []
            needed = [min(cell_len(word), NAME) for word in names] + [*map(cell_len, figures)]
            column.min_width = max((column.min_width or 0, *needed))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # a name in brackets is no markup
        if self._title:
            yield Text(self._title, style="table.title")
        yield from super().__rich_console__(console, options)
        if self._caption:
            yield Text(self._caption, style="table.caption")


def table(*columns: str, title: str = "", caption: str = "") -> Table:
    """Return a table; a star before a column's name sets it to the right."""
    made = _Table(title, caption)
    for column in columns:
        made.add_column(
            column.lstrip("*"), justify="right" if column[:1] == "*" else "left", overflow="fold"
        )
    return made


def lines(rows: Iterable[tuple[str, str]]) -> Table:
    """Return two plain columns: a name and a line on it."""
    grid = Table.grid(padding=(0, 2))
    for name, line in rows:
        grid.add_row(Text("  " + name), Text(line))
    return grid


def figure(value: float | None, form: str) -> str:
    """Format a figure; a dash where there is none."""
    return "-" if value is None else number(value, form)


def interval(estimate: Estimate, form: str) -> str:
    """Format the ends of an estimate's interval; empty where there are none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{figure(estimate.low, form)} to {figure(estimate.high, form)}"
