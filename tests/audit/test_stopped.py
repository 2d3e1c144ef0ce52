"""A run that is stopped can be read, as far as it got, and goes on to the bytes of a whole one."""

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support import audited
from tests.support.auditing import Stopping, contents, kept, serial
from tests.support.disk import room_for

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit._audit import cell_store, execute
from iqaudit._audit.observer import Observer
from iqaudit._audit.spec import AuditSpec
from iqaudit._core.picture import picture_key
from iqaudit._runs.schema import load, load_answers
from iqaudit.testing import Failing


@pytest.fixture
def flat(campaign: AuditSpec) -> AuditSpec:
    return replace(campaign, flat=True)


class Fills(Observer):
    """Lets no file grow any more, from an answer on."""

    def __init__(self, after: int) -> None:
        self._left = after

    def answered(self, *_: object) -> None:
        self._left -= 1
        if not self._left:
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (16 << 10, limits[1]))


def stopped(flat: AuditSpec, run: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        serial(flat, run, observer=Stopping(30))


def stopped_among_workers(flat: AuditSpec, run: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        execute.run(flat, run, engine="processes", workers=2, observer=Stopping(2))


def interrupted_in_a_query(flat: AuditSpec, run: Path) -> None:
    with failing(KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        serial(flat, run)


def failed(flat: AuditSpec, run: Path) -> None:
    with failing(RuntimeError("out of memory")), pytest.raises(VictimError, match="out of memory"):
        serial(flat, run)


def full(flat: AuditSpec, run: Path) -> None:
    with room_for(1 << 30), pytest.raises(InputError, match=r"too large.*the same command goes on"):
        serial(flat, run, observer=Fills(30))


@contextmanager
def failing(error: BaseException) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(audited, "rough", Failing(audited.rough, at=2 + 31, error=error))
        yield


End = Callable[[AuditSpec, Path], None]
ENDS = pytest.mark.parametrize("end", [stopped, interrupted_in_a_query, failed, full])


@ENDS
def test_every_answer_is_in_its_results(end: End, flat: AuditSpec, tmp_path: Path) -> None:
    run = tmp_path / "run"
    if end is full:
        flat = replace(flat, queries=2_000)  # whose answers need more room than there is
    end(flat, run)
    record = load(run)
    assert record.pictures[-1].outcome == "interrupted"
    assert {each.outcome for each in record.pictures[:-1]} <= {"budget_spent"}
    keys = [key for each in record.pictures for key in load_answers(run, each.name)["picture"]]
    assert sorted(keys) == sorted(kept(run).elements())
    assert record.summary.queries == len(keys) > 20
    assert record.summary.unfinished == 1


@ENDS
def test_the_best_until_then_is_there(end: End, flat: AuditSpec, tmp_path: Path) -> None:
    run = tmp_path / "run"
    if end is full:
        flat = replace(flat, queries=2_000)
    end(flat, run)
    [*_, last] = iqaudit.load(run).results()
    assert not last.outcome.finished
    best = max if last.direction.value == "raise" else min
    assert last.adversarial_score == best(last.scores)
    assert audited.rough.score(last.adversarial[np.newaxis]) == last.adversarial_score
    assert picture_key(last.adversarial) == last.asked[last.best_query - 1]


@pytest.mark.slow
@ENDS
def test_it_can_be_read_and_goes_on_to_the_bytes_of_a_whole_one(
    end: End, flat: AuditSpec, tmp_path: Path
) -> None:
    run, whole = tmp_path / "one" / "run", tmp_path / "run"
    if end is full:
        flat = replace(flat, queries=2_000)
    end(flat, run)
    read = iqaudit.load(run)
    [row] = read.table().rows
    assert (row.pictures, row.unfinished) == ((0, 3) if end is full else (1, 2))
    assert all(not check.wrong for check in iqaudit.verify(run))
    read.report()
    if row.pictures:
        iqaudit.transfer(run, ["python:tests.support.audited:rougher"])
    assert [cell.finished + cell.begun for cell in read.status()] == [1 if end is full else 2]
    for out in (run, whole):
        serial(flat, out)
    unpaid = {name: file for name, file in contents(run).items() if name != "transfer.jsonl"}
    assert unpaid == contents(whole)


@pytest.mark.slow
def test_workers_leave_theirs(
    flat: AuditSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(audited.PAUSE, "0.02")
    flat, run = replace(flat, queries=300), tmp_path / "run"
    stopped_among_workers(flat, run)
    record = load(run)
    assert {each.outcome for each in record.pictures} == {"interrupted"}
    assert record.summary.queries == kept(run).total()
    assert all(not check.wrong for check in iqaudit.verify(run))


def test_a_picture_that_was_not_taken_up_again_keeps_what_was_found(
    flat: AuditSpec, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        serial(flat, run, observer=Stopping(9), batch=3)
    with pytest.raises(KeyboardInterrupt):
        serial(flat, run, observer=Stopping(5), batch=1)
    record = load(run)
    assert [each.queries for each in record.pictures] == [8, 3, 3]


def test_a_run_that_goes_on_is_not_taken_for_one_that_is_done(
    flat: AuditSpec, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    stopped(flat, run)
    assert not cell_store.is_done(run)

    class Looks(Observer):
        def answered(self, *_: object) -> None:
            assert not (run / "results.json").exists()

    serial(flat, run, observer=Looks())
    assert cell_store.is_done(run)


def test_one_that_was_stopped_before_its_first_answer_is_begun_again(
    flat: AuditSpec, tmp_path: Path
) -> None:
    class Ends(Observer):
        def begins(self, *_: object) -> None:
            raise KeyboardInterrupt

    run = tmp_path / "one" / "run"
    with pytest.raises(KeyboardInterrupt):
        serial(flat, run, observer=Ends())
    with pytest.raises(InputError, match="finished yet"):
        iqaudit.load(run).table()
    for out in (run, tmp_path / "run"):
        serial(flat, out)
    assert contents(run) == contents(tmp_path / "run")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder with a file system of its own, of 300 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("may not mount a file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_a_disk_that_is_full_to_the_last_byte_has_room_for_the_results(
    flat: AuditSpec, small_disk: Path, tmp_path: Path
) -> None:
    """The room was taken before the first query."""
    flat, run = replace(flat, queries=2_000), small_disk / "run"
    with pytest.raises(InputError, match=r"No space left.*the same command goes on"):
        serial(flat, run)
    record = load(run)
    assert record.pictures[-1].outcome == "interrupted"
    assert record.summary.queries == kept(run).total() > 500
    assert all(not check.wrong for check in iqaudit.verify(run))
    subprocess.run(["mount", "-o", "remount,size=9m", str(small_disk)], check=True)
    for out in (run, tmp_path / "run"):
        serial(flat, out)
    assert contents(run) == contents(tmp_path / "run")
