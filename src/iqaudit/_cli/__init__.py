"""The command line: arguments, progress, exit codes; everything else is the library's.

Exit codes: 0 done; 1 `verify` or `check` found a fault; 2 an argument cannot be used, or the
victim failed; 3 a rule of `--fail-if` was broken; 4 pictures could not be scored, and the others
are finished, or a victim is not the one that the audit in the folder was made of; 130 interrupted,
143 by SIGTERM, 129 by SIGHUP.
Finished pictures stay in every case.
"""

import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import click

import iqaudit
from iqaudit._cli.printing import escaped, say
from iqaudit._cli.signals import exit_code, interrupting
from iqaudit._cli.streams import lossy
from iqaudit._core.errors import AnotherVictimError, DamageWarning, IqauditError
from iqaudit._core.process import keep_freed_memory
from iqaudit._core.wording import for_commands

WHOLE = 1_000
"""Characters of a command's summary, so that none is cut."""


class _Failure(click.ClickException):
    exit_code = 2


class _Another(_Failure):
    exit_code = 4


class _Group(click.Group):
    """A group whose commands' own errors end in one sentence and exit code 2."""

    def main(self, *arguments: Any, **settings: Any) -> Any:
        with for_commands(), interrupting(), lossy() as lost, warnings.catch_warnings():
            warnings.showwarning = _told(warnings.showwarning)
            return super().main(*arguments, obj=lost, **settings)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with the whole of its first sentence."""
        rows = [
            (name, self.commands[name].get_short_help_str(limit=WHOLE))
            for name in self.list_commands(ctx)
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            done = super().invoke(ctx)
        except AnotherVictimError as error:
            raise _Another(escaped(error)) from error
        except IqauditError as error:
            raise _Failure(escaped(error)) from error
        except KeyboardInterrupt as interrupt:  # with a word on how far it is, from some commands
            how = str(interrupt) or "start the same command again."
            say(f"Interrupted: {how}", err=True)
            sys.exit(exit_code())
        except OSError as error:
            sentence = f"{error.filename or 'writing'}: {error.strerror or error}."
            raise _Failure(escaped(sentence)) from error
        except SystemExit:  # the code tells of what is more than printed
            if ctx.obj():
                say(ctx.obj(), err=True)
            raise
        if ctx.obj():
            raise _Failure(ctx.obj())
        return done


def _told(otherwise: Callable[..., None]) -> Callable[..., None]:
    """Return the way to show warnings: that of damage is a line; others are shown as they were."""

    def show(message: Warning | str, category: type[Warning], *others: Any) -> None:
        if issubclass(category, DamageWarning):
            say(message, err=True)
        else:
            otherwise(message, category, *others)

    return show


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
    keep_freed_memory()


for module in iter_modules(__path__):  # a file a command, of its name
    command = getattr(import_module(f"{__name__}.{module.name}"), module.name, None)
    if isinstance(command, click.Command):
        main.add_command(command)
