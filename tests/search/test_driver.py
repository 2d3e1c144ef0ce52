"""Trials, alone and among others: the count, the bytes, and what an end keeps."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.support.pictures import MakePicture
from tests.support.scorers import roughness

import iqaudit
from iqaudit import Goal, InputError, Interrupted, Outcome, VictimError
from iqaudit._core.patches import Patched
from iqaudit._search.driver import SearchSpec, begin
from iqaudit._search.ledger import Answer, Ledger
from iqaudit.testing import Failing, Recording
from iqaudit.victims import Function

SIZES = [(9, 14), (14, 9), (20, 20), (9, 14), (31, 8)]


def counting(**limits: Any) -> Recording:
    victim = Recording(roughness, score_range=(0, 20))
    victim.card = replace(victim.card, **limits)
    return victim


def fingerprint(result: iqaudit.TrialResult) -> tuple[bytes, bytes, object]:
    return result.adversarial.tobytes(), result.scores.tobytes(), result.trace


@pytest.mark.parametrize("batch", [2, 3, 5, 64])
def test_batch_and_order_change_no_byte(
    batch: int, rough: Function, make_picture: MakePicture
) -> None:
    pictures = [make_picture(*size, seed) for seed, size in enumerate(SIZES)]
    alone = [iqaudit.attack(picture, rough, queries=60, seed=3)[0] for picture in pictures]
    together = iqaudit.attack(pictures, rough, queries=60, seed=3, batch=batch)
    backwards = iqaudit.attack(pictures[::-1], rough, queries=60, seed=3, batch=batch)[::-1]
    expected = [fingerprint(result) for result in alone]
    assert expected == [fingerprint(result) for result in together]
    assert expected == [fingerprint(result) for result in backwards]


def test_another_seed_gives_another_trajectory(rough: Function, make_picture: MakePicture) -> None:
    one, two = (
        iqaudit.attack(make_picture(20, 20), rough, queries=30, seed=seed)[0] for seed in (0, 1)
    )
    assert not np.array_equal(one.scores[1:], two.scores[1:])


@pytest.mark.slow
@given(
    queries=st.integers(2, 40),
    batch=st.integers(1, 4),
    levels=st.integers(1, 255),
    goal=st.sampled_from([each for each in Goal if each is not Goal.RANK]),  # which probes first
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_budget_is_met_exactly_and_the_ball_is_never_left(
    queries: int, batch: int, levels: int, goal: Goal, make_picture: MakePicture
) -> None:
    victim = counting(scale=iqaudit.Scale.from_range(0, 20, unbounded=True))
    pictures = [make_picture(*size) for size in SIZES]
    results = iqaudit.attack(
        pictures, victim, queries=queries, batch=batch, threat=iqaudit.Linf(levels), goal=goal
    )
    assert len(victim.pictures) == queries * len(pictures)
    for picture, result in zip(pictures, results, strict=True):
        assert result.queries == queries
        assert result.outcome is Outcome.BUDGET_SPENT
        assert np.abs(result.perturbation).max() <= levels
        assert np.array_equal(result.adversarial, picture + result.perturbation)
        [again] = roughness(result.adversarial[None])
        assert again == result.adversarial_score == result.scores[result.best_query - 1]


def test_the_result_is_the_best_answer_of_all(rough: Function, make_picture: MakePicture) -> None:
    for goal, best in (("raise", max), ("lower", min)):
        [result] = iqaudit.attack(make_picture(20, 20), rough, queries=40, goal=goal)
        assert result.adversarial_score == best(result.scores)
        assert result.direction.value == goal


def test_where_nothing_is_better_the_picture_stays_as_it_was() -> None:
    flat = np.zeros((16, 16, 3), np.uint8)  # its roughness cannot fall
    [result] = iqaudit.attack(flat, roughness, score_range=(0, 20), goal="lower", queries=20)
    assert result.best_query == 1
    assert not result.perturbation.any()


def test_lower_is_better_turns_the_push_around(make_picture: MakePicture) -> None:
    picture = make_picture(20, 20)
    for lower_is_better, best in ((False, max), (True, min)):
        [result] = iqaudit.attack(
            picture,
            lambda pictures: pictures.mean(axis=(1, 2, 3)),
            score_range=(0, 255),
            lower_is_better=lower_is_better,
            goal="raise",
            queries=300,
        )
        assert result.adversarial_score == best(result.scores)
        assert result.adversarial_quality > result.clean_quality


def test_a_trace_is_the_accepted_steps(rough: Function, make_picture: MakePicture) -> None:
    [result] = iqaudit.attack(make_picture(20, 20), rough, queries=80, goal="raise")
    assert [step.query for step in result.trace[:2]] == [1, 2]
    accepted = [step.score for step in result.trace[1:]]
    assert all(later > earlier for earlier, later in pairwise(accepted))
    assert all(result.scores[step.query - 1] == step.score for step in result.trace)


class Brightness(torch.nn.Module):
    """A torch victim: the mean of everything, in [0, 1], with a dropout that eval mode stops."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.min() >= 0
        assert x.max() <= 1
        dropped: torch.Tensor = self.dropout(x)
        return dropped.mean(dim=(1, 2, 3))[:, None]


