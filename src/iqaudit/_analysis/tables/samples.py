"""Snapshots of a cell after so many queries, and the estimates that tables have of them.

A cell's searches may have been made with several seeds: then a picture's figure is the mean over
seeds, and a statistic of pictures (a correlation, a distance) is taken of each seed, then averaged.
Correlations resample pairs of score and opinion score. Scores are scaled by the cell's clean ones,
of all pictures, whatever is resampled.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import compress
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from iqaudit import measures
from iqaudit._analysis.tables import statistics
from iqaudit._analysis.tables.cells import CellData, PictureData
from iqaudit._core.scale import QUALITY_MAX
from iqaudit._runs.figures import Likeness, Row
from iqaudit._search.stop import Outcome
from iqaudit.measures._arrays import Floats, scaled
from iqaudit.measures._bootstrap import (
    NOTHING,
    Estimate,
    Sample,
    Statistic,
    mean,
    rank_correlation,
)

Figure: TypeAlias = Sample | Estimate
"""What a figure is of; itself, where it has no interval."""

Compute: TypeAlias = Callable[["Snapshot"], Figure]

Ranged: TypeAlias = Callable[[Sequence[float], Sequence[float], tuple[float, float]], float]
"""A measure of scores before and after that needs their range."""

Correlation: TypeAlias = Callable[[Floats, Floats], Statistic]
"""From qualities and opinion scores to a statistic of the pictures' positions, (..., n)."""

LIKENESS = {each.name for each in fields(Likeness)} - {"queries"}
"""The figures that are known at checkpoints as well."""

