"""The order of a set of pictures by their scores, and the places that break it.

Each picture is probed first, by questions that do not hang on their answers, so they tell how far
its score goes either way. Then it gets a place: scores close together, in the clean scores' order
turned around, as far apart and about such a score as the order is expected to break most by. A
picture that cannot come to its place is pushed towards it.
"""

import math
from collections.abc import Hashable, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, cast

import numpy as np
import scipy
from numpy.typing import NDArray

from iqaudit._core.errors import InputError
from iqaudit._core.goal import Place
from iqaudit._core.scale import IQR
from iqaudit._core.stream import Stream
from iqaudit.attacks._base import FIRST_QUERY, Attack, Problem, is_anytime, is_white_box

FEWEST_PICTURES = 3

MOST, FEWEST, SHARE = 32, 4, 3
"""Questions that a picture is probed with: at the most, at the least, and of the budget a third."""

SIDE = 40
"""Of the picture on which an attack's first questions are compared, in pixels."""

FARTHER = 2.0
"""How far a search is expected to go, in what its probes went."""

GAPS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Between neighbouring places, in S over the number of pictures: what is tried. Where few come to
places that lie close together, those that move far must pass those that do not."""

LEAST, DEAREST = 0.5, 3.0
"""Ends of a picture's share of the queries: the way to its place, in what its probes went."""

CENTERS = 201
"""Scores about which places are tried."""

ALIKE = 1e-3
"""Of the standard deviation: a lower spread by quartiles says that most scores are one."""

Floats = NDArray[np.float64]


def probes(attack: Attack[Any], scores: int) -> int:
    """Return how many of an attack's first questions probe a picture.

    Parameters
    ----------
    attack : Attack
        The attack; it is asked with two opposite series of answers.
    scores : int
        The budget.

    Raises
    ------
    InputError
        If they are too few.
    """
    most = min(MOST, scores // SHARE)
    usable = is_anytime(attack) and not is_white_box(attack)
    count = _counted(attack, scores, most) if usable else 0
    if count < FEWEST:
        raise InputError(
            f"The goal rank probes each picture with at least {FEWEST} questions that hang neither "
            f"on their answers nor on the budget, in a third of that: {type(attack).__name__} has "
            f"{count} in {scores} queries. Take guided, or more queries."
        )
    return count


def _counted(attack: Attack[Any], scores: int, most: int) -> int:
    """Return `_blind`, counted once for an attack that can be a key: every search asks for it."""
    try:
        hash(attack)
    except TypeError:
        return _blind(attack, scores, most)
    return _cached(cast("Hashable", attack), scores, most)


def _blind(attack: Attack[Any], scores: int, most: int) -> int:
    """Return how many first proposals, up to so many, are the same whatever they are answered."""
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    problem = Problem(pixels, 3, scores, Stream(0, ""), clean_loss=0.0)
    fall, rise = attack.init(problem), attack.init(problem)
    for count in range(most):
        one, other = attack.ask(fall), attack.ask(rise)
        if not np.array_equal(one.painted(), other.painted()):
            return count
        loss = float(FIRST_QUERY + count)
        fall, rise = attack.tell(fall, one, -loss), attack.tell(rise, other, loss)
    return most


_cached = lru_cache(maxsize=32)(_blind)


def check_count(pictures: int) -> None:
    """Raise an `InputError` where so few pictures have no order to be broken."""
    if pictures < FEWEST_PICTURES:
        raise InputError(
            f"The goal rank breaks the order of at least {FEWEST_PICTURES} pictures, not "
            f"{pictures}."
        )


def places(probed: Sequence[Sequence[float]], queries: int, cost: int) -> tuple[Place, ...]:
    """Return each picture's place and budget, by the scores that were usable of its probes.

    Parameters
    ----------
    probed : sequence of sequence of float
        A picture's native scores: the clean one, then those of its probes; as many for each, those
        that are none are NaN.
    queries : int
        The mean budget a picture. What the probes leave of it goes to where it changes the order:
        in proportion to the way to a picture's place, in what its probes went.
    cost : int
        Queries a score.

    Raises
    ------
    InputError
        If all clean scores are one.
    """
    scores = np.array(probed, np.float64)
    clean = scores[:, 0]
    if not np.ptp(clean):
        raise InputError(f"The victim scores every picture {clean[0]:g}: there is no order.")
    low, high = (clean + FARTHER * (end(scores, axis=1) - clean) for end in (np.nanmin, np.nanmax))
    quartiles = np.percentile(clean, (25, 75))
    spread, deviation = float(np.ptp(quartiles)) / IQR, float(clean.std())
    spread = spread if spread > ALIKE * deviation else deviation
    turned = (len(clean) - 1) / 2 - np.argsort(np.argsort(clean, kind="stable"))
    ranks = scipy.stats.rankdata(clean)

    def expected(line: tuple[float, float]) -> tuple[float, float]:
        gap, center = line
        reached = np.clip(center + gap * turned, low, high)
        order = _correlation(ranks, scipy.stats.rankdata(reached))
        return round(order, 2), float(np.abs(reached - clean).mean())

    gaps = [gap * spread / len(clean) for gap in GAPS]
    centers = np.linspace(low.min(), high.max(), CENTERS).tolist()
    gap, center = min(product(gaps, centers), key=expected)
    targets, asked = center + gap * turned, scores.shape[1]
    upwards = targets > clean
    went = np.where(upwards, np.nanmax(scores, axis=1) - clean, clean - np.nanmin(scores, axis=1))
    shares = np.clip(np.abs(targets - clean) / np.maximum(went, gap), LEAST, DEAREST)
    left = len(clean) * (queries // cost - asked)
    budgets = cost * (asked + np.floor(left * shares / shares.sum()).astype(int))
    return tuple(
        Place(target, gap / 2, asked, budget)
        for target, budget in zip(targets.tolist(), budgets.tolist(), strict=True)
    )


def _correlation(one: Floats, other: Floats) -> float:
    """Return Pearson's correlation; 0 where one side is constant."""
    one, other = one - one.mean(), other - other.mean()
    norm = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / norm if norm else 0.0
