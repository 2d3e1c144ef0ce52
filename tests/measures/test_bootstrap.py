"""Bootstrap intervals: known answers, coverage, and what they say where there is nothing to say."""

from dataclasses import astuple

import numpy as np
import pytest
import scipy

from iqaudit import InputError, measures
from iqaudit._analysis.tables.statistics import energy_shift
from iqaudit.measures._arrays import Floats
from iqaudit.measures._bootstrap import (
    NOTHING,
    RESAMPLES,
    Estimate,
    beyond,
    disjoint,
    interval,
    mean,
    rank_correlation,
    ratio,
)


def test_an_interval_is_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(0).gamma(2, size=40)
    ours = interval(mean, values, resamples=20_000)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours.value == pytest.approx(values.mean())
    assert ours.low == pytest.approx(theirs.low, rel=0.02)
    assert ours.high == pytest.approx(theirs.high, rel=0.02)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(300):
        found = interval(mean, rng.normal(3, 1, 50), resamples=400)
        held += not beyond(found, 3)
    assert 0.9 <= held / 300 <= 0.98


def test_the_same_pictures_give_the_same_interval() -> None:
    values = np.random.default_rng(3).normal(size=20)
    assert interval(mean, values) == interval(mean, values)
    assert interval(mean, values) != interval(mean, values, seed=1)


def test_large_sets_are_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(30.0)
    whole = interval(mean, values)
    monkeypatch.setattr("iqaudit.measures._bootstrap.AT_ONCE", 90)
    assert interval(mean, values) == whole


def test_pictures_of_one_name_are_drawn_together() -> None:
    """As many twins as one likes make no interval narrower than that of the distinct pictures."""
    values = np.random.default_rng(3).normal(size=12)
    once = interval(mean, values)
    names = [f"{number}" for number in range(12)]
    assert interval(mean, values, groups=names) == once
    four = interval(mean, np.repeat(values, 4), groups=np.repeat(names, 4).tolist())
    assert astuple(four) == pytest.approx(astuple(once))
    assert interval(mean, np.repeat(values, 4)).low > once.low  # type: ignore[operator]
    # One of several: a resample has as many pictures as its groups have.
    uneven = np.append(values, [values[0]] * 5), [*names, *["0"] * 5]
    drawn = np.random.Generator(np.random.Philox(key=(0, 12))).integers(12, size=(RESAMPLES, 12))
    weights = np.where(drawn == 0, 6, 1)
    means = (values[drawn] * weights).sum(axis=1) / weights.sum(axis=1)
    found = interval(mean, uneven[0], groups=uneven[1])
    assert (found.low, found.high) == pytest.approx(np.quantile(means, [0.025, 0.975]))
    assert interval(mean, values, groups=["0"] * 12).low is None


def test_ranks_correlate_as_measured_with_ties_as_well() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 6, (2, 5, 12)).astype(float)
    expected = [measures.srocc(x, y) for x, y in zip(a, b, strict=True)]
    assert rank_correlation(a, b) == pytest.approx(expected)
    assert np.isnan(rank_correlation(a, np.ones_like(a))).all()


def test_a_ratio_weighs_each_part_by_its_whole() -> None:
    assert ratio(np.array([1.0, 0.0]), np.array([1.0, 3.0])) == 0.25
    assert np.isnan(ratio(np.zeros(2), np.zeros(2)))


def test_what_cannot_be_told_is_not_told() -> None:
    assert interval(mean, []) == NOTHING
    assert interval(mean, [2.0]) == Estimate(2.0)
    assert interval(rank_correlation, [1, 2, 3], [1, 1, 1]) == NOTHING
    assert not disjoint(Estimate(2.0), Estimate(9.0, 8.0, 10.0))
    assert not beyond(Estimate(2.0), 0)
    with pytest.raises(InputError, match="one entry a picture"):
        interval(ratio, [1, 2], [1, 2, 3])


def _holds(one: Estimate, number: float | None) -> bool:
    return None not in (one.low, one.high, number) and one.low <= number <= one.high  # type: ignore[operator]


def test_an_interval_of_a_biased_distance_holds_its_own_estimate_and_the_truth() -> None:
    """Of noise beside a small move, which few pictures make look like a distance."""
    rng = np.random.default_rng(6)

    def moved(count: int) -> tuple[Floats, Floats]:
        before = rng.beta(2, 2, count)
        return before, before + 0.05 + 0.045 * rng.standard_normal(count)

    truth = float(energy_shift(*moved(200_000)))
    sets = [moved(20) for _ in range(40)]
    found = [interval(energy_shift, *each, resamples=400, biased=True) for each in sets]
    usual = [interval(energy_shift, *each, resamples=400) for each in sets]
    assert all(_holds(each, each.value) for each in found)
    held, plain = (sum(_holds(each, truth) for each in some) for some in (found, usual))
    assert held >= 34
    assert plain <= 20  # why the plain one will not do


def test_figures_differ_where_their_intervals_do_not_overlap() -> None:
    assert disjoint(Estimate(1, 0, 2), Estimate(4, 3, 5))
    assert not disjoint(Estimate(1, 0, 3), Estimate(4, 3, 5))
    assert beyond(Estimate(1, 0.5, 2), 0)
    assert not beyond(Estimate(1, -0.5, 2), 0)
