"""Defences on the answer: what is published in place of a score, in the scorer's native units.

They hide how a score changes, not that it does: an attack that knows of one takes steps that are
larger than its. To a white box they count as the identity.
"""

from dataclasses import dataclass

import numpy as np

from iqaudit._core.errors import refuse_unless
from iqaudit.defences._base import Scores, Standard

FLATTER = 0.1
"""The slope within a stair."""


def width(value: float) -> None:
    """Raise an `InputError` where an interval's width is no number above 0."""
    refuse_unless(0 < value < np.inf, "An interval's width is a number above 0", value)


def centre(score: float, interval: float) -> float:
    """Return the centre of a score's interval, of those whose centres are multiples of a width."""
    return float(np.rint(score / interval) * interval)


@dataclass(frozen=True)
class Round(Standard):
    """A score rounded to a multiple.

    Parameters
    ----------
    unit : float
        Above 0, in native units.
    """

    unit: float = 0.1
    reach = 0

    def __post_init__(self) -> None:
        width(self.unit)

    def answer(self, scores: Scores) -> float:
        """Return the nearest multiple; see `Defence`."""
        return centre(float(scores[0]), self.unit)


@dataclass(frozen=True)
class Sawtooth(Standard):
    """A score whose slope is reversed within intervals (AAA; Chen et al., NeurIPS 2022).

    Of a score m in an interval with the centre a, a - (m - a) is published.

    Parameters
    ----------
    interval : float
        Its width, above 0, in native units; the answer is at most so far off.
    """

    interval: float = 0.5
    reach = 0

    def __post_init__(self) -> None:
        width(self.interval)

    def answer(self, scores: Scores) -> float:
        """Return the score on the other side of its interval's centre; see `Defence`."""
        return 2 * centre(float(scores[0]), self.interval) - float(scores[0])


@dataclass(frozen=True)
class Stairs(Standard):
    """A score whose slope within intervals is a tenth, with a jump between them.

    The order of scores stays.

    Parameters
    ----------
    interval : float
        A stair's width, above 0, in native units; the answer is at most half as far off.
    """

    interval: float = 0.5
    reach = 0

    def __post_init__(self) -> None:
        width(self.interval)

    def answer(self, scores: Scores) -> float:
        """Return the score, nearer to its stair's middle; see `Defence`."""
        middle = centre(float(scores[0]), self.interval)
        return middle + FLATTER * (float(scores[0]) - middle)
