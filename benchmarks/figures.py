"""The figures of `benchmarks.strength`, from the pieces that there are: rows, ratios and tables.

Every figure is a mean over pictures, each of them a mean over its seeds. Intervals hold 95 % of
the bootstrap over pictures; what is compared is compared on the pictures that both have.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.pieces import GRID, Checkpoint, Result
from iqaudit import measures

PAPER, OURS, CEILING = "bidirectional", "guided", "pgd"
DIRECTIONS = ("raise", "lower", "both")
RESAMPLES, COVERAGE = 2_000, 0.95
FEWEST_RANKED = 3
"""Pictures: a rank correlation of two is 1 or -1 whatever they are."""

Floats = NDArray[np.float64]


class Figure(NamedTuple):
    """A mean and its interval, NaN where there is but one picture."""

    value: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Row:
    """One victim, attack, direction and budget. RGO is 0-1; None where a figure is undefined."""

    victim: str
    attack: str
    direction: str
    queries: int
    rgo: float
    rgo_low: float | None
    rgo_high: float | None
    srocc: float | None
    ssim: float | None
    pictures: int
    seeds: int


def rows(results: Sequence[Result]) -> list[Row]:
    """Return every row that there is a picture for."""
    found = []
    for victim, attack in unique((result.name, result.attack) for result in results):
        for direction in DIRECTIONS:
            chosen = select(results, victim, attack, direction)
            for queries in sorted({at.queries for each in chosen for at in each.checkpoints}):
                at_budget = [each for each in chosen if each.at(queries)]
                if not at_budget:
                    continue
                rgo = measured(at_budget, queries, "rgo")
                found.append(
                    Row(
                        victim,
                        attack,
                        direction,
                        queries,
                        rgo.value,
                        finite(rgo.low),
                        finite(rgo.high),
                        finite(srocc(at_budget, quality_after(queries))),
                        finite(measured(at_budget, queries, "ssim").value),
                        len({each.picture for each in at_budget}),
                        len({each.seed for each in at_budget}),
                    )
                )
    return found


def select(results: Sequence[Result], victim: str, attack: str, direction: str) -> list[Result]:
    """Return the results of a victim, an attack and a direction (or both)."""
    return [
        each
        for each in results
        if (each.name, each.attack) == (victim, attack) and direction in ("both", each.direction)
    ]


def measured(results: Sequence[Result], queries: int, measure: str) -> Figure:
    """Return the mean of a checkpoint's measure."""
    values = per_picture(results, lambda each: _measure(each.at(queries), measure))
    return mean(np.array(list(values.values())))


def srocc(results: Sequence[Result], quality: Callable[[Result], float]) -> float:
    """Return the rank correlation of qualities with opinion scores, a mean over seeds."""
    correlations = []
    for seed in unique(each.seed for each in results):
        ranked = [each for each in results if each.seed == seed and each.opinion is not None]
        if len(ranked) >= FEWEST_RANKED:
            opinions = [each.opinion or 0.0 for each in ranked]
            correlations.append(measures.srocc([quality(each) for each in ranked], opinions))
    return float(np.mean(correlations)) if correlations else math.nan


def ratio(numerator: dict[str, Any], denominator: dict[str, Any]) -> Figure | None:
    """Return the ratio of two means over the pictures that both have."""
    shared = [picture for picture in numerator if picture in denominator]
    if not shared:
        return None
    a, b = (np.array([of[each] for each in shared]) for of in (numerator, denominator))
    return _figure(lambda index: a[index].mean(axis=-1) / b[index].mean(axis=-1), len(shared))


def reaching(runs: Sequence[dict[str, Any]], target: dict[str, float]) -> Figure | None:
    """Return the fewest queries at which a mean curve reaches a target's mean; infinite if never.

    Parameters
    ----------
    runs : sequence of dict
        For each length of run, the RGO at the queries of `GRID` by picture. Where an attack is run
        once a budget, the fewest queries of any.
    target : dict
        The RGO to reach by picture.
    """
    shared = [picture for picture in target if all(picture in run for run in runs)]
    if not shared or not runs:
        return None
    goal = np.array([target[each] for each in shared])
    curves = [np.array([run[each] for each in shared]) for run in runs]

    def fewest(index: NDArray[np.int64]) -> Floats:
        least = np.full(index.shape[:-1], math.inf)
        for curve in curves:
            there = curve[index].mean(axis=-2) >= goal[index].mean(axis=-1)[..., None]
            at = np.array(GRID)[there.argmax(axis=-1)]
            least = np.where(there.any(axis=-1), np.minimum(least, at), least)
        return least

    return _figure(fewest, len(shared))


def mean(values: Floats) -> Figure:
    """Return the mean of a value a picture; NaN are passed over."""
    values = values[np.isfinite(values)]
    if not values.size:
        return Figure(math.nan)
    return _figure(lambda index: values[index].mean(axis=-1), len(values))


def per_picture(results: Sequence[Result], value: Callable[[Result], Any]) -> dict[str, Any]:
    """Return each picture's mean over seeds, in the order in which pictures come."""
    held: dict[str, list[Any]] = {}
    for each in results:
        held.setdefault(each.picture, []).append(value(each))
    return {picture: np.mean(values, axis=0) for picture, values in held.items()}


def at_checkpoint(results: Sequence[Result], queries: int) -> dict[str, Any]:
    """Return the RGO by picture after so many queries, of those that were measured there."""
    there = [each for each in results if each.at(queries)]
    return per_picture(there, lambda each: _measure(each.at(queries), "rgo"))


def curves(results: Sequence[Result]) -> dict[int, dict[str, Any]]:
    """Return the curves by picture, for each length of run."""
    lengths = sorted({each.queries for each in results})
    return {
        length: per_picture(
            [each for each in results if each.queries == length],
            lambda each: np.array(each.curve),
        )
        for length in lengths
    }


def finite(value: float) -> float | None:
    """Return a number, None where it is none: JSON knows no NaN."""
    return value if math.isfinite(value) else None


def unique(values: Any) -> list[Any]:
    """Return what there is, each once, in the order in which it comes."""
    return list(dict.fromkeys(values))


def quality_after(queries: int) -> Callable[[Result], float]:
    """Return what tells a result's quality after so many queries."""
    return lambda each: _measure(each.at(queries), "quality")


def _measure(found: Checkpoint | None, name: str) -> float:
    value = getattr(found, name)
    return math.nan if value is None else float(value)


def _figure(statistic: Callable[[NDArray[np.int64]], Floats], pictures: int) -> Figure:
    """Return a statistic of pictures' indices, and its interval over draws of them."""
    value = float(statistic(np.arange(pictures)))
    if pictures == 1:
        return Figure(value)
    # Not interpolated: numbers of queries may be infinite.
    edges = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
    low, high = np.quantile(statistic(_draws(pictures)), edges, method="inverted_cdf")
    return Figure(value, float(low), float(high))


@cache
def _draws(pictures: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(pictures, size=(RESAMPLES, pictures))
