"""The directive `command-line`: every command's help, made from the commands at build time."""

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from iqaudit._cli import main

WIDTH = 84
"""Columns of a help text."""


class CommandLine(SphinxDirective):
    """A section a command, by the alphabet, with its help as the terminal shows it."""

    def run(self) -> list[nodes.Node]:
        """Return a line of links, and the sections."""
        context = click.Context(main, info_name="iqaudit")
        sections = [self._section(name, context) for name in main.list_commands(context)]
        links = nodes.paragraph()
        for section in sections:
            name, target = section["names"][0], section["ids"][0]
            links += [nodes.reference("", name, refid=target), nodes.Text(" ")]
        return [links, *sections]

    def _section(self, name: str, parent: click.Context) -> nodes.section:
        context = click.Context(
            main.commands[name],
            info_name=name,
            parent=parent,
            terminal_width=WIDTH,
            max_content_width=WIDTH,
        )
        text = main.commands[name].get_help(context)
        section = nodes.section(
            "", nodes.title("", name), nodes.literal_block(text, text, language="text")
        )
        section["names"].append(name)
        self.state.document.note_implicit_target(section, section)
        return section


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}
