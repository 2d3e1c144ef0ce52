"""Scores of pictures: a victim's answers, checked, outside any budget."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqaudit._core.apart import staying
from iqaudit._core.errors import UnscorableError, VictimError, foreign
from iqaudit._core.patches import Patched
from iqaudit._core.picture import Pixels
from iqaudit._core.stream import Stream
from iqaudit._core.wording import worded
from iqaudit.victims._base import Victim, draws, gradient_of, open_session


def score(victim: Victim, pixels: Pixels) -> float:
    """Return the victim's native score of one picture, outside any budget.

    Raises
    ------
    VictimError
        If the victim fails, or its answer is no score.
    """
    native = finite(victim, pixels)
    refuse_unusable(victim, [native])
    return native


def finite(victim: Victim, pixels: Pixels) -> float:
    """Return the victim's answer to one picture, outside any budget, be it within its range or not.

    Raises
    ------
    VictimError
        If the victim fails, or its answer is no finite number.
    """
    [native] = finite_together(victim, pixels[None])
    return native


def answered_then(victim: Victim, pixels: Pixels, stream: Stream, place: int) -> float:
    """Return the victim's answer to a question of a search, from 0, with what it drew there.

    As `finite`, where the victim draws nothing.
    """
    height, width = pixels.shape[:2]
    session = open_session(victim, height, width, place + 1, stream) if draws(victim) else None
    if session is None:
        return finite(victim, pixels)
    for _ in range(place):
        session.recall(Patched(pixels))
    question = [(session, Patched(pixels))]
    [native] = as_numbers(victim, lambda: session.scores(question), pixels, 1)
    refuse_infinite(victim, [native])
    return native


def finite_together(victim: Victim, batch: Pixels) -> list[float]:
    """Return the victim's answers to pictures of one size, as `finite` does."""
    answers = ask_batch(victim, batch.copy())
    refuse_infinite(victim, answers)
    return answers


def slope(victim: Victim, pixels: Pixels) -> NDArray[np.float32]:
    """Return the gradient of the victim's native score by a picture's levels.

    Outside any budget, which counts scores: for white-box attacks, whose victims have one.

    Raises
    ------
    VictimError
        If the victim fails, or its gradient is not finite.
    """
    gradient = gradient_of(victim)
    if gradient is None:
        raise RuntimeError("a gradient was asked of a victim that has none")
    what = f"gradient for a picture of {pixels.shape[1]} x {pixels.shape[0]}"
    with telling_failure(victim, f"the {what}"):
        slopes = np.asarray(gradient(pixels.copy()), dtype=np.float32)
    if slopes.shape != pixels.shape or not np.isfinite(slopes).all():
        raise VictimError(f'The victim "{victim.card.name}" has no finite {what}.')
    return slopes


def refuse_unusable(victim: Victim, scores: Sequence[float]) -> None:
    """Raise an `UnscorableError` where an answer is no score: not finite, or outside the range."""
    refuse_infinite(victim, scores)
    scale = victim.card.scale
    if bad := [answer for answer in scores if not scale.admits(answer)]:
        raise UnscorableError(
            f'The victim "{victim.card.name}" answered {bad[0]:g} where a score from {scale.low:g} '
            f"to {scale.high:g} was due; if that is a score, and no sign of a failure, say the "
            f"range that it has, or that it has none ({worded('unbounded=True')})."
        )


def refuse_infinite(victim: Victim, answers: Sequence[float]) -> None:
    """Raise an `UnscorableError` where an answer is not finite."""
    if bad := [answer for answer in answers if not math.isfinite(answer)]:
        raise UnscorableError(
            f'The victim "{victim.card.name}" answered {bad[0]} where a finite score was due.'
        )


def check_scale(victim: Victim, clean: float) -> None:
    """Raise an `UnscorableError` where the scale was not made for a clean picture's score."""
    if math.isfinite(clean) and not victim.card.scale.fits(clean):
        raise UnscorableError(
            f'The victim "{victim.card.name}" scored a clean picture {clean:g}, far outside '
            "what its scale was made for "
            f"({victim.card.scale.source}); say the range that it has."
        )


def ask_batch(victim: Victim, batch: Pixels) -> list[float]:
    """Return the victim's answers to a batch of its own to write into, one float a picture."""
    return as_numbers(victim, lambda: victim.score(batch), batch[0], len(batch))


def as_numbers(
    victim: Victim, answer: Callable[[], ArrayLike], like: Pixels, count: int
) -> list[float]:
    """Return a victim's answers as so many floats, or raise its fault as a `VictimError`."""
    what = f"{count} picture(s) of {like.shape[1]} x {like.shape[0]}"
    with telling_failure(victim, what):
        scores = real(answer())
    if scores.shape != (count,):
        raise VictimError(
            f'The victim "{victim.card.name}" answered an array of shape {scores.shape} where one '
            f"score for each of {count} picture(s) was due."
        )
    numbers: list[float] = scores.tolist()
    return numbers


def real(answers: ArrayLike) -> NDArray[np.float64]:
    """Return a victim's answers as floats.

    Raises
    ------
    TypeError, ValueError
        If they are no numbers, or complex ones: texts that read as numbers, and truth values, are
        what a broken scorer answers.
    """
    array = np.asarray(answers)
    if np.iscomplexobj(array):  # whose imaginary parts NumPy would leave out
        raise TypeError("a score is a real number, not a complex one")
    # By what is none: other libraries' floats, as bfloat16, are of types of their own.
    each_of = array.flat if array.dtype == object else [array.dtype.type()]
    for each in each_of:
        if isinstance(each, bool | np.bool_ | str | bytes | np.datetime64 | np.timedelta64):
            raise TypeError(f"a score is a number, not {type(each).__name__.rstrip('_')}")
    return array.astype(np.float64)


@contextmanager
def telling_failure(victim: Victim, what: str) -> Iterator[None]:
    """Raise what a victim raises inside as a `VictimError` that says on what it failed."""
    try:
        with staying():
            yield
    except VictimError:
        raise  # the victim has a sentence of its own
    except Exception as error:
        words = foreign(error)
        why = f"{type(error).__name__}: {words}" if words else type(error).__name__
        raise VictimError(f'The victim "{victim.card.name}" failed on {what}: {why}') from error
