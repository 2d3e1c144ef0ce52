"""Snapshots of a cell after so many queries, and the estimates that tables have of them.

A cell's searches may have been made with several seeds: then a picture's figure is the mean over
seeds, and a statistic of pictures (a correlation, a distance) is taken of each seed, then averaged.
Correlations resample pairs of score and opinion score. Scores are scaled by the cell's clean ones,
of all pictures, whatever is resampled.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import compress
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from iqaudit import measures
from iqaudit._analysis.tables import statistics
from iqaudit._analysis.tables.cells import CellData, PictureData
from iqaudit._core.scale import QUALITY_MAX
from iqaudit._runs.figures import Likeness
from iqaudit.measures._bootstrap import NOTHING, Estimate, Statistic, interval, mean

Floats: TypeAlias = NDArray[np.float64]

LIKENESS = {each.name for each in fields(Likeness)} - {"queries"}
"""The figures that are known at checkpoints as well."""

FEWEST_RANKED = 3
"""Pictures: a correlation of two is 1 or -1 whatever they are."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Finished pictures after so many queries: native scores and qualities, (seeds, n).

    `pictures` has a tuple of n a seed, in one order.
    """

    cell: CellData
    queries: int
    pictures: tuple[tuple[PictureData, ...], ...]
    clean: Floats
    attacked: Floats
    clean_quality: Floats
    attacked_quality: Floats

    @classmethod
    def after(cls, cell: CellData, queries: int, *others: CellData) -> "Snapshot":
        """Return the best scores so far; a search that ended before then keeps its last ones.

        `others` are the cell with other seeds: the pictures are those that all have finished.
        """
        found = [{each.figures.name: each for each in one.finished} for one in (cell, *others)]
        names = [name for name in found[0] if all(name in each for each in found)]
        pictures = tuple(tuple(each[name] for name in names) for each in found)
        scores = queries // cell.cost
        clean = [[float(each.reached[0]) for each in seed] for seed in pictures]
        attacked = [[float(each.reached[:scores][-1]) for each in seed] for seed in pictures]
        quality = cell.scale.quality
        return cls(
            cell,
            queries,
            pictures,
            np.array(clean),
            np.array(attacked),
            np.array([[quality(score) for score in seed] for seed in clean]),
            np.array([[quality(score) for score in seed] for seed in attacked]),
        )

    def figures(self, name: str) -> list[list[float | None]]:
        """Return a figure that results.json has, (seeds, n); none where an earlier one is not kept.

        Likeness is that of the picture so far.
        """
        if name not in LIKENESS:
            return [[getattr(each.figures, name) for each in seed] for seed in self.pictures]
        rows: list[list[float | None]] = [[] for _ in self.pictures]
        for row, seed in zip(rows, self.pictures, strict=True):
            for each in seed:
                ended = each.figures.queries <= self.queries
                then = each.figures if ended else each.likeness.get(self.queries)
                if then is None:
                    return [[]]
                row.append(getattr(then, name))
        return rows

    def part(self, chosen: NDArray[np.bool_]) -> "Snapshot":
        """Return some of the pictures."""
        return Snapshot(
            self.cell,
            self.queries,
            tuple(tuple(compress(seed, chosen)) for seed in self.pictures),
            *(
                each[:, chosen]
                for each in (self.clean, self.attacked, self.clean_quality, self.attacked_quality)
            ),
        )

    def pushed(self, direction: str) -> "Snapshot":
        """Return the pictures that were pushed one way, with every seed."""
        ways = [[each.figures.direction for each in seed] for seed in self.pictures]
        return self.part((np.array(ways) == direction).all(axis=0))

    def rated(self) -> tuple["Snapshot", Floats]:
        """Return the pictures that people rated, and their opinion scores."""
        said = [each.opinion for each in self.pictures[0]]
        chosen = np.array([opinion is not None for opinion in said], np.bool_)
        opinions = [opinion for opinion in said if opinion is not None]
        return self.part(chosen), np.array(opinions, np.float64)

    def clean_range(self) -> tuple[float, float] | None:
        """Return the lowest and the highest clean score, or None where they are one."""
        if not self.clean.size:
            return None
        low, high = measures.clean_range(self.clean.ravel())
        return (low, high) if low < high else None


def _terms(values: Iterable[Sequence[float | None]]) -> Estimate:
    """Return the mean of a value a seed and picture; pictures that have none are left out."""
    terms = np.array(list(values), np.float64)
    there = terms[:, ~np.isnan(terms).all(axis=0)]
    if np.isinf(there).any():
        return Estimate(math.inf)
    return interval(mean, np.nanmean(there, axis=0))


def _averaged(statistics: Sequence[Statistic]) -> Statistic:
    """Return the mean of the seeds' statistics."""
    return lambda *arrays: np.mean([each(*arrays) for each in statistics], axis=0)


