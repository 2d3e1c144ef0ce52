"""Answers outside a victim's range are no scores: refused by the search, counted and told."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.auditing import iqaudit_
from tests.support.pictures import MakePicture
from tests.support.records import text
from tests.support.scorers import roughness

import iqaudit
from iqaudit import Scale, UnscorableError, VictimError
from iqaudit._runs.schema import load
from iqaudit.victims import Function, Repeated

RANGE = (0, 20)
CODES = (-1.0, -0.05, 999.0, -math.inf)
Scorer = Callable[[NDArray[np.uint8]], Any]

pytestmark = pytest.mark.filterwarnings("ignore:.* answers were no scores:UserWarning")


def coded(code: float, clean: NDArray[np.uint8]) -> Scorer:
    """Return a scorer that answers a code for some of the pictures near one, by their pixels."""

    def scored(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        odd = pictures.sum(axis=(1, 2, 3), dtype=np.int64) % 7 == 3
        near = [
            each.shape == clean.shape and np.ptp(each - 1 * clean) <= 6
            for each in pictures.astype(int)
        ]
        return np.where(odd & np.array(near), code, roughness(pictures))

    return scored


@pytest.fixture
def picture(make_picture: MakePicture) -> NDArray[np.uint8]:
    """Return a picture that is scored."""
    return next(
        each for each in map(make_picture, [20] * 9, range(24, 33))
        if each.sum(dtype=np.int64) % 7 != 3
    )  # fmt: skip


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("attack", ["square", "simba", "nes", "bidirectional", "parsimonious"])
@pytest.mark.parametrize("goal", ["raise", "lower"])
def test_a_code_is_neither_the_best_nor_a_step(
    code: float, attack: str, goal: str, picture: NDArray[np.uint8]
) -> None:
    how: dict[str, Any] = {"attack": attack, "goal": goal, "queries": 60, "score_range": RANGE}
    with pytest.warns(UserWarning, match=r"answers were no scores.*unbounded=True"):
        [result] = iqaudit.attack(picture, coded(code, picture), **how)
    assert result.refused == (result.scores == code).sum() > 0
    kept = [result.adversarial_score, *(step.score for step in result.trace)]
    assert code not in kept
    assert all(0 <= score <= 20 for score in kept)


def test_an_unbounded_victim_may_answer_anything(picture: NDArray[np.uint8]) -> None:
    [result] = iqaudit.attack(
        picture, coded(-1, picture), goal="lower", queries=60, score_range=RANGE, unbounded=True
    )
    assert (result.adversarial_score, result.refused) == (-1, 0)


def test_a_last_digit_beyond_the_range_is_a_score() -> None:
    scale = Scale.from_range(0, 1)
    assert [bool(scale.admits(each)) for each in (1 + 2e-7, -1e-5, 1.01, -0.01, math.nan)] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert not Scale.from_range(0, 100).admits(-1)
    for fitted in (Scale(5, 2), Scale(5, 2, 0, 10, fitted=True)):
        assert [bool(fitted.admits(each)) for each in (-1e300, 999, math.inf, math.nan)] == [
            True, True, False, False,
        ]  # fmt: skip


def test_a_clean_picture_outside_ends_alone(make_picture: MakePicture) -> None:
    pictures = [iqaudit.Picture(f"p{seed}", make_picture(20, 24, seed)) for seed in range(3)]
    lost = int(pictures[1].pixels.sum())

    def scored(batch: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.where(batch.sum(axis=(1, 2, 3)) == lost, -1.0, roughness(batch))

    with pytest.warns(UserWarning, match="p1: .*answered -1 where a score from 0 to 20 was due"):
        results = iqaudit.attack(pictures, scored, queries=10, score_range=RANGE)
    assert [each.picture.name for each in results] == ["p0", "p2"]
    with pytest.raises(UnscorableError, match=r"answered -1 .*\(unbounded=True\)"):
        iqaudit.score(pictures[1], scored, score_range=RANGE)
    assert iqaudit.score(pictures[1], scored, score_range=RANGE, unbounded=True)[0].score == -1


def test_a_mean_hides_no_code(picture: NDArray[np.uint8]) -> None:
    asked = iter(range(10**6))

    def scored(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.where(next(asked) % 3 == 1, -1.0, roughness(pictures))

    victim = Repeated(Function(scored, Scale.from_range(*RANGE)), 3)
    assert victim.score(picture[None]).tolist() == [-1]


def test_a_victim_that_is_down_and_says_a_number_stops_the_run(
    picture: NDArray[np.uint8],
) -> None:
    """And asks no more than three pictures besides."""
    asked = []

    def scored(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        asked.append(len(pictures))
        return np.where(len(asked) > 9, -1.0, roughness(pictures))

    with pytest.raises(VictimError, match="answered -1") as caught:
        iqaudit.attack(picture, scored, queries=60, score_range=RANGE)
    assert len(caught.value.results[0].scores) == 9
    assert sum(asked) == 10 + 3


def test_it_is_counted_told_and_recalled(
    tmp_path: Path, picture: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "coded.py").write_text(
        "import iqaudit\nfrom tests.search.test_range import coded\n"
        "scored = coded(-1, iqaudit.read('p.png').pixels)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    iqaudit.write(tmp_path / "p.png", picture)
    line = ["attack", "p.png", "--victim", "python:coded:scored", "--range", 0, 20,
            "--goal", "lower", "--queries", 60, "--engine", "serial"]  # fmt: skip
    done = iqaudit_(*line, "--out", "run")
    record = load(tmp_path / "run")
    count = record.pictures[0].refused
    assert count == record.summary.refused > 0
    said = f"{count} of 60 answers, in the search, were outside the victim"
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    tables = " ".join(iqaudit_("tables", "run").stdout.split())
    for where in (done.stderr, page, tables):
        assert said in where
    assert f'"refused": {count}' in (tmp_path / "run" / "results.json").read_text()
    assert iqaudit_("verify", "run", "--trust").exit_code == 0
    assert [row["refused"] for row in iqaudit.load("run").export()] == [count]
    spec = iqaudit.victims.as_victim("python:coded:scored", score_range=RANGE)
    for stop in (9, 33):
        out = tmp_path / f"stopped-{stop}"
        left = iter(range(stop, 0, -1))

        def progress(_: iqaudit.Picture, __: int, left: Any = left) -> None:
            if next(left, 0) == 1:
                raise KeyboardInterrupt

        how: dict[str, Any] = {"goal": "lower", "queries": 60, "out": out, "engine": "serial"}
        with pytest.raises(KeyboardInterrupt):
            iqaudit.attack("p.png", spec, progress=progress, **how)
        iqaudit.attack("p.png", spec, **how)
        first, second = load(tmp_path / "run").pictures, load(out).pictures
        assert first == second


def test_a_victims_own_outlier_is_a_doubt(picture: NDArray[np.uint8], tmp_path: Path) -> None:
    """Within the range it cannot be known for a failure."""
    how: dict[str, Any] = {"queries": 60, "score_range": RANGE, "engine": "serial"}
    text = "the best score lies farther from the others than those lie apart"
    for code, goal, doubted in (
        (0.0, "lower", True), (20.0, "raise", True), (0.0, "raise", False), (None, "lower", False),
    ):  # fmt: skip
        out = tmp_path / f"{code}-{goal}"
        scorer = roughness if code is None else coded(code, picture)
        iqaudit.attack(picture, scorer, goal=goal, out=out, **how)
        [row] = iqaudit.load(out).table().rows
        assert (text in row.doubt) is doubted, (code, goal)
        assert row.ranked


def test_a_run_of_an_older_version_is_read_as_it_was(
    picture: NDArray[np.uint8], tmp_path: Path
) -> None:
    """It took such answers for scores: that is told, and its figures stay."""
    iqaudit.attack(
        picture, coded(-1, picture), goal="lower", queries=60, score_range=RANGE, unbounded=True,
        out=tmp_path, engine="serial",
    )  # fmt: skip
    file = tmp_path / "results.json"
    record = json.loads(file.read_text())
    record["victim"]["scale"] |= {"low": 0, "high": 20}
    file.write_text(text(record))
    [row] = iqaudit.load(tmp_path).table().rows
    assert row.values["rgo"].value == pytest.approx(record["summary"]["rgo"])
    assert "an older version took for scores" in row.doubt
