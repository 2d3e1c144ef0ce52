"""Memory and time of large pictures: measured, told before a run, and refused where none fits."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from tests.support.pictures import MakePicture

import iqaudit
from iqaudit import InputError, _cli
from iqaudit._assess import memory
from iqaudit._assess.memory import Need, amount, need
from iqaudit._audit import execute, prepare
from iqaudit._audit.engines.registry import serial
from iqaudit._core import process
from iqaudit._core.picture import Pixels
from iqaudit._core.process import memory_taken
from iqaudit.testing import Recording
from iqaudit.victims import Function
from iqaudit.victims._base import ELSEWHERE, Victim

MB = 2**20
BYTES = 96
"""A pixel, that the victim takes."""


def hungry(pictures: Pixels) -> list[float]:
    """Score pictures with memory in proportion to their area."""
    area = pictures.shape[1] * pictures.shape[2]
    taken = np.ones(len(pictures) * area * BYTES, np.uint8)
    time.sleep(0.01)  # as long as a score takes, there is time to look
    return [float(taken[::4096].sum() % 7 + 40) for _ in pictures]


victim = Function(hungry, iqaudit.Scale.from_range(0, 100), name="hungry", largest_batch=1)
VICTIM = f"python:{__name__}:victim"


@pytest.fixture
def picture(tmp_path: Path, make_picture: MakePicture) -> Path:
    """Return a picture of 0.09 megapixels, which counts as large here."""
    iqaudit.write(tmp_path / "big.png", make_picture(240, 400))
    return tmp_path / "big.png"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a setter of the machine's memory, with which pictures of 0.05 megapixels are large."""
    monkeypatch.setattr(memory, "LARGE", 50_000)

    def has(count: int) -> None:
        for module in (memory, execute):
            monkeypatch.setattr(module, "machine_memory", lambda: count)

    return has


def test_the_memory_that_a_call_takes_is_measured() -> None:
    if process._in_use() is None:
        pytest.skip("the system does not tell")
    kept: list[Any] = []
    taken = memory_taken(lambda: kept.append(np.ones(64 * MB, np.uint8)))
    assert taken == pytest.approx(64 * MB, rel=0.2)

    def freed() -> None:
        there = np.ones(64 * MB, np.uint8)
        time.sleep(0.05)
        del there

    assert memory_taken(freed) == pytest.approx(64 * MB, rel=0.2)


def test_a_large_picture_is_estimated_by_small_ones_within_a_quarter() -> None:
    recording = Recording(victim)
    found = need(recording, 3000, 4000)
    if found is None:
        pytest.skip("the system does not tell")
    assert found.memory == pytest.approx(3000 * 4000 * BYTES, rel=0.25)
    assert max(each.shape[1] for each in recording.batches) == memory.SIDES[1]
    assert (found.height, found.width) == (3000, 4000)
    assert found.seconds > 0


def test_a_small_picture_is_measured_itself() -> None:
    recording = Recording(victim)
    assert need(recording, 300, 200) is None or {each.shape[1:3] for each in recording.batches} == {
        (300, 200)
    }


def test_nothing_is_asked_of_a_service_nor_expected_of_one_that_refuses_small_ones() -> None:
    class Service(Recording):
        def __init__(self, base: Victim) -> None:
            super().__init__(base)
            from dataclasses import replace

            self.card = replace(base.card, device=ELSEWHERE)

    service = Service(victim)
    assert need(service, 3000, 4000) is None
    assert not service.batches

    def failing(_: Pixels) -> list[float]:
        raise ValueError("none but its own")

    picky = Function(failing, iqaudit.Scale.from_range(0, 100), name="picky")
    assert need(picky, 3000, 4000) is None


