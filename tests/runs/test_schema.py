"""Records on disk: those of every version are read, and new ones fit their schemas."""

import json
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.support.auditing import ROUGH, iqaudit_
from tests.support.pictures import MakePicture
from tests.support.records import text

import iqaudit
from iqaudit import InputError
from iqaudit._analysis import transfer
from iqaudit._analysis.findings import insights
from iqaudit._analysis.scorers import ScoreCache
from iqaudit._runs.records import AuditRecord, RunRecord
from iqaudit._runs.schema import (
    AUDIT_FORMAT,
    FORMAT,
    INSIGHTS_ANSWERS,
    TRANSFER_ANSWERS,
    as_json,
    load_audit,
    manifest,
    read,
)
from iqaudit._runs.schema import load as load_record
from iqaudit.victims import Function

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "docs" / "schema"
OLD = Path(__file__).parent / "fixtures" / "0.1.0"
"""A run of the bundled victim, and an audit of two cells, as version 0.1.0 wrote them."""

CELLS = "reference--square", "reference--random"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD, tmp_path / "old"))


def fit(folder: Path) -> list[str]:
    """Hold every JSON file in a folder to its schema, and return their names."""
    files = sorted(folder.rglob("*.json"))
    for file in files:
        content = json.loads(file.read_text())
        jsonschema.validate(content, json.loads((SCHEMAS / file.name).read_text()))
    return [file.name for file in files]


def test_the_schemas_are_those_of_the_records() -> None:
    """Where this fails: python tools/write_schema.py."""
    made = runpy.run_path(str(ROOT / "tools" / "write_schema.py"))["schemas"]()
    assert made == {file.name: file.read_text() for file in SCHEMAS.glob("*.json")}


@pytest.mark.slow
def test_files_that_are_written_fit_their_schemas(
    tmp_path: Path, make_picture: MakePicture
) -> None:
    iqaudit.write(tmp_path / "photo.png", make_picture(24, 30))
    what = [tmp_path / "photo.png", "--victim", ROUGH, "--queries", 8, "--quiet", "--out"]
    assert iqaudit_("attack", *what, tmp_path / "run").exit_code == 0
    assert iqaudit_("audit", *what, tmp_path / "audit", "--engine", "serial").exit_code == 0
    assert fit(tmp_path / "run") == ["audit.json", "results.json"]
    assert fit(tmp_path / "audit") == [
        "audit.json",
        "insights.json",
        "results.json",
        "transfer.json",
    ]


def test_a_wrong_file_does_not_fit_its_schema(old: Path) -> None:
    file = old / "run" / "results.json"
    file.write_text(file.read_text().replace('"rgo": 0.0,', '"rgo": "0.0",'))
    with pytest.raises(jsonschema.ValidationError, match=r"'0\.0' is not of type 'number'"):
        fit(old / "run")


def test_what_is_read_is_what_is_written(old: Path) -> None:
    """To the byte, so that a record that is changed and written is no other otherwise."""
    for cell in CELLS:
        file = old / "audit" / cell / "results.json"
        assert as_json(load_record(file.parent), FORMAT) == file.read_text()
    assert (
        as_json(load_audit(old / "audit"), AUDIT_FORMAT) == (old / "audit/audit.json").read_text()
    )
    moved, shown = transfer.load(old / "audit"), insights.load(old / "audit" / CELLS[0])
    assert as_json(moved, transfer.FORMAT) == (old / "audit/transfer.json").read_text()
    file = old / "audit" / CELLS[0] / "insights.json"
    assert json.loads(as_json(shown, insights.FORMAT)) == json.loads(file.read_text())


def test_a_run_of_0_1_0_is_read(old: Path) -> None:
    assert fit(old / "run") == ["results.json"]
    record = load_record(old / "run")
    assert (record.victim.name, record.victim.spec, record.victim.options) == (
        *("reference", "reference"),
        {},
    )
    assert (record.attack.name, record.attack.settings) == (
        "Bidirectional",
        {"n_squares": 2, "p_init": 0.04},
    )
    first, second = record.pictures
    assert (first.name, first.rgo, first.psnr, first.opinion) == ("small-1", 0.0, None, None)
    assert second.trace[0] == (1, second.clean_score)
    assert record.summary.queries == 60


def test_an_audit_of_0_1_0_is_read(old: Path) -> None:
    assert len(fit(old / "audit")) == 6
    audit = load_audit(old / "audit")
    assert [cell.folder for cell in audit.cells] == list(CELLS)
    assert audit.victim_of(audit.cells[0]).scale == load_record(old / "run").victim.scale
    assert [sample.name for sample in audit.data.samples] == ["small-1", "small-2"]
    moved, shown = transfer.load(old / "audit"), insights.load(old / "audit" / CELLS[0])
    assert moved is not None
    assert [entry.own for [entry] in moved.entries] == [True, True]
    assert shown is not None
    assert (shown.floor.cell, len(shown.pictures)) == (CELLS[1], 2)
    with ScoreCache(old / "audit" / TRANSFER_ANSWERS) as answers:
        assert answers.counts == {"reference": 2}
    with ScoreCache(old / "audit" / CELLS[0] / INSIGHTS_ANSWERS) as answers:
        assert answers.counts["reference"] > 2


