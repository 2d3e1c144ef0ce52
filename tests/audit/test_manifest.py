"""Audits: what is written, what is refused, what a status tells."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pytest
from tests.support import audited
from tests.support.auditing import ROUGH, Stopping, begun, contents, iqaudit_, serial
from tests.support.pictures import MakePicture
from tests.support.records import text

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit._audit import manifest
from iqaudit._audit.observer import Observer
from iqaudit._audit.spec import AuditSpec, Data
from iqaudit._audit.status import status
from iqaudit._runs.records import AuditRecord
from iqaudit._runs.schema import load as load_record
from iqaudit._runs.schema import runs
from iqaudit.victims._spec import VictimSpec

# What is written


@pytest.mark.slow
def test_a_cell_is_the_run_that_iqaudit_attack_writes(
    tmp_path: Path, campaign: AuditSpec, photos: Path
) -> None:
    [cell] = serial(campaign, tmp_path / "audit")
    what = ["attack", photos, "--victim", ROUGH, "--attack", "bidirectional", "--queries", 20]
    assert iqaudit_(*what, "--quiet", "--out", tmp_path / "run").exit_code == 0
    run, found = (
        json.loads((path / "results.json").read_text()) for path in (tmp_path / "run", cell)
    )
    labels = {"opinion": None, "distortion": None, "reference": None}
    run["pictures"] = [entry | labels for entry in run["pictures"]]
    assert found == run
    files = list((tmp_path / "run").glob("*/*"))
    assert len(files) == 3 * 3
    for file in files:
        assert file.read_bytes() == (cell / file.relative_to(tmp_path / "run")).read_bytes()
    assert sorted(path.name for path in cell.iterdir()) == [
        *("attacked", "clean", "results.json", "scores")
    ]


def test_peoples_scores_stand_beside_the_victims(tmp_path: Path, photos: Path) -> None:
    (photos / "scores.csv").write_text("image,mos,type\np0.png,20,jpeg\np2.png,90,blur\n")
    other = AuditSpec((VictimSpec(ROUGH),), Data(f"csv:{photos / 'scores.csv'}"), queries=4)
    [cell] = serial(other, tmp_path / "audit")
    entries = load_record(cell).pictures
    keys = ("name", "file", "opinion", "distortion", "reference")
    assert [tuple(getattr(entry, key) for key in keys) for entry in entries] == [
        ("p0.png", "p0.png", 2.0, "jpeg", None),
        ("p2.png", "p2.png", 9.0, "blur", None),
    ]


@pytest.mark.slow
def test_an_audit_is_verified_reported_and_told_of(tmp_path: Path, campaign: AuditSpec) -> None:
    run = tmp_path / "audit"
    serial(replace(campaign, attacks=("square", "guided")), run)
    assert [path.name for path in runs(run)] == ["rough--square", "rough--guided"]
    verified = iqaudit_("verify", run)
    assert verified.exit_code == 0, verified.output
    assert "rough--guided/p2" in verified.stdout
    assert "6 of 6 pictures are as recorded" in verified.stdout
    assert iqaudit_("report", run).exit_code == 0
    assert (run / "report.html").exists()
    told = json.loads(iqaudit_("status", run, "--json").stdout)
    assert [(each["finished"], each["queries"]) for each in told] == [(3, 60), (3, 60)]
    (run / "rough--guided" / "attacked" / "p1.png").write_bytes(b"")
    assert iqaudit_("verify", run).exit_code == 1


def test_a_replayed_cell_goes_the_recorded_way_and_no_other(
    tmp_path: Path, campaign: AuditSpec
) -> None:
    """Its fingerprint is of the recorded scores: nothing else is asked of it."""
    [cell] = serial(campaign, tmp_path / "audit")
    again = replace(campaign, victims=(VictimSpec(f"replay:{cell}"),))
    [replayed] = serial(again, tmp_path / "again")
    for name in ("clean", "attacked", "scores"):
        assert contents(replayed / name) == contents(cell / name)
    with pytest.raises(VictimError, match="never asked"):
        serial(replace(again, seeds=(1,)), tmp_path / "other")


def test_a_replay_of_another_run_is_another_victim(tmp_path: Path, campaign: AuditSpec) -> None:
    [cell] = serial(campaign, tmp_path / "audit")
    again = replace(campaign, victims=(VictimSpec(f"replay:{cell}"),))
    begun(again, tmp_path / "again")
    rmtree(tmp_path / "audit")
    serial(replace(campaign, seeds=(1,)), tmp_path / "audit")
    with pytest.raises(InputError, match="is another than the audit was begun with"):
        serial(again, tmp_path / "again")


def test_status_tells_finished_begun_and_waiting(tmp_path: Path, campaign: AuditSpec) -> None:
    begun(campaign, tmp_path / "run")
    [found] = status(tmp_path / "run")
    assert (found.finished, found.begun, found.waiting, found.queries) == (1, 1, 1, 30)
    with pytest.raises(InputError, match="none of this audit's cells is finished"):
        runs(tmp_path / "run")
    with pytest.raises(InputError, match="no audit"):
        status(tmp_path)


# What is refused


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"queries": 21}, "queries was 20, now 21"),
        ({"attacks": ("guided",)}, r"attacks was \['bidirectional'\], now \['guided'\]"),
        (
            {"victims": (VictimSpec("python:tests.support.audited:rougher"),)},
            "victims was .*rougher",
        ),
    ],
)
def test_another_audit_is_refused_with_what_differs(
    other: dict[str, Any],
    sentence: str,
    tmp_path: Path,
    campaign: AuditSpec,
    asked: Callable[[], int],
) -> None:
    begun(campaign, tmp_path / "run")
    known = asked()
    with pytest.raises(InputError, match=f"begun otherwise: {sentence}.*another folder"):
        serial(replace(campaign, **other), tmp_path / "run")
    assert asked() == known


def test_an_audit_goes_on_however_its_service_is_asked(tmp_path: Path, photos: Path) -> None:
    """A ceiling is raised, a token moves: no score is another's for that."""

    def said(**options: Any) -> AuditRecord:
        victim = VictimSpec("command:true {picture}", {"range": "0:1", **options})
        campaign = AuditSpec((victim,), Data(pictures=(str(photos),)), queries=20)
        return manifest.asked(campaign, ["command:true"])

    before = said(price=1, budget_money=5, timeout=3)
    manifest.refuse_other(tmp_path, before, said(price=1, budget_money=50, retries=1))
    with pytest.raises(InputError, match="field"):
        manifest.refuse_other(tmp_path, before, said(field="score"))


