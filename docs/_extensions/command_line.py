"""The directive `command-line`: every command's help, made from the commands at build time."""

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from iqaudit._cli import main

WIDTH = 88


class CommandLine(SphinxDirective):
    """A section a command, in the order of the alphabet, with its help as the terminal shows it."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        context = click.Context(main, info_name="iqaudit")
        return [self._section(name, context) for name in main.list_commands(context)]

    def _section(self, name: str, parent: click.Context) -> nodes.section:
        command = main.commands[name]
        context = click.Context(
            command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
        )
        text = command.get_help(context)
        section = nodes.section("", nodes.title("", name), nodes.literal_block(text, text))
        section["names"].append(name)
        section.children[1]["language"] = "text"
        self.state.document.note_implicit_target(section, section)
        return section


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}
