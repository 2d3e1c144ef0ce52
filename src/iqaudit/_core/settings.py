"""Typed settings: each makes a TOML key, an option of a string, and one of a command."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from os import PathLike
from typing import Any, NamedTuple

from iqaudit._core.errors import InputError, shown, whole_number


class Type(NamedTuple):
    """A type of values.

    `word` names it in sentences; `check` returns a value that is of it, and `parse` one from a
    text; both raise TypeError or ValueError otherwise.
    """

    word: str
    check: Callable[[Any], Any]
    parse: Callable[[str], Any]


def _of(*kinds: type) -> Callable[[Any], Any]:
    """Return a check of the class: True and False are no numbers."""

    def check(value: Any) -> Any:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise TypeError
        return value

    return check


def two_numbers(values: Any) -> tuple[Any, Any]:
    """Return the two numbers of a sequence, an array or a tensor; raise a TypeError otherwise."""
    values = _listed(values)
    if not isinstance(values, Sequence) or isinstance(values, str | bytes) or len(values) != 2:  # noqa: PLR2004
        raise TypeError
    low, high = map(_of(Real), map(_listed, values))
    return low, high


def _listed(value: Any) -> Any:
    """Return an array or a tensor as lists of numbers, a lone one as a number."""
    return value.tolist() if hasattr(value, "tolist") else value


def _pair(values: Any) -> tuple[float, float]:
    low, high = two_numbers(values)
    return float(low), float(high)


def _ends(text: str) -> tuple[float, float]:
    return _pair([float(end) for end in text.split(":")])


def _object(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | bytes | list):
        raise TypeError
    return str(value) if isinstance(value, PathLike) else value


TEXT = Type("a text", _of(str), str)
NUMBER = Type("a number", _of(int, float), float)
WHOLE = Type("a whole number", lambda value: whole_number("it", value), int)
PAIR = Type("two numbers", _pair, _ends)
FLAG = Type("said alone, or true", _of(bool), _of(bool))
FILE = Type("a file", lambda value: str(_of(str, PathLike)(value)), str)
OBJECT = Type("a text", _object, str)
"""A text; from Python, an object as well."""
VICTIM = Type("a text or a table", _object, str)


def several(values: Any) -> tuple[Any, ...]:
    """Return the values of a list; one that stands in its place is a list of one.

    That is a text or a path, a module or a function, and what holds no others.
    """
    one = isinstance(values, str | bytes | PathLike) or callable(values)
    return (values,) if one or not isinstance(values, Iterable) else tuple(values)


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
    default : object
        The value where none is given.
    choices : tuple of str
        The values that there are, where they are few.
    heading : str
        The part of ``--help`` that its option stands in.
    flag : str
        Its option; made from the name where empty.
    word : str
        Names the type in sentences, in place of the type's own word.
    many : bool
        Whether it takes several values.
    hidden : bool
        Whether a value may be, or hold, a secret: no sentence repeats one.
    alone : str
        The value of its option without one, and of True; empty where a value is due.
    """

    name: str
    type: Type
    metavar: str
    help: str
    default: Any = None
    choices: tuple[str, ...] = ()
    heading: str = ""
    flag: str = ""
    word: str = ""
    many: bool = False
    hidden: bool = False
    alone: str = ""

    @property
    def option(self) -> str:
        """The option of the command line; where it is repeated, in the singular."""
        name = self.name.removesuffix("s") if self.many else self.name
        return self.flag or "--" + name.replace("_", "-")

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
        if self.alone and value is True:
            return self.alone
        try:
            if texts and isinstance(value, str):
                return self.type.parse(value)
            return self.type.check(value)
        except (TypeError, ValueError):
            word = self.word or self.type.word
            said = shown(value) if self.hidden else repr(value)
            raise InputError(f"{subject} {word}, not {said}.") from None


def table(*settings: Setting) -> Mapping[str, Setting]:
    """Return settings by their names."""
    return {setting.name: setting for setting in settings}
