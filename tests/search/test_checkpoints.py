"""The best pictures at earlier budgets: those that a shorter search would have left."""

import numpy as np
import pytest
from tests.support.pictures import MakePicture

import iqaudit
from iqaudit._runs.figures import likeness
from iqaudit._search.driver import SearchSpec, begin, drive
from iqaudit._search.ledger import checkpoints
from iqaudit.attacks import ATTACKS, named
from iqaudit.attacks._base import is_anytime
from iqaudit.testing import Recording
from iqaudit.victims import Function, Victim

SCHEDULED = {
    *("bidirectional", "bidirectional-liqe", "pgd", "square", "universal", "yang2024"),
    "guided-carrying",
}
"""Attacks whose proposals depend on the budget, or that are tested at its end, or teach the next
picture's search by it."""


def test_checkpoints_lie_below_the_budget_and_afford_two_scores() -> None:
    assert checkpoints(1_000, 1) == (100, 300)
    assert checkpoints(1_001, 1) == (100, 300, 1_000)
    assert checkpoints(1_000, 60) == (300,)
    assert checkpoints(200, 1, others=(150, 2, 200)) == (2, 100, 150)


@pytest.mark.parametrize("queries", [100, 300])
def test_a_checkpoint_is_the_picture_of_a_search_with_that_budget(
    queries: int, rough: Victim, make_picture: MakePicture
) -> None:
    victim = Recording(rough)
    [longer] = iqaudit.attack(make_picture(24, 32), victim, attack="random", queries=310)
    assert len(victim.pictures) == 310
    [shorter] = iqaudit.attack(make_picture(24, 32), rough, attack="random", queries=queries)
    assert set(longer.checkpoints) == {100, 300}
    assert np.array_equal(longer.checkpoints[queries], shorter.adversarial)
    [seen] = likeness(longer.picture.pixels, {queries: longer.checkpoints[queries]})
    assert seen.ssim == iqaudit.measures.ssim(shorter.picture.pixels, shorter.adversarial)


def test_a_search_that_is_recalled_has_the_same_checkpoints(
    rough: Victim, make_picture: MakePicture
) -> None:
    spec = SearchSpec(rough, named("bidirectional"), queries=320, shorter=(50,))
    picture = iqaudit.Picture("p", make_picture(24, 32))
    whole = begin(spec, picture)
    list(drive(rough, [whole]))
    for answered in (40, 100, 200, 320):
        again = begin(spec, picture, whole.ledger.answers[:answered])
        list(drive(rough, [again]))
        assert set(again.result().checkpoints) == {50, 100, 300}
        for queries, pixels in whole.result().checkpoints.items():
            assert np.array_equal(again.result().checkpoints[queries], pixels)


def test_a_search_that_ended_has_the_checkpoints_that_it_passed(
    rough: Victim, make_picture: MakePicture
) -> None:
    [result] = iqaudit.attack(
        make_picture(24, 32), rough, attack="simba", queries=2_000, until_plateau=150
    )
    assert set(result.checkpoints) == {at for at in (100, 300, 1_000) if at <= result.queries}


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_the_attacks_whose_proposals_depend_on_the_budget_are_known(name: str) -> None:
    assert is_anytime(named(name)) == (name not in SCHEDULED)


@pytest.mark.parametrize("name", sorted(set(ATTACKS) - SCHEDULED))
@pytest.mark.parametrize("size", [pytest.param((24, 32), marks=pytest.mark.slow), (5, 6)])
def test_an_anytime_attacks_search_is_the_beginning_of_every_longer_one(
    name: str, size: tuple[int, int], rough: Function, make_picture: MakePicture
) -> None:
    shorter, longer = (
        iqaudit.attack(make_picture(*size), rough, attack=name, queries=queries)[0]
        for queries in (150, 400)
    )
    assert longer.asked[:150] == shorter.asked
    assert longer.scores[:150].tolist() == shorter.scores.tolist()
