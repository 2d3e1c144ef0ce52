"""Scores read from the answers of services and programs."""

import json
import re
from dataclasses import dataclass
from typing import Any

from iqaudit._core.errors import InputError
from iqaudit.victims._metered.base import ANSWER_RETRIES, RequestError

PATH = re.compile(r"(?:[^.\[\]]+|\[\d+\])(?:\.[^.\[\]]+|\[\d+\])*")

STEP = re.compile(r"[^.\[\]]+|\[\d+\]")

WORD = re.compile(r"""[^\s=:;|()<>{}\[\]"'`]+""")
"""A word that may be a number, between blanks, brackets, quotes and signs as colons."""

NUMBER_LIKE = re.compile(r"\d|^[-+]?(?:nan|inf|infinity)$", re.IGNORECASE)


@dataclass(frozen=True)
class Field:
    """The path of the score in a JSON document.

    Parameters
    ----------
    path : str
        Names joined by dots, positions in brackets from 0: ``result.scores[0]``.
    """

    path: str

    def __post_init__(self) -> None:
        if not PATH.fullmatch(self.path):
            raise InputError(
                f'"{self.path}" is no path to a score in JSON; one looks like result.scores[0].'
            )

    def find(self, document: bytes) -> object:
        """Return the value at the path.

        Raises
        ------
        RequestError
            If the document is no JSON, or has no such value.
        """
        try:
            value: Any = json.loads(document)
        except (ValueError, RecursionError):
            # Without the document's words, which may repeat a secret.
            raise unusable("answered what is not JSON") from None
        for step in STEP.findall(self.path):
            try:
                value = value[int(step[1:-1]) if step.startswith("[") else step]
            except (LookupError, TypeError, ValueError):
                raise unusable(f'answered JSON that holds nothing at "{self.path}"') from None
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
                return float(value)
            except (ValueError, OverflowError):
                pass
        raise unusable(f'answered JSON that holds no number at "{self.path}"')


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
        except re.error as error:
            raise InputError(f'"{self.pattern}" is no regular expression: {error}.') from None
        if groups != 1:
            raise InputError(
                f'The pattern "{self.pattern}" must have one group, round the score, '
                f"not {groups}; (?:...) groups without counting."
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
    words = [word.rstrip(".,!%") for word in WORD.findall(text)]
    numbers = [word for word in words if NUMBER_LIKE.search(word)]
    if not numbers:
        raise unusable("printed no number")
    return _number(numbers[-1])


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
        return float(word)
    except ValueError:
        raise unusable("printed no number where the score was due") from None
