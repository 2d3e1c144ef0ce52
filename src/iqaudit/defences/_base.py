"""Defences: what stands between a picture and a scorer, and between its scores and the answer."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from iqaudit._core.picture import Pixels

Draw: TypeAlias = np.random.Generator
"""The random numbers of one question."""

Scores: TypeAlias = NDArray[np.float64]
"""Native scores, float64, (n,)."""

Slopes: TypeAlias = NDArray[np.float32]
"""Gradients of scores by a picture's levels, float32, (n, height, width, 3)."""


@runtime_checkable
class Defence(Protocol):
    """A defence: pictures in place of a picture, and an answer in place of their scores.

    One that draws random numbers has ``draws = True`` besides; the others get None for a draw. One
    that answers one picture, whose pixels depend on those near them alone, has `reach`: how many
    pixels away those are at most. For a white box, `pull_back` and `shares` give its derivative.
    `Standard` has the usual one of each.
    """

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:
        """Return the pictures that are scored in a picture's place.

        Parameters
        ----------
        picture : ndarray of uint8, (height, width, 3)
            Not to be written into.
        draw : numpy.random.Generator or None
            Of this question alone.

        Returns
        -------
        ndarray of uint8, (n, height, width, 3)
            At least one; all of one size, which may be another than the picture's.
        """

    def answer(self, scores: Scores) -> float:
        """Return the answer that is given for the pictures' native scores, (n,)."""


class Standard:
    """A defence that changes nothing: the base of those that change a part.

    To a white box what is done to the picture counts as the identity (the straight-through estimate
    BPDA; Athalye et al., ICML 2018), and each score has the same share in the answer.
    """

    draws: bool = False
    reach: int | None = None
    estimated: bool = True
    """Whether its derivative is that estimate."""

    def pictures(self, picture: Pixels, draw: Draw | None) -> Pixels:  # noqa: ARG002
        """Return the pictures that are scored in a picture's place; see `Defence`."""
        return picture[None]

    def answer(self, scores: Scores) -> float:
        """Return the answer that is given for their scores; see `Defence`."""
        return float(scores[0])

    def pull_back(self, picture: Pixels, draw: Draw | None, slopes: Slopes) -> Slopes:  # noqa: ARG002
        """Return the gradient by a picture, (height, width, 3), for those by its pictures.

        Parameters
        ----------
        picture : ndarray of uint8, (height, width, 3)
            The one that is asked about.
        draw : numpy.random.Generator or None
            As `pictures` got it.
        slopes : ndarray of float32, (n, height, width, 3)
            The answer's, by each of the pictures.
        """
        total: Slopes = slopes.sum(axis=0)
        return total

    def shares(self, scores: Scores) -> Scores:
        """Return the derivative of the answer by each of the scores, (n,)."""
        return np.full(len(scores), 1 / len(scores))


def changes_pictures(defence: Standard) -> bool:
    """Tell whether a defence has other pictures scored than the one asked about."""
    return type(defence).pictures is not Standard.pictures


class Question(NamedTuple):
    """A question to a defended scorer: pictures, and what becomes of their scores.

    Attributes
    ----------
    pictures : ndarray of uint8, (n, height, width, 3)
        Those that the scorer is to score.
    answer : callable
        From their scores, (n,), to the answer.
    pull_back : callable
        From their scores and the scorer's gradient by each of them to the answer's gradient by the
        picture asked about, (height, width, 3).
    """

    pictures: Pixels
    answer: Callable[[Scores], float]
    pull_back: Callable[[Scores, Slopes], Slopes]


def question(defences: Sequence[Standard], picture: Pixels, draw: Draw | None) -> Question:
    """Return the question about a picture behind defences, the first nearest to the picture.

    Parameters
    ----------
    defences : sequence of Standard
        None of them is a question about the picture itself.
    picture : ndarray of uint8, (height, width, 3)
    draw : numpy.random.Generator or None
        Those that draw, draw from it in turn.
    """
    if not defences:
        return Question(picture[None], lambda scores: float(scores[0]), lambda _, slopes: slopes[0])
    first, *rest = defences
    own = draw if first.draws else None
    drawn = deepcopy(own)
    inner = [question(rest, each, draw) for each in first.pictures(picture, own)]
    ends = np.cumsum([len(each.pictures) for each in inner])[:-1]

    def answers(scores: Scores) -> Scores:
        parts = zip(inner, np.split(scores, ends), strict=True)
        return np.array([each.answer(part) for each, part in parts])

    def pull_back(scores: Scores, slopes: Slopes) -> Slopes:
        parts = zip(inner, np.split(scores, ends), np.split(slopes, ends), strict=True)
        by_each = np.stack([each.pull_back(own, back) for each, own, back in parts])
        shares = first.shares(answers(scores)).astype(np.float32)
        return first.pull_back(picture, drawn, shares[:, None, None, None] * by_each)

    return Question(
        np.concatenate([each.pictures for each in inner]),
        lambda scores: first.answer(answers(scores)),
        pull_back,
    )
