"""The figures of a row: from the scores of the same pictures with a defence and without."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iqaudit._analysis.defences.records import Reach
from iqaudit._analysis.tables.cells import CellData, PictureData
from iqaudit._analysis.tables.samples import FEWEST_RANKED
from iqaudit._assess.questions import FAR
from iqaudit._core.goal import Direction
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import (
    NOTHING,
    Estimate,
    Statistic,
    divided,
    interval,
    linear_correlation,
    mean,
    paired,
    rank_correlation,
)
from iqaudit.measures._strength import gains, room

CLOSE = 1e-12
"""Means of the same numbers differ by less."""


@dataclass(frozen=True)
class Beyond:
    """What was found of a picture beyond its searches.

    Attributes
    ----------
    unaware : float
        The defended victim's quality of the picture made against the undefended one.
    ssim, flip : float or None
        Of the picture behind the defence to the picture, where it has its size.
    bounds : (low, high) or None
        The certificate's ends, on 0-10.
    slopes : tuple of float or None
        ||grad||_1 at the clean picture by its levels, native: undefended and defended.
    """

    unaware: float
    ssim: float | None
    flip: float | None
    bounds: tuple[float, float] | None
    slopes: tuple[float, ...] | None = None


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a row: the undefended victim's and the defended one's, of one protocol.

    `plain_white` and `white` are those with a white-box attack, the smallest budget first.
    """

    plain: CellData
    own: CellData
    plain_white: Sequence[CellData]
    white: Sequence[CellData]


class Scores:
    """The qualities of the pictures of a row, (n,), and each one's RGO.

    Attributes
    ----------
    before, attacked : ndarray of float64
        The undefended victim's, of the clean pictures and of those attacked.
    after, adaptive : ndarray of float64
        The defended one's, likewise.
    undefended, known, unaware : ndarray of float64
        RGO: the first two's, the last two's, and the defended victim's of yesterday's pictures, on
        the way that they were pushed.
    opinions : ndarray of float64
        Of people; NaN where there is none.
    ahead : tuple of ndarray of float64
        By how much each went beyond `FAR` times what its slope foretells, native: undefended and
        defended; none where a slope is not known.
    """

    def __init__(self, cells: Cells, beyond: Mapping[str, Beyond]) -> None:
        plain, own = _pictures(cells.plain, beyond), _pictures(cells.own, beyond)
        self.before, self.attacked = _qualities(plain)
        self.after, self.adaptive = _qualities(own)
        self.undefended = gains(self.before, self.attacked)
        self.known = gains(self.after, self.adaptive)
        raised = [Direction(each.figures.direction) is Direction.RAISE for each in plain]
        went = np.array([each.unaware for each in beyond.values()]) - self.after
        self.unaware = np.where(raised, went, -went) / room(self.after)
        self.opinions = np.array([each.opinion for each in plain], np.float64)
        slopes = [each.slopes for each in beyond.values() if each.slopes is not None]
        self.ahead: tuple[Floats, ...] = ()
        if len(slopes) == len(beyond):
            foretold = FAR * cells.own.levels * np.transpose(slopes)
            pairs = zip((_moved(plain), _moved(own)), foretold, strict=True)
            self.ahead = tuple(went - known for went, known in pairs)

    @property
    def rated(self) -> Any:
        """Which of them people rated; none where too few."""
        rated = ~np.isnan(self.opinions)
        return rated & (rated.sum() >= FEWEST_RANKED)


