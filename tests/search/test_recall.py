"""A trial that recalls its answers stands where the one that was asked stood, to the last bit."""

import json
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from tests.support.pictures import MakePicture
from tests.support.searching import ON_ONE, Ripple

import iqaudit
from iqaudit import InputError
from iqaudit._core.picture import Picture
from iqaudit._search.driver import SearchSpec, begin, drive
from iqaudit._search.ledger import Answer
from iqaudit._search.stop import Stop
from iqaudit._search.trial import Trial, TrialResult
from iqaudit.attacks import named
from iqaudit.testing import Recording
from iqaudit.victims import TorchModule, Victim


def spec_of(victim: Victim, attack: str, queries: int, **others: Any) -> SearchSpec:
    return SearchSpec(victim, named(attack), queries=queries, **others)


def taken(spec: SearchSpec, trial: Trial, scores: int) -> Trial:
    """Take a trial so far, or to its end."""
    with closing(drive(spec.victim, [trial])) as steps:
        while len(trial.ledger.answers) < scores and next(steps, None):
            pass
    return trial


def answers(trial: Trial) -> list[Answer]:
    return list(trial.ledger.answers)


def fingerprint(result: TrialResult) -> tuple[Any, ...]:
    figures = (result.asked, result.trace, result.best_query, result.outcome)
    return result.adversarial.tobytes(), result.scores.tobytes(), *figures


def resumed(spec: SearchSpec, picture: Picture, at: int) -> TrialResult:
    """Leave a trial after so many scores, and return the result of one that goes on with it."""
    left = taken(spec, begin(spec, picture), at)
    trial = begin(spec, picture)
    trial.recall(answers(left))
    assert answers(trial) == answers(left)
    return taken(spec, trial, spec.queries).result()


@pytest.mark.parametrize("gaps", [(0,), (1, 7), (29,), (5, 6, 7, 20)])
def test_answers_that_are_lost_are_asked_again_alone(
    gaps: tuple[int, ...], make_picture: MakePicture
) -> None:
    """A session stands where it stood, too; answers that are kept out of order are as good."""
    victim = Recording(TorchModule(Ripple(), iqaudit.Scale.from_range(-1, 1)))
    for asked in (victim, victim.victim):
        spec = spec_of(asked, "square", 40)
        picture = Picture("picture", make_picture(24, 20))
        whole = taken(spec, begin(spec, picture), 40).result()
        known = answers(taken(spec, begin(spec, picture), 30))
        left = [each for at, each in enumerate(known) if at not in gaps]
        victim.batches.clear()
        trial = begin(spec, picture, [*left[3:], *left[:3]], lost=True)
        assert fingerprint(taken(spec, trial, 40).result()) == fingerprint(whole)
        assert asked is not victim or len(victim.pictures) == 10 + len(gaps)


@pytest.mark.slow
def test_the_reference_goes_on_to_the_last_bit(
    make_picture: MakePicture, reference: Victim
) -> None:
    """Its maps are the outcome of every step taken: recalled ones are taken the same way."""
    picture = Picture("picture", make_picture(96, 80))
    spec = spec_of(reference, "bidirectional", 150)
    whole = taken(spec, begin(spec, picture), 150).result()
    assert len(whole.trace) > 10
    for at in (2, 57, 149):
        assert fingerprint(resumed(spec, picture, at)) == fingerprint(whole)


@pytest.mark.slow
def test_every_attack_goes_on_to_the_last_bit(make_picture: MakePicture) -> None:
    victim = TorchModule(Ripple(), iqaudit.Scale.from_range(-1, 1))
    picture = Picture("picture", make_picture(24, 20))
    for name in ON_ONE:
        spec = spec_of(victim, name, 120)
        whole = taken(spec, begin(spec, picture), 120).result()
        for at in (5, 40, 111):
            assert fingerprint(resumed(spec, picture, at)) == fingerprint(whole), name


def test_recalling_asks_the_victim_nothing(make_picture: MakePicture) -> None:
    picture = Picture("picture", make_picture(24, 20))
    victim = Recording(TorchModule(Ripple(), iqaudit.Scale.from_range(-1, 1), exact="dense"))
    spec = spec_of(victim, "guided", 120)
    left = taken(spec, begin(spec, picture), 50)
    assert len(victim.pictures) == 50
    again = begin(spec, picture)
    again.recall(answers(left))
    assert answers(again) == answers(left)
    assert len(victim.pictures) == 50


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"threat": iqaudit.Linf(2)}, {"stop": Stop(plateau=1)}],
)
def test_another_searchs_answers_are_refused(
    other: dict[str, Any], make_picture: MakePicture, rough: Victim
) -> None:
    picture = Picture("picture", make_picture(24, 20))
    spec = spec_of(rough, "bidirectional", 30)
    left = taken(spec, begin(spec, picture), 20)
    again = begin(spec_of(rough, "bidirectional", 30, **other), picture)
    with pytest.raises(InputError, match="picture: the answers that were kept are another search"):
        again.recall(answers(left))


def test_answers_beyond_the_budget_are_refused(make_picture: MakePicture, rough: Victim) -> None:
    picture = Picture("picture", make_picture(24, 20))
    trial = begin(spec_of(rough, "bidirectional", 3), picture)
    whole = taken(spec_of(rough, "bidirectional", 3), trial, 3)
    again = begin(spec_of(rough, "bidirectional", 3), picture)
    with pytest.raises(InputError, match="another search"):
        again.recall([*answers(whole), Answer(1.0, 1)])


def test_scores_are_kept_as_they_are() -> None:
    """The last bit of a score, and of a key, must survive the way through a file."""
    draw = np.random.default_rng(0)
    for score in draw.normal(0, 1, 1000).tolist():
        assert Answer(*json.loads(json.dumps(Answer(score, 2**64 - 1)))) == (score, 2**64 - 1)