def test_a_torch_module_is_a_victim(make_picture: MakePicture) -> None:
    picture = make_picture(12, 18)
    [result] = iqaudit.attack(picture, Brightness(), score_range=(0, 1), queries=20)
    assert result.clean_score == pytest.approx(picture.mean() / 255, abs=1e-6)
    assert result.queries == 20


def test_a_search_in_memory_computes_with_one_thread(make_picture: MakePicture) -> None:
    """As one on disk does: last bits depend on how many compute."""
    seen = []

    def score(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        seen.append(torch.get_num_threads())
        return roughness(pictures)

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        iqaudit.attack(make_picture(20, 24), score, score_range=(0, 20), queries=4)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 1, 1, 1]


@pytest.mark.parametrize("victim", [roughness, Brightness()])
def test_a_function_needs_its_score_range(victim: object, make_picture: MakePicture) -> None:
    with pytest.raises(InputError, match="score_range"):
        iqaudit.attack(make_picture(9, 9), victim)


def test_a_named_victim_takes_its_own_options_alone(make_picture: MakePicture) -> None:
    with pytest.raises(InputError, match="takes no input"):
        iqaudit.attack(make_picture(9, 9), "reference", input=(0, 1))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"victim": "referense"}, 'did you mean "reference"'),
        ({"victim": 3}, "int lacks card, score"),
        ({"attack": "bidirectionel"}, 'did you mean "bidirectional"'),
        ({"queries": 1}, "at least 2 queries"),
        ({"batch": 0}, "at least 1 picture"),
        ({"goal": "up"}, "one of bidirectional, raise, lower"),
        ({"pictures": []}, "no picture"),
        ({"pictures": np.zeros((8, 8, 3))}, "no range is guessed"),
        ({"pictures": np.zeros((8, 8), np.uint8)}, "shape"),
        ({"pictures": [7]}, "not int"),
        ({"pictures": 7}, "not int"),
        ({"pictures": b"photo.png"}, "not bytes"),
        ({"pictures": None}, "not NoneType"),
        ({"queries": 10.0}, "queries must be a whole number"),
        ({"queries": "10"}, "queries must be a whole number"),
        ({"batch": 1.5}, "batch must be a whole number"),
        ({"seed": None}, "seed must be a whole number"),
        ({"threat": 3}, "a value, as iqaudit.Linf"),
        ({"threat": 3, "out": "run"}, "a value, as iqaudit.Linf"),
        ({"attack": iqaudit.attacks.Bidirectional}, "a value, as iqaudit.attacks"),
        ({"attack": None}, "a value, as iqaudit.attacks"),
        ({"overwrite": True}, "overwrite goes with out"),
        ({"engine": "serial"}, "engine goes with out"),
        ({"workers": 2}, "workers goes with out"),
        ({"victim": roughness, "score_range": 5}, "score_range is two numbers"),
        ({"victim": roughness, "score_range": (0, 1, 2)}, "score_range is two numbers"),
    ],
)
def test_unusable_arguments_are_refused_before_the_first_query(
    arguments: dict[str, object], sentence: str, make_picture: MakePicture
) -> None:
    victim = counting()
    given: dict[str, object] = {"pictures": make_picture(8, 8), "victim": victim} | arguments
    with pytest.raises(InputError, match=sentence):
        iqaudit.attack(**given)  # type: ignore[arg-type]
    assert not victim.batches


def test_a_picture_too_small_for_the_victim_is_refused_first(make_picture: MakePicture) -> None:
    victim = counting(smallest_side=10, largest_side=20)
    for size, sentence in (((9, 14), "14 x 9 .*at least 10"), ((12, 21), "21 x 12 .*at most 20")):
        with pytest.raises(InputError, match=f"picture-2: {sentence}"):
            iqaudit.attack([make_picture(20, 20), make_picture(*size)], victim, queries=5)
    assert not victim.batches