def figures(
    cells: Cells, scores: Scores, beyond: Mapping[str, Beyond], passes: int, noise: float
) -> dict[str, Any]:
    """Return a row's figures.

    Parameters
    ----------
    cells : Cells
    scores : Scores
    beyond : mapping of str to Beyond
        By the pictures' names, all of them finished in both cells.
    passes : int
        Pictures that the victim scores for a question.
    noise : float
        The defended victim's card's, native.
    """
    own, scale = _pictures(cells.own, beyond), cells.own.scale
    noisy = np.array([scale.quality(each.figures.clean_score + noise) for each in own])
    rgo = paired(mean, [scores.known], [scores.undefended])
    paths, equal = _paths(cells.own, own), rgo.attack
    if passes > 1:
        asked = max(1, cells.plain.queries // passes // cells.own.cost)
        equal = interval(mean, paths[:, min(asked, paths.shape[1]) - 1])
    return {
        **_agreement(scores),
        "score_moved": interval(mean, np.abs(scores.after - scores.before)),
        "score_agreement": _correlated(rank_correlation, scores.after, scores.before),
        "ssim": _known(each.ssim for each in beyond.values()),
        "flip": _known(each.flip for each in beyond.values()),
        "rgo_undefended": rgo.floor,
        "rgo_unaware": interval(mean, scores.unaware),
        "rgo_adaptive": rgo.attack,
        "rgo_difference": rgo.difference,
        "rgo_equal_passes": equal,
        "queries_to_undefended": _reach(paths, scores, cells.own.cost),
        "ceiling": max(
            (interval(mean, rgo_of(each, tuple(beyond))) for each in cells.white),
            key=lambda each: -1.0 if each.value is None else each.value,
            default=NOTHING,
        ),
        "noise": interval(mean, np.abs(noisy - scores.after)),
        "passes": passes,
    }


def rgo_of(cell: CellData, names: Sequence[str]) -> Floats:
    """Return the RGO of each of the pictures that a cell has finished, (n,)."""
    finished = {each.figures.name for each in cell.finished}
    pictures = _pictures(cell, [name for name in names if name in finished])
    return gains(*_qualities(pictures))


def net(scores: Scores) -> Estimate:
    """Return the share that a defence takes of the RGO less the share that it takes of agreement.

    The latter is lost of SROCC with people; where none rated, it is what lacks to an SROCC of 1
    with the undefended scores.
    """

    def compute(undefended: Floats, known: Floats, *qualities: Floats) -> Floats:
        taken = 1 - divided(known.mean(axis=-1), undefended.mean(axis=-1))
        before, after, *people = qualities
        if not people:
            return taken - (1 - rank_correlation(after, before))
        one, other = (rank_correlation(each, people[0]) for each in (before, after))
        return taken - divided(one - other, one)

    every = scores.undefended, scores.known, scores.before, scores.after
    rated = scores.rated
    if not rated.any():
        return interval(compute, *every)
    return interval(compute, *(each[rated] for each in (*every, scores.opinions)))


def _pictures(cell: CellData, names: Mapping[str, Any] | Sequence[str]) -> list[PictureData]:
    named = {each.figures.name: each for each in cell.finished}
    return [named[name] for name in names]


def _qualities(pictures: Sequence[PictureData]) -> tuple[Floats, Floats]:
    clean = np.array([each.figures.clean_quality for each in pictures])
    return clean, np.array([each.figures.attacked_quality for each in pictures])


def _moved(pictures: Sequence[PictureData]) -> Floats:
    """Return how far the native scores went, (n,)."""
    rows = [each.figures for each in pictures]
    return np.abs([each.attacked_score - each.clean_score for each in rows])


def _agreement(scores: Scores) -> dict[str, Estimate]:
    """Return correlations with people's scores; nothing where too few are there."""
    rated = scores.rated
    if not rated.any():
        return {}
    people, before, after, attacked = (
        each[rated] for each in (scores.opinions, scores.before, scores.after, scores.adaptive)
    )
    found = {"srocc_attacked": interval(rank_correlation, attacked, people)}
    for name, correlation in (("srocc", rank_correlation), ("plcc", linear_correlation)):
        both = paired(correlation, [after, people], [before, people])
        found |= {
            f"{name}_undefended": both.floor,
            f"{name}_defended": both.attack,
            f"{name}_difference": both.difference,
        }
    return found


def _correlated(correlation: Statistic, one: Floats, other: Floats) -> Estimate:
    return interval(correlation, one, other) if len(one) >= FEWEST_RANKED else NOTHING


def _known(values: Any) -> Estimate:
    """Return the mean of those that are known."""
    return interval(mean, [each for each in values if each is not None])


def _paths(cell: CellData, pictures: Sequence[PictureData]) -> Floats:
    """Return the RGO of the best answer so far, (pictures, scores asked): it never falls."""
    length = cell.queries // cell.cost
    paths = np.empty((len(pictures), length))
    for path, picture in zip(paths, pictures, strict=True):
        natives = picture.reached[:length].copy()
        if picture.figures.luckiest_score is not None:  # in place of the fresh answers' mean
            natives[-1] = picture.figures.luckiest_score
        values, places = np.unique(natives, return_inverse=True)
        qualities = np.array([cell.scale.quality(float(each)) for each in values])[places]
        path[: len(qualities)] = gains(qualities[:1], qualities)
        path[len(qualities) :] = path[len(qualities) - 1]
    return paths


def _reach(paths: Floats, scores: Scores, cost: int) -> Reach:
    """Return when the mean RGO first was the undefended one; never, where fresh answers deny it."""
    never = paths.shape[1] + 1

    def first(positions: Floats) -> Floats:
        drawn = positions.astype(np.int64)
        target = scores.undefended[drawn].mean(axis=-1) - CLOSE
        low, high = np.ones(target.shape, np.int64), np.full(target.shape, never)
        while (low < high).any():
            middle = np.minimum((low + high) // 2, never - 1)
            there = paths[drawn, middle[..., None] - 1].mean(axis=-1) >= target
            # In a finished one, low is high.
            low = np.where(there | (low == high), low, middle + 1)
            high = np.where(there & (low < high), middle, high)
        denied = scores.known[drawn].mean(axis=-1) < target
        return np.where(denied, never, low).astype(np.float64)

    found = interval(first, np.arange(len(paths)))
    value, *ends = (
        None if each is None or each >= never else cost * int(np.ceil(each))
        for each in (found.value, found.low, found.high)
    )
    return Reach(value, None if found.low is None else (ends[0], ends[1]))
