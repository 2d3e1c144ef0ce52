"""One change for all pictures of an audit: made on halves, told in rows, whatever stops it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support import audited
from tests.support.auditing import (
    FINGERPRINT,
    ROOT,
    ROUGH,
    contents,
    goes_on,
    iqaudit_,
    mends,
    serial,
)
from tests.support.processes import started, wait_until
from tests.support.records import text

import iqaudit
from iqaudit import Goal, InputError, UnscorableError
from iqaudit._analysis.tables import cells
from iqaudit._analysis.tables.tables import by_queries
from iqaudit._audit import execute
from iqaudit._audit.ranks import LINES
from iqaudit._audit.spec import AuditSpec, Data
from iqaudit._core.picture import picture_key
from iqaudit._runs.journal import read
from iqaudit.testing import Recording
from iqaudit.victims._spec import VictimSpec

PICTURES, QUERIES = 7, 33


def some(count: int = PICTURES) -> list[iqaudit.Picture]:
    """Return pictures on both sides of the scale's middle, in which nothing is clipped."""
    rng = np.random.default_rng(7)
    return [
        iqaudit.Picture(
            f"p{at}",
            np.rint(128 + (8 + 3 * at) * rng.uniform(-1, 1, (20 + at, 31 - at, 3))).astype(
                np.uint8
            ),
        )
        for at in range(count)
    ]


def write(folder: Path, pictures: list[iqaudit.Picture]) -> str:
    folder.mkdir(exist_ok=True)
    for each in pictures:
        iqaudit.write(folder / f"{each.name}.png", each.pixels)
    return str(folder)


@pytest.fixture
def spec(tmp_path: Path) -> AuditSpec:
    data = Data(pictures=(write(tmp_path / "pictures", some()),))
    victims = (VictimSpec(ROUGH),)
    return AuditSpec(victims, data, attacks=("universal",), queries=QUERIES, flat=True)


