"""Victims for audits that tests stop, kill and take up again: fast, exact, and they tell on a file.

Named as ``python:tests.support.audited:rough``; environment variables, which reach worker
processes, say what they do besides.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from tests.support.scorers import roughness

import iqaudit
from iqaudit._core.picture import picture_key
from iqaudit.victims import Function

LOG = "IQAUDIT_TESTS_LOG"
"""A file, to which the key of every picture asked about is added, a line each."""

PAUSE = "IQAUDIT_TESTS_PAUSE"
"""Seconds that a score takes."""

DIE = "IQAUDIT_TESTS_DIE"
"""A file; each line of it is a key, and whoever is asked about it dies and takes the line along."""


UNSCORED = "IQAUDIT_TESTS_UNSCORED"
"""A file; each line of it is a key, and how the picture fails: nan, inf, raises, many, or all."""


def log(name: str) -> list[int]:
    """Return the keys that were asked, in order."""
    try:
        return [int(line) for line in Path(name).read_text().splitlines()]
    except FileNotFoundError:
        return []


def _scored(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    for picture in pictures:
        key = picture_key(picture)
        if LOG in os.environ:
            file = os.open(os.environ[LOG], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(file, f"{key}\n".encode())
            os.close(file)
        if DIE in os.environ:
            deadly = Path(os.environ[DIE])
            keys = deadly.read_text().split()
            if str(key) in keys:
                keys.remove(str(key))
                deadly.write_text("\n".join(keys))
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(float(os.environ.get(PAUSE, "0")))
    return _spoilt(pictures, roughness(pictures))


def _spoilt(pictures: NDArray[np.uint8], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fail as a file says; an answer too many, or an error, is of the whole batch."""
    if UNSCORED not in os.environ:
        return scores
    lines = dict(line.split() for line in Path(os.environ[UNSCORED]).read_text().splitlines())
    ways = [lines.get(str(picture_key(picture)), lines.get("all")) for picture in pictures]
    if "raises" in ways:
        raise ValueError("no face was found")
    scores = np.where([way == "nan" for way in ways], np.nan, scores)
    scores = np.where([way == "inf" for way in ways], np.inf, scores)
    return np.append(scores, 0.0) if "many" in ways else scores


rough = Function(_scored, iqaudit.Scale.from_range(0, 20), name="rough", largest_batch=1)

rougher = Function(
    lambda pictures: 0.9 * _scored(pictures), iqaudit.Scale.from_range(0, 20), name="rougher"
)

paid = Function(_scored, iqaudit.Scale.from_range(0, 20), name="paid")
paid.card = iqaudit.victims.Card("paid", paid.card.scale, device="elsewhere")


@contextmanager
def stopped(answered: int) -> Iterator[None]:
    """Have `rough` interrupted once it has answered so many questions."""
    left = [answered]

    def stopping(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return _scored(pictures)

    with mock.patch.object(rough, "_function", stopping):
        yield
