"""Snapshots of a cell after so many queries, and the estimates that tables have of them.

Correlations resample pairs of score and opinion score. Scores are scaled by the cell's clean ones,
of all pictures, whatever is resampled.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from iqaudit import measures
from iqaudit._analysis.tables import statistics
from iqaudit._analysis.tables.cells import CellData, PictureData
from iqaudit._core.scale import QUALITY_MAX
from iqaudit.measures._bootstrap import NOTHING, Estimate, Statistic, interval, mean

Floats: TypeAlias = NDArray[np.float64]

FEWEST_RANKED = 3
"""Pictures: a correlation of two is 1 or -1 whatever they are."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A cell's finished pictures after so many queries, as arrays; native scores and qualities."""

    cell: CellData
    pictures: tuple[PictureData, ...]
    clean: Floats
    attacked: Floats
    clean_quality: Floats
    attacked_quality: Floats

    @classmethod
    def after(cls, cell: CellData, queries: int) -> "Snapshot":
        """Return the best scores so far; a search that ended before then keeps its last ones."""
        pictures = cell.finished
        scores = queries // cell.cost
        clean = [float(each.reached[0]) for each in pictures]
        attacked = [float(each.reached[:scores][-1]) for each in pictures]
        quality = cell.scale.quality
        return cls(
            cell,
            pictures,
            np.array(clean),
            np.array(attacked),
            np.array([quality(score) for score in clean]),
            np.array([quality(score) for score in attacked]),
        )

    def part(self, chosen: NDArray[np.bool_]) -> "Snapshot":
        """Return some of the pictures."""
        return Snapshot(
            self.cell,
            tuple(each for each, taken in zip(self.pictures, chosen, strict=True) if taken),
            *(
                each[chosen]
                for each in (self.clean, self.attacked, self.clean_quality, self.attacked_quality)
            ),
        )

    def pushed(self, direction: str) -> "Snapshot":
        """Return the pictures that were pushed one way."""
        chosen = [each.figures.direction == direction for each in self.pictures]
        return self.part(np.array(chosen, np.bool_))

    def rated(self) -> tuple["Snapshot", Floats]:
        """Return the pictures that people rated, and their opinion scores."""
        chosen = np.array([each.opinion is not None for each in self.pictures], np.bool_)
        opinions = [each.opinion for each in self.pictures if each.opinion is not None]
        return self.part(chosen), np.array(opinions, np.float64)

    def clean_range(self) -> tuple[float, float] | None:
        """Return the lowest and the highest clean score, or None where they are one."""
        if not len(self.clean):
            return None
        low, high = measures.clean_range(self.clean)
        return (low, high) if low < high else None


def _terms(values: Iterable[float | None]) -> Estimate:
    """Return the mean of a value a picture; pictures that have none are left out."""
    there = [value for value in values if value is not None and not math.isnan(value)]
    if any(map(math.isinf, there)):
        return Estimate(math.inf)
    return interval(mean, there)


def figure_mean(name: str) -> Callable[[Snapshot], Estimate]:
    """Return the mean of a figure that results.json has."""
    return lambda snapshot: _terms(getattr(each.figures, name) for each in snapshot.pictures)


def largest_change(snapshot: Snapshot) -> Estimate:
    """Return the largest change of any pixel, in levels."""
    return Estimate(max((float(each.figures.linf) for each in snapshot.pictures), default=None))


def quality_mean(measure: Callable[[list[float], list[float]], float]) -> Callable[..., Estimate]:
    """Return the mean of a measure that is itself a mean of a term a picture."""

    def compute(snapshot: Snapshot) -> Estimate:
        pairs = zip(snapshot.clean_quality, snapshot.attacked_quality, strict=True)
        return _terms(measure([before], [after]) for before, after in pairs)

    return compute


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
    return _terms(
        measures.robustness([p], [p_attacked], (0, 1), base=10, offset=measures.MSU_OFFSET)
        for p, p_attacked in zip(*scaled, strict=True)
    )


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
        return _terms(
            sign * measure([before], [after], score_range)
            for before, after in zip(part.clean, part.attacked, strict=True)
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
        if ends is None or not len(part.clean):
            return NOTHING
        low, high = ends
        sign = -1 if snapshot.cell.scale.lower_is_better else 1
        p, p_attacked = ((each - low) / (high - low) for each in (part.clean, part.attacked))
        return interval(lambda a, b: sign * statistic(a, b), p, p_attacked)

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
        before = correlation(part.clean_quality, opinions)
        after = correlation(part.attacked_quality, opinions)
        statistic = {
            "before": before,
            "after": after,
            "change": lambda positions: lost(before, after, positions),
        }[which]
        return interval(statistic, np.arange(len(opinions)))

    return compute
