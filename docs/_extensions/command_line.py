"""The directive `command-line`: every command's help, made from the commands at build time."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from textwrap import dedent

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from iqaudit._cli import main

VERBATIM = "\b\n"
"""Begins a paragraph whose lines click leaves as they are."""

CODE = re.compile(r"(`[^`]+`|--[a-z][a-z-]*)")


class NodeFormatter(click.HelpFormatter):
    """A help formatter that makes nodes of the document, whatever headings a command has."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[nodes.Node] = []

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Add the line of usage as code."""
        del prefix
        self.nodes.append(_code(f"{prog} {args}"))

    def write_text(self, text: str) -> None:
        """Add a paragraph for each, or code where its lines are to stay."""
        for paragraph in dedent(text).split("\n\n"):
            if paragraph.startswith(VERBATIM):
                self.nodes.append(_code(paragraph.removeprefix(VERBATIM)))
            else:
                self.nodes.append(_prose(" ".join(paragraph.split())))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Add a list of options."""
        del col_max, col_spacing
        self.nodes.append(nodes.definition_list("", *(_option(*row) for row in rows)))

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Add a heading that is no section of its own."""
        self.nodes.append(nodes.rubric("", name))
        yield


class CommandLine(SphinxDirective):
    """A section a command, by the alphabet, with its help."""

    def run(self) -> list[nodes.Node]:
        """Return the sections; at every build, since the page does not name the files it is of."""
        self.env.note_reread()
        context = click.Context(main, info_name="iqaudit")
        return [self._section(name, context) for name in main.list_commands(context)]

    def _section(self, name: str, parent: click.Context) -> nodes.section:
        command = main.commands[name]
        formatter = NodeFormatter()
        command.format_help(click.Context(command, info_name=name, parent=parent), formatter)
        section = nodes.section("", nodes.title("", name), *formatter.nodes, names=[name])
        self.state.document.note_implicit_target(section, section)
        return section


def _code(text: str) -> nodes.literal_block:
    return nodes.literal_block(text, text, language="text")


def _prose(text: str) -> nodes.paragraph:
    """Return a paragraph whose commands and options are code."""
    parts = CODE.split(text)  # every second one is code
    return nodes.paragraph(
        "",
        "",
        *(
            nodes.literal(part, part.strip("`")) if number % 2 else nodes.Text(part)
            for number, part in enumerate(parts)
        ),
    )


def _option(term: str, text: str) -> nodes.definition_list_item:
    term = term.strip()  # some are padded, to stand in one column on the terminal
    return nodes.definition_list_item(
        "",
        nodes.term("", "", nodes.literal(term, term)),
        nodes.definition("", _prose(text)),
    )


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}
