"""Scores read from the answers of services and programs."""

import json
import re
from dataclasses import dataclass
from typing import Any

from iqaudit._core.errors import InputError, foreign
from iqaudit._core.wording import read_number
from iqaudit.victims._metered.base import ANSWER_RETRIES, RequestError

ROOT = "$"
"""The path of the whole document; other paths may begin with it."""

NAME, PLACE = r"[^.\[\]]+", r"\[(?:\d+|[^=\[\]]+=[^\[\]]+)\]"

PATH = re.compile(rf"(?:{NAME}|{PLACE})(?:\.{NAME}|{PLACE})*")

STEP = re.compile(rf"{NAME}|{PLACE}")

WORDS = ("error", "errors", "message", "detail", "reason")
"""Keys of what a service says about a failure."""

FAILED = frozenset({"failed", "failure", "error"})
"""A failure's `status`, in small letters."""

WORD = re.compile(r"""[^\s=:;|()<>{}\[\]"'`]+""")
"""A word that may be a number, between blanks, brackets, quotes and signs as colons."""

NUMBER_LIKE = re.compile(r"\d|^[-+]?(?:nan|inf|infinity)$", re.IGNORECASE)


@dataclass(frozen=True)
class Field:
    """The path of the score in a JSON document.

    Parameters
    ----------
    path : str
        Names joined by dots, positions in brackets from 0: ``result.scores[0]``. ``[label=good]``
        is the one item of a list whose ``label`` is ``good``; ``$`` the whole document.
    """

    path: str

    def __post_init__(self) -> None:
        if not (isinstance(self.path, str) and PATH.fullmatch(self.path)):
            # Without its words, as of any option of a service: see `shown`.
            raise InputError(
                "field is no path to a score in JSON; one looks like result.scores[0], "
                "[label=good].score or, of a lone number, $."
            )

    def find(self, document: bytes) -> object:
        """Return the value at the path.

        Raises
        ------
        RequestError
            If the document is no JSON, has no such value, or says that it is of a failure.
        """
        try:
            whole: Any = json.loads(document)
        except (ValueError, RecursionError):
            # Without the document's words, which may repeat a secret.
            raise unusable("answered what is not JSON") from None
        _refuse_failure(whole)
        value = whole
        steps = STEP.findall(self.path)
        for step in steps[1:] if steps[0] == ROOT else steps:
            try:
                value = _item(value, step)
            except (LookupError, TypeError, ValueError):
                said = f'answered JSON that holds nothing at "{self.path}"'
                said += '; a lone number is at "$"' if isinstance(whole, int | float) else ""
                raise unusable(said + _words(whole)) from None
            _refuse_failure(value)
        if value is None:
            raise unusable(f'answered JSON that holds no number at "{self.path}"{_words(whole)}')
        return value

    def number(self, document: bytes) -> float:
        """Return the score at the path; raises as `find` does, and where it is no number."""
        return self._float(self.find(document))

    def numbers(self, document: bytes, count: int) -> list[float]:
        """Return the list of scores at the path; raises as `number` does, or for another count."""
        values = self.find(document)
        if not isinstance(values, list) or len(values) != count:
            raise unusable(f'answered JSON that holds no list of {count} at "{self.path}"')
        return [self._float(value) for value in values]

    def _float(self, value: object) -> float:
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            try:
                return read_number(str(value))
            except (ValueError, OverflowError):
                pass
        raise unusable(f'answered JSON that holds no number at "{self.path}"')


def _item(value: Any, step: str) -> Any:
    """Return what a step of a path leads to; raises LookupError, TypeError or ValueError."""
    if not step.startswith("["):
        return value[step]
    name, sign, label = step[1:-1].partition("=")
    if not sign:
        return value[int(name)]
    [item] = [each for each in value if isinstance(each, dict) and str(each.get(name)) == label]
    return item


def _refuse_failure(value: Any) -> None:
    """Refuse an object that says of itself that it is no answer, whatever else it holds."""
    if not isinstance(value, dict):
        return
    said = value.get("error") or value.get("errors")
    if (
        said is True
        or (said and isinstance(said, str | dict | list))
        or str(value.get("status")).lower() in FAILED
        or value.get("success") is False
        or value.get("ok") is False
    ):
        raise unusable(f"answered that it failed{_words(value)}")


def _words(value: Any) -> str:
    """Return what a reply says about a failure, behind a colon; empty where it says nothing."""
    if not isinstance(value, dict):
        return ""
    for key in WORDS:
        said = value.get(key)
        said = said[0] if isinstance(said, list) and said else said
        if isinstance(said, dict):
            return _words(said)
        if isinstance(said, str) and said:
            return f": {foreign(said).rstrip('.')}"
    return ""


@dataclass(frozen=True)
class Pattern:
    r"""A regular expression whose one group is the score.

    Parameters
    ----------
    pattern : str
        As ``score: (\S+)``.
    """

    pattern: str

    def __post_init__(self) -> None:
        try:
            groups = re.compile(self.pattern).groups
        except (re.error, TypeError) as error:
            raise InputError(f"pattern is no regular expression: {error}.") from None
        if groups != 1:
            raise InputError(
                f"pattern must have one group, round the score, not {groups}; (?:...) groups "
                "without counting."
            )

    def numbers(self, text: str, count: int) -> list[float]:
        """Return as many scores as pictures were sent, in order.

        Raises
        ------
        RequestError
            If there are more or fewer, or one is no number.
        """
        matches = re.findall(self.pattern, text, re.MULTILINE)
        if len(matches) != count:
            raise unusable(f'matched "{self.pattern}" {len(matches)} times, not {count}')
        return [_number(word) for word in matches]


def last_number(text: str) -> float:
    """Return the last number of a text.

    The last word with a digit in it must be that number: where it is something else, as ``5ms``
    or ``12,5``, the answer is refused, not guessed.
    """
    numbers = _number_like(text)
    if not numbers:
        raise unusable("printed no number")
    return _number(numbers[-1])


def only_number(text: str, quoted: str) -> float:
    """Return the number of a text that holds one alone; `quoted` is the text in a sentence."""
    numbers = _number_like(text)
    if len(numbers) != 1:
        many = "more than one number (give a pattern)" if numbers else "no number"
        raise unusable(f"answered with {many}: {quoted}")
    try:
        return read_number(numbers[0])
    except ValueError:
        raise unusable(f"answered with no plain number: {quoted}") from None


def _number_like(text: str) -> list[str]:
    """Return the words of a text that are numbers, or begin or end as one."""
    words = [word.strip("*_").rstrip(".,!%") for word in WORD.findall(text)]
    return [word for word in words if NUMBER_LIKE.search(word)]


def last_numbers(text: str, count: int) -> list[float]:
    """Return the last number of each line that is not blank."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) != count:
        raise unusable(f"printed {len(lines)} lines where a score for each of {count} was due")
    return [last_number(line) for line in lines]


def unusable(sentence: str) -> RequestError:
    """Return the error for an answer without a usable score."""
    return RequestError(sentence, again=ANSWER_RETRIES)


def _number(word: str) -> float:
    try:
        return read_number(word)
    except ValueError:
        raise unusable("printed no number where the score was due") from None
