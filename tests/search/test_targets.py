"""Searches with a target: where they end, and what tables say of them."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from tests.support.audits import rough, uneven

import iqaudit
from iqaudit import Direction, Goal, Outcome, Scale, Target
from iqaudit._cli import main
from iqaudit._core.goal import named

QUERIES = 60


@pytest.mark.parametrize("lower_is_better", [False, True])
def test_a_search_ends_at_the_first_answer_that_meets_its_target(*, lower_is_better: bool) -> None:
    """From either side, and its beginning is that of a search that goes on in this direction."""
    victim, target, ways = rough(lower_is_better=lower_is_better), 9.0, set()
    for picture in uneven():
        [result] = iqaudit.attack(picture, victim, goal=f"target:{target:g}", queries=40)
        upwards = result.clean_score < target
        ways.add(upwards)
        better = upwards is not lower_is_better
        assert result.direction is (Direction.RAISE if better else Direction.LOWER)
        met = result.scores >= target if upwards else result.scores <= target
        assert not met[:-1].any(), picture.name
        assert bool(met[-1]) is (result.outcome is Outcome.TARGET_MET)
        assert met[-1] or result.queries == 40
        [whole] = iqaudit.attack(
            picture, victim, goal=result.direction.value, queries=max(2, result.queries)
        )
        assert np.array_equal(result.scores, whole.scores[: result.queries])
    assert ways == {False, True}


def test_a_target_quality_is_the_native_score_that_maps_to_it() -> None:
    victim = rough(lower_is_better=True)
    score = victim.card.scale.score(6.5)
    for picture in uneven(2):
        one, other = (
            iqaudit.attack(picture, victim, goal=goal, queries=30)[0]
            for goal in ("target-quality:6.5", Target(score))
        )
        assert np.array_equal(one.scores, other.scores)


@given(st.floats(0.01, 9.99), st.floats(-1e3, 1e3), st.floats(1e-2, 1e3), st.booleans())
def test_a_quality_inverted_is_its_score(
    quality: float,
    center: float,
    spread: float,
    lower_is_better: bool,  # noqa: FBT001
) -> None:
    scale = Scale(center, spread, lower_is_better=lower_is_better)
    assert scale.quality(scale.score(quality)) == pytest.approx(quality, rel=1e-6)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_goal_is_read_from_its_value(score: float) -> None:
    assert named(Target(score).value) == Target(score)
    assert all(named(goal.value) is goal for goal in Goal)


@pytest.mark.parametrize(
    ("goal", "sentence"),
    [
        ("target", "A goal is one of bidirectional"),
        ("up", "A goal is one of bidirectional"),
        ("target:high", "A target is a number"),
        ("target:nan", "A target is a finite number"),
        ("target-quality:10", "lies between 0 and 10"),
        ("target:21", r"target:21 cannot be met: the victim's scores lie from 0 to 20"),
    ],
)
def test_a_goal_that_cannot_be_is_refused_before_the_first_query(goal: str, sentence: str) -> None:
    with pytest.raises(iqaudit.InputError, match=sentence):
        iqaudit.attack(uneven(1), rough(), goal=goal, queries=20)


def test_an_audit_says_how_many_pictures_reached_the_target(tmp_path: Path) -> None:
    done = iqaudit.audit(
        [rough()],
        uneven(),
        ["bidirectional"],
        out=tmp_path / "audit",
        goals=["target:9", "lower"],
        queries=QUERIES,
        analyses=False,
    )
    folder = tmp_path / "audit" / "rough--bidirectional--target-9"
    record = json.loads((folder / "results.json").read_text("utf-8"))
    rows = record["pictures"]
    met = [row["queries"] for row in rows if row["outcome"] == "target_met"]
    assert 0 < len(met) < len(rows), "the test needs both kinds"
    assert all((row["queries"] == QUERIES) is (row["outcome"] == "budget_spent") for row in rows)
    assert record["summary"]["met"] == len(met)
    assert record["summary"]["queries_to_target"] == pytest.approx(np.mean(met))
    targeted, other = done.table().rows
    assert targeted.values["met"].value == pytest.approx(len(met) / len(rows))
    assert targeted.values["queries_to_target"].value == pytest.approx(np.mean(met))
    assert other.values["met"].value is None
    assert other.values["queries_to_target"].value is None
    assert not [each.wrong for each in done.verify() if each.wrong]


def test_a_folder_tells_targets_apart() -> None:
    labels = {
        Target(score, quality=quality).label for score in (1, 1.5) for quality in (False, True)
    }
    labels |= {Target(-1).label, Target(1e-5).label}
    assert len(labels) == 6
    assert not any("--" in label or ":" in label for label in labels)


@pytest.mark.slow
def test_the_command_says_the_queries_to_a_target(tmp_path: Path) -> None:
    from skimage import data, io

    io.imsave(tmp_path / "chelsea.png", data.chelsea()[:96, :96])
    command = ["attack", str(tmp_path / "chelsea.png"), "--queries", "60", "--goal"]
    [result] = iqaudit.attack(data.chelsea()[:96, :96], "reference", queries=60)
    aim = f"target:{result.clean_score + 0.5 * (result.adversarial_score - result.clean_score):g}"
    said = CliRunner().invoke(main, [*command, aim, "--out", str(tmp_path / "run")])
    assert said.exit_code == 0, said.output
    assert f"Goal {aim}: reached by 1 of 1 pictures" in " ".join(said.output.split())
    assert CliRunner().invoke(main, ["verify", str(tmp_path / "run")]).exit_code == 0
