"""Pictures that a victim cannot score, in every call: they are named, and the others are done."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.auditing import iqaudit_
from tests.support.pictures import MakePicture
from tests.support.scorers import roughness
from tests.support.serving import Hours, Server, asks, drop, good, says

import iqaudit
from iqaudit import UnscorableError, VictimError
from iqaudit._assess.questions import Verdict
from iqaudit._core.picture import picture_key
from iqaudit._runs.schema import load
from iqaudit.testing import Recording

SPEC = f"python:{__name__}:fussy"
RANGE = (0.0, 20.0)

refused: set[int] = set()
"""The keys of the pictures that `fussy` refuses."""


def fussy(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Score, but for pictures that are one colour or refused."""
    for picture in pictures:
        if picture_key(picture) in refused or not np.ptp(picture):
            raise ValueError("nothing is in the picture")
    return roughness(pictures)


@pytest.fixture(autouse=True)
def nothing_refused() -> Iterator[None]:
    yield
    refused.clear()


@pytest.fixture
def black(photos: Path) -> Path:
    """Return the folder of three photographs with a black one between."""
    iqaudit.write(photos / "p1-black.png", np.zeros((20, 24, 3), np.uint8))
    return photos


def test_an_attack_in_memory_names_it_and_has_the_others(black: Path) -> None:
    with pytest.warns(UserWarning, match=r"^1 of 4 pictures could not be scored\. p1-black: "):
        results = iqaudit.attack(black, fussy, score_range=RANGE, queries=10, batch=4)
    assert [result.picture.name for result in results] == ["p0", "p1", "p2"]
    [(name, reason)] = [(each.name, each.reason) for each in results.unscored]
    assert (name, "nothing is in the picture" in reason) == ("p1-black", True)
    whole = iqaudit.attack([black / f"p{n}.png" for n in range(3)], fussy, score_range=RANGE,
                           queries=10)  # fmt: skip
    assert [list(each.scores) for each in results] == [list(each.scores) for each in whole]
    assert whole.unscored == ()


def test_an_attack_on_disk_says_the_same(black: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="p1-black: "):
        results = iqaudit.attack(
            black, fussy, score_range=RANGE, queries=10, out=tmp_path / "run", engine="serial"
        )
    assert [each.name for each in results.unscored] == ["p1-black"]
    assert [result.picture.name for result in results] == ["p0", "p1", "p2"]


def test_a_search_that_fails_later_has_its_best(black: Path) -> None:
    asked = Recording(fussy, score_range=RANGE)
    iqaudit.attack(black / "p1.png", asked, queries=10)
    refused.add(asked.keys[6])
    pictures = [black / f"p{n}.png" for n in range(3)]
    with pytest.warns(UserWarning, match="p1: "):
        results = iqaudit.attack(pictures, fussy, score_range=RANGE, queries=10)
    assert [(each.outcome.name, each.queries) for each in results] == [
        ("BUDGET_SPENT", 10), ("UNSCORED", 6), ("BUDGET_SPENT", 10),
    ]  # fmt: skip
    assert [each.name for each in results.unscored] == ["p1"]
    with pytest.raises(VictimError, match="nothing is in the picture") as caught:
        iqaudit.attack(pictures, fussy, score_range=RANGE, queries=10, strict=True)
    assert [each.queries for each in caught.value.results] == [10, 6]


@pytest.mark.parametrize("options", [{}, {"strict": True}])
def test_a_picture_alone_is_an_error(black: Path, options: dict[str, Any]) -> None:
    with pytest.raises(VictimError, match="nothing is in the picture"):
        iqaudit.attack(black / "p1-black.png", fussy, score_range=RANGE, queries=10, **options)
    with pytest.raises(VictimError, match="nothing is in the picture"):
        iqaudit.score(black / "p1-black.png", fussy, score_range=RANGE, **options)


def test_scores_have_the_reason(black: Path) -> None:
    with pytest.warns(UserWarning, match="1 of 4 pictures could not be scored"):
        scores = iqaudit.score(black, fussy, score_range=RANGE)
    by_name = {each.name: each for each in scores}
    assert [each for each, score in by_name.items() if score.unscored] == ["p1-black"]
    assert math.isnan(by_name["p1-black"].score)
    assert all(math.isfinite(score.quality) for score in scores if not score.unscored)
    with pytest.raises(VictimError, match="nothing is in the picture"):
        iqaudit.score(black, fussy, score_range=RANGE, strict=True)