@pytest.mark.parametrize(("name", "pictures"), [("run", 2), ("audit", 4)])
def test_commands_work_on_0_1_0(old: Path, name: str, pictures: int) -> None:
    verified = iqaudit_("verify", old / name)
    assert f"{pictures} of {pictures} pictures are as recorded" in verified.output
    rows = json.loads(iqaudit_("tables", old / name, "--json").stdout)["rows"]
    assert sum(row["pictures"] for row in rows) == pictures
    assert iqaudit_("report", old / name).exit_code == 0
    assert "small-2" in (old / name / "report.html").read_text()
    assert iqaudit_("compare", old / name).exit_code == 0


def test_the_status_of_an_audit_of_0_1_0_is_said(old: Path) -> None:
    [first, second] = json.loads(iqaudit_("status", old / "audit", "--json").stdout)
    assert (first["cell"], first["finished"], first["queries"]) == (CELLS[0], 2, 60)
    assert second["cell"] == CELLS[1]
    (old / "audit" / CELLS[1] / "results.json").unlink()
    [_, begun] = json.loads(iqaudit_("status", old / "audit", "--json").stdout)
    assert (begun["finished"], begun["begun"], begun["queries"]) == (0, 2, 60)
    assert "results.json: gone" in begun["damage"][0]


def _less(*keys: str) -> Callable[[Any], Any]:
    return lambda record: [record.pop(key) for key in keys]


def _picture(key: str, value: object) -> Callable[[Any], Any]:
    return lambda record: record["pictures"][1].update({key: value})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_less("seed", "goal"), "this lacks goal, seed."),
        (_picture("linf", "3"), "pictures[1].linf: Expected int, got str."),
        (_picture("trace", [[1]]), "pictures[1].trace[0]: Expected array of length 2, got 1."),
        (lambda record: record["pictures"][0].pop("rgo"),
         "pictures[0]: Object missing required field rgo."),
        (lambda record: record["attack"].pop("name"), "attack: Expected an object with a name."),
        (lambda record: record["victim"].update(scale=None),
         "victim.scale: Expected object, got null."),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_file(
    old: Path, change: Callable[[Any], Any], sentence: str
) -> None:
    file = old / "run" / "results.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(text(content))
    with pytest.raises(InputError) as raised:
        load_record(file.parent)
    assert str(raised.value) == f"{file}: {sentence}"


def test_what_a_version_before_0_1_0_did_not_write_has_a_default(old: Path) -> None:
    file = old / "run" / "results.json"
    content = json.loads(file.read_text())
    for key in ("versions", "early_stop", "until_plateau"):
        del content[key]
    for key in ("cost", "noise", "spec", "options"):
        del content["victim"][key]
    del content["victim"]["scale"]["fitted"]
    for picture in content["pictures"]:
        del picture["flip"]
    content["a key of another version"] = 1
    file.write_text(text(content))
    record = load_record(file.parent)
    assert (record.victim.cost, record.victim.noise, record.early_stop) == (1, 0.0, None)
    assert record.pictures[0].flip is None


@pytest.mark.parametrize("kind", [RunRecord, AuditRecord])
def test_a_file_that_holds_no_object_is_refused(tmp_path: Path, kind: type[Any]) -> None:
    (tmp_path / "entry.json").write_text("3")
    with pytest.raises(InputError, match="Expected object, got int"):
        read(tmp_path / "entry.json", None, kind)


def test_a_wrong_value_is_a_finding_of_verify(old: Path) -> None:
    file = old / "run" / "results.json"
    file.write_text(file.read_text().replace('"best_query": 1,', '"best_query": "first",'))
    [check] = iqaudit.verify(file.parent)
    assert check.name == "results.json"
    assert check.wrong == (f"{file}: pictures[0].best_query: Expected int, got str.",)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda run: run["pictures"][0].update(outcome="other"), "is not a valid Outcome"),
        (lambda run: run.update(goal="x"), "is not a valid Goal"),
        (lambda run: run.update(queries=10**400), "Expected queries from 1"),
        (lambda run: run["pictures"][0].update(name="a\0b"), "is no picture's name"),
    ],
)
def test_a_value_that_no_writer_writes_is_refused_by_the_reader(
    change: Callable[[dict[str, Any]], None],
    sentence: str,
    tmp_path: Path,
    rough: Function,
    make_picture: MakePicture,
) -> None:
    iqaudit.attack(make_picture(24, 30), rough, queries=5, out=tmp_path)
    file = tmp_path / "results.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(text(content))
    with pytest.raises(InputError, match=sentence):
        load_record(tmp_path)


def test_a_cell_of_no_victim_is_refused_by_the_reader(
    tmp_path: Path, rough: Function, make_picture: MakePicture
) -> None:
    iqaudit.attack(make_picture(24, 30), rough, queries=5, out=tmp_path)
    content = json.loads((tmp_path / "audit.json").read_text())
    (tmp_path / "audit.json").write_text(text(content | {"victims": []}))
    with pytest.raises(InputError, match="is of no victim"):
        manifest(tmp_path)
