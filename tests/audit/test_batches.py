"""Pictures that share a victim's batches come to the bytes of those that are searched alone."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support import audited
from tests.support.auditing import ROOT, Outlived, asked, begun, contents, kept, serial
from tests.support.pictures import MakePicture
from tests.support.processes import LIMIT, started, wait_until
from tests.support.scorers import roughness
from tests.support.searching import Ripple

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit._audit import execute
from iqaudit._audit.spec import AuditSpec, Data
from iqaudit._audit.status import status
from iqaudit._search.stop import Stop
from iqaudit.victims import TorchModule
from iqaudit.victims._spec import VictimSpec

ROUGHER = "python:tests.support.audited:rougher"
"""A victim whose batches have any size."""


@pytest.fixture
def photos(tmp_path: Path, make_picture: MakePicture) -> Path:
    """Return a folder of five pictures, of which four can share a batch."""
    (tmp_path / "photos").mkdir()
    for seed in range(5):
        pixels = make_picture(21 if seed == 2 else 20, 24, seed)
        iqaudit.write(tmp_path / "photos" / f"p{seed}.png", pixels)
    return tmp_path / "photos"


@pytest.fixture
def spec(photos: Path) -> AuditSpec:
    """Return an audit of two cells, whose searches end early here and there."""
    return AuditSpec(
        (VictimSpec(ROUGHER),),
        Data(pictures=(str(photos),)),
        ("square", "guided"),
        queries=40,
        stop=Stop(plateau=12),
    )


@pytest.fixture
def whole(tmp_path: Path, spec: AuditSpec) -> dict[str, str]:
    """Return the bytes of the audit of one picture after the other."""
    serial(spec, tmp_path / "whole", batch=1)
    return contents(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("batch", [2, 3, 7])
def test_a_batch_changes_no_byte(
    batch: int, tmp_path: Path, spec: AuditSpec, whole: dict[str, str]
) -> None:
    serial(spec, tmp_path / "run", batch=batch)
    assert contents(tmp_path / "run") == whole


@pytest.mark.slow
@pytest.mark.parametrize(("batch", "workers"), [(2, 1), (3, 2)])
def test_a_batch_changes_no_byte_in_several_processes(
    batch: int, workers: int, tmp_path: Path, spec: AuditSpec, whole: dict[str, str]
) -> None:
    execute.run(spec, tmp_path / "run", engine="processes", workers=workers, batch=batch)
    assert contents(tmp_path / "run") == whole


def test_pictures_of_one_size_are_scored_together(tmp_path: Path, photos: Path) -> None:
    """Else a batch would be of no use."""
    sizes: list[int] = []

    def score(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        sizes.append(len(pictures))
        return 0.9 * roughness(pictures)

    victim = iqaudit.victims.Function(score, audited.rougher.card.scale, name="sizes")
    spec = AuditSpec((VictimSpec.of(victim),), Data(pictures=(str(photos),)), queries=10)
    serial(spec, tmp_path / "run", batch=3)
    counts = Counter(sizes[2:])  # behind the fingerprint
    # p0 and p1 beside p2, which is larger; then p3 and p4.
    assert counts == {2: 20, 1: 10}


@pytest.mark.slow
@pytest.mark.parametrize(("after", "then"), [(2, 3), (47, 1), (100, 2), (150, 1)])
def test_a_stopped_batch_is_taken_up_with_another(
    after: int,
    then: int,
    tmp_path: Path,
    spec: AuditSpec,
    whole: dict[str, str],
    asked: Callable[[], int],
) -> None:
    before = asked()
    begun(spec, tmp_path / "run", after, batch=3)
    # A step's answers are kept together, those behind the stop too.
    assert after <= kept(tmp_path / "run").total() == asked() - before - 2 < after + 3
    serial(spec, tmp_path / "run", batch=then)
    assert kept(tmp_path / "run").total() == asked() - before - 2 * 2
    assert contents(tmp_path / "run") == whole


def command(photos: Path, out: Path, *others: object) -> list[str]:
    """Return the command line of the same audit."""
    how = ["--attack", "square", "--attack", "guided", "--queries", 40, "--until-plateau", 12]
    line = ["audit", photos, "--victim", ROUGHER, *how, "--out", out, "--quiet", *others]
    # Without the analyses that follow: a batch has no part in them.
    alone = "from iqaudit._cli import audit, main; audit.finish = lambda *_, **__: None; main()"
    return [sys.executable, "-c", alone, *map(str, line)]


@pytest.mark.slow
@pytest.mark.parametrize("engine", [("processes", "--workers", 2)], ids=lambda e: e[0])
def test_a_batch_that_is_killed_half_way_is_taken_up_one_by_one(
    engine: Sequence[object],
    tmp_path: Path,
    photos: Path,
    whole: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, run = tmp_path / "log", tmp_path / "run"
    monkeypatch.setenv(audited.LOG, str(log))
    monkeypatch.setenv(audited.PAUSE, "0.02")
    how = ("--engine", *engine)
    with started(command(photos, run, *how, "--batch", 3), cwd=ROOT) as driver:
        wait_until(lambda: asked(log, 0).total() >= 100, driver)
        driver.kill()
    monkeypatch.setenv(audited.PAUSE, "0")
    # A worker whose driver is gone ends with its stride, and keeps others out until then.
    wait_until(lambda: not_at_work(run), pause=0.1)
    before = kept(run)
    assert before.total() >= 100 - 2 * 3
    known = len(audited.log(str(log)))
    subprocess.run(command(photos, run, *how, "--batch", 1), check=True, cwd=ROOT, timeout=LIMIT)
    assert contents(run) == whole
    assert asked(log, known) == kept(run) - before


def not_at_work(run: Path) -> bool:
    """Tell whether the journals of an audit have come to rest."""
    now = kept(run)
    subprocess.run(["sleep", "0.7"], check=True)
    return kept(run) == now


@pytest.mark.slow
def test_a_victim_that_keeps_its_computations_shares_batches_too(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = TorchModule(Ripple(), iqaudit.Scale.from_range(-1, 1), name="ripple")
    spec = AuditSpec((VictimSpec.of(victim),), Data(pictures=(str(photos),)), queries=30)
    serial(spec, tmp_path / "one", batch=1)
    begun(spec, tmp_path / "stopped", 70, batch=3)
    for name, batch in (("stopped", 1), ("three", 3)):
        serial(spec, tmp_path / name, batch=batch)
        assert contents(tmp_path / name) == contents(tmp_path / "one")
    # The card's batch, where none is named.
    monkeypatch.setattr(victim, "card", replace(victim.card, batch=2))
    serial(spec, tmp_path / "card", batch=None)
    assert contents(tmp_path / "card") == contents(tmp_path / "one")


@pytest.mark.slow
def test_a_failure_in_a_batch_loses_none_of_its_answers(
    tmp_path: Path, spec: AuditSpec, whole: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = audited.rougher._function
    calls = iter(range(10**6))

    def failing(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        scores = np.array(own(pictures), np.float64)
        if next(calls) >= 20:
            scores[-1] = np.nan
        return scores

    monkeypatch.setattr(audited.rougher, "_function", failing)
    with pytest.raises(VictimError):
        serial(spec, tmp_path / "run", batch=3)
    monkeypatch.undo()
    first, _ = status(tmp_path / "run")
    assert (first.finished, first.begun, first.queries) == (0, 3, 9 * 3 + 1)
    # Nine steps of three, and the tenth of the first beside the one that failed.
    serial(spec, tmp_path / "run", batch=2)
    assert contents(tmp_path / "run") == whole


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("engine", ["serial", pytest.param("processes", marks=pytest.mark.slow)])
def test_a_picture_that_another_worker_has_written_is_searched_no_more(
    engine: str, batch: int, tmp_path: Path, campaign: AuditSpec, make_picture: MakePicture
) -> None:
    """One that outlived its run; those beside it go on."""
    spec = three(campaign, tmp_path / "three", make_picture)
    observer = Outlived(spec, tmp_path / "run", tmp_path / "other", "p1")
    execute.run(spec, tmp_path / "run", engine=engine, workers=1, batch=batch, observer=observer)
    assert set(observer.asked) == {"p0", "p2"}
    serial(spec, tmp_path / "alone")
    assert contents(tmp_path / "run") == contents(tmp_path / "alone")


def three(spec: AuditSpec, folder: Path, make_picture: MakePicture) -> AuditSpec:
    """Return an audit of three pictures of one size."""
    folder.mkdir()
    for seed in range(3):
        iqaudit.write(folder / f"p{seed}.png", make_picture(20, 24, seed))
    return replace(spec, data=Data(pictures=(str(folder),)))


@pytest.mark.parametrize("batch", [0, -1, 1.5])
def test_a_batch_is_a_whole_number_of_at_least_one(
    batch: float, tmp_path: Path, spec: AuditSpec
) -> None:
    with pytest.raises(InputError, match="batch"):
        serial(spec, tmp_path / "run", batch=batch)
    assert not (tmp_path / "run").exists()