def results_of(run: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((run / "results.json").read_text("utf-8"))
    return record


def test_every_picture_has_its_budget_and_one_change_is_for_many(
    tmp_path: Path, spec: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(audited.LOG, str(tmp_path / "log"))
    serial(spec, tmp_path / "run")
    asked = Counter(audited.log(str(tmp_path / "log")))
    assert asked.total() == PICTURES * QUERIES + FINGERPRINT
    results = iqaudit.load(tmp_path / "run").results()
    assert {len(each.scores) for each in results} == {QUERIES}
    changes: dict[str, set[bytes]] = {}
    for each in results:
        assert each.asked[0] == picture_key(each.picture.pixels)
        assert each.best_query in (1, QUERIES)  # of the others none is its result
        assert each.trace[1:] == (() if each.best_query == 1 else ((QUERIES, each.scores[-1]),))
        if each.best_query == QUERIES:
            assert set(np.unique(each.perturbation).tolist()) == {-3, 3}
            corner = each.perturbation[:20, :20].tobytes()  # that all have
            changes.setdefault(each.direction.value, set()).add(corner)
    moved = sum(each.best_query == QUERIES for each in results)
    assert sum(map(len, changes.values())) < moved  # one a half and direction at the most


@pytest.mark.parametrize("lost", ["clean/p2.png", "attacked/p2.png", "results.json"])
def test_what_is_lost_of_a_finished_one_is_made_again_of_its_scores(
    lost: str, tmp_path: Path, spec: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mends(spec, tmp_path / "run", lost, monkeypatch) == FINGERPRINT


@pytest.mark.parametrize(
    "after",
    [
        120,
        *(pytest.param(each, marks=pytest.mark.slow) for each in (3, PICTURES * QUERIES - 3)),
    ],
)
def test_it_goes_on_where_it_was_stopped(
    after: int, tmp_path: Path, spec: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped within the clean scores, the making, and the tests; nothing is asked twice."""
    goes_on(spec, tmp_path, after, monkeypatch)


@pytest.mark.slow
def test_a_damaged_answer_alone_is_asked_again(
    tmp_path: Path, spec: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial(spec, tmp_path / "whole")
    with audited.stopped(150), pytest.raises(KeyboardInterrupt):
        serial(spec, tmp_path / "run")
    journal = tmp_path / "run" / "probes.jsonl"
    lines = journal.read_text().splitlines()
    lines[60] = lines[60].replace(", ", ", 1", 2)
    journal.write_text("\n".join(lines) + "\n")
    monkeypatch.setenv(audited.LOG, str(tmp_path / "log"))
    serial(spec, tmp_path / "run")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    known = 150 - FINGERPRINT - 1  # the damaged one is lost
    assert len(audited.log(str(tmp_path / "log"))) == PICTURES * QUERIES - known + FINGERPRINT


@pytest.mark.slow
def test_kills_workers_and_batches_change_no_byte(tmp_path: Path, spec: AuditSpec) -> None:
    serial(spec, tmp_path / "serial")
    [folder], killed = spec.data.pictures, tmp_path / "killed"
    line = [sys.executable, "-m", "iqaudit", "attack", str(folder), "--victim", ROUGH]
    line += ["--attack", "universal", "--queries", str(QUERIES), "--out", str(killed), "--quiet"]
    environment = os.environ | {audited.PAUSE: "0.02"}
    journal = killed / "probes.jsonl"

    def has(answers: int) -> bool:
        return len(read(journal, LINES).entries) > answers

    for answers in (20, 90):
        with started(line, cwd=ROOT, stderr=subprocess.PIPE, env=environment) as driver:
            wait_until(partial(has, answers), driver)
            driver.send_signal(signal.SIGKILL)
    serial(spec, killed)
    assert contents(killed) == contents(tmp_path / "serial")
    execute.run(spec, tmp_path / "processes", engine="processes", workers=2)
    serial(spec, tmp_path / "batch", batch=4)
    assert contents(tmp_path / "processes") == contents(tmp_path / "serial")
    assert contents(tmp_path / "batch") == contents(tmp_path / "serial")


@pytest.mark.slow
def test_many_audits_and_memory_find_the_same(tmp_path: Path, spec: AuditSpec) -> None:
    serial(spec, tmp_path / "alone")
    several = replace(spec, attacks=("guided", "universal"), queries=(12, QUERIES), flat=False)
    serial(several, tmp_path / "audit")
    names = [
        "rough--guided",
        "rough--universal--queries-12",
        f"rough--universal--queries-{QUERIES}",
    ]
    assert [cell.folder for cell in several.cells()] == names
    on_disk = iqaudit.load(tmp_path / "alone").results()
    beside = iqaudit.load(tmp_path / "audit").results(names[-1])
    in_memory = iqaudit.attack(some(), audited.rough, attack="universal", queries=QUERIES)
    for one, *others in zip(on_disk, beside, in_memory, strict=True):
        for other in others:
            assert one.asked == other.asked
            assert np.array_equal(one.adversarial, other.adversarial)


def test_it_is_told_what_the_figures_are_of_and_what_they_took(
    tmp_path: Path, spec: AuditSpec
) -> None:
    few = Data(pictures=(write(tmp_path / "few", some(4)),))
    serial(replace(spec, data=few, queries=110), tmp_path / "run")
    record = results_of(tmp_path / "run")
    assert record["attack"] == {"name": "Universal", "together": 4, "shared": True}
    audit = iqaudit.load(tmp_path / "run")
    table = audit.table()
    [row] = by_queries(cells.load(tmp_path / "run")).rows
    assert row.queries == 110
    still = sum(each["best_query"] == 1 for each in record["pictures"])
    said = "One change for many pictures, tested on others than it was made on: "
    said += "440 queries in all, 110 a picture."
    if still:
        said += f" {still} of 4 scores did not move the way that was meant"
    assert said in table.to_text()
    assert "still rise" not in table.to_text()
    assert not table.rows[0].flags


def test_an_answer_to_the_making_is_no_lone_best(tmp_path: Path, spec: AuditSpec) -> None:
    """What one pattern is answered far from all others is no figure, so no doubt of one."""
    few = Data(pictures=(write(tmp_path / "few", some(2)),))
    serial(replace(spec, data=few, queries=14, goals=(Goal.RAISE,)), tmp_path / "run")
    record = results_of(tmp_path / "run")
    assert {each["best_query"] for each in record["pictures"]} == {14}
    for name in ("p0", "p1"):
        file = tmp_path / "run" / "scores" / f"{name}.npy"
        answers = np.load(file)
        answers["score"][5] = 19.0
        np.save(file, answers)
    for picture in record["pictures"]:
        del picture["scores_file_sha256"]
    (tmp_path / "run" / "results.json").write_text(text(record))
    [cell] = cells.load(tmp_path / "run")
    assert [picture.answers.high for picture in cell.pictures] == [19.0, 19.0]
    assert not [doubt for doubt in cell.doubts if doubt.flag]


def test_it_is_made_again_from_its_scores(tmp_path: Path, spec: AuditSpec) -> None:
    serial(spec, tmp_path / "run")
    checks = iqaudit.verify(tmp_path / "run", audited.rough)
    assert not [each.wrong for each in checks if each.wrong]
    assert all(each.replayed for each in checks)
    record = results_of(tmp_path / "run")
    record["seed"] = 1
    (tmp_path / "run" / "results.json").write_text(text(record))
    wrong = str([each.wrong for each in iqaudit.verify(tmp_path / "run", audited.rough)])
    assert "is about another change than the making asks about after those scores" in wrong


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"pictures": some(1)}, "needs an audit of at least 2 pictures, not 1"),
        ({"goal": "rank"}, "bidirectional, raise and lower are its, not rank"),
        ({"goal": "target:5"}, "not target:5"),
        ({"early_stop": 0.5}, "spends its budget"),
        ({"until_plateau": 5}, "spends its budget"),
        ({"queries": 2}, "at least 3 scores a picture"),
    ],
)
@pytest.mark.parametrize("folder", [False, True])
def test_what_cannot_be_is_refused_before_a_question(
    asked: dict[str, Any], sentence: str, tmp_path: Path, *, folder: bool
) -> None:
    others: dict[str, Any] = {"pictures": some(4), "queries": QUERIES, **asked}
    if folder:
        others["out"] = tmp_path / "run"
    victim = Recording(audited.rough)
    with pytest.raises(InputError, match=re.escape(sentence)):
        iqaudit.attack(
            others.pop("pictures"),
            victim,
            attack="universal",
            **others,
        )
    assert not victim.pictures
    assert not (tmp_path / "run").exists()


def test_a_picture_alone_is_refused_in_a_sentence(tmp_path: Path) -> None:
    write(tmp_path / "one", some(1))
    asked = (tmp_path / "one", "--victim", ROUGH, "--attack", "universal", "--queries", 9)
    said = iqaudit_("attack", *asked, "--out", tmp_path / "run")
    assert said.exit_code == 2
    assert "needs an audit of at least 2 pictures" in " ".join(said.output.split())
    assert not (tmp_path / "run").exists()
    assert iqaudit_("plan", *asked).exit_code == 2


def test_a_plan_counts_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "pictures", some())
    said = iqaudit_("plan", folder, "--victim", ROUGH, "--attack", "universal", "--queries", 30)
    assert f"at most {30 * PICTURES:,} queries" in said.output


def needs_every_score(spec: AuditSpec, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Assert that an audit ends at a picture without a score, and takes no more pictures."""
    serial(spec, root / "whole")
    spoilt = root / "spoilt"
    spoilt.write_text(f"{picture_key(some()[2].pixels)} raises\n")
    monkeypatch.setenv(audited.UNSCORED, str(spoilt))
    with pytest.raises(UnscorableError, match=r"p2: .* needs every picture's score"):
        serial(spec, root / "run")
    monkeypatch.delenv(audited.UNSCORED)
    serial(spec, root / "run")
    assert contents(root / "run") == contents(root / "whole")
    [folder] = map(Path, map(str, spec.data.pictures))
    write(folder, some(len(list(folder.iterdir())) + 1)[-1:])
    with pytest.raises(InputError, match="begun otherwise"):
        serial(spec, root / "run")


def test_it_needs_every_pictures_score_and_takes_no_more_pictures(
    tmp_path: Path, spec: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_every_score(spec, tmp_path, monkeypatch)


def test_an_answer_that_is_none_gains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that breaks the victim is no change that was found."""
    results = iqaudit.attack(some(), audited.rough, attack="universal", queries=QUERIES)
    asked = results[0].asked
    spoilt = tmp_path / "spoilt"
    spoilt.write_text("".join(f"{key} nan\n" for key in asked[1:6]))
    monkeypatch.setenv(audited.UNSCORED, str(spoilt))
    with pytest.warns(UserWarning, match="no scores"):
        again = iqaudit.attack(some(), audited.rough, attack="universal", queries=QUERIES)
    assert [len(each.scores) for each in again] == [QUERIES] * PICTURES
    assert again[0].refused > 0
    assert np.isfinite([each.adversarial_score for each in again]).all()