CALLS: dict[str, Callable[..., object]] = {
    "score": lambda picture, _, **more: iqaudit.score(picture, VICTIM, **more),
    "calibrate": lambda picture, _, **more: iqaudit.calibrate(VICTIM, [picture] * 10, **more),
    "attack": lambda picture, _, **more: iqaudit.attack(picture, VICTIM, queries=3, **more),
    "attack-out": lambda picture, out, **more: iqaudit.attack(
        picture, VICTIM, queries=3, out=out, **more
    ),
    "audit": lambda picture, out, **more: iqaudit.audit(
        [VICTIM], [picture], queries=3, out=out, analyses=False, **more
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_what_cannot_fit_is_refused_with_both_numbers_unless_told_otherwise(
    call: str, picture: Path, tmp_path: Path, machine: Callable[[int], None]
) -> None:
    if process._in_use() is None:
        pytest.skip("the system does not tell")
    machine(2 * MB)
    sentence = r'"hungry" needs about \d+ MB for a picture of 400 x 240, and .* has 2 MB.*ignore'
    with pytest.raises(InputError, match=sentence):
        CALLS[call](picture, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    if call != "calibrate":  # ten pictures alike
        CALLS[call](picture, tmp_path / "out", ignore_memory=True)
    machine(1000 * MB)
    if call != "calibrate":
        CALLS[call](picture, tmp_path / "other")


@pytest.mark.slow
def test_runs_plans_and_checks_tell_memory_and_time(
    picture: Path, tmp_path: Path, machine: Callable[[int], None]
) -> None:
    if process._in_use() is None:
        pytest.skip("the system does not tell")
    machine(2 * 10**9)

    def iqaudit_(*arguments: object) -> str:
        done = CliRunner().invoke(_cli.main, [*map(str, arguments), "--victim", VICTIM])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return " ".join((done.stderr + done.stdout).split())

    told = r"400 x 240: about "
    first = iqaudit_("attack", picture, "--queries", 3, "--out", tmp_path / "run")
    assert first.startswith(f"hungry, big: {told}")
    assert "s a score; this machine has 2.0 GB." in first
    assert told in iqaudit_("plan", picture, "--queries", 3)
    assert told in iqaudit_("check", "--pictures", picture)
    plan = iqaudit_("plan", picture, "--queries", 3, "--json")
    [share] = iqaudit.plan([VICTIM], [picture], queries=3).shares
    assert share.need is not None
    assert json.loads(plan)["shares"][0]["need"]["height"] == 240
    assert share.need.memory == pytest.approx(400 * 240 * BYTES, rel=0.5)
    machine(2 * MB)
    assert "fail memory" in iqaudit_("check", "--pictures", picture)


def test_fewer_workers_begin_where_the_memory_is_for_fewer(
    picture: Path, tmp_path: Path, machine: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Need(240, 400, 40 * MB, 1.0)
    monkeypatch.setattr(prepare, "large", lambda *_: found)
    machine(100 * MB)
    said: list[str] = []
    given: list[int | None] = []

    class Listening(iqaudit.Observer):
        def says(self, sentence: str) -> None:
            said.append(sentence)

    def engine(root: Path, tasks: Any, observer: Any, workers: int | None, own: Any) -> Any:
        given.append(workers)
        return serial(root, tasks, observer, workers, own)

    monkeypatch.setattr(execute, "named", lambda _: engine)
    monkeypatch.setattr(execute, "WORTH_PROCESSES", 0)
    small = tmp_path / "small.png"
    small.write_bytes(picture.read_bytes())
    out = tmp_path / "run"
    iqaudit.audit(
        [VICTIM],
        [picture, small],
        queries=3,
        workers=8,
        out=out,
        analyses=False,
        observer=Listening(),
    )
    assert given == [2]
    assert "2 of 8 workers, as the memory allows; it changes no result." in said


@pytest.mark.parametrize(
    ("count", "shown"), [(3 * MB, "3 MB"), (999e6, "999 MB"), (1e9, "1.0 GB"), (8.46e9, "8.5 GB")]
)
def test_amounts_have_a_unit_that_fits(count: float, shown: str) -> None:
    assert amount(count) == shown


@pytest.mark.slow
def test_the_references_memory_is_not_told_too_low(reference: iqaudit.victims.Reference) -> None:
    """Measured: 0.9 to 1.4 times what it takes at 6 and 24 megapixels."""
    found = need(reference, 1800, 1800)
    if found is None:
        pytest.skip("the system does not tell")
    taken, _ = memory._taken(reference, 1800, 1800, scores=1, searched=False)
    assert taken is not None
    assert 0.85 * taken < found.memory < 1.8 * taken