def figure_mean(name: str) -> Callable[[Snapshot], Estimate]:
    """Return the mean of a figure that results.json has."""
    return lambda snapshot: _terms(snapshot.figures(name))


def largest_change(snapshot: Snapshot) -> Estimate:
    """Return the largest change of any pixel, in levels."""
    changes = (each.figures.linf for seed in snapshot.pictures for each in seed)
    return Estimate(max(map(float, changes), default=None))


def quality_mean(measure: Callable[[list[float], list[float]], float]) -> Callable[..., Estimate]:
    """Return the mean of a measure that is itself a mean of a term a picture."""

    def compute(snapshot: Snapshot) -> Estimate:
        return _each_pair(measure, snapshot.clean_quality, snapshot.attacked_quality)

    return compute


def _each_pair(measure: Callable[..., float], clean: Floats, attacked: Floats) -> Estimate:
    return _terms(
        [measure([before], [after]) for before, after in zip(*seed, strict=True)]
        for seed in zip(clean, attacked, strict=True)
    )


def zhang(clean: list[float], attacked: list[float]) -> float:
    """Return R as Zhang et al. have it, on 0-10."""
    return measures.robustness(clean, attacked, (0, QUALITY_MAX), base=math.e)


def msu_robustness(snapshot: Snapshot) -> Estimate:
    """Return R as the MSU robustness benchmark has it."""
    ends = snapshot.clean_range()
    if ends is None:
        return NOTHING
    low, high = ends
    scaled = ((each - low) / (high - low) for each in (snapshot.clean, snapshot.attacked))
    measure = partial(measures.robustness, score_range=(0, 1), base=10, offset=measures.MSU_OFFSET)
    return _each_pair(measure, *scaled)


Gain: TypeAlias = Callable[[list[float], list[float], tuple[float, float]], float]


def gain(
    measure: Gain, direction: str, ends: Callable[[Snapshot], tuple[float, float] | None]
) -> Callable[[Snapshot], Estimate]:
    """Return a gain's mean, positive towards better quality."""

    def compute(snapshot: Snapshot) -> Estimate:
        score_range, part = ends(snapshot), snapshot.pushed(direction)
        if score_range is None:
            return NOTHING
        sign = -1 if snapshot.cell.scale.lower_is_better else 1
        return _each_pair(
            lambda before, after: sign * measure(before, after, score_range),
            part.clean,
            part.attacked,
        )

    return compute


def native_range(snapshot: Snapshot) -> tuple[float, float] | None:
    """Return the victim's native range, or None where it is unbounded."""
    low, high = snapshot.cell.scale.low, snapshot.cell.scale.high
    return (low, high) if math.isfinite(high - low) else None


def shift(statistic: Statistic, direction: str) -> Callable[[Snapshot], Estimate]:
    """Return how a distribution moved, positive towards better quality."""

    def compute(snapshot: Snapshot) -> Estimate:
        ends, part = snapshot.clean_range(), snapshot.pushed(direction)
        if ends is None or not part.clean.size:
            return NOTHING
        low, high = ends
        sign = -1 if snapshot.cell.scale.lower_is_better else 1
        p, p_attacked = ((each - low) / (high - low) for each in (part.clean, part.attacked))
        seeds = len(p)
        return interval(
            lambda *arrays: (
                sign * np.mean([statistic(*arrays[at::seeds]) for at in range(seeds)], axis=0)
            ),
            *p,
            *p_attacked,
        )

    return compute


Correlation: TypeAlias = Callable[[Floats, Floats], Statistic]
"""From qualities and opinion scores to a statistic of the pictures' positions, (..., n)."""


def drawn(statistic: Statistic) -> Correlation:
    """Return a statistic of two arrays as one of the pictures' positions."""

    def positioned(qualities: Floats, opinions: Floats) -> Statistic:
        def compute(positions: Floats) -> Floats:
            chosen = positions.astype(np.int64)
            return statistic(qualities[chosen], opinions[chosen])

        return compute

    return positioned


def agreement(
    correlation: Correlation, which: str, fewest: int = FEWEST_RANKED
) -> Callable[[Snapshot], Estimate]:
    """Return a statistic of qualities and opinion scores, "before" or "after" the attack.

    "change" is the share of it that the attack took. None below so few pictures with opinions.
    """
    lost = statistics.change(lambda one, positions: one(positions))

    def compute(snapshot: Snapshot) -> Estimate:
        part, opinions = snapshot.rated()
        if len(opinions) < fewest:
            return NOTHING
        statistics: list[Statistic] = []
        for qualities in zip(part.clean_quality, part.attacked_quality, strict=True):
            before, after = (correlation(each, opinions) for each in qualities)
            kinds: dict[str, Statistic] = {
                "before": before,
                "after": after,
                "change": partial(lost, before, after),
            }
            statistics.append(kinds[which])
        return interval(_averaged(statistics), np.arange(len(opinions)))

    return compute