FEWEST_RANKED = 3
"""Pictures: a correlation of two is 1 or -1 whatever they are."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Finished pictures after so many queries, with their native scores and their qualities.

    `pictures` has a tuple of n a seed, in one order; `scores` and `qualities`, (2, seeds, n), are
    the clean pictures' and the attacked ones'.
    """

    cell: CellData
    queries: int
    pictures: tuple[tuple[PictureData, ...], ...]
    scores: Floats
    qualities: Floats

    @classmethod
    def after(cls, cell: CellData, queries: int, *others: CellData) -> "Snapshot":
        """Return the best scores so far; a search that ended before then keeps its last ones.

        `others` are the cell with other seeds: the pictures are those that all have finished.
        """
        found = [{each.figures.name: each for each in one.finished} for one in (cell, *others)]
        names = [name for name in found[0] if all(name in each for each in found)]
        pictures = tuple(tuple(each[name] for name in names) for each in found)
        scores = [
            [[float(each.reached[:asked][-1]) for each in seed] for seed in pictures]
            for asked in (1, queries // cell.cost if queries < cell.searched else None)
        ]
        qualities = [[[cell.scale.quality(each) for each in seed] for seed in at] for at in scores]
        return cls(cell, queries, pictures, np.array(scores), np.array(qualities))

    def figures(self, name: str) -> list[list[float | None]]:
        """Return a figure that results.json has, (seeds, n); none where an earlier one is not kept.

        Likeness is that of the picture so far.
        """

        def kept(picture: PictureData) -> Row | Likeness | None:
            # Budgets differ where places in an order do.
            ended = self.queries >= min(picture.figures.queries, self.cell.searched)
            if name not in LIKENESS or ended:
                return picture.figures
            return picture.likeness.get(self.queries)

        rows = [[kept(each) for each in seed] for seed in self.pictures]
        if any(None in row for row in rows):
            return [[]]
        return [[getattr(each, name) for each in row] for row in rows]

    @classmethod
    def of(cls, cell: CellData, *others: CellData) -> "Snapshot":
        """Return the pictures at the end of their budget; see `after`."""
        return cls.after(cell, cell.queries, *others)

    @property
    def groups(self) -> list[str]:
        """The hash of each picture's pixels: those of the same are drawn together."""
        return [each.sha256 for each in self.pictures[0]]

    def at(self, places: Sequence[int]) -> "Snapshot":
        """Return the pictures at some places, in that order."""
        chosen = np.array(places, np.int64)
        return replace(
            self,
            pictures=tuple(tuple(seed[place] for place in places) for seed in self.pictures),
            scores=self.scores[..., chosen],
            qualities=self.qualities[..., chosen],
        )

    def part(self, chosen: NDArray[np.bool_]) -> "Snapshot":
        """Return some of the pictures."""
        return self.at(np.flatnonzero(chosen).tolist())

    def pushed(self, direction: str) -> "Snapshot":
        """Return the pictures that were pushed one way, with every seed."""
        ways = [[each.figures.direction for each in seed] for seed in self.pictures]
        return self.part((np.array(ways) == direction).all(axis=0))

    def rated(self) -> tuple["Snapshot", Floats]:
        """Return the pictures that people rated, and their opinion scores."""
        opinions = np.array([each.opinion for each in self.pictures[0]], np.float64)
        chosen = ~np.isnan(opinions)  # where there is none
        return self.part(chosen), opinions[chosen]

    def native_range(self) -> tuple[float, float] | None:
        """Return the victim's native range, or None where it is unbounded."""
        low, high = self.cell.scale.low, self.cell.scale.high
        return (low, high) if math.isfinite(high - low) else None

    def clean_range(self) -> tuple[float, float] | None:
        """Return the lowest and the highest clean score, or None where they are one."""
        if not self.scores.size:
            return None
        low, high = measures.clean_range(self.scores[0].ravel())
        return (low, high) if low < high else None

    def sign(self) -> int:
        """Return the sign of a native score's way to better quality."""
        return -1 if self.cell.scale.lower_is_better else 1


def _terms(values: Iterable[Sequence[float | None]], groups: Sequence[str]) -> Figure:
    """Return the mean of a value a seed and picture; pictures that have none are left out."""
    terms = np.array(list(values), np.float64)
    has = np.logical_not(np.isnan(terms).all(axis=0))
    if np.isinf(terms[:, has]).any():
        return Estimate(math.inf)
    there = np.nanmean(terms[:, has], axis=0)
    return Sample(mean, (there,), groups=tuple(compress(groups, has)))


def _each_pair(
    measure: Callable[..., float], before_and_after: Floats, groups: Sequence[str]
) -> Figure:
    """Return the mean of a measure that is itself a mean of a term a picture."""
    return _terms(
        (
            [measure([before], [after]) for before, after in zip(*seed, strict=True)]
            for seed in zip(*before_and_after, strict=True)
        ),
        groups,
    )


def _resampled(
    seeds: Sequence[Statistic], groups: Sequence[str], sign: int = 1, *, biased: bool = False
) -> Figure:
    """Return the mean of the seeds' statistics, each of the pictures' positions."""
    return Sample(
        lambda positions: sign * np.mean([each(positions) for each in seeds], axis=0),
        (np.arange(len(groups)),),
        biased=biased,
        groups=tuple(groups),
    )


def figure_mean(name: str) -> Compute:
    """Return the mean of a figure that results.json has."""
    return lambda snapshot: _terms(snapshot.figures(name), snapshot.groups)


def largest_change(snapshot: Snapshot) -> Estimate:
    """Return the largest change of any pixel, in levels."""
    changes = (each.figures.linf for seed in snapshot.pictures for each in seed)
    return Estimate(max(map(float, changes), default=None))


def by_chance(way: int) -> Compute:
    """Return the mean RGO of random changes that raise scores, 0, or lower them, 1."""

    def compute(snapshot: Snapshot) -> Figure:
        chances = [[each.chance for each in seed] for seed in snapshot.pictures]
        if not any(each for seed in chances for each in seed):
            return NOTHING
        return _terms(
            ([None if each is None else each[way] for each in seed] for seed in chances),
            snapshot.groups,
        )

    return compute


def quality_mean(measure: Callable[..., float]) -> Compute:
    """Return the mean of a measure of qualities that is itself a mean of a term a picture."""
    return lambda snapshot: _each_pair(measure, snapshot.qualities, snapshot.groups)


def unmoved(snapshot: Snapshot) -> Estimate:
    """Return the number of pictures whose quality did not move, with a seed at the least."""
    if not snapshot.qualities.size:
        return NOTHING
    clean, attacked = snapshot.qualities
    return Estimate(float((clean == attacked).any(axis=0).sum()))


def zhang(clean: Sequence[float], attacked: Sequence[float]) -> float:
    """Return R as Zhang et al. have it, on 0-10."""
    return measures.robustness(clean, attacked, (0, QUALITY_MAX), base=math.e)


def msu(clean: Sequence[float], attacked: Sequence[float], ends: tuple[float, float]) -> float:
    """Return R as the MSU robustness benchmark has it."""
    unit = scaled(clean, attacked, ends)
    return measures.robustness(*unit, (0, 1), base=10, offset=measures.MSU_OFFSET)


def msu_robustness(snapshot: Snapshot) -> Figure:
    """Return the mean of the MSU robustness benchmark's R."""
    ends = snapshot.clean_range()
    if ends is None:
        return NOTHING
    return _each_pair(partial(msu, ends=ends), snapshot.scores, snapshot.groups)


def gain(
    measure: Ranged, ends: Callable[[Snapshot], tuple[float, float] | None], direction: str
) -> Compute:
    """Return a gain's mean, positive towards better quality."""

    def compute(snapshot: Snapshot) -> Figure:
        score_range = ends(snapshot)
        if score_range is None:
            return NOTHING
        part = snapshot.pushed(direction)
        return _each_pair(
            lambda before, after: snapshot.sign() * measure(before, after, score_range),
            part.scores,
            part.groups,
        )

    return compute


def met(snapshot: Snapshot) -> Figure:
    """Return the share of pictures whose score reached the target; nothing without one."""
    ends = _queries_to_target(snapshot)
    if not ends:
        return NOTHING
    return _terms(([float(each is not None) for each in seed] for seed in ends), snapshot.groups)


def queries_to_target(snapshot: Snapshot) -> Figure:
    """Return the mean of the queries to the target, of the pictures that reached it."""
    ends = _queries_to_target(snapshot)
    return _terms(ends, snapshot.groups) if ends else NOTHING


def _queries_to_target(snapshot: Snapshot) -> list[list[float | None]]:
    """Return the query that met the target, a seed and picture; None where none did so far."""

    def found(row: Row) -> float | None:
        reached = row.end is Outcome.TARGET_MET and row.queries <= snapshot.queries
        return row.queries if reached else None

    pictures = snapshot.pictures if snapshot.cell.targeted else ()
    return [[found(each.figures) for each in seed] for seed in pictures]


def spreads(snapshot: Snapshot) -> Figure:
    """Return the mean of how far native scores went, in S."""
    measure = partial(measures.shift, spread=snapshot.cell.scale.spread)
    return _each_pair(measure, snapshot.scores, snapshot.groups)


def signed_spreads(direction: str) -> Compute:
    """Return the same of one direction, positive towards better quality."""

    def compute(snapshot: Snapshot) -> Figure:
        sign, spread = snapshot.sign(), snapshot.cell.scale.spread
        part = snapshot.pushed(direction)
        return _each_pair(
            lambda before, after: sign * measures.shift(before, after, spread, signed=True),
            part.scores,
            part.groups,
        )

    return compute


def displacement(statistic: Statistic, direction: str) -> Compute:
    """Return how a distribution moved, positive towards better quality."""

    def compute(snapshot: Snapshot) -> Figure:
        part = snapshot.pushed(direction)
        ends, scores = snapshot.clean_range(), part.scores
        if ends is None or not scores.size:
            return NOTHING
        low, high = ends
        p, p_attacked = (scores - low) / (high - low)
        seeds = [drawn(statistic)(*both) for both in zip(p, p_attacked, strict=True)]
        return _resampled(seeds, part.groups, snapshot.sign(), biased=True)

    return compute


def drawn(statistic: Statistic) -> Correlation:
    """Return a statistic of two arrays as one of the pictures' positions."""

    def positioned(qualities: Floats, opinions: Floats) -> Statistic:
        def compute(positions: Floats) -> Floats:
            chosen = positions.astype(np.int64)
            return statistic(qualities[chosen], opinions[chosen])

        return compute

    return positioned


def order(snapshot: Snapshot) -> Figure:
    """Return the rank correlation of scores before and after. None of fewer than three pictures."""
    count = snapshot.scores.shape[-1]
    if count < FEWEST_RANKED:
        return NOTHING
    correlation = drawn(rank_correlation)
    seeds = [correlation(*each) for each in zip(*snapshot.scores, strict=True)]
    return _resampled(seeds, snapshot.groups)


def agreement(correlation: Correlation, which: str, fewest: int = FEWEST_RANKED) -> Compute:
    """Return a statistic of qualities and opinion scores, "before" or "after" the attack.

    "change" is the share of it that the attack took. None below so few pictures with opinions.
    """

    def of_seed(qualities: Sequence[Floats], opinions: Floats) -> Statistic:
        before, after = (correlation(each, opinions) for each in qualities)
        if which == "change":
            return lambda positions: statistics.lost(before(positions), after(positions))
        return before if which == "before" else after

    def compute(snapshot: Snapshot) -> Figure:
        part, opinions = snapshot.rated()
        if len(opinions) < fewest:
            return NOTHING
        seeds = [of_seed(each, opinions) for each in zip(*part.qualities, strict=True)]
        return _resampled(seeds, part.groups)

    return compute
