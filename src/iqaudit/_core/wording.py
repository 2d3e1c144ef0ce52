"""Words in sentences: numbers, and settings as their reader says them."""

import math
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


def number(value: float, form: str) -> str:
    """Format a number; what rounds to 0 has no minus.

    Parameters
    ----------
    value : float
        Any, infinite too.
    form : str
        As of `format`.
    """
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    text = format(value, form)
    return text if any(digit in text for digit in "123456789") else text.replace("-", "")


def read_number(text: str) -> float:
    """Return the number that a text is, be it infinite or none.

    Raises
    ------
    ValueError
        If it is anything else; also where it has the underscores that Python skips, since ``7_5``
        in a table or a reply is a slip, and not 75.
    """
    if "_" in text:
        raise ValueError("a number has no underscore")
    return float(text)


@contextmanager
def for_commands() -> Iterator[None]:
    """Word sentences for the command line meanwhile."""
    with environment(SPOKEN, OPTIONS):
        yield
