"""Searches of victims that answer at random: what seems better is asked about again."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from tests.support.pictures import MakePicture

import iqaudit
from iqaudit._core.picture import Picture, Pixels, picture_key
from iqaudit._core.scale import Scale
from iqaudit._search.driver import SearchSpec, begin
from iqaudit._search.ledger import CAUTION, Answer
from iqaudit._search.stop import Stop
from iqaudit._search.trial import Trial, TrialResult
from iqaudit.attacks import (
    Bidirectional,
    Guided,
    Parsimonious,
    Retouch,
    SignHunter,
    SimBA,
)
from iqaudit.testing import Recording
from iqaudit.victims import Card, Function, Repeated

SCALE = Scale(0.0, 1.0)
NOISE = 0.05
COMPARING = [Guided(), Bidirectional(), SimBA(), SignHunter(), Parsimonious()]


@dataclass(frozen=True)
class Once(Bidirectional):
    """The attack, which asks once about every proposal."""

    compares: ClassVar[bool] = False


def truth(pixels: Pixels) -> float:
    """Return a score without noise: a bend of sums over blocks, as a small network has."""
    grey = pixels.astype(np.float64).mean(axis=2) / 255
    steps = np.diff(grey, axis=1)[:-1] * np.diff(grey, axis=0)[:, :-1]
    return float(40 * np.tanh(60 * steps).mean() + 8 * np.abs(np.diff(grey, axis=1)).mean())


def chance(key: int, time: int) -> float:
    """Return the noise of the n-th answer on a picture."""
    return NOISE * float(np.random.default_rng([key, time]).standard_normal())


class Random:
    """A victim whose n-th answer on a picture is the same whatever else is asked."""

    def __init__(self) -> None:
        self.card = Card("random", SCALE, noise=NOISE)
        self._asked = Counter[int]()

    def score(self, pictures: Pixels) -> list[float]:
        return [self._answer(picture) for picture in pictures]

    def _answer(self, picture: Pixels) -> float:
        key = picture_key(picture)
        self._asked[key] += 1
        return truth(picture) + chance(key, self._asked[key])


def trial(attack: Any, pixels: Pixels, queries: int = 100, recall: Iterable[Answer] = ()) -> Trial:
    spec = SearchSpec(Random(), attack, queries=queries, stop=Stop(fresh=2))
    return begin(spec, Picture("picture", pixels), recall)


def finished(search: Trial) -> TrialResult:
    """Bring a trial to its end; the noise of an answer is that of its place among its picture's."""
    while not search.done:
        picture = search.ask().painted()
        key = picture_key(picture)
        answers = [*search.ledger.answers, *search.fresh]
        time = sum(each.picture == key for each in answers)
        search.tell(truth(picture) + chance(key, time))
    return search.result()


@pytest.mark.parametrize("attack", [*COMPARING, Retouch()], ids=lambda each: type(each).__name__)
def test_every_answer_is_counted_and_recorded(attack: Any, make_picture: MakePicture) -> None:
    victim = Recording(Random())
    picture = make_picture(24, 24)
    [result] = iqaudit.attack(picture, victim, attack=attack, queries=120, fresh=3)
    assert result.queries == len(result.scores) == 120
    assert victim.keys[:120] == list(result.asked)
    assert victim.keys[120:] == 3 * [picture_key(result.adversarial)]
    assert max(Counter(result.asked).values()) > 1, "nothing was asked about again"


@pytest.mark.parametrize("attack", COMPARING[:2], ids=lambda each: type(each).__name__)
def test_an_exact_victim_is_asked_about_no_picture_again(
    attack: Any, make_picture: MakePicture
) -> None:
    exact = Function(lambda pictures: [truth(each) for each in pictures], SCALE)
    picture = make_picture(24, 24)
    [plain] = iqaudit.attack(picture, exact, attack=attack, queries=100)
    [once] = iqaudit.attack(picture, Repeated(exact, 1), attack=attack, queries=100)
    assert len(set(plain.asked)) == 100
    assert (once.asked, once.trace, once.best_query) == (plain.asked, plain.trace, plain.best_query)


