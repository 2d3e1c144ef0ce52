"""Scores that may have been paid for: written as they come, by one process at a time."""

import errno
import os
from pathlib import Path

import pytest
from tests.support.audits import Asked, brightness, photographs

from iqaudit import InputError
from iqaudit._analysis.scorers import SCORES, ScoreCache, Scorer
from iqaudit._core.errors import DamageWarning
from iqaudit._runs import journal
from iqaudit._runs.journal import Journal

PICTURES = [picture.pixels for picture in photographs(3)]


@pytest.fixture
def victim() -> Asked:
    return Asked(brightness)


@pytest.fixture
def scorer(victim: Asked) -> Scorer:
    return Scorer("bright", victim)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "insights.jsonl"


def ask(path: Path, scorer: Scorer) -> list[float]:
    with ScoreCache(path) as answers:
        return [answers.of(scorer, pixels) for pixels in PICTURES]


def test_a_score_is_asked_once_and_the_file_has_a_line_for_it_and_no_more(
    path: Path, scorer: Scorer, victim: Asked
) -> None:
    scores = ask(path, scorer)
    assert ask(path, scorer) == scores
    assert len(victim.asked) == 3
    content = path.read_bytes()
    assert content.count(b"\n") == 3
    assert content.endswith(b"]\n")  # the room taken ahead is given back


def test_where_nothing_is_asked_there_is_no_file(path: Path) -> None:
    with ScoreCache(path) as answers:
        assert answers.counts == {}
    assert not path.exists()


@pytest.mark.parametrize("torn", [0, 3])
def test_room_of_a_process_that_was_killed_is_no_line(
    torn: int, path: Path, scorer: Scorer
) -> None:
    """And is given back by the next one, which may have nothing to ask."""
    scores = ask(path, scorer)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - torn] + bytes(journal.BLOCK))
    assert ask(path, scorer) == scores
    assert path.read_bytes() == whole


def test_nothing_is_asked_while_another_process_adds_to_the_file(
    path: Path, scorer: Scorer, victim: Asked
) -> None:
    with Journal(path, SCORES, 0), pytest.raises(InputError, match="at work on this file"):
        ask(path, scorer)
    assert not victim.asked


def test_nothing_is_asked_without_room_for_the_answer(
    path: Path, scorer: Scorer, victim: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space"):
        ask(path, scorer)
    assert not victim.asked


def test_what_another_process_asked_meanwhile_is_not_asked_again(
    path: Path, scorer: Scorer, victim: Asked
) -> None:
    with ScoreCache(path) as first:
        scores = ask(path, scorer)
        assert [first.of(scorer, pixels) for pixels in PICTURES] == scores
        assert first.counts == {"bright": 3}
    assert len(victim.asked) == 3


def test_a_damaged_line_is_named_and_asked_again_alone(
    path: Path, scorer: Scorer, victim: Asked
) -> None:
    scores = ask(path, scorer)
    content = path.read_bytes()
    at = content.index(b"\n") + 12  # a digit of the second line
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.warns(DamageWarning, match=r"insights\.jsonl: line 2 is damaged"):
        assert ask(path, scorer) == scores
    assert len(victim.asked) == 4
