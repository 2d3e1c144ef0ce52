"""`verify` makes searches again from their scores, and compares settings with one another.

The records here have the checksums and hashes that fit: a forger's, or another program's.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support import records
from tests.support.pictures import MakePicture

import iqaudit
from iqaudit._runs.checksums import file_sha256
from iqaudit._runs.schema import load as load_record
from iqaudit.attacks import RandomSigns
from iqaudit.testing import Noisy
from iqaudit.victims import Function


@pytest.fixture
def run(tmp_path: Path, rough: Function, make_picture: MakePicture) -> Path:
    pictures = [make_picture(24, 30), make_picture(30, 20, 1)]
    iqaudit.attack(pictures, rough, attack="square", queries=120, seed=1, out=tmp_path / "run")
    return tmp_path / "run"


def _edit(file: Path, change: Callable[[Any], Any]) -> None:
    record = json.loads(file.read_text())
    change(record)
    file.write_text(records.text(record))


def _found(run: Path, victim: Any) -> str:
    return "; ".join(wrong for check in iqaudit.verify(run, victim) for wrong in check.wrong)


def _answers(run: Path, change: Callable[[Any], Any]) -> None:
    """Change a picture's recorded scores, and their hash in the record."""
    file = run / "scores" / "picture-1.npy"
    answers = np.load(file)
    change(answers)
    np.save(file, answers)
    sha256 = file_sha256(file)
    _edit(run / "results.json", lambda it: it["pictures"][0].update(scores_file_sha256=sha256))


def test_every_search_is_made_again(run: Path, rough: Function) -> None:
    assert [check.replayed for check in iqaudit.verify(run, rough)] == [True, True]
    assert not _found(run, rough)


def _refused(run: Path) -> int:
    """Return the index of a score in the middle that was refused."""
    steps = {query for query, _ in load_record(run).pictures[0].trace}
    return next(at for at in range(60, 120) if at + 1 not in steps)


def test_a_refused_score_that_would_have_been_accepted_is_seen(run: Path, rough: Function) -> None:
    at, direction = _refused(run), load_record(run).pictures[0].direction
    best = 19.0 if direction == "raise" else 1.0
    _answers(run, lambda answers: answers["score"].__setitem__(at, best))
    found = _found(run, rough)
    assert f"best_query is {at + 1}" in found
    assert "is about another picture than the search asks for" in found


def test_a_picture_that_was_never_asked_about_is_seen(run: Path, rough: Function) -> None:
    _answers(run, lambda answers: answers["picture"].__setitem__(40, 7))
    assert "query 41 is about another picture" in _found(run, rough)


def _first(**keys: Any) -> Callable[[Any], Any]:
    return lambda record: record["pictures"][0].update(keys)


def _other_way(record: Any) -> None:
    entry = record["pictures"][0]
    entry["direction"] = "raise" if entry["direction"] == "lower" else "lower"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_first(outcome="interrupted"), "outcome is budget_spent, recorded interrupted"),
        (_first(outcome="plateau"), "outcome is budget_spent, recorded plateau"),
        (_other_way, "direction is "),
        (lambda record: record.update(queries=500), "queries is 500, in audit.json 120"),
        (lambda record: record.update(queries=500), "not at its end, recorded budget_spent"),
        (lambda record: record.update(queries=100), "ends after 100 queries (budget_spent)"),
        (lambda record: record.update(goal="raise"), "goal is raise, in audit.json bidirectional"),
        (lambda record: record.update(seed=2), "seed is 2, in audit.json 1"),
        (lambda record: record.update(seed=2), "query 2 is about another picture"),
        (lambda record: record.update(early_stop=0.1), "early_stop is 0.1, in audit.json None"),
        (lambda record: record.update(until_plateau=1), "(plateau), and 120 are recorded"),
        (lambda record: record["attack"].update(p_init=0.5), "attack is {"),
        (lambda record: record["victim"].update(name="other"), "victim's name is other"),
        (lambda record: record["pictures"].pop(), "the number of pictures is 1, in audit.json 2"),
        (lambda record: record["pictures"].reverse(), "pictures is ['picture-2', 'picture-1']"),
        (_first(opinion=3.5), "picture-1's opinion is 3.5, in audit.json None"),
        (_first(clean_pixels_sha256="0"), "clean/picture-1.png: this was changed"),
        (lambda record: record["pictures"].append(record["pictures"][0]), "is there twice"),
        (lambda record: record["pictures"][0]["checkpoints"][0].update(ssim=0.5),
         "after 100 queries ssim is"),
        (lambda record: record.update(unscored=[{"name": "picture-1", "reason": "x"}]),
         "picture-1 could not be scored, and its search came to its end"),
    ],
)  # fmt: skip
def test_what_contradicts_is_named(
    change: Callable[[Any], Any], sentence: str, run: Path, rough: Function
) -> None:
    _edit(run / "results.json", change)
    assert sentence in _found(run, rough)


def test_a_manifest_that_was_changed_is_named(run: Path, rough: Function) -> None:
    file = run / "audit.json"
    file.write_text(file.read_text().replace('"queries": 120', '"queries": 121'))
    found = _found(run, rough)
    assert "audit.json: this was changed or damaged" in found
    assert "queries is 120, in audit.json 121" in found


@pytest.mark.parametrize("stop", [{"early_stop": 0.05}, {"until_plateau": 9}])
def test_searches_that_ended_early_are_as_recorded(
    stop: dict[str, Any], tmp_path: Path, rough: Function, make_picture: MakePicture
) -> None:
    iqaudit.attack(make_picture(24, 30), rough, queries=150, out=tmp_path / "run", **stop)
    assert load_record(tmp_path / "run").pictures[0].outcome in ("far_enough", "plateau")
    assert not _found(tmp_path / "run", rough)


def test_noise_is_that_of_the_run(
    tmp_path: Path, rough: Function, make_picture: MakePicture
) -> None:
    noisy = iqaudit.victims.as_victim(Noisy(rough, 0.05), repeats=3)
    iqaudit.attack(make_picture(24, 30), noisy, queries=150, out=tmp_path / "run")
    again = iqaudit.victims.as_victim(Noisy(rough, 0.05, seed=9), repeats=3)
    [check] = iqaudit.verify(tmp_path / "run", again)
    assert (check.wrong, check.replayed) == ((), True)


def test_an_attack_that_cannot_be_made_again_is_told(
    tmp_path: Path, rough: Function, make_picture: MakePicture
) -> None:
    @dataclass(frozen=True)
    class Own(RandomSigns):
        """An attack of the user's own, which no name leads to."""

    iqaudit.attack(make_picture(24, 30), rough, attack=Own(), queries=20, out=tmp_path / "run")
    [check] = iqaudit.verify(tmp_path / "run", rough)
    assert (check.wrong, check.replayed) == ((), False)
    _edit(tmp_path / "run" / "results.json", _first(outcome="plateau"))
    assert "outcome is budget_spent" in _found(tmp_path / "run", rough)


def test_a_search_of_other_versions_that_goes_another_way_is_no_finding(
    run: Path, rough: Function
) -> None:
    def older(record: Any) -> None:
        record["versions"]["numpy"] = "1.0"
        record["pictures"][0]["checkpoints"] = []

    _answers(run, lambda answers: answers["picture"].__setitem__(40, 7))
    _edit(run / "results.json", older)
    first, second = iqaudit.verify(run, rough)
    assert (first.wrong, first.replayed, second.replayed) == ((), False, True)
