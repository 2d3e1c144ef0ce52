"""The words for a setting in a sentence: an argument's from Python, an option's of a command."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from iqaudit._core.process import environment

SPOKEN = "IQAUDIT_SPEAKS_OF"
"""The variable of the environment by which a command's workers know that they are a command's."""

OPTIONS = "options"


def worded(argument: str, option: str = "") -> str:
    """Return how something is asked for, as the reader of the sentence would say it.

    Parameters
    ----------
    argument : str
        From Python, as ``"yes=True"``.
    option : str
        On the command line; where empty, the flag of the argument's name: ``--yes``.
    """
    if os.environ.get(SPOKEN) != OPTIONS:
        return argument
    return option or "--" + argument.partition("=")[0].replace("_", "-")


@contextmanager
def for_commands() -> Iterator[None]:
    """Word sentences for the command line meanwhile."""
    with environment(SPOKEN, OPTIONS):
        yield
