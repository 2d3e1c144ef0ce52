"""A table as LaTeX, Markdown or plain text: names and figures with their intervals, notes beside.

Names are strangers' words: what a format would take for its own is escaped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal, TypeAlias

from iqaudit._core.errors import printable
from iqaudit._core.wording import number
from iqaudit.measures._bootstrap import Estimate

Side: TypeAlias = Literal["higher", "lower", ""]

ARROWS: Mapping[Side, str] = {"higher": "↑", "lower": "↓", "": ""}
"""The way that is better for the victim."""

LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "-": "-{}",  # two would be a dash
    "[": "{[}",  # behind a row's end these two would be its arguments
    "*": "{*}",
    "∞": r"$\infty$",
    "·": r"\textperiodcentered{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "−": "$-$",
    "ε": r"$\varepsilon$",
} | {sign: f"\\{sign}" for sign in "&%$#_{}"}
"""Signs that mean something to LaTeX, or that its oldest engine does not know."""

MARKDOWN = frozenset("\\`*_{}[]<>|&~$#")


@dataclass(frozen=True)
class Column:
    """A column: its heading, and which values are better for the victim; empty for names."""

    title: str
    better: Side = ""


@dataclass(frozen=True)
class Value:
    """A figure with its interval, and how it is written."""

    of: Estimate
    form: str


@dataclass(frozen=True)
class Grid:
    """Rows of names and figures under headings, and sentences on them."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str | Value, ...], ...]
    notes: tuple[str, ...]


def latex(grid: Grid) -> str:
    r"""Return a ``tabular`` of the package booktabs; the notes are comments before it."""
    shape = "".join("r" if each.better else "l" for each in grid.columns)
    heads = [_latex_text(f"{each.title} {ARROWS[each.better]}".strip()) for each in grid.columns]
    rows = [[_latex_cell(each) for each in row] for row in grid.rows]
    return _joined(
        *(f"% {printable(note)}" for note in (*grid.notes, r"Needs \usepackage{booktabs}.")),
        f"\\begin{{tabular}}{{{shape}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
    )


def markdown(grid: Grid) -> str:
    """Return a table of GitHub's Markdown; the notes are a paragraph each behind it."""
    heads = [_markdown_text(f"{each.title} {ARROWS[each.better]}".strip()) for each in grid.columns]
    rule = ["---:" if each.better else ":---" for each in grid.columns]
    rows = [[_shown(each, _markdown_text) for each in row] for row in grid.rows]
    return _joined(
        *(f"| {' | '.join(line)} |" for line in (heads, rule, *rows)),
        *chain.from_iterable(("", _markdown_text(note)) for note in grid.notes),
    )


def plain(grid: Grid) -> str:
    """Return columns in line, and the notes below."""
    heads = [printable(f"{each.title} {ARROWS[each.better]}".strip()) for each in grid.columns]
    lines = [heads, *([_shown(each, printable) for each in row] for row in grid.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return _joined(
        *(_aligned(line, widths, grid.columns) for line in lines),
        "",
        *map(printable, grid.notes),
    )


FORMATS: Mapping[str, Callable[[Grid], str]] = {
    "text": plain,
    "markdown": markdown,
    "latex": latex,
}


def _shown(cell: str | Value, escaped: Callable[[str], str]) -> str:
    if isinstance(cell, str):
        return escaped(cell)
    if cell.of.value is None:
        return escaped("-")
    shown = number(cell.of.value, cell.form)
    if cell.of.low is not None and cell.of.high is not None:
        shown += f" [{number(cell.of.low, cell.form)}, {number(cell.of.high, cell.form)}]"
    return escaped(shown)


def _latex_cell(cell: str | Value) -> str:
    if isinstance(cell, str):
        return _latex_text(cell)
    if cell.of.value is None:
        return "--"
    shown = _shown(cell, str).replace("∞", r"\infty").replace(" [", r"\ [").replace(", ", r",\ ")
    return f"${shown}$"


def _latex_text(text: str) -> str:
    return "".join(LATEX.get(each, each) for each in printable(text))


def _markdown_text(text: str) -> str:
    return "".join(f"\\{each}" if each in MARKDOWN else each for each in printable(text))


def _aligned(line: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    pairs = zip(line, widths, columns, strict=True)
    padded = (text.rjust(width) if at.better else text.ljust(width) for text, width, at in pairs)
    return "  ".join(padded).rstrip()


def _joined(*lines: str) -> str:
    return "\n".join(lines) + "\n"
