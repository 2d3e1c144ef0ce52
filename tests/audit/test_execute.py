"""Audits that cost money, fail, fill the disk, are large; plans of them; and the real thing."""

import gc
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support import audited
from tests.support.auditing import ROUGH, begun, iqaudit_, serial
from tests.support.pictures import MakePicture
from tests.support.processes import LIMIT

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit._audit import cell_store, execute
from iqaudit._audit.engines import processes
from iqaudit._audit.engines.registry import Engine
from iqaudit._audit.engines.registry import serial as serial_engine
from iqaudit._audit.estimate import estimate
from iqaudit._audit.observer import Observer
from iqaudit._audit.spec import AuditSpec, Data
from iqaudit._audit.status import status
from iqaudit._runs import journal
from iqaudit._runs.schema import load as load_record
from iqaudit.testing import Failing, Noisy
from iqaudit.victims._spec import VictimSpec

# Victims that are paid, that answer at random, that fail


def test_a_victim_that_may_be_paid_is_asked_only_on_a_word(
    tmp_path: Path, campaign: AuditSpec, asked: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And by this process alone, one picture at a time."""
    for victim in (
        "python:tests.support.audited:paid",
        "python:tests.support.audited:paid,repeats=2",
    ):
        other = replace(campaign, victims=(VictimSpec.parse(victim),))
        share = estimate(other).shares[0]
        assert share.seconds is None
        with pytest.raises(InputError, match="say yes=True"):
            serial(other, tmp_path / "run")
        assert asked() == 0
    monkeypatch.setattr(processes, "Pool", lambda *_: pytest.fail("a process of its own"))
    other = replace(campaign, victims=(VictimSpec("python:tests.support.audited:paid"),))
    execute.run(other, tmp_path / "run", engine="processes", workers=2, yes=True)
    assert asked() == 3 * 20 + 2
    # What is finished is asked nothing, and needs no word.
    execute.run(other, tmp_path / "run", engine="processes", workers=2)
    assert asked() == 3 * 20 + 2


def test_noise_is_measured_once(
    tmp_path: Path, campaign: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured anew, it would be another, and the search that was begun another's."""
    monkeypatch.setattr(audited, "rough", Noisy(audited.rough, 1e-3))
    other = replace(campaign, victims=(VictimSpec(ROUGH, {"repeats": 2}),))
    begun(other, tmp_path / "run", 15)
    [cell] = serial(other, tmp_path / "run")
    held = json.loads((tmp_path / "run" / "audit.json").read_text())
    assert load_record(cell).victim.noise == held["victims"][0]["noise"] > 0
    assert [entry.queries for entry in load_record(cell).pictures] == [20] * 3


def test_a_failing_victim_stops_the_audit_and_what_it_answered_is_kept(
    tmp_path: Path, campaign: AuditSpec, asked: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked() == 0
    failing = Failing(audited.rough, at=2 + 32, error=RuntimeError("out of memory"))
    monkeypatch.setattr(audited, "rough", failing)
    with pytest.raises(VictimError, match="out of memory"):
        serial(campaign, tmp_path / "run")
    [found] = status(tmp_path / "run")
    assert (found.finished, found.begun, found.queries) == (1, 1, 31)
    monkeypatch.undo()
    [cell] = serial(campaign, tmp_path / "run")
    assert cell.exists()


def test_a_scale_that_does_not_fit_is_refused_again(tmp_path: Path, photos: Path) -> None:
    """The clean score is kept; taken up, the picture must not go on with it."""
    victim = VictimSpec("python:tests.support.scorers:roughness", {"score_range": (100, 200)})
    other = AuditSpec((victim,), Data(pictures=(str(photos),)), queries=20)
    for _ in range(2):
        with pytest.raises(VictimError, match="say the range that it has"):
            serial(other, tmp_path / "run")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder with a file system of its own, of 200 KiB."""
    (tmp_path / "disk").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(tmp_path / "disk")]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("may not mount a file system")
    yield tmp_path / "disk"
    subprocess.run(["umount", str(tmp_path / "disk")], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("queries", [40, 400], ids=["at a picture's files", "at an answer"])
def test_a_full_disk_loses_no_answer(
    queries: int,
    tmp_path: Path,
    campaign: AuditSpec,
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[], int],
) -> None:
    monkeypatch.setattr(journal, "BLOCK", 256)
    monkeypatch.setattr(journal, "RESERVE", 128)
    ballast = small_disk / "ballast"

    class Filling(Observer):
        def answered(self, cell: str, picture: str, queries: int) -> None:  # noqa: ARG002
            if (picture, queries) == ("p1", 10):
                with suppress(OSError), ballast.open("wb", buffering=0) as file:
                    while True:
                        file.write(bytes(1024))

    other = replace(campaign, queries=queries)
    [whole] = serial(other, tmp_path / "whole")
    known = asked()
    run = small_disk / "run"
    with pytest.raises(InputError, match=r"No space left.*the same command goes on"):
        serial(other, run, observer=Filling())
    [found] = status(run)
    assert (found.finished, found.begun) == (1, 1)
    assert found.queries == asked() - known - 2
    assert (found.queries == 2 * queries) is (queries == 40)
    ballast.unlink()
    [again] = serial(other, run)
    assert asked() - known == 3 * queries + 2 * 2
    files = list(whole.rglob("*.*"))
    assert files
    for file in files:
        assert file.read_bytes() == (again / file.relative_to(whole)).read_bytes()


# The engine, where none is named


def test_processes_are_started_only_where_much_is_left(
    tmp_path: Path, campaign: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes seconds to start."""
    chosen: list[str] = []

    def named(name: str) -> Engine:
        chosen.append(name)
        return serial_engine

    monkeypatch.setattr(execute, "named", named)
    assert execute.WORTH_PROCESSES == 2_000
    for number, (worth, workers, engines) in enumerate(
        ((61, None, []), (60, None, ["processes"]), (60, 2, ["processes"]), (60, 1, []))
    ):
        monkeypatch.setattr(execute, "WORTH_PROCESSES", worth)
        execute.run(campaign, tmp_path / f"run{number}", workers=workers)
        assert chosen == engines
        chosen.clear()
    # Of those that are left: one picture is finished, and two are not.
    begun(campaign, tmp_path / "begun", 25)
    chosen.clear()
    monkeypatch.setattr(execute, "WORTH_PROCESSES", 41)
    execute.run(campaign, tmp_path / "begun")
    assert chosen == []


# Plans


@pytest.mark.slow
def test_a_plan_says_what_an_audit_takes(tmp_path: Path, campaign: AuditSpec, photos: Path) -> None:
    other = replace(campaign, attacks=("square", "guided"), seeds=(0, 1))
    found = estimate(other)
    assert (found.cells, found.pictures) == (4, 3)
    [share] = found.shares
    assert (share.trials, share.queries, share.outside) == (12, 240, 2)
    assert share.seconds
    assert share.seconds > 0
    serial(other, tmp_path / "run")
    size = sum(file.stat().st_size for file in (tmp_path / "run").rglob("*") if file.is_file())
    assert size == pytest.approx(found.size, rel=0.5)
    said = iqaudit_("plan", photos, "--victim", ROUGH, "--queries", 20, "--workers", 2)
    assert said.exit_code == 0, said.output
    assert "1 cell x 3 pictures: 3 searches, at most 60 queries" in said.stdout


# Many pictures


@pytest.mark.slow
def test_a_thousandth_picture_takes_no_more_memory_than_the_tenth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is what the others left read or written again for it."""
    (tmp_path / "photos").mkdir()
    draw = np.random.default_rng(0)
    for number in range(120):
        pixels = draw.integers(0, 256, (8, 8, 3), np.uint8)
        iqaudit.write(tmp_path / "photos" / f"p{number}.png", pixels)
    other = AuditSpec(
        (VictimSpec("python:tests.support.scorers:roughness", {"score_range": (0, 200)}),),
        Data(pictures=(str(tmp_path / "photos"),)),
        queries=3,
    )
    held, written = [], []
    commit = cell_store.commit

    def watched(folder: Path, *others: Any) -> None:
        before = {file: file.stat().st_mtime_ns for file in folder.rglob("*.json")}
        commit(folder, *others)
        after = {file: file.stat().st_mtime_ns for file in folder.rglob("*.json")}
        written.append(len(after.items() - before.items()))
        if len(written) in (40, 80, 120):
            del before, after
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])

    monkeypatch.setattr(cell_store, "commit", watched)
    tracemalloc.start()
    try:
        serial(other, tmp_path / "run")
    finally:
        tracemalloc.stop()
    assert written == [1] * 120
    # Bytes, a picture; one of the two may hold what the interpreter takes once in a while.
    assert min(held[1] - held[0], held[2] - held[1]) < 40 * 500


# The real thing


@pytest.mark.slow
def test_the_reference_comes_to_the_same_bytes_in_any_engine_and_taken_up(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    """Its scores' last bits depend on the threads, its maps on every step: neither may show."""
    (tmp_path / "photos").mkdir()
    for seed in range(2):
        iqaudit.write(tmp_path / "photos" / f"p{seed}.png", make_picture(64, 72, seed))
    other = AuditSpec(
        (VictimSpec("reference"),), Data(pictures=(str(tmp_path / "photos"),)), queries=100
    )
    serial(other, tmp_path / "serial")
    begun(other, tmp_path / "taken up", 150)
    execute.run(other, tmp_path / "taken up", engine="processes", workers=2)
    files = list((tmp_path / "serial").rglob("*"))
    assert files
    for file in files:
        again = tmp_path / "taken up" / file.relative_to(tmp_path / "serial")
        assert file.is_dir() or file.read_bytes() == again.read_bytes(), file


@pytest.mark.slow
def test_torch_has_its_threads_again_though_it_was_loaded_meanwhile() -> None:
    program = (
        "import sys\n"
        "from iqaudit._core.threads import cores, one_thread\n"
        "assert 'torch' not in sys.modules\n"
        "with one_thread():\n"
        "    import torch\n"
        "    assert torch.get_num_threads() == 1\n"
        "assert torch.get_num_threads() == cores()\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=LIMIT)
