"""A victim that answers at random: its answers averaged, billed, and believed beyond noise."""

import json
import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from tests.support.auditing import ROUGH
from tests.support.pictures import MakePicture
from tests.support.records import text
from tests.support.scorers import roughness
from tests.support.serving import RANGE, Hours, Server, asks

import iqaudit
from iqaudit import InputError, VictimError, _cli
from iqaudit._analysis.tables import cells
from iqaudit._assess.check import Finding, check
from iqaudit._assess.questions import Verdict
from iqaudit._core.stream import Stream
from iqaudit._report import write_report
from iqaudit._runs.schema import load as load_record
from iqaudit._search.stop import Stop
from iqaudit.attacks import Bidirectional, Problem
from iqaudit.attacks._base import Descent
from iqaudit.testing import Noisy, Recording
from iqaudit.victims import Card, Function, Repeated, Victim, as_victim
from iqaudit.victims._averaging import PROBES
from iqaudit.victims._fingerprint import probes
from iqaudit.victims._spec import VictimSpec

SCALE = iqaudit.Scale.from_range(*RANGE)


def noisy(deviation: float, seed: int = 0, shift: float = 0) -> Noisy:
    """Return the roughness with Gaussian noise."""
    victim = Function(lambda pictures: roughness(pictures) + shift, SCALE, name="noisy")
    return Noisy(victim, deviation, seed=seed)


