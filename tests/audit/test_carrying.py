"""What an attack carries from picture to picture of an audit: in order, whatever stops it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.audit.test_ray import _Rayless, rayless
from tests.audit.test_universal import needs_every_score, some, write
from tests.support import audited
from tests.support.auditing import FINGERPRINT, ROUGH, contents, goes_on, serial
from tests.support.records import text

import iqaudit
from iqaudit import InputError
from iqaudit._audit import execute
from iqaudit._audit.spec import AuditSpec, Data
from iqaudit._search.stop import Stop
from iqaudit.victims._spec import VictimSpec

PICTURES, QUERIES = 5, 40


@pytest.fixture
def spec(tmp_path: Path) -> AuditSpec:
    data = Data(pictures=(write(tmp_path / "pictures", some(PICTURES)),))
    victims = (VictimSpec(ROUGH),)
    return AuditSpec(victims, data, attacks=("guided-carrying",), queries=QUERIES, flat=True)


def test_later_pictures_begin_with_what_was_found_and_the_first_as_guided(
    tmp_path: Path, spec: AuditSpec
) -> None:
    serial(spec, tmp_path / "run")
    serial(replace(spec, attacks=("guided",)), tmp_path / "alone")
    runs = [iqaudit.load(tmp_path / name).results() for name in ("run", "alone")]
    same = [one.asked == other.asked for one, other in zip(*runs, strict=True)]
    first = {each.direction: at for at, each in reversed(list(enumerate(runs[0])))}
    assert len(first) == 2
    assert same == [at in first.values() for at in range(PICTURES)]
    # What earlier searches came to may be asked first.
    pairs = zip(*runs, strict=True)
    assert any(one.asked[1] not in other.asked for one, other in pairs)


@pytest.mark.parametrize(
    "after", [70, *(pytest.param(n, marks=pytest.mark.slow) for n in (3, 160))]
)
def test_it_goes_on_where_it_was_stopped(
    after: int, tmp_path: Path, spec: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = goes_on(spec, tmp_path, after, monkeypatch)
    assert questions == PICTURES * QUERIES + FINGERPRINT


def test_a_picture_whose_files_are_damaged_is_searched_again_between_the_others(
    tmp_path: Path, spec: AuditSpec
) -> None:
    serial(spec, tmp_path / "whole")
    with audited.stopped(3 * QUERIES + 9), pytest.raises(KeyboardInterrupt):
        serial(spec, tmp_path / "run")
    (tmp_path / "run" / "attacked" / "p1.png").write_bytes(b"")
    serial(spec, tmp_path / "run")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_workers_batches_and_memory_change_no_byte(tmp_path: Path, spec: AuditSpec) -> None:
    serial(spec, tmp_path / "serial")
    execute.run(spec, tmp_path / "processes", engine="processes", workers=2)
    serial(spec, tmp_path / "batch", batch=4)
    assert contents(tmp_path / "processes") == contents(tmp_path / "serial")
    assert contents(tmp_path / "batch") == contents(tmp_path / "serial")
    with audited.stopped(2 * QUERIES), pytest.raises(KeyboardInterrupt):
        serial(spec, tmp_path / "node")
    execute.run(spec, tmp_path / "node", engine=rayless(_Rayless(["p3"])), workers=2)
    assert contents(tmp_path / "node") == contents(tmp_path / "serial")
    in_memory = iqaudit.attack(
        some(PICTURES), audited.rough, attack="guided-carrying", queries=QUERIES
    )
    for one, other in zip(iqaudit.load(tmp_path / "serial").results(), in_memory, strict=True):
        assert one.asked == other.asked
        assert np.array_equal(one.adversarial, other.adversarial)


@pytest.mark.parametrize("stop", [Stop(), Stop(plateau=9)])
def test_it_is_made_again_from_its_scores(tmp_path: Path, spec: AuditSpec, stop: Stop) -> None:
    serial(replace(spec, stop=stop), tmp_path / "run")
    checks = iqaudit.verify(tmp_path / "run", audited.rough)
    assert not [each.wrong for each in checks if each.wrong]
    assert all(each.replayed for each in checks)
    file = tmp_path / "run" / "results.json"
    record = json.loads(file.read_text("utf-8"))
    assert record["attack"]["carries"] is True
    # Another order is another audit: what came before the last pictures is not what it says.
    record["pictures"] = record["pictures"][2:] + record["pictures"][:2]
    file.write_text(text(record))
    wrong = str([each.wrong for each in iqaudit.verify(tmp_path / "run", audited.rough)])
    assert "is about another picture than the search asks for after those scores" in wrong


def test_it_needs_every_pictures_score_and_takes_no_more_pictures(
    tmp_path: Path, spec: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_every_score(spec, tmp_path, monkeypatch)


def test_an_order_cannot_be_broken_so() -> None:
    with pytest.raises(InputError, match="GuidedCarrying has 0 in 40 queries"):
        iqaudit.attack(some(3), audited.rough, attack="guided-carrying", goal="rank", queries=40)