def test_a_changed_victim_is_refused_with_its_scores_then_and_now(
    tmp_path: Path, campaign: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(campaign, tmp_path / "run")
    monkeypatch.setattr(audited.rough, "_function", audited.rougher._function)
    with pytest.raises(InputError, match=r"rough.* is another .*scored \S+ and \S+ then, \S+ and"):
        serial(campaign, tmp_path / "run")
    monkeypatch.undo()
    scale = iqaudit.Scale.from_range(0, 21)
    monkeypatch.setattr(audited.rough, "card", replace(audited.rough.card, scale=scale))
    with pytest.raises(InputError, match="its scale was"):
        serial(campaign, tmp_path / "run")


def test_another_processors_last_digits_are_told_and_go_on(
    tmp_path: Path, campaign: AuditSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(campaign, tmp_path / "run")
    own = audited.rough._function
    monkeypatch.setattr(audited.rough, "_function", lambda x: np.asarray(own(x)) * (1 + 1e-9))
    watch = Stopping(0)
    serial(campaign, tmp_path / "run", observer=watch)
    assert "last digits" in watch.said[0]


def test_changed_pictures_and_versions_are_refused(
    tmp_path: Path,
    campaign: AuditSpec,
    photos: Path,
    asked: Callable[[], int],
    make_picture: MakePicture,
) -> None:
    begun(campaign, tmp_path / "run")
    known = asked()
    iqaudit.write(photos / "p1.png", make_picture(21, 24, 9))
    with pytest.raises(InputError, match="the picture p1 had other pixels"):
        serial(campaign, tmp_path / "run")
    (photos / "p2.png").unlink()
    with pytest.raises(InputError, match="on 3 pictures, and here are 2; p2"):
        serial(campaign, tmp_path / "run")
    held = json.loads((tmp_path / "run" / "audit.json").read_text())
    held["versions"]["torch"] = "1.0"
    (tmp_path / "run" / "audit.json").write_text(text(held))
    with pytest.raises(InputError, match=r"with torch 1\.0; here is"):
        serial(campaign, tmp_path / "run")
    assert asked() == known


def test_a_folder_of_other_things_is_never_taken(tmp_path: Path, campaign: AuditSpec) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"holds no (audit|run)"):
        serial(campaign, tmp_path / "thesis")


def test_what_does_not_fit_is_said_before_anything_is_asked_or_written(
    tmp_path: Path, campaign: AuditSpec, asked: Callable[[], int]
) -> None:
    for other, sentence in (
        ({"attacks": ("pgd",)}, "follows the victim's gradient"),
        ({"queries": 1}, "at least 2 queries"),
        ({"victims": (VictimSpec("reference"),)}, "needs at least 64"),
        ({"data": Data(pictures=("nowhere.png",))}, "no such file"),
    ):
        with pytest.raises(InputError, match=sentence):
            serial(replace(campaign, **other), tmp_path / "run")
    assert asked() == 0
    assert not (tmp_path / "run").exists()


def test_two_cannot_be_at_work_in_one_folder(tmp_path: Path, campaign: AuditSpec) -> None:
    class Meddling(Observer):
        def ended(self, cell: str, picture: str) -> None:  # noqa: ARG002
            with pytest.raises(InputError, match="another iqaudit is at work"):
                serial(campaign, tmp_path / "run")

    serial(campaign, tmp_path / "run", observer=Meddling())


def test_what_a_data_set_is_called_decides_nothing(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table was called by its folder once."""
    table = photos / "scores.csv"
    table.write_text("image,mos\np0.png,20\np2.png,90\n")
    spec = AuditSpec((VictimSpec(ROUGH),), Data(f"csv:{table}"), queries=4)
    with monkeypatch.context() as before:
        before.setattr("iqaudit.datasets._lists._name", lambda _, folder: folder.name)
        serial(spec, tmp_path / "run")
    written = contents(tmp_path / "run")
    serial(spec, tmp_path / "run")
    assert contents(tmp_path / "run") == written