@pytest.mark.slow
@given(
    repeats=st.integers(1, 6),
    scores=st.integers(2, 12),
    rest=st.integers(0, 5),
    batch=st.integers(1, 3),
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_answer_is_billed_and_the_budget_never_passed(
    repeats: int, scores: int, rest: int, batch: int, make_picture: MakePicture
) -> None:
    queries = scores * repeats + rest % repeats
    asked = Recording(noisy(0.1))
    victim = as_victim(asked, repeats=repeats)
    assert len(asked.pictures) == PROBES
    pictures = [make_picture(*size) for size in ((9, 14), (14, 9), (9, 14))]
    told: list[int] = []
    results = iqaudit.attack(
        pictures, victim, queries=queries, batch=batch, progress=lambda _, n: told.append(n)
    )
    assert len(asked.pictures) - PROBES == 3 * (scores + Stop.fresh) * repeats
    assert scores * repeats <= queries
    for result in results:
        assert result.queries == scores * repeats
        assert (len(result.scores), result.cost) == (scores, repeats)
        assert result.outcome is iqaudit.Outcome.BUDGET_SPENT
        assert result.scores[result.best_query // repeats - 1] == result.luckiest_score
        assert len(result.fresh) == Stop.fresh
        assert result.adversarial_score == pytest.approx(np.mean(result.fresh), rel=1e-12)
        assert all(result.scores[n // repeats - 1] == score for n, score in result.trace)
    assert max(told) == scores * repeats


@pytest.mark.parametrize("repeats", [1, 4, 25])
def test_averaging_brings_the_noise_down_by_the_root(
    repeats: int, make_picture: MakePicture
) -> None:
    picture = make_picture(12, 15)
    victim = Repeated(noisy(0.5), repeats)
    assert victim.card.noise == pytest.approx(0.5 / repeats**0.5, rel=0.4)
    scores = [victim.score(picture[None])[0] for _ in range(300)]
    assert np.std(scores) == pytest.approx(0.5 / repeats**0.5, rel=0.15)
    assert np.mean(scores) == pytest.approx(roughness(picture[None])[0], abs=0.1)


def test_the_noise_is_that_of_single_answers_to_the_fixed_picture() -> None:
    probe = probes(noisy(0.5).card)[1][None]
    once = noisy(0.5)
    answers = [once.score(probe)[0] for _ in range(PROBES)]
    assert Repeated(noisy(0.5), 9).card.noise == pytest.approx(np.std(answers, ddof=1) / 3)
    # The same picture, whatever else changes; of a size that the victim takes.
    sized = replace(once.card, smallest_side=300, largest_side=400)
    assert probes(sized)[1].shape == (300, 300, 3)


def test_luck_is_not_taken_for_a_search_that_rises(
    make_picture: MakePicture, tmp_path: Path
) -> None:
    """The luckiest answers go far and on, of a victim that does not move at all."""
    still = noisy(0.5)
    iqaudit.attack(make_picture(12, 15), Repeated(still, 1), queries=150, out=tmp_path / "run")
    [cell] = cells.load(tmp_path / "run")
    flags = {doubt.flag for doubt in cell.doubts}
    assert "rising" not in flags
    assert any("answers at random" in doubt.text for doubt in cell.doubts)


@pytest.mark.parametrize("repeats", [2, 3, 7])
def test_where_answers_do_not_differ_nothing_changes_but_the_bill(
    repeats: int, rough: Function, make_picture: MakePicture
) -> None:
    picture = make_picture(20, 24)
    [once] = iqaudit.attack(picture, rough, queries=30, seed=2)
    [often] = iqaudit.attack(picture, rough, queries=30 * repeats, seed=2, repeats=repeats)
    assert np.array_equal(once.scores, often.scores)
    assert np.array_equal(once.adversarial, often.adversarial)
    assert often.queries == repeats * once.queries
    assert [repeats * step.query for step in once.trace] == [step.query for step in often.trace]
    assert as_victim(rough, repeats=repeats).card.noise == 0


def test_a_step_must_gain_more_than_the_noise() -> None:
    clean = np.zeros((8, 9, 3), np.uint8)
    attack = Bidirectional()
    state = attack.init(Problem(clean, 3, 50, Stream(0, "picture"), noise=0.5))
    state = attack.tell(state, attack.ask(state), 2.0)
    stripes = state.perturbation
    for loss, kept in ((2.0, True), (1.5, True), (1.4, False)):
        told = attack.tell(state, attack.ask(state), loss)
        assert (told.perturbation is stripes) is kept


@dataclass(frozen=True)
class Spy(Bidirectional):
    """The attack, asking once for each proposal, and the problems that it was given."""

    compares: ClassVar[bool] = False
    seen: list[Problem] = field(default_factory=list)

    def init(self, problem: Problem) -> Descent:
        self.seen.append(problem)
        return super().init(problem)


def test_an_attack_is_told_scores_and_noise_in_units_of_its_loss(
    make_picture: MakePicture,
) -> None:
    victim, spy = as_victim(noisy(0.02), repeats=4), Spy()
    [result] = iqaudit.attack(make_picture(20, 20), victim, attack=spy, queries=203, goal="raise")
    [problem] = spy.seen
    assert problem.queries == 50
    near = SCALE.center + np.array([-1e-6, 1e-6])
    low, high = (SCALE.quality(score) for score in near)
    assert problem.noise == pytest.approx(victim.card.noise * (high - low) / 2e-6)
    accepted = [SCALE.quality(step.score) for step in result.trace[1:]]
    assert len(accepted) > 2
    assert all(later > earlier + problem.noise for earlier, later in pairwise(accepted))


@pytest.mark.parametrize("queries", [2, 9])
def test_a_budget_that_affords_less_than_two_scores_is_refused(
    queries: int, make_picture: MakePicture
) -> None:
    asked = Recording(noisy(0.1))
    with pytest.raises(InputError, match=rf"at least 10 queries .* each costs 5\), not {queries}"):
        iqaudit.attack(make_picture(9, 9), asked, queries=queries, repeats=5)
    assert len(asked.pictures) == PROBES


@pytest.mark.parametrize(
    ("repeats", "sentence"),
    [(0, "at least 1, not 0"), (1.5, "repeats must be a whole number"), ("3", "whole number")],
)
def test_repeats_that_are_no_number_are_refused(repeats: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        as_victim(noisy(0.1), repeats=repeats)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [{"cost": 0}, {"cost": 1.5}, {"noise": -1}, {"noise": np.nan}])
def test_a_card_refuses_what_is_no_cost_and_no_noise(given: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"at least|whole number"):
        Card("x", SCALE, **given)  # type: ignore[arg-type]


def _broken(_: NDArray[np.uint8]) -> ArrayLike:
    raise ConnectionError("nobody is there")


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (_broken, "failed on the picture that its noise is measured on: ConnectionError: nobody"),
        (lambda pictures: [np.nan] * len(pictures), "answered nan where a finite"),
        (lambda _: [1 + 2j], "TypeError: a score is a real number"),
        (lambda _: [1.0, 2.0], "failed on the picture that its noise is measured on: ValueError"),
    ],
)
def test_a_victim_that_fails_when_its_noise_is_measured_is_a_sentence(
    function: object, sentence: str
) -> None:
    with pytest.raises(VictimError, match=sentence):
        as_victim(function, score_range=RANGE, repeats=3)  # type: ignore[arg-type]


def test_complex_answers_are_no_scores(make_picture: MakePicture) -> None:
    with pytest.raises(VictimError, match="TypeError: a score is a real number"):
        iqaudit.score(make_picture(8, 8), lambda _: np.array([1 + 2j]), score_range=RANGE)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (True, "bool"),
        ("5.5", "str"),
        (b"5.5", "bytes"),
    ],
)
@pytest.mark.parametrize("kind", [None, object])
def test_what_only_reads_as_a_number_is_no_score(
    answer: Any, named: str, kind: Any, make_picture: MakePicture
) -> None:
    with pytest.raises(VictimError, match=f"a score is a number, not {named}"):
        iqaudit.score(make_picture(8, 8), lambda _: np.array([answer], kind), score_range=RANGE)