def _after(asked: int, answer: Callable[[NDArray[np.float64]], object]) -> Function:
    victim = counting()

    def score(pictures: NDArray[np.uint8]) -> Any:
        scores = np.asarray(victim.score(pictures))
        return answer(scores) if len(victim.pictures) > asked else scores

    return Function(score, victim.card.scale)


def _raise(_: object) -> object:
    raise RuntimeError("out of memory")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda scores: scores * math.nan, "answered nan"),
        (lambda scores: scores * math.inf, "answered inf"),
        (lambda scores: np.repeat(scores, 2), r"shape \(2,\)"),
        (lambda scores: scores[0], r"shape \(\)"),
        (lambda _: "good", "failed"),
        (_raise, "RuntimeError: out of memory"),
    ],
)
def test_a_failing_victim_loses_no_answer(
    answer: Callable[[NDArray[np.float64]], object], sentence: str, make_picture: MakePicture
) -> None:
    pictures = [make_picture(20, 20, seed) for seed in range(3)]
    with pytest.raises(VictimError, match=sentence) as caught:
        iqaudit.attack(pictures, _after(25, answer), queries=20, seed=3)
    finished, begun = caught.value.results
    assert finished.outcome is Outcome.BUDGET_SPENT
    assert begun.outcome is Outcome.VICTIM_FAILED
    assert (finished.queries, begun.queries) == (20, 5)
    [whole] = iqaudit.attack(pictures[1], counting(), queries=20, seed=3)
    assert np.array_equal(begun.scores, whole.scores[:5])


