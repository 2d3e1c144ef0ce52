"""Searches that end before their budget: where, and that nothing else about them changes."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tests.support.pictures import MakePicture
from tests.support.searching import Rough

import iqaudit
from iqaudit import Outcome, measures
from iqaudit._cli import main
from iqaudit._search.stop import Stop

QUERIES = 300


@pytest.mark.parametrize("attack", ["bidirectional", "guided"])
def test_a_search_ends_once_it_went_far_enough(attack: str, make_picture: MakePicture) -> None:
    picture, victim = make_picture(24, 31), Rough(0, 20)
    [whole] = iqaudit.attack(picture, victim, attack=attack, queries=QUERIES)
    wanted = 0.5 * measures.rgo([whole.clean_quality], [whole.adversarial_quality])
    [short] = iqaudit.attack(picture, victim, attack=attack, queries=QUERIES, early_stop=wanted)
    assert short.outcome is Outcome.FAR_ENOUGH
    assert short.queries == short.best_query < QUERIES
    assert np.array_equal(short.scores, whole.scores[: short.queries])
    qualities = [victim.card.scale.quality(score) for score in short.scores]
    reached = [measures.rgo(qualities[:1], [quality]) >= wanted for quality in qualities]
    assert reached.index(True) == len(reached) - 1


def test_a_search_ends_on_a_plateau(make_picture: MakePicture) -> None:
    picture, victim = make_picture(24, 31), Rough(0, 20)
    [whole] = iqaudit.attack(picture, victim, queries=QUERIES)
    [short] = iqaudit.attack(picture, victim, queries=QUERIES, until_plateau=8)
    assert short.outcome is Outcome.PLATEAU
    assert short.queries == short.best_query + 8 < QUERIES
    assert np.array_equal(short.scores, whole.scores[: short.queries])


def test_a_plateau_counted_by_numpy_is_a_plain_number() -> None:
    """It is written into results.json."""
    assert type(Stop(plateau=np.int64(8)).plateau) is int  # type: ignore[arg-type]


def test_what_is_not_reached_spends_the_budget(make_picture: MakePicture) -> None:
    [result] = iqaudit.attack(
        make_picture(24, 31), Rough(0, 20), queries=20, early_stop=1, until_plateau=1000
    )
    assert (result.queries, result.outcome) == (20, Outcome.BUDGET_SPENT)


def test_searches_side_by_side_end_each_at_its_own_query(make_picture: MakePicture) -> None:
    pictures, victim = [make_picture(24, 31), make_picture(17, 20)], Rough(0, 20)
    alone = [
        iqaudit.attack(picture, victim, queries=QUERIES, until_plateau=8)[0] for picture in pictures
    ]
    together = iqaudit.attack(pictures, victim, queries=QUERIES, until_plateau=8, batch=2)
    assert alone[0].queries != alone[1].queries
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.scores, other.scores)
        assert one.outcome is other.outcome


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"early_stop": 0.0}, "lies in"),
        ({"early_stop": 1.5}, "lies in"),
        ({"early_stop": float("nan")}, "lies in"),
        ({"until_plateau": 0}, "at least 1 query"),
        ({"until_plateau": 2.5}, "whole number"),
    ],
)
def test_unusable_ends_are_refused_before_the_first_query(
    arguments: dict[str, float], sentence: str, make_picture: MakePicture
) -> None:
    with pytest.raises(iqaudit.InputError, match=sentence):
        iqaudit.attack(make_picture(24, 31), Rough(0, 20), queries=20, **arguments)  # type: ignore[arg-type]


@pytest.mark.slow
def test_an_early_end_is_a_planned_one(tmp_path: Path) -> None:
    """It counts in the means, is verified, and the page says how the search ended."""
    from skimage import data, io

    io.imsave(tmp_path / "chelsea.png", data.chelsea()[:96, :96])
    command = ["attack", str(tmp_path / "chelsea.png"), "--queries", "60", "--attack", "guided"]
    out = tmp_path / "run"
    result = CliRunner().invoke(main, [*command, "--early-stop", "0.05", "--out", str(out)])
    assert result.exit_code == 0, result.output
    record = json.loads((out / "results.json").read_text("utf-8"))
    assert (record["early_stop"], record["until_plateau"]) == (0.05, None)
    assert record["pictures"][0]["outcome"] == "far_enough"
    assert record["pictures"][0]["queries"] < 60
    assert record["summary"]["unfinished"] == 0
    assert record["summary"]["rgo"] >= 0.05
    assert Outcome.FAR_ENOUGH.value in (out / "report.html").read_text("utf-8")
    assert CliRunner().invoke(main, ["verify", str(out)]).exit_code == 0