def test_scores_on_the_command_line(black: Path) -> None:
    line = ["score", black, "--victim", SPEC, "--range", 0, 20]
    done = iqaudit_(*line)
    assert done.exit_code == 4
    assert "p1-black" in done.stdout
    assert "1 of 4 pictures could not be scored. p1-black: " in done.stderr
    said = {each["name"]: each for each in json.loads(iqaudit_(*line, "--json").stdout)}
    assert said["p1-black"]["score"] is None
    assert "nothing is in" in said["p1-black"]["unscored"]
    assert "unscored" not in said["p0"]
    assert iqaudit_(*line, "--strict").exit_code == 2


def test_a_scale_is_fitted_to_the_others(
    tmp_path: Path, black: Path, make_picture: MakePicture
) -> None:
    for seed in range(3, 11):
        iqaudit.write(black / f"p{seed}.png", make_picture(20, 24, seed))
    line = ["calibrate", "--victim", SPEC, "--range", 0, 20, "--pictures", black]
    done = iqaudit_(*line, "--out", tmp_path / "scale.toml")
    assert (done.exit_code, "1 of 12 pictures could not be scored" in done.stderr) == (4, True)
    assert "11 pictures" in (tmp_path / "scale.toml").read_text()
    opinions = [float(number % 10) for number in range(12)]
    with pytest.warns(UserWarning, match="p1-black"):
        fitted = iqaudit.calibrate(fussy, black, score_range=RANGE)
    assert fitted.source.endswith("11 pictures")
    with pytest.warns(UserWarning, match="p1-black"):
        iqaudit.calibrate(
            fussy, black, score_range=RANGE,
            opinions=[score.quality if not score.unscored else opinions[0]
                      for score in iqaudit.score(black, fussy, score_range=RANGE)],
        )  # fmt: skip


def test_check_names_it_and_looks_at_the_others(black: Path) -> None:
    findings = iqaudit.check(fussy, [black / "p1-black.png", black / "p0.png"], score_range=RANGE)
    [named] = [each for each in findings if each.check == "answers"]
    assert named.verdict is Verdict.WARN
    assert named.sentence.startswith("p1-black: ")
    assert {"deterministic", "scale", "fingerprint"} <= {each.check for each in findings}
    [alone] = iqaudit.check(fussy, black / "p1-black.png", score_range=RANGE)
    assert (alone.check, alone.verdict) == ("answers", Verdict.FAIL)


def test_a_plan_times_the_others(black: Path) -> None:
    plan = iqaudit.plan([SPEC + ",range=0:20"], black, queries=10)
    assert (plan.pictures, plan.shares[0].seconds is not None) == (4, True)
    with pytest.raises(VictimError, match="nothing is in the picture"):
        iqaudit.plan([SPEC + ",range=0:20"], black / "p1-black.png", queries=10)


