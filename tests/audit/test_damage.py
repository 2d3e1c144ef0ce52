"""An audit whose folder was damaged is taken up: named, and at the cost of what is lost alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.auditing import Stopping, begun, contents, serial
from tests.support.audits import rough, uneven

import iqaudit
from iqaudit._audit.spec import AuditSpec
from iqaudit._audit.status import status
from iqaudit._runs.schema import load as load_record
from iqaudit.attacks._registry import attack_spec

CELL = "rough--square"
PROBES = 2


def _flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def _line(number: int) -> Callable[[Path], None]:
    """Damage a line of the journal of the picture under way."""

    def damage(cell: Path) -> None:
        [file] = (cell / "answers").glob("*.jsonl")
        lines = file.read_bytes().split(b"\n")
        _flip(file, sum(len(line) + 1 for line in lines[: number - 1]) + 3)

    return damage


def _emptied(name: str) -> Callable[[Path], None]:
    def damage(cell: Path) -> None:
        (cell / name).write_bytes(b"")

    return damage


def _lost(name: str) -> Callable[[Path], None]:
    def damage(cell: Path) -> None:
        (cell / name).unlink()

    return damage


def _changed(name: str) -> Callable[[Path], None]:
    def damage(cell: Path) -> None:
        file = cell / name
        file.write_bytes(file.read_bytes().replace(b'"queries": 20', b'"queries": 21', 1))

    return damage


def _another(field: str, row: int) -> Callable[[Path], None]:
    """Change one number of a finished picture's answers, which stay an array of answers."""

    def damage(cell: Path) -> None:
        answers = np.load(cell / "scores" / "p0.npy")
        answers[field][row] += 1
        np.save(cell / "scores" / "p0.npy", answers)

    return damage


ANOTHER = [_another("picture", 7), *(_another("score", row) for row in (0, 1, 7, -1))]


@pytest.fixture
def spec(campaign: AuditSpec) -> AuditSpec:
    return replace(campaign, attacks=(attack_spec("square"),))


@pytest.mark.parametrize(
    ("damage", "more", "named"),
    [
        (_line(1), 1, "p1.jsonl: line 1 is damaged"),
        (_line(4), 1, "p1.jsonl: line 4 is damaged"),
        (_line(10), 1, "p1.jsonl: line 10 is damaged"),
        (_emptied("entries/p0.json"), 0, "a file of p0 is damaged or gone"),
        (_emptied("attacked/p0.png"), 0, "a file of p0 is damaged or gone"),
        (_emptied("clean/p0.png"), 0, "a file of p0 is damaged or gone"),
        *((each, 20, "a file of p0 is damaged or gone") for each in ANOTHER),
        (_emptied("scores/p0.npy"), 20, "a file of p0 is damaged or gone"),
    ],
)
def test_what_is_whole_is_used(
    damage: Callable[[Path], None],
    more: int,
    named: str,
    spec: AuditSpec,
    tmp_path: Path,
    asked: Callable[[], int],
) -> None:
    """And the bytes are those of an audit that nothing befell."""
    serial(spec, tmp_path / "whole")
    begun(spec, tmp_path / "run", 30)
    damage(tmp_path / "run" / CELL)
    [cell] = status(tmp_path / "run")
    assert any(named in sentence for sentence in cell.damage)
    before, observer = asked(), Stopping(0)
    serial(spec, tmp_path / "run", observer=observer)
    assert asked() - before == PROBES + 30 + more
    assert any(named in sentence for sentence in observer.said)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("damage", "more"),
    [
        (_emptied("attacked/p0.png"), 0),
        (_emptied("clean/p0.png"), 0),
        *((each, 20) for each in ANOTHER),
        (_emptied("scores/p0.npy"), 20),
        (_lost("attacked/p0.png"), 0),
        (_lost("scores/p0.npy"), 20),
    ],
)
def test_a_picture_of_a_finished_audit_is_searched_again_for_what_it_lost(
    damage: Callable[[Path], None],
    more: int,
    spec: AuditSpec,
    tmp_path: Path,
    asked: Callable[[], int],
) -> None:
    serial(spec, tmp_path / "run")
    whole = contents(tmp_path / "run")
    damage(tmp_path / "run" / CELL)
    [cell] = status(tmp_path / "run")
    assert (cell.finished, cell.waiting) == (2, 1)
    assert any("a file of p0 is damaged or gone" in sentence for sentence in cell.damage)
    before, observer = asked(), Stopping(0)
    serial(spec, tmp_path / "run", observer=observer)
    assert asked() - before == PROBES + more
    assert any("a file of p0 is damaged or gone" in sentence for sentence in observer.said)
    assert contents(tmp_path / "run") == whole


