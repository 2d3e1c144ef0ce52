"""Pictures made against one victim, scored by all."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.audits import (
    Asked,
    brightness,
    checks,
    darkness,
    function,
    middle,
    photographs,
    scorer,
    write_manifest,
    write_run,
)

import iqaudit
from iqaudit import InputError, measures
from iqaudit._analysis import transfer
from iqaudit._analysis.scorers import Scorer, named, own, owns
from iqaudit._runs.schema import TRANSFER, TRANSFER_ANSWERS
from iqaudit._runs.schema import load as load_record

COUNT = 8
OPINIONS = [4.0, 1.0, 3.0, 2.0, 8.0, 5.0, 7.0, 6.0]


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    for name, score in (("one", brightness), ("two", darkness)):
        write_run(tmp_path / name, function(score), photographs(COUNT), opinions=OPINIONS)
    cells = [("one", "brightness", "bidirectional"), ("two", "darkness", "bidirectional")]
    return write_manifest(tmp_path, [*cells, ("begun", "brightness", "random")])


@pytest.mark.slow
def test_the_diagonal_is_the_runs_own_rgo_and_the_opposite_has_the_other_sign(audit: Path) -> None:
    found = transfer.transfer(audit, [scorer(brightness), scorer(darkness)])
    assert [row.cell for row in found.rows] == ["one", "two"]
    assert [[entry.own for entry in line] for line in found.entries] == [
        [True, False],
        [False, True],
    ]
    for index, name in enumerate(("one", "two")):
        rgo = load_record(audit / name).summary.rgo
        assert rgo is not None
        here, there = found.entries[index][index], found.entries[index][1 - index]
        assert here.rgo.attack.value == pytest.approx(rgo)
        assert here.size.attack == here.rgo.attack
        # Darkness is brightness upside down, on a scale that is the same upside down.
        assert there.rgo.attack.value == pytest.approx(-rgo)
        assert there.size.attack.value == pytest.approx(rgo)
        assert there.rgo.sign == -1
        assert "the other way" in there.text
    assert "in none of 2 cases" in found.text


def test_what_moves_another_victim_is_said(audit: Path) -> None:
    found = transfer.transfer(audit, [scorer(brightness), scorer(middle)])
    [own_entry, other] = found.entries[0]
    assert other.rgo.sign == 1
    assert not other.own
    assert "another's pictures move it farther" in other.text
    assert "one moves middle by +" in found.text
    assert own_entry.own


def test_victims_go_by_their_names_unless_two_share_one(audit: Path) -> None:
    labels = "python:tests:brightness,range=118:138", "python:tests:middle,range=118:138"
    asked = [
        Scorer(label, function(score))
        for label, score in zip(labels, (brightness, middle), strict=True)
    ]
    found = transfer.transfer(audit, asked)
    assert "one moves middle by +" in found.text
    assert "python:" not in found.text
    alike = tuple(replace(column, name="net") for column in found.columns)
    assert transfer.titles(alike) == labels


def test_correlations_are_those_of_the_scores(audit: Path) -> None:
    found = transfer.transfer(audit, [scorer(brightness), scorer(darkness)])
    pictures = [each for each in found.pictures if each.cell == "one"]
    for index, entry in enumerate(found.entries[0]):
        before, after, _ = np.array([each.qualities[index] for each in pictures]).T
        assert entry.srocc_before.value == pytest.approx(measures.srocc(before, OPINIONS))
        assert entry.srocc.value == pytest.approx(measures.srocc(after, OPINIONS))
    assert found.entries[0][0].srocc_before.value == pytest.approx(
        -(found.entries[0][1].srocc_before.value or 0)
    )


def test_without_opinions_there_is_no_correlation(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", function(brightness), photographs(2))
    found = transfer.transfer(run, [scorer(brightness)])
    assert found.entries[0][0].srocc.value is None
    assert found.entries[0][0].own
    assert found.text.startswith("Each picture is scored by the victim")


@pytest.mark.slow
def test_shared_pictures_are_asked_once_and_recorded_ones_never(audit: Path) -> None:
    victims = [Asked(brightness), Asked(checks)]
    scorers = [Scorer(each.card.name, each) for each in victims]
    counts = transfer.to_ask(audit, scorers)
    transfer.transfer(audit, scorers)
    for victim in victims:
        assert len(set(victim.asked)) == len(victim.asked) == counts[victim.card.name]
    clean = {each.pixels.tobytes() for each in photographs(COUNT)}
    assert clean.intersection(victims[0].asked) == {victims[0].asked[0]}  # the check's
    assert clean <= set(victims[1].asked)
    again = [Asked(brightness), Asked(checks)]
    transfer.transfer(audit, [Scorer(each.card.name, each) for each in again])
    assert [len(each.asked) for each in again] == [1, 1]
    assert transfer.to_ask(audit, scorers) == {"brightness": 1, "checks": 1}


@pytest.mark.slow
def test_an_interrupted_transfer_goes_on(audit: Path) -> None:
    def stop(asked: int) -> None:
        if asked == 30:
            raise KeyboardInterrupt

    def victims() -> list[Asked]:
        return [Asked(brightness), Asked(checks)]

    def scorers(made: list[Asked]) -> list[Scorer]:
        return [Scorer(each.card.name, each) for each in made]

    first, second, whole = victims(), victims(), victims()
    with pytest.raises(KeyboardInterrupt):
        transfer.transfer(audit, scorers(first), stop)
    transfer.transfer(audit, scorers(second))
    files = [audit / TRANSFER, audit / TRANSFER_ANSWERS]
    before = [file.read_bytes() for file in files]
    for file in files:
        file.unlink()
    transfer.transfer(audit, scorers(whole))
    assert [file.read_bytes() for file in files] == before
    for one, two, all_ in zip(first, second, whole, strict=True):
        assert set(one.asked[1:]).isdisjoint(two.asked[1:])
        assert set(one.asked) | set(two.asked) == set(all_.asked)


@pytest.mark.slow
def test_a_victim_that_is_another_now_is_refused(audit: Path) -> None:
    transfer.transfer(audit, [scorer(brightness), scorer(checks)])
    changed = Asked(middle)
    with pytest.raises(InputError, match="it is another"):
        transfer.transfer(audit, [Scorer("checks", changed)])
    with pytest.raises(InputError, match="it is another"):
        transfer.transfer(audit, [Scorer("brightness", Asked(middle))])
    with pytest.raises(InputError, match="scale"):
        transfer.transfer(audit, [Scorer("brightness", Asked(brightness, 0, 255))])
    with pytest.raises(InputError, match="twice"):
        transfer.transfer(audit, [scorer(brightness), scorer(brightness)])


def test_a_picture_too_small_for_a_victim_is_refused_before_a_score(audit: Path) -> None:
    victim = iqaudit.victims.Function(
        brightness, iqaudit.Scale.from_range(0, 255), name="large", smallest_side=64
    )
    asked = Asked(checks)
    with pytest.raises(InputError, match="at least 64"):
        transfer.transfer(audit, [Scorer("checks", asked), Scorer("large", victim)])
    assert not asked.asked


@pytest.mark.slow
def test_the_file_is_the_figures(audit: Path) -> None:
    assert transfer.load(audit) is None
    found = transfer.transfer(audit, [scorer(brightness)])
    assert transfer.load(audit) == found
    written = json.loads((audit / "transfer.json").read_text())
    keys = {"format": transfer.FORMAT} | asdict(found)
    assert keys.pop("unscored") == ()  # a key that is written if there is any
    assert written.pop("checksum")
    assert written == json.loads(json.dumps(keys))


def test_neither_an_audit_nor_a_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no audit.json and no results.json"):
        transfer.transfer(tmp_path, [scorer(brightness)])
    write_manifest(tmp_path, [("begun", "brightness", "random")])
    with pytest.raises(InputError, match="cells is finished yet"):
        transfer.transfer(tmp_path, [scorer(brightness)])
    write_manifest(tmp_path, [("../elsewhere", "brightness", "random")])
    with pytest.raises(InputError, match="no cell's or picture's name"):
        transfer.transfer(tmp_path, [scorer(brightness)])
    (tmp_path / "audit.json").write_text("{}")
    with pytest.raises(InputError, match="not in the format"):
        transfer.transfer(tmp_path, [scorer(brightness)])


def test_a_cells_own_victim_is_made_as_the_manifest_says(tmp_path: Path) -> None:
    victim = "python:tests.support.audits:brightness"
    for name in ("one", "two"):
        write_run(tmp_path / name, function(brightness), photographs(1))
    said = [(name, victim, "bidirectional") for name in ("one", "two")]
    write_manifest(tmp_path, said, {"score_range": [118, 138]})
    [made] = owns([tmp_path / "one", tmp_path / "two"])
    assert made.label == "python:tests.support.audits:brightness,range=118:138"
    assert made.victim.card.scale == function(brightness).card.scale
    assert named(made.label).label == made.label
    found = transfer.transfer(tmp_path, [made])
    assert [entry.own for [entry] in found.entries] == [True, True]


def test_an_address_is_not_written_down(tmp_path: Path) -> None:
    address = "http://user:secret@127.0.0.1:9/score"
    write_run(tmp_path / "one", function(brightness), photographs(1))
    assert "secret" not in own_or_named(address)
    with pytest.raises(InputError, match="two numbers"):
        named("reference,range=low:high")
    with pytest.raises(InputError, match="say yes=True"):
        named(f"{address},range=0:10,repeats=3")
    with pytest.raises(InputError, match="give it again"):
        own(tmp_path / "one")


def own_or_named(address: str) -> str:
    return named(f"{address},range=0:10").label
