"""A cell's pictures after so many queries, and the estimates that tables hold of them.

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
class Sample:
    """A cell's finished pictures after so many queries, as arrays; native scores and qualities."""

    cell: CellData
    pictures: tuple[PictureData, ...]
    clean: Floats
    attacked: Floats
    clean_quality: Floats
    attacked_quality: Floats

    @classmethod
    def after(cls, cell: CellData, queries: int) -> "Sample":
        """Return what was reached; a search that ended before then keeps what it had found."""
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

    def part(self, chosen: NDArray[np.bool_]) -> "Sample":
        """Return some of the pictures."""
        return Sample(
            self.cell,
            tuple(each for each, taken in zip(self.pictures, chosen, strict=True) if taken),
            *(
                each[chosen]
                for each in (self.clean, self.attacked, self.clean_quality, self.attacked_quality)
            ),
        )

    def pushed(self, direction: str) -> "Sample":
        """Return the pictures that were pushed one way."""
        chosen = [each.figures.direction == direction for each in self.pictures]
        return self.part(np.array(chosen, np.bool_))

    def rated(self) -> tuple["Sample", Floats]:
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


def figure_mean(name: str) -> Callable[[Sample], Estimate]:
    """Return the mean of a figure that results.json has."""
    return lambda sample: _terms(getattr(each.figures, name) for each in sample.pictures)


def largest_change(sample: Sample) -> Estimate:
    """Return the largest change of any pixel, in levels."""
    return Estimate(max((float(each.figures.linf) for each in sample.pictures), default=None))


def quality_mean(measure: Callable[[list[float], list[float]], float]) -> Callable[..., Estimate]:
    """Return the mean of a measure that is itself a mean of a term a picture."""

    def compute(sample: Sample) -> Estimate:
        pairs = zip(sample.clean_quality, sample.attacked_quality, strict=True)
        return _terms(measure([before], [after]) for before, after in pairs)

    return compute


def zhang(clean: list[float], attacked: list[float]) -> float:
    """Return R as Zhang et al. have it, on 0-10."""
    return measures.robustness(clean, attacked, (0, QUALITY_MAX), base=math.e)


def msu_robustness(sample: Sample) -> Estimate:
    """Return R as the MSU robustness benchmark has it."""
    ends = sample.clean_range()
    if ends is None:
        return NOTHING
    low, high = ends
    scaled = ((each - low) / (high - low) for each in (sample.clean, sample.attacked))
    return _terms(
        measures.robustness([p], [p_attacked], (0, 1), base=10, offset=measures.MSU_OFFSET)
        for p, p_attacked in zip(*scaled, strict=True)
    )


Gain: TypeAlias = Callable[[list[float], list[float], tuple[float, float]], float]


def gain(
    measure: Gain, direction: str, ends: Callable[[Sample], tuple[float, float] | None]
) -> Callable[[Sample], Estimate]:
    """Return a gain's mean, positive towards better quality."""

    def compute(sample: Sample) -> Estimate:
        score_range, part = ends(sample), sample.pushed(direction)
        if score_range is None:
            return NOTHING
        sign = -1 if sample.cell.scale.lower_is_better else 1
        return _terms(
            sign * measure([before], [after], score_range)
            for before, after in zip(part.clean, part.attacked, strict=True)
        )

    return compute


def native_range(sample: Sample) -> tuple[float, float] | None:
    """Return the victim's native range, or None where it is unbounded."""
    low, high = sample.cell.scale.low, sample.cell.scale.high
    return (low, high) if math.isfinite(high - low) else None


def shift(statistic: Statistic, direction: str) -> Callable[[Sample], Estimate]:
    """Return how a distribution moved, positive towards better quality."""

    def compute(sample: Sample) -> Estimate:
        ends, part = sample.clean_range(), sample.pushed(direction)
        if ends is None or not len(part.clean):
            return NOTHING
        low, high = ends
        sign = -1 if sample.cell.scale.lower_is_better else 1
        p, p_attacked = ((each - low) / (high - low) for each in (part.clean, part.attacked))
        return interval(lambda a, b: sign * statistic(a, b), p, p_attacked)

    return compute


def agreement(statistic: Statistic, which: str) -> Callable[[Sample], Estimate]:
    """Return a statistic of qualities and opinion scores; "change" has it before and after."""

    def compute(sample: Sample) -> Estimate:
        part, opinions = sample.rated()
        fewest = 1 if statistic is statistics.root_mean_square else FEWEST_RANKED
        if len(opinions) < fewest:
            return NOTHING
        before, after = part.clean_quality, part.attacked_quality
        if which == "change":
            return interval(statistics.change(statistic), before, after, opinions)
        return interval(statistic, before if which == "before" else after, opinions)

    return compute


def pair_agreement(which: str) -> Callable[[Sample], Estimate]:
    """Return Kendall's correlation, whose pairs are compared once for all resamples."""

    def compute(sample: Sample) -> Estimate:
        part, opinions = sample.rated()
        if len(opinions) < FEWEST_RANKED:
            return NOTHING
        was = statistics.pair_correlation(part.clean_quality, opinions)
        left = statistics.pair_correlation(part.attacked_quality, opinions)
        if which == "change":
            kept = statistics.change(lambda tau, positions: tau(positions))
            return interval(lambda positions: kept(was, left, positions), np.arange(len(opinions)))
        return interval(was if which == "before" else left, np.arange(len(opinions)))

    return compute
