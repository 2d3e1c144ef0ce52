"""The command line: arguments, progress, exit codes; everything else is the library's.

Exit codes: 0 done; 1 `verify` or `check` found a fault; 2 an argument cannot be used, or the
victim failed; 3 a rule of `--fail-if` was broken; 130 interrupted. Finished pictures stay in
every case.
"""

import io
import sys
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import click

import iqaudit
from iqaudit._core.errors import IqauditError, printable
from iqaudit._core.process import keep_freed_memory

INTERRUPTED = 130
"""The shell's exit code for a command that Ctrl-C ended."""


class _Failure(click.ClickException):
    exit_code = 2


class _Group(click.Group):
    """A group whose commands' own errors end in one sentence and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except IqauditError as error:
            raise _Failure(_shown(error)) from error
        except KeyboardInterrupt as interrupt:  # with a word on how far it is, from some commands
            click.echo(f"Interrupted: {interrupt}" if interrupt.args else "Interrupted.", err=True)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            raise  # the reader of our output has gone: click ends quietly
        except OSError as error:
            raise _Failure(
                _shown(f"{error.filename or 'writing'}: {error.strerror or error}.")
            ) from error


def _shown(sentence: object) -> str:
    """Return a sentence as a terminal can show it; a program's own words may have several lines."""
    return "\n".join(map(printable, str(sentence).split("\n")))


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(iqaudit.__version__, prog_name="iqaudit")
def main() -> None:
    """Show how far an image-quality score can be pushed by a change nobody sees.

    \b
    Examples:
      iqaudit demo
      iqaudit attack photo.png --queries 1000 --out audit
      iqaudit verify audit
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a Latin-1 pipe has no arrow: a "?" stands there
            stream.reconfigure(errors="replace")
    keep_freed_memory()


for module in iter_modules(__path__):  # a file a command, of its name
    command = getattr(import_module(f"{__name__}.{module.name}"), module.name, None)
    if isinstance(command, click.Command):
        main.add_command(command)
