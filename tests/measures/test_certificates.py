"""Certificates of medians, against their rules said plainly and against what changes do."""

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from iqaudit import InputError, measures
from iqaudit.measures import median_bounds, smoothed_bounds, smoothing_rank


def plain_rank(draws: int, shift: float, confidence: float) -> int | None:
    """Count up to the least rank that will do."""
    share = scipy.stats.norm.cdf(shift)
    for rank in range(1, draws + 1):
        if scipy.stats.binom.cdf(rank - 1, draws, share) >= confidence:
            return rank
    return None


def test_the_rank_of_the_authors_setting() -> None:
    assert smoothing_rank(1000, 0.05 / 0.12, 0.999) == 708


@pytest.mark.parametrize(
    ("draws", "shift", "confidence"),
    [(1000, 0.05 / 0.12, 0.999), (50, 0, 0.95), (100, 1, 0.999), (7, 0.3, 0.9), (10, 3, 0.999)],
)
def test_the_rank_is_the_least_that_holds(draws: int, shift: float, confidence: float) -> None:
    assert smoothing_rank(draws, shift, confidence) == plain_rank(draws, shift, confidence)


def test_too_few_draws_tell_no_bound() -> None:
    assert smoothing_rank(10, 3) is None
    assert smoothed_bounds(np.arange(10), 3, 1) is None


@pytest.mark.parametrize("side", [0, 1])
def test_a_bound_covers_the_shifted_median_as_often_as_it_says(side: int) -> None:
    """Of a scorer of which all medians are known: a picture's mean along one direction."""
    draws, radius, sigma, confidence = 200, 5.0, 8.0, 0.95
    noisy = np.random.default_rng(side).normal(0, sigma, (1000, draws))
    bounds = [smoothed_bounds(np.tanh(each / 9), radius, sigma, confidence) for each in noisy]
    ends = np.array([each for each in bounds if each is not None])
    assert len(ends) == 1000
    worst = np.tanh((radius if side else -radius) / 9)  # the change along that direction
    held = ends[:, 1] >= worst if side else ends[:, 0] <= worst
    # At least the share that is said, but for what 1,000 trials may miss of it.
    assert held.mean() >= confidence - 3 * np.sqrt(confidence * (1 - confidence) / 1000)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=12), st.data())
def test_a_median_stays_within_whatever_some_scores_become(
    scores: list[int], data: st.DataObject
) -> None:
    changed = data.draw(st.integers(0, (len(scores) - 1) // 2))
    places = data.draw(st.permutations(range(len(scores))))[:changed]
    low, high = median_bounds(scores, changed)
    after = np.array(scores, float)
    after[places] = data.draw(st.sampled_from([-1e6, -2.0, 0.0, 1e6]))
    assert low <= np.median(after) <= high
    assert low <= np.median(scores) <= high


def test_a_bound_is_reached() -> None:
    assert median_bounds(range(9), 4) == (0, 8)
    assert median_bounds([5, 1, 4, 2], 1) == (1.5, 4.5)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: smoothing_rank(0, 1), "draws must be at least 1"),
        (lambda: smoothing_rank(9, -1), "shift"),
        (lambda: smoothing_rank(9, 1, 1), "confidence"),
        (lambda: smoothed_bounds([1.0], 1, 0), "standard deviation"),
        (lambda: smoothed_bounds([], 1, 1), "filled array"),
        (lambda: median_bounds([1, 2, 3], 2), "2 of 3 scores leave no bound"),
    ],
)
def test_what_cannot_be_used_is_refused(call: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        call()  # type: ignore[operator]


def test_they_are_public() -> None:
    assert {"smoothing_rank", "smoothed_bounds", "median_bounds"} <= set(measures.__all__)