@pytest.mark.parametrize("answer", [np.float16(5.5), Fraction(11, 2), Decimal("5.5"), 5.5])
def test_any_kind_of_number_is_a_score(answer: Any, make_picture: MakePicture) -> None:
    [scored] = iqaudit.score(make_picture(8, 8), lambda _: [answer], score_range=RANGE)
    assert scored.score == 5.5


def test_an_infinite_answer_is_refused_like_any_other(make_picture: MakePicture) -> None:
    asked = Recording(noisy(0.1))

    def overflows(pictures: NDArray[np.uint8]) -> ArrayLike:
        return asked.score(pictures) if len(asked.pictures) < PROBES + 8 else [np.inf]

    with pytest.raises(VictimError, match="where a finite score was due") as caught:
        iqaudit.attack(make_picture(9, 9), overflows, score_range=RANGE, queries=20, repeats=3)
    [begun] = caught.value.results
    assert (begun.queries, begun.outcome) == (6, iqaudit.Outcome.VICTIM_FAILED)


def test_a_service_is_asked_anew_for_each_answer(
    server: Server, make_picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = asks(server, Hours(), price=0.5)
    victim = Repeated(service, 3)
    assert service.account.billed == PROBES
    pictures = np.stack([make_picture(9, 9, seed) for seed in range(2)])
    assert np.array_equal(victim.score(pictures), roughness(pictures))
    assert victim.account == service.account
    assert (victim.account.billed, victim.account.cached) == (PROBES + 6, 0)
    assert Repeated(noisy(0.1), 3).account is None
    # The same where a module of the user's holds the service.
    monkeypatch.setattr(f"{__name__}.Held", service, raising=False)
    as_victim(f"python:{__name__}:Held", repeats=2)
    assert service.account.billed == 2 * PROBES + 6


def write_run(path: Path, victim: Victim, make_picture: MakePicture) -> Path:
    pictures = [make_picture(24, 30), make_picture(30, 20, 1)]
    iqaudit.attack(pictures, victim, queries=123, seed=1, out=path)
    return path


@pytest.fixture
def run(tmp_path: Path, make_picture: MakePicture) -> Path:
    return write_run(tmp_path / "run", as_victim(noisy(0.1), repeats=4), make_picture)


def test_a_runs_figures_count_what_was_billed(run: Path) -> None:
    record = load_record(run)
    assert record.victim.cost == 4
    assert record.victim.noise == Repeated(noisy(0.1), 4).card.noise
    assert "mean of 4 answer(s), standard deviation 0.0" in record.victim.note
    assert record.queries == 123
    assert record.summary.queries == 240
    for entry in record.pictures:
        assert entry.queries == 120
        assert entry.best_query % 4 == 0
        assert [step[0] for step in entry.trace][:2] == [4, 12]  # the second was asked about twice
    page = write_report(run).read_text()
    assert "asked in all, 4 a score" in page
    assert "standard deviation 0.0" in page


def test_a_run_verifies_within_its_noise(run: Path) -> None:
    checks = iqaudit.verify(run, Repeated(noisy(0.1, seed=9), 4))
    assert [each.wrong for each in checks] == [(), ()]
    assert all(0.1 < each.noise < 0.7 for each in checks)  # seven times 0.1 / 2, by estimate
    for entry, each in zip(load_record(run).pictures, checks, strict=True):
        assert each.score != entry.attacked_score
    elsewhere = iqaudit.verify(run, Repeated(noisy(0.1, seed=9, shift=1), 4))
    assert all(re.search("the clean score is", each.wrong[0]) for each in elsewhere)


def test_a_run_is_verified_by_a_victim_of_its_cost_alone(run: Path, rough: Function) -> None:
    with pytest.raises(InputError, match="this victim costs 1 queries, one of the run's 4"):
        iqaudit.verify(run, rough)


def test_a_changed_count_is_seen(run: Path) -> None:
    record = json.loads((run / "results.json").read_text())
    entry, other = record["pictures"]
    best = entry["best_query"]
    other["trace"][1][0] += 1
    for wrong in (best + 1, 0, 124):  # within a score, before the first, after the last
        entry["best_query"] = wrong
        (run / "results.json").write_text(text(record))
        first, second = iqaudit.verify(run, Repeated(noisy(0.1), 4))
        assert f"best_query is {wrong}, of 120 queries" in first.wrong[0]
        assert second.wrong == ("the trace is not of the recorded scores",)


def test_a_replay_of_a_noisy_run_goes_the_recorded_way(
    run: Path, make_picture: MakePicture, tmp_path: Path
) -> None:
    replay = as_victim(f"replay:{run}")
    again = write_run(tmp_path / "again", replay, make_picture)
    for name in ("picture-1", "picture-2"):
        file = f"scores/{name}.npy"
        assert (run / file).read_bytes() == (again / file).read_bytes()
    assert [each.wrong for each in iqaudit.verify(run, replay)] == [(), ()]


def test_a_run_from_before_costs_were_recorded_still_verifies(
    tmp_path: Path, rough: Function, make_picture: MakePicture
) -> None:
    run = write_run(tmp_path / "run", rough, make_picture)
    record = json.loads((run / "results.json").read_text())
    assert (record["victim"].pop("cost"), record["victim"].pop("noise")) == (1, 0)
    (run / "results.json").write_text(text(record))
    for victim in (rough, as_victim(f"replay:{run}")):
        assert [each.wrong for each in iqaudit.verify(run, victim)] == [(), ()]
    assert "scores asked, in all" in write_report(run).read_text()


def findings(victim: Victim) -> dict[str, Finding]:
    return {found.check: found for found in check(victim, price=0.01)}


@pytest.mark.slow
def test_check_tells_what_repeats_bring_the_noise_to() -> None:
    repeated = Repeated(noisy(0.2), 16)
    found = findings(repeated)
    after = repeated.card.noise
    assert found["deterministic"].verdict is Verdict.WARN
    expected = f"16 repeats bring a standard deviation of {4 * after:.2g} to {after:.2g} ("
    assert expected in found["deterministic"].sentence
    assert found["batch"].verdict is Verdict.PASS
    assert "within noise" in found["batch"].sentence
    assert "5.00 in money" in found["cost"].sentence  # 500 queries, whatever they average
    alone = findings(noisy(0.2))["deterministic"]
    assert alone.verdict is Verdict.FAIL
    assert "repeats=1" in alone.sentence


@pytest.mark.slow
def test_check_takes_no_noise_for_a_say() -> None:
    found = findings(Repeated(noisy(3), 4))
    assert found["resolution"].verdict is Verdict.WARN
    assert "no more than its noise" in found["resolution"].sentence
    assert found["every pixel"].verdict is Verdict.WARN
    assert "no say beyond the score's noise" in found["every pixel"].sentence


NOISY_MODULE = """
import numpy as np
rng = np.random.default_rng(0)

def roughness(pictures):
    wide = pictures.astype(np.int64)
    scores = np.abs(np.diff(wide, axis=2)).sum(axis=(1, 2, 3)) / wide[0].size
    return scores + rng.normal(0, 0.1, len(wide))
"""


def test_the_command_line_averages_bills_and_verifies(
    tmp_path: Path, make_picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "noisy_scorer_of_the_cli.py").write_text(NOISY_MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    iqaudit.write(tmp_path / "photo.png", make_picture(30, 40))
    victim = ["--victim", "python:noisy_scorer_of_the_cli:roughness", "--range", "0", "20"]
    victim += ["--repeats", "5"]
    out = str(tmp_path / "run")
    photo = str(tmp_path / "photo.png")
    run = CliRunner().invoke(_cli.main, ["attack", photo, *victim, "--queries", "64", "--out", out])
    assert run.exit_code == 0, run.output
    assert "mean of 5 answer(s), standard deviation" in run.stderr
    assert re.search(r"^photo .* 60$", run.stdout, re.MULTILINE)
    assert "1/1 pictures" in run.stderr
    assert "0 s left" in run.stderr
    verified = CliRunner().invoke(_cli.main, ["verify", out, *victim])
    assert verified.exit_code == 0, verified.output
    assert re.search(r"as recorded, within 0\.\d", verified.stdout)
    few = CliRunner().invoke(
        _cli.main, ["attack", photo, *victim, "--queries", "9", "--out", f"{out}9"]
    )
    assert few.exit_code == 2
    assert "at least 10 queries" in few.stderr


@pytest.mark.slow
def test_a_named_victims_run_is_verified_with_its_repeats(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    photo, out = str(tmp_path / "photo.png"), str(tmp_path / "run")
    iqaudit.write(photo, make_picture(64, 64))
    attack = ["attack", photo, "--repeats", "2", "--queries", "5", "--out", out]
    assert CliRunner().invoke(_cli.main, attack).exit_code == 0
    assert load_record(out).pictures[0].queries == 4
    verified = CliRunner().invoke(_cli.main, ["verify", out])
    assert verified.exit_code == 0, verified.output


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--out", "taken"], "holds no run"),
        (["--out", "o", "--queries", "5"], "at least 8 queries"),
        (["--out", "o", "--attack", "pgd"], "a torch module"),
    ],
)
def test_nothing_is_asked_before_everything_else_fits(
    options: list[str],
    sentence: str,
    tmp_path: Path,
    make_picture: MakePicture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "tests.victims.test_averaging._broken", lambda _: pytest.fail("it was asked")
    )
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.tex").touch()
    iqaudit.write(tmp_path / "photo.png", make_picture(8, 8))
    victim = ["--victim", f"python:{__name__}:_broken", "--range", "0", "20"]
    command = ["attack", "photo.png", *victim, "--repeats", "4", *options]
    result = CliRunner().invoke(_cli.main, command)
    assert result.exit_code == 2, result.output
    assert sentence in " ".join(result.stderr.split())


def test_fresh_answers_are_as_many_as_was_said_and_their_number_is_the_audits(
    photos: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"queries": 5, "attacks": ["square"], "analyses": False}
    victims = [VictimSpec(ROUGH, {"defences": ["noise:4"]})]
    for fresh, billed in ((0, 0), (3, 3), (None, Stop.fresh)):
        out = tmp_path / str(fresh)
        audit = iqaudit.audit(victims, photos, fresh=fresh, out=out, **options)
        for row in load_record(audit.cells[0].path).pictures:
            assert row.fresh_queries == len(row.fresh) == billed
            assert (row.luckiest_score is None) == (billed == 0)
        with pytest.raises(InputError, match="fresh"):
            iqaudit.audit(victims, photos, fresh=5, out=out, **options)
    with pytest.raises(InputError, match="fresh"):
        iqaudit.audit(victims, photos, fresh=-1, out=tmp_path / "none", **options)