def test_an_audit_that_lost_nothing_says_nothing_of_damage(spec: AuditSpec, tmp_path: Path) -> None:
    serial(spec, tmp_path / "run")
    observer = Stopping(0)
    serial(spec, tmp_path / "run", observer=observer)
    assert not [sentence for sentence in observer.said if "damaged" in sentence]


@pytest.mark.parametrize(
    ("damage", "more"),
    [
        (_lost("scores/p0.npy"), 20),
        (_another("score", 7), 20),
        (_lost("attacked/p0.png"), 0),
        (_lost("results.json"), 0),
    ],
)
def test_an_audit_that_grows_asks_again_for_what_it_lost(
    damage: Callable[[Path], None],
    more: int,
    spec: AuditSpec,
    tmp_path: Path,
    asked: Callable[[], int],
) -> None:
    spec = replace(spec, attacks=(attack_spec("guided"),))
    larger = replace(spec, queries=(20, 30))
    serial(larger, tmp_path / "whole")
    serial(spec, tmp_path / "run")
    damage(tmp_path / "run" / "rough--guided")
    before = asked()
    serial(larger, tmp_path / "run")
    assert asked() - before == PROBES + 3 * 10 + more
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    "damage", [_lost("results.json"), _emptied("results.json"), _changed("results.json")]
)
def test_results_are_made_again_of_the_scores(
    damage: Callable[[Path], None], spec: AuditSpec, tmp_path: Path, asked: Callable[[], int]
) -> None:
    serial(spec, tmp_path / "run")
    whole = contents(tmp_path / "run")
    damage(tmp_path / "run" / CELL)
    [cell] = status(tmp_path / "run")
    assert (cell.begun, cell.queries) == (3, 60)
    assert [f"{CELL}/results.json" in sentence for sentence in cell.damage] == [True]
    before = asked()
    serial(spec, tmp_path / "run")
    assert asked() - before == PROBES
    assert contents(tmp_path / "run") == whole


def test_results_that_are_lost_are_missed_and_those_to_come_are_not(
    spec: AuditSpec, tmp_path: Path
) -> None:
    begun(spec, tmp_path / "run", 50)
    assert status(tmp_path / "run")[0].damage == ()
    serial(spec, tmp_path / "run")
    whole = iqaudit.verify(tmp_path / "run")
    assert [check.is_picture for check in whole if not check.wrong] == [True] * 3
    cell = tmp_path / "run" / CELL
    _lost("results.json")(cell)
    for root, name in ((tmp_path / "run", f"{CELL}/results.json"), (cell, "results.json")):
        [check] = iqaudit.verify(root)
        assert (check.name, check.is_picture) == (name, False)
        assert "gone: the command that made the run makes it again" in check.wrong[0]


@pytest.mark.parametrize("at", [11, 12, 13, 18])
def test_a_damaged_line_costs_no_more_however_often_it_is_taken_up(
    at: int, spec: AuditSpec, tmp_path: Path, asked: Callable[[], int]
) -> None:
    serial(spec, tmp_path / "whole")
    begun(spec, tmp_path / "run", 30)
    _line(3)(tmp_path / "run" / CELL)
    before = asked()
    begun(spec, tmp_path / "run", at - 10)
    _line(6)(tmp_path / "run" / CELL)
    serial(spec, tmp_path / "run")
    assert asked() - before == 2 * PROBES + 30 + 2
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_searches_side_by_side_each_go_on_from_their_own_answers(
    spec: AuditSpec, tmp_path: Path, asked: Callable[[], int]
) -> None:
    serial(spec, tmp_path / "whole")
    begun(spec, tmp_path / "run", 58, batch=3)
    for file in (tmp_path / "run" / CELL / "answers").glob("*.jsonl"):
        _flip(file, 5)
        _flip(file, 400)
    before = asked()
    serial(spec, tmp_path / "run", batch=3)
    assert asked() - before <= PROBES + 60 - 57 + 6
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    assert len(load_record(tmp_path / "run" / CELL).pictures) == 3


@pytest.mark.parametrize("name", ["transfer.json", "insights.json", "report.html"])
def test_analyses_that_are_damaged_are_made_again(name: str, tmp_path: Path) -> None:
    def made() -> None:
        iqaudit.audit([rough()], uneven(3), ["square"], queries=8, out=tmp_path / "run").report()

    made()
    whole = contents(tmp_path / "run")
    [file] = (tmp_path / "run").rglob(name)
    file.write_bytes(file.read_bytes().replace(b"0", b"1", 1))
    made()
    assert contents(tmp_path / "run") == whole