def test_transfer_and_insights_leave_it_out_and_say_so(photos: Path, tmp_path: Path) -> None:
    """A version of the picture is refused, or another victim refuses the picture."""
    run = tmp_path / "run"
    iqaudit.attack(photos, SPEC, score_range=RANGE, queries=20, out=run, engine="serial")
    asked = Recording(fussy, score_range=RANGE)
    iqaudit.insights(run, asked)
    (run / "insights.jsonl").unlink()
    [clean] = [picture_key(each.picture.pixels) for each in iqaudit.load(run).results()][1:2]
    first = asked.keys.index(picture_key(iqaudit.read(photos / "p0.png").pixels))
    versions = asked.keys[first + 1 :]
    refused.add(versions[len(versions) // 2])  # of the picture in the middle
    done = iqaudit_("insights", run)
    assert done.exit_code == 4, done.output
    assert "1 of 3 pictures could not be scored. p1: " in " ".join(done.stdout.split())
    [insights] = iqaudit.load(run).insights.values()
    assert insights is not None
    assert [each.name for each in insights.pictures] == ["p0", "p2"]
    assert (insights.finished, insights.unfinished) == (2, 0)
    assert [each.name for each in insights.unscored] == ["p1"]
    refused.clear()
    refused.add(clean)
    line = ["transfer", run, "--victim", SPEC + ",range=0:20,name=other"]
    done = iqaudit_(*line, "--victim", "python:tests.support.scorers:roughness,range=0:20")
    assert done.exit_code == 4, done.output
    transfer = iqaudit.load(run).transfer
    assert transfer is not None
    assert [each.name for each in transfer.pictures] == ["p0", "p2"]
    assert [each.name for each in transfer.unscored] == ["run/p1"]
    assert transfer.rows[0].pictures == 2
    refused.clear()
    assert iqaudit_(*line).exit_code == 0
    assert iqaudit_("insights", run).exit_code == 0


def test_verify_finds_the_others_as_recorded(photos: Path, tmp_path: Path) -> None:
    iqaudit.attack(
        photos, SPEC, score_range=RANGE, queries=10, out=tmp_path / "run", engine="serial"
    )
    refused.add(picture_key(iqaudit.read(photos / "p1.png").pixels))
    checks = iqaudit.verify(tmp_path / "run")
    assert [bool(check.wrong) for check in checks] == [False, True, False]
    assert "nothing is in the picture" in checks[1].wrong[0]


# Services


def picky(score: float) -> Callable[[Any], object]:
    """Answer 422 for a picture of a score."""
    return lambda handler: (
        says("too plain", 422)(handler) if handler.score() == score else good(handler)
    )


@pytest.mark.parametrize("answer", [says("", 422), says("", 500), says('{"score": NaN}'),
                                    says("{}"), says("not JSON")])  # fmt: skip
def test_a_services_failure_on_one_picture_ends_it_alone(
    answer: Callable[[Any], object], server: Server, make_picture: MakePicture
) -> None:
    pictures = [make_picture(20, 24, seed) for seed in range(3)]
    bad = float(roughness(pictures[1][None])[0])
    server.usual = lambda handler: (answer if handler.score() == bad else good)(handler)
    with pytest.warns(UserWarning, match="1 of 3 pictures could not be scored"):
        results = iqaudit.attack(pictures, asks(server, Hours()), queries=5)
    assert [result.queries for result in results] == [5, 5]


def test_many_refused_in_a_row_do_not_take_the_service_for_down(
    server: Server, make_picture: MakePicture
) -> None:
    pictures = [make_picture(20, 24, seed) for seed in range(12)]
    fine = {float(roughness(pictures[-1][None])[0])}
    sizes = {roughness(each[None])[0] for each in pictures} - fine
    server.usual = lambda handler: (
        says("", 422) if handler.score() in sizes else good
    )(handler)  # fmt: skip
    with pytest.warns(UserWarning, match="11 of 12 pictures could not be scored"):
        scores = iqaudit.score(pictures, asks(server, Hours()))
    assert [bool(score.unscored) for score in scores] == [True] * 11 + [False]


def test_a_service_that_is_down_stops_all(server: Server, make_picture: MakePicture) -> None:
    pictures = [make_picture(20, 24, seed) for seed in range(12)]
    # Of ten and more the clean scores come first, which a scale is fitted to.
    for few, answered in ((9, [5, 2]), (12, [1] * 7)):
        victim, before = asks(server, Hours(), retries=2), len(server.seen)
        server.plan = [good] * 7
        server.usual = drop
        with pytest.raises(VictimError) as caught:
            iqaudit.attack(pictures[:few], victim, queries=5)
        assert not isinstance(caught.value, UnscorableError)
        assert [result.queries for result in caught.value.results] == answered
        assert len(server.seen) - before < 20


def test_money_that_is_spent_stops_all(server: Server, make_picture: MakePicture) -> None:
    victim = asks(server, Hours(), price=1.0, budget_money=7.0)
    with pytest.raises(VictimError, match=r"The money for .* is spent") as caught:
        iqaudit.attack([make_picture(20, 24, seed) for seed in range(3)], victim, queries=5)
    assert [result.queries for result in caught.value.results] == [5, 2]
    assert victim.account.billed == 7


# Kinds of victims


def test_a_recorded_run_is_replayed_with_what_could_not_be_scored(
    black: Path, tmp_path: Path
) -> None:
    """Pictures that its victim could not score were never answered, so they end alone again."""
    line = ["attack", black, "--queries", 10, "--engine", "serial"]
    own = ["--victim", SPEC, "--range", 0, 20]
    assert iqaudit_(*line, *own, "--out", tmp_path / "own").exit_code == 4
    replay = ["--victim", f"replay:{tmp_path / 'own'}"]
    assert iqaudit_(*line, *replay, "--out", tmp_path / "again").exit_code == 4
    first, second = (load(tmp_path / name) for name in ("own", "again"))
    assert first.pictures == second.pictures
    assert [each.name for each in second.unscored] == ["p1-black"]
    assert "never asked about this picture" in second.unscored[0].reason


@pytest.mark.filterwarnings("ignore:.* answers were no scores:UserWarning")
def test_answers_that_are_no_score_are_replayed(photos: Path, tmp_path: Path) -> None:
    def spoilt(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        odd = [picture_key(each) % 3 == 0 for each in pictures]
        small = pictures.shape[1] < 100  # not the fingerprint's
        return np.where(np.array(odd) & small, np.nan, roughness(pictures))

    pictures = [
        file for file in sorted(photos.iterdir())
        if picture_key(iqaudit.read(file).pixels) % 3
    ]  # fmt: skip
    how: dict[str, Any] = {"queries": 30, "engine": "serial"}
    iqaudit.attack(pictures, spoilt, score_range=RANGE, out=tmp_path / "own", **how)
    iqaudit.attack(pictures, f"replay:{tmp_path / 'own'}", out=tmp_path / "again", **how)
    first, second = (load(tmp_path / name) for name in ("own", "again"))
    assert first.pictures == second.pictures
    assert sum(
        int(np.isnan(each.scores).sum()) for each in iqaudit.load(tmp_path / "own").results()
    )


@pytest.mark.parametrize("way", ["raises", "nan"])
def test_an_averaged_victim_ends_it_alone(way: str, black: Path) -> None:
    def scored(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        if way == "raises":
            return fussy(pictures)
        return np.where(np.ptp(pictures, axis=(1, 2, 3)) == 0, np.nan, roughness(pictures))

    options: dict[str, Any] = {"score_range": RANGE, "repeats": 3}
    with pytest.warns(UserWarning, match="p1-black"):
        results = iqaudit.attack(black, scored, queries=12, **options)
    assert [result.queries for result in results] == [12] * 3
    with pytest.warns(UserWarning, match="p1-black"):
        scores = iqaudit.score(black, scored, **options)
    assert sum(bool(each.unscored) for each in scores) == 1


def test_a_flat_run_that_is_killed_goes_on_to_the_same_bytes(black: Path, tmp_path: Path) -> None:
    def stopping(at: int) -> Callable[[iqaudit.Picture, int], None]:
        left = iter(range(at, 0, -1))

        def progress(_: iqaudit.Picture, __: int) -> None:
            if next(left) == 1:
                raise KeyboardInterrupt

        return progress

    def run(out: Path, **others: Any) -> None:
        iqaudit.attack(
            black, SPEC, score_range=RANGE, queries=10, engine="serial", out=out, **others
        )

    with pytest.warns(UserWarning, match="p1-black"):
        run(tmp_path / "whole")
    for at in (5, 15, 12):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "run", progress=stopping(at))
        stopped = load(tmp_path / "run")
        assert [each.name for each in stopped.unscored] == (["p1-black"] if at > 10 else [])
    with pytest.warns(UserWarning, match="p1-black"):
        run(tmp_path / "run")
    assert load(tmp_path / "run") == load(tmp_path / "whole")


def test_a_clean_score_far_outside_the_scale_ends_its_picture_alone(black: Path) -> None:
    """Such as an error's code; where the scale is wrong for all, the first says so."""

    def coded(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.where(np.ptp(pictures, axis=(1, 2, 3)) == 0, -999.0, roughness(pictures))

    with pytest.warns(UserWarning, match=r"p1-black: .*scored a clean picture -999"):
        results = iqaudit.attack(black, coded, queries=5, score_range=RANGE)
    assert len(results) == 3
    asked = Recording(roughness, score_range=(1000, 1001))
    with pytest.raises(VictimError, match="what its scale was made for"):
        iqaudit.attack(black, asked, queries=5)
    assert len(asked.pictures) == 2
