"""A trial that recalls its answers stands where the one that was asked stood, to the last bit."""

import json
from typing import Any

import numpy as np
import pytest
from tests.support.pictures import MakePicture
from tests.support.searching import Ripple

import iqaudit
from iqaudit import InputError
from iqaudit._core.picture import Picture
from iqaudit._search import driver
from iqaudit._search.trial import Answer, Trial, TrialResult
from iqaudit.attacks import ATTACKS, named
from iqaudit.testing import Recording
from iqaudit.victims import TorchModule, Victim


def plan_of(victim: Victim, attack: str, queries: int, **others: Any) -> driver.Plan:
    return driver.Plan(victim, named(attack), queries=queries, **others)


def taken(plan: driver.Plan, trial: Trial, scores: int) -> Trial:
    """Take a trial so far, or to its end."""
    while not trial.done and len(trial.oracle.scores) < scores:
        driver.step(plan.victim, [trial])
    return trial


def answers(trial: Trial) -> list[Answer]:
    return list(map(Answer, trial.oracle.scores, trial.oracle.asked))


def fingerprint(result: TrialResult) -> tuple[Any, ...]:
    figures = (result.asked, result.trace, result.best_query, result.outcome)
    return result.adversarial.tobytes(), result.scores.tobytes(), *figures


def resumed(plan: driver.Plan, picture: Picture, at: int) -> TrialResult:
    """Leave a trial after so many scores, and return the result of one that goes on with it."""
    left = taken(plan, driver.begin(plan, picture), at)
    trial = driver.begin(plan, picture)
    trial.recall(answers(left))
    assert answers(trial) == answers(left)
    return taken(plan, trial, plan.queries).result()


@pytest.mark.slow
def test_the_reference_goes_on_to_the_last_bit(
    make_picture: MakePicture, reference: Victim
) -> None:
    """Its maps are the outcome of every step taken: recalled ones are taken the same way."""
    picture = Picture("picture", make_picture(96, 80))
    plan = plan_of(reference, "bidirectional", 150)
    whole = taken(plan, driver.begin(plan, picture), 150).result()
    assert len(whole.trace) > 10
    for at in (1, 2, 3, 57, 149, 150):
        assert fingerprint(resumed(plan, picture, at)) == fingerprint(whole)


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [1, 3])
def test_every_attack_goes_on_to_the_last_bit(lanes: int, make_picture: MakePicture) -> None:
    victim = TorchModule(Ripple(), iqaudit.Scale.from_range(-1, 1))
    victim.rescorer.lanes = lanes
    picture = Picture("picture", make_picture(24, 20))
    for name in ATTACKS:
        plan = plan_of(victim, name, 120)
        whole = taken(plan, driver.begin(plan, picture), 120).result()
        for at in (5, 40, 111):
            assert fingerprint(resumed(plan, picture, at)) == fingerprint(whole), name


def test_recalling_asks_the_victim_nothing(make_picture: MakePicture) -> None:
    picture = Picture("picture", make_picture(24, 20))
    victim = Recording(TorchModule(Ripple(), iqaudit.Scale.from_range(-1, 1), exact="dense"))
    plan = plan_of(victim, "guided", 120)
    left = taken(plan, driver.begin(plan, picture), 50)
    assert len(victim.pictures) == 50
    again = driver.begin(plan, picture)
    again.recall(answers(left))
    assert answers(again) == answers(left)
    assert len(victim.pictures) == 50


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"threat": iqaudit.Linf(2)}, {"stop": iqaudit._search.trial.Stop(plateau=1)}],
)
def test_another_searchs_answers_are_refused(
    other: dict[str, Any], make_picture: MakePicture, rough: Victim
) -> None:
    picture = Picture("picture", make_picture(24, 20))
    plan = plan_of(rough, "bidirectional", 30)
    left = taken(plan, driver.begin(plan, picture), 20)
    again = driver.begin(plan_of(rough, "bidirectional", 30, **other), picture)
    with pytest.raises(InputError, match="picture: the answers that were kept are another search"):
        again.recall(answers(left))


def test_answers_beyond_the_budget_are_refused(make_picture: MakePicture, rough: Victim) -> None:
    picture = Picture("picture", make_picture(24, 20))
    trial = driver.begin(plan_of(rough, "bidirectional", 3), picture)
    whole = taken(plan_of(rough, "bidirectional", 3), trial, 3)
    again = driver.begin(plan_of(rough, "bidirectional", 3), picture)
    with pytest.raises(InputError, match="another search"):
        again.recall([*answers(whole), Answer(1.0, 1)])


def test_scores_are_kept_as_they_are() -> None:
    """The last bit of a score, and of a key, must survive the way through a file."""
    draw = np.random.default_rng(0)
    for score in draw.normal(0, 1, 1000).tolist():
        assert Answer(*json.loads(json.dumps(Answer(score, 2**64 - 1)))) == (score, 2**64 - 1)