@pytest.mark.filterwarnings("ignore:.* answers were no scores:UserWarning")
def test_an_answer_that_is_no_score_counts_and_gains_nothing(make_picture: MakePicture) -> None:
    def spoil(scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(np.arange(len(scores)) == 1, math.nan, scores)

    pictures = [make_picture(20, 20, seed) for seed in range(3)]
    results = iqaudit.attack(pictures, _after(9, spoil), queries=20, batch=3)
    assert [result.queries for result in results] == [20] * 3
    assert [int(np.isnan(result.scores).sum()) for result in results] == [0, 17, 0]
    for result in results:
        assert result.outcome is Outcome.BUDGET_SPENT
        assert np.isfinite([step.score for step in result.trace]).all()
        assert result.adversarial_score in {step.score for step in result.trace}


def test_ctrl_c_keeps_what_was_found(make_picture: MakePicture, rough: Function) -> None:
    asked = 0

    def stop(_: iqaudit.Picture, __: int) -> None:
        nonlocal asked
        asked += 1
        if asked == 27:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        iqaudit.attack([make_picture(20, 20)] * 3, rough, queries=20, progress=stop)
    assert [result.queries for result in caught.value.results] == [20, 7]
    assert caught.value.results[1].outcome is Outcome.INTERRUPTED
    assert isinstance(caught.value, KeyboardInterrupt)


def test_a_ledger_records_nothing_beyond_its_budget(
    rough: Function, make_picture: MakePicture
) -> None:
    pixels = make_picture(9, 9)
    ledger = Ledger(pixels, rough.card.scale, Goal.BIDIRECTIONAL, queries=2, cost=1)
    for _ in range(2):
        ledger.record(Patched(pixels), Answer(1.0, 7))
    assert ledger.left == 0
    with pytest.raises(RuntimeError, match="beyond the budget"):
        ledger.record(Patched(pixels), Answer(0.0, 7))
    assert ledger.answers == [Answer(1.0, 7)] * 2


def test_a_trial_is_not_told_of_what_it_did_not_ask(
    rough: Function, make_picture: MakePicture
) -> None:
    spec = SearchSpec(rough, iqaudit.attacks.Bidirectional(), queries=5)
    trial = begin(spec, iqaudit.Picture("p", make_picture(9, 9)))
    trial.ask()
    trial.tell(1.0)
    with pytest.raises(RuntimeError, match="did not ask"):
        trial.tell(1.0)


def test_outcomes_are_sentences() -> None:
    for outcome in Outcome:
        assert outcome.value[0].isupper()
        assert outcome.value.endswith(".")


def test_a_victim_may_write_into_what_it_is_given(make_picture: MakePicture) -> None:
    def vandal(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        scores = roughness(pictures)
        pictures[:] = 0
        return scores

    picture = make_picture(20, 20)
    [kept] = iqaudit.attack(picture, roughness, score_range=(0, 20), queries=30)
    [vandalised] = iqaudit.attack(picture, vandal, score_range=(0, 20), queries=30)
    assert fingerprint(kept) == fingerprint(vandalised)


@pytest.mark.parametrize("score_range", [(0, 1), (0, 100), (200, 300)])
def test_a_range_that_does_not_fit_is_an_error_not_a_robust_victim(
    score_range: tuple[float, float], make_picture: MakePicture
) -> None:
    with pytest.raises(VictimError, match=r"scored a clean picture 1\d\d.*say the range"):
        iqaudit.attack(
            make_picture(20, 20),
            lambda pictures: pictures.mean(axis=(1, 2, 3)),
            score_range=score_range,
            queries=5,
        )


def test_the_scale_is_held_against_the_clean_score_alone(
    make_picture: MakePicture, rough: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[float] = []

    def fits(_: iqaudit.Scale, score: float) -> bool:
        held.append(score)
        return True

    monkeypatch.setattr(iqaudit.Scale, "fits", fits)
    pictures = [make_picture(20, 20, seed) for seed in range(3)]
    results = iqaudit.attack(pictures, rough, queries=6, batch=3)
    assert held == [result.clean_score for result in results]


def test_a_spent_budget_is_no_interruption(make_picture: MakePicture, rough: Function) -> None:
    def stop(_: iqaudit.Picture, queries: int) -> None:
        if queries == 5:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        iqaudit.attack([make_picture(20, 20)] * 2, rough, queries=5, progress=stop)
    assert [result.outcome for result in caught.value.results] == [Outcome.BUDGET_SPENT]


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_a_stop_at_the_first_query_leaves_whole_results(
    batch: int, make_picture: MakePicture, rough: Function
) -> None:
    def stop(_: iqaudit.Picture, __: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        iqaudit.attack([make_picture(20, 20)] * 3, rough, queries=5, batch=batch, progress=stop)
    assert [len(result.trace) for result in caught.value.results] == [1] * batch


def test_a_victims_largest_batch_is_kept(make_picture: MakePicture) -> None:
    victim = counting(largest_batch=2)
    pictures = [make_picture(20, 20, seed) for seed in range(5)]

    iqaudit.attack(pictures, victim, queries=2, batch=5)
    assert [len(batch) for batch in victim.batches] == [2, 2, 1] * 2


class _Shaped(torch.nn.Module):
    def __init__(self, shape: Callable[[torch.Tensor], object]) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))
        self._shape = shape

    def forward(self, x: torch.Tensor) -> object:
        return self._shape((x * self.weight).mean(dim=(1, 2, 3)))


@pytest.mark.parametrize("precision", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    "shape",
    [
        lambda scores: scores,
        lambda scores: scores.squeeze(),
        lambda scores: scores[:, None],
        lambda scores: scores[:, None, None, None],
        lambda scores: scores.half(),
    ],
)
def test_a_module_may_give_its_scores_in_any_everyday_form(
    shape: Callable[[torch.Tensor], object], precision: torch.dtype, make_picture: MakePicture
) -> None:
    picture = make_picture(12, 18)
    module = _Shaped(shape).to(precision)
    [result] = iqaudit.attack(picture, module, score_range=(0, 1), queries=3)
    assert result.clean_score == pytest.approx(picture.mean() / 255, abs=1e-2)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (lambda scores: (scores, scores), "not tuple"),
        (lambda scores: scores * 1j, "real scores, not torch.complex64"),
        (lambda scores: scores.expand(2, -1), r"shape \(2, 1\)"),
    ],
)
def test_a_modules_other_answers_are_refused(
    shape: Callable[[torch.Tensor], object], sentence: str, make_picture: MakePicture
) -> None:
    with pytest.raises(VictimError, match=sentence):
        iqaudit.attack(make_picture(12, 18), _Shaped(shape), score_range=(0, 1), queries=3)


def test_an_interrupt_between_pictures_of_a_batch_loses_no_answer(
    make_picture: MakePicture,
) -> None:
    victim = Failing(
        Function(roughness, iqaudit.Scale.from_range(0, 20), largest_batch=1),
        at=12,
        error=KeyboardInterrupt(),
    )
    pictures = [make_picture(20, 20, seed) for seed in range(3)]
    with pytest.raises(Interrupted) as caught:
        iqaudit.attack(pictures, victim, queries=20, batch=3)
    assert [result.queries for result in caught.value.results] == [4, 4, 3]
