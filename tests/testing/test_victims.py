"""Victims for tests: they record, fail, answer at random and are slow as they were told."""

import time

import numpy as np
import pytest
from tests.support.scorers import roughness
from tests.support.searching import Ripple

import iqaudit
from iqaudit import InputError, Interrupted, VictimError
from iqaudit._core.picture import picture_key
from iqaudit.testing import Failing, Noisy, Recording, Slow, synthetic_picture
from iqaudit.victims import Function, TorchModule, Victim

RANGE = (0, 20)


def batch(count: int, first: int = 0) -> np.ndarray:
    return np.stack([synthetic_picture(8, 9, first + seed) for seed in range(count)])


def test_a_recording_has_every_picture_of_a_search_in_order() -> None:
    victim = Recording(roughness, score_range=RANGE)
    [result] = iqaudit.attack(synthetic_picture(20, 24), victim, queries=30)
    assert np.array_equal(roughness(np.stack(victim.pictures)), result.scores)
    assert victim.keys == [picture_key(picture) for picture in victim.pictures]
    assert victim.keys == list(result.asked)
    assert [len(each) for each in victim.batches] == [1] * 30


def test_a_recording_of_a_network_misses_no_score() -> None:
    """Networks score what changes alone; inside a recording they score whole pictures."""
    module = TorchModule(Ripple(), iqaudit.Scale.from_range(-1, 1))
    victim = Recording(module)
    iqaudit.attack(synthetic_picture(24, 20), victim, queries=40)
    assert len(victim.pictures) == 40


def test_a_recording_keeps_copies_of_what_was_answered_alone() -> None:
    def vandal(pictures: np.ndarray) -> np.ndarray:
        scores = roughness(pictures)
        pictures[:] = 0
        return scores

    victim = Recording(Failing(vandal, at=4, score_range=RANGE))
    victim.score(batch(3))
    with pytest.raises(ConnectionError):
        victim.score(batch(1))
    assert np.array_equal(victim.batches, [batch(3)])


def test_a_failing_victim_fails_from_its_picture_on() -> None:
    victim = Failing(roughness, at=4, error=TimeoutError("no reply"), score_range=RANGE)
    assert np.array_equal(victim.score(batch(2)), roughness(batch(2)))
    for _ in range(2):
        with pytest.raises(TimeoutError, match="no reply"):
            victim.score(batch(2))


def test_a_failure_in_a_search_keeps_what_was_answered() -> None:
    victim = Failing(roughness, at=31, score_range=RANGE)
    pictures = [synthetic_picture(20, 24, seed) for seed in range(3)]
    with pytest.raises(VictimError, match="as a test asked for") as caught:
        iqaudit.attack(pictures, victim, queries=20)
    assert [result.queries for result in caught.value.results] == [20, 10]


def test_ctrl_c_is_an_error_like_others() -> None:
    victim = Failing(roughness, at=8, error=KeyboardInterrupt(), score_range=RANGE)
    with pytest.raises(Interrupted) as caught:
        iqaudit.attack(synthetic_picture(20, 24), victim, queries=20)
    assert [result.queries for result in caught.value.results] == [7]


def test_noise_is_of_its_deviation_and_of_no_batch() -> None:
    pictures = batch(400)
    together = Noisy(roughness, 0.5, score_range=RANGE).score(pictures)
    alone = Noisy(roughness, 0.5, score_range=RANGE)
    assert np.array_equal(together, [alone.score(each[None])[0] for each in pictures])
    noise = together - roughness(pictures)
    assert np.std(noise) == pytest.approx(0.5, rel=0.15)
    assert np.mean(noise) == pytest.approx(0, abs=0.1)
    other = Noisy(roughness, 0.5, seed=1, score_range=RANGE).score(pictures)
    assert not np.isclose(other, together).any()


def test_a_slow_victim_takes_its_time_for_each_picture() -> None:
    victim = Slow(roughness, 0.02, score_range=RANGE)
    start = time.monotonic()
    assert np.array_equal(victim.score(batch(3)), roughness(batch(3)))
    assert time.monotonic() - start >= 0.06


def test_wrappers_wrap_each_other_and_have_the_card_of_the_victim_inside() -> None:
    inside = Function(roughness, iqaudit.Scale.from_range(*RANGE), smallest_side=7)
    victim: Victim = Recording(Slow(Noisy(Failing(inside, at=9), 0.1), 0))
    assert victim.card is inside.card
    assert isinstance(victim, Victim)


def test_what_makes_no_sense_is_refused() -> None:
    for at in (0, -1):
        with pytest.raises(InputError, match="The first picture is at 1"):
            Failing(roughness, at=at, score_range=RANGE)
    for deviation in (-0.1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="finite and at least 0"):
            Noisy(roughness, deviation, score_range=RANGE)
    with pytest.raises(InputError, match="at least 0 seconds"):
        Slow(roughness, -1, score_range=RANGE)
    with pytest.raises(InputError, match="needs its score range"):
        Recording(roughness)