@pytest.mark.parametrize("attack", [Bidirectional(), Retouch()], ids=lambda a: type(a).__name__)
def test_the_best_is_the_picture_with_the_best_mean(attack: Any, make_picture: MakePicture) -> None:
    """One that is asked about again, and was lucky, gives way to the one that was best before."""
    noise, fell = 0.1, 0
    for seed in range(6):
        chances, pixels = np.random.default_rng(seed), make_picture(24, 24)
        scale = Scale(truth(pixels), 1.0)
        victim = Function(lambda _: [], scale)
        victim.card = Card("random", scale, noise=noise)
        spec = SearchSpec(victim, attack, queries=40, stop=Stop(fresh=0), seed=seed)
        search = begin(spec, Picture("picture", pixels))
        of: dict[int, list[float]] = {}
        edits: dict[int, Any] = {}
        before = 0
        while not search.done:
            picture = search.ask().painted()
            score = truth(picture) + noise * float(chances.standard_normal())
            of.setdefault(picture_key(picture), []).append(score)
            if isinstance(attack, Retouch) and len(search.ledger.answers):
                edits[picture_key(picture)] = attack.edits(search._asked[0])  # type: ignore[arg-type, index]
            search.tell(score)
            losses = {
                key: search.ledger.aim.loss(float(np.mean(scores)))
                + CAUTION * scale.slope * noise / len(scores) ** 0.5
                for key, scores in of.items()
            }
            best = picture_key(search.ledger.best_picture)
            assert losses[best] == pytest.approx(min(losses.values()))
            assert search.ledger.best_score == pytest.approx(np.mean(of[best]))
            fell += best != before and best != picture_key(picture)
            before = best
        assert search.result().edits == edits.get(best, {})
    assert fell, "no picture was lucky"


def test_an_answer_that_is_no_score_is_never_the_best(make_picture: MakePicture) -> None:
    """Doubt makes the clean picture's loss higher than its score's, which such answers count as."""
    search = trial(Guided(), make_picture(24, 24), queries=2)
    for score in (1.0, float("nan")):
        search.ask()
        search.tell(score)
    assert search.result().best_query == 1


@pytest.mark.slow
@pytest.mark.parametrize("attack", COMPARING[:2], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("lost", [False, True])
def test_a_search_stopped_anywhere_goes_on_to_the_same_bytes(
    attack: Any, make_picture: MakePicture, *, lost: bool
) -> None:
    pixels = make_picture(24, 24)
    whole = finished(trial(attack, pixels))
    answers = [*map(Answer, whole.scores.tolist(), whole.asked)]
    for stopped in range(1, len(answers), 13):
        search = trial(attack, pixels)
        search.recall(answers[:stopped], lost=lost)
        assert len(search.ledger.answers) == stopped
        again = finished(search)
        assert again.asked == whole.asked, f"stopped after {stopped}"
        assert again.trace == whole.trace
        assert (again.adversarial == whole.adversarial).all()
        assert again.fresh == whole.fresh


def test_a_batch_changes_nothing(make_picture: MakePicture) -> None:
    pictures = [Picture(f"{side}", make_picture(side, 24)) for side in (24, 25)]
    alone = iqaudit.attack(pictures, Random(), queries=40, batch=1)
    together = iqaudit.attack(pictures, Random(), queries=40, batch=2)
    assert [each.asked for each in alone] == [each.asked for each in together]


def test_answers_that_are_no_scores_gain_nothing(make_picture: MakePicture) -> None:
    search = trial(Guided(), make_picture(24, 24))
    place = 0
    while not search.done:
        picture, place = search.ask().painted(), place + 1
        search.tell(float("nan") if place % 5 == 0 else truth(picture) + chance(1, place))
    result = search.result()
    assert result.refused == 20
    assert np.isfinite(result.adversarial_score)
    assert all(np.isfinite(step.score) for step in result.trace)


@pytest.mark.slow
def test_asking_again_comes_farther_than_averages(make_picture: MakePicture) -> None:
    pictures = [Picture(f"{seed}", make_picture(24, 24, seed=seed)) for seed in range(8)]

    def far(attack: Any, repeats: int) -> float:
        victim = Random() if repeats == 1 else Repeated(Random(), repeats)
        results = iqaudit.attack(pictures, victim, attack=attack, queries=400, fresh=1)
        return float(
            np.mean([abs(truth(r.adversarial) - truth(r.picture.pixels)) for r in results])
        )

    again = far(Bidirectional(), 1)
    for repeats in (2, 4, 8):
        assert again > far(Once(), repeats), f"{repeats} repeats"
