"""Errors that carry one clear sentence for the person who can mend the cause."""

import operator
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of Unicode: control characters, surrogates, ends of lines and paragraphs."""

SURROGATE_BYTES = range(0xDC80, 0xDD00)
"""Python's characters for the bytes 0x80 to 0xFF of a file's name that are no UTF-8."""

LONGEST = 300
"""Characters of others' words in a sentence."""

SECRETS = (
    (re.compile(r"(?<=://)[^\s/]+@"), "…@"),
    (re.compile(r"(?<=[\w/])\?[^\s?&=]+=[^\s\"'<>)]*"), "?…"),
    (re.compile(r"\b(Bearer\s+)[^\s\"',;]+", re.IGNORECASE), r"\1…"),
    (
        re.compile(r"\b(authorization[\"']?\s*[=:]\s*[\"']?(?:\w+\s+)?)[^\s\"',;]+", re.IGNORECASE),
        r"\1…",
    ),
    (
        re.compile(
            r"\b([\w-]*(?:api[_-]?key|token|passw(?:or)?d|secret|credential)s?)"
            r"([\"']?\s*[=:]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s\"',;&)]+)",
            re.IGNORECASE,
        ),
        r"\1\2…",
    ),
)
"""Patterns of what may be a secret, and what stays of it."""


class IqauditError(Exception):
    """Base of the errors that iqaudit raises on purpose; Ctrl-C's `Interrupted` is none of them."""


class InputError(IqauditError, ValueError):
    """An argument or a file that cannot be used; the sentence names it and the way to mend it."""


class NoScaleError(InputError):
    """A victim of which neither a range nor a scale is declared."""


class AnotherVictimError(InputError):
    """A victim that is not the one which an audit was begun with, finished or not."""


class VictimError(IqauditError, RuntimeError):
    """The failure of a victim to answer with one finite score a picture.

    Attributes
    ----------
    results : tuple of TrialResult
        Of the searches finished or begun before the failure, in memory; no answer is lost.
    """

    results: Sequence[Any] = ()


class UnscorableError(VictimError):
    """The failure of a victim, which answers to other pictures, to score one of them."""


class DamageWarning(UserWarning):
    """A damaged line of a file, which is named and passed over: the rest is used."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during `iqaudit.attack`.

    Attributes
    ----------
    results : tuple of TrialResult
        Of the searches finished or begun until then, in memory.
    """

    def __init__(self, results: Sequence[Any]) -> None:
        super().__init__("interrupted")
        self.results = results


def unknown(kind: str, name: object, known: Iterable[str]) -> InputError:
    """Return the error for a name that no table holds, with the nearest that one does."""
    names = sorted(known)
    close = get_close_matches(str(name), names, n=1)
    hint = f'did you mean "{close[0]}"?' if close else f"known are: {', '.join(names)}."
    return InputError(f'There is no {kind} called "{name}": {hint}')


def shown(value: object) -> str:
    """Return the words for a value, which may be a secret in the wrong place, in a sentence.

    A number itself; of any other value its kind alone.
    """
    if value is None or isinstance(value, bool | int | float):
        return str(value)
    kinds = {"str": "text", "dict": "table", "tuple": "list"}
    return f"this {kinds.get(type(value).__name__, type(value).__name__)}"


def some(items: Sequence[str], most: int = 3, joint: str = ", ", last: str = " ") -> str:
    """Return the first few of many texts, and behind `last` how many more there are."""
    rest = len(items) - most
    return joint.join(items[:most]) + (f"{last}and {rest} more" if rest > 0 else "")


def many(count: int, noun: str, nouns: str = "") -> str:
    """Return a number of things, as ``"1 cell"`` or ``"1,000 cells"``."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def listed(items: Sequence[str]) -> str:
    """Return texts with commas, and "and" before the last."""
    return " and ".join((", ".join(items[:-1]), items[-1])) if len(items) > 1 else items[0]


def whole_number(name: str, value: object, least: int | None = None) -> int:
    """Return a whole number as Python's int, or raise an `InputError` that names it."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputError(f"{name} must be a whole number, not {shown(value)}.")
    number = operator.index(value)
    refuse_unless(least is None or number >= least, f"{name} must be at least {least}", number)
    return number


def real_number(name: str, value: Any) -> float:
    """Return a number as Python's float, or raise an `InputError` that names it."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} must be a number, not {shown(value)}.") from None


@contextmanager
def naming(file: str | os.PathLike[str]) -> Iterator[None]:
    """Give an `OSError` the name of its file, which one of a full disk lacks."""
    try:
        yield
    except OSError as error:
        error.strerror = error.strerror or str(error)
        error.filename = error.filename or os.fspath(file)
        raise


def refuse_unless(holds: bool, rule: str, value: object) -> None:  # noqa: FBT001 (a condition)
    """Refuse a value that a rule, the beginning of the sentence, does not hold for."""
    if not holds:
        raise InputError(f"{rule}, not {value}.")


def printable(text: object) -> str:
    r"""Return a text as a terminal and UTF-8 can have it.

    Control characters and ends of lines are escaped as ``\n``, and the bytes of a file's name that
    are no UTF-8 as ``\xe9``.
    """
    return "".join(
        _escaped(each) if unicodedata.category(each) in UNPRINTABLE else each for each in str(text)
    )


def foreign(text: object) -> str:
    """Return words that are not iqaudit's, of a library or a program, as a sentence can have them.

    One printable line of at most `LONGEST` characters, without what may be a secret: the user, the
    password and the query of an address, and values under the names that secrets have.
    """
    line = printable(" ".join(str(text).split()))
    for pattern, kept in SECRETS:
        line = pattern.sub(kept, line)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _escaped(character: str) -> str:
    code = ord(character)
    if code in SURROGATE_BYTES:
        return f"\\x{code & 0xFF:02x}"
    return character.encode("unicode_escape").decode()
