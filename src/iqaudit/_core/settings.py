"""Typed settings: each makes a TOML key, an option of a string, and one of a command."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, NamedTuple

from iqaudit._core.errors import InputError, whole_number


class Type(NamedTuple):
    """A type of values.

    `word` names it in sentences; `check` returns a value that is of it, and `parse` one from a
    text; both raise TypeError or ValueError otherwise.
    """

    word: str
    check: Callable[[Any], Any]
    parse: Callable[[str], Any]


def _text(value: Any) -> str:
    if not isinstance(value, str | PathLike):
        raise TypeError
    return str(value)


def _number(value: Any) -> float:
    if isinstance(value, bool | str):
        raise TypeError
    return float(value)


def _whole(value: Any) -> int:
    return whole_number("it", value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _pair(value: Any) -> tuple[float, float]:
    low, high = value
    return _number(low), _number(high)


def _ends(text: str) -> tuple[float, float]:
    low, high = text.split(":")
    return float(low), float(high)


def _text_or_object(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | bytes | list):
        raise TypeError
    return str(value) if isinstance(value, PathLike) else value


TEXT = Type("a text", _text, str)
FILE = Type("a file", _text, str)
NUMBER = Type("a number", _number, float)
WHOLE = Type("a whole number", _whole, int)
PAIR = Type("two numbers", _pair, _ends)
FLAG = Type("said alone, or true", _flag, _flag)
OBJECT = Type("a text", _text_or_object, str)
"""From Python, an object may stand for its text."""
VICTIM = Type("a text or a table", _text_or_object, str)


@dataclass(frozen=True)
class Setting:
    """A setting of a victim, an attack or an audit.

    Parameters
    ----------
    name : str
        Its keyword in Python and its key in TOML.
    type : Type
        Of its value, or of each of its values.
    metavar : str
        The placeholder of its value in ``--help``; empty for a flag.
    help : str
        A line on it.
    heading : str
        The part of ``--help`` that its option stands in.
    flag : str
        Its option; made from the name where empty.
    word : str
        Names the type in sentences, in place of the type's own word.
    choices : tuple of str
        The values that there are, where they are few.
    many : bool
        Whether it takes several values.
    default : object
        The value where none is given.
    """

    name: str
    type: Type
    metavar: str
    help: str
    heading: str = ""
    flag: str = ""
    word: str = ""
    choices: tuple[str, ...] = ()
    many: bool = False
    default: Any = None

    @property
    def option(self) -> str:
        """The option of the command line."""
        return self.flag or "--" + self.name.replace("_", "-")

    def read(self, value: Any, subject: str, *, texts: bool = False) -> Any:
        """Return a value as its type has it; a tuple of values where it takes several.

        Parameters
        ----------
        value : object
            Where the setting takes several, one of them will do.
        subject : str
            Begins the sentence of an error, as ``"levels takes"``.
        texts : bool
            Whether a text may stand for a value of any type.

        Raises
        ------
        InputError
            If it is no such value, or an empty list.
        """
        if not self.many:
            return self._one(value, subject, texts=texts)
        values = value if isinstance(value, list | tuple) else (value,)
        if not values:
            raise InputError(f"{self.name} is an empty list.")
        return tuple(self._one(each, subject, texts=texts) for each in values)

    def _one(self, value: Any, subject: str, *, texts: bool) -> Any:
        try:
            if texts and isinstance(value, str):
                return self.type.parse(value)
            return self.type.check(value)
        except (TypeError, ValueError):
            word = self.word or self.type.word
            raise InputError(f"{subject} {word}, not {value!r}.") from None


def table(*settings: Setting) -> Mapping[str, Setting]:
    """Return settings by their names."""
    return {setting.name: setting for setting in settings}
