"""A run is data: nothing that it names is imported, started or loaded unless the user says so."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.records import text

import iqaudit
from iqaudit._audit.execute import run as execute
from iqaudit._audit.spec import AuditSpec

SPECS = {
    "python": "python:strange:v",
    "onnx": "onnx:strange.onnx",
    "torch": "torch:strange.pt",
    "pyiqa": "pyiqa:niqe",
    "replay": "replay:../elsewhere",
    "command": "command:./program.sh {picture}",
    "https": "https://strange.example/score",
}

Read = Callable[[Path], Any]
READERS: dict[str, Read] = {
    "verify": iqaudit.verify,
    "insights": iqaudit.insights,
    "transfer": iqaudit.transfer,
    "Audit.verify": lambda path: iqaudit.load(path).verify(),
    "Audit.analyse": lambda path: iqaudit.load(path).analyse(),
}


@pytest.fixture
def strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file that tells that a module, or a program, beside a stranger's run was run."""
    mark = tmp_path / "here" / "MARK"
    mark.parent.mkdir()
    monkeypatch.chdir(mark.parent)
    monkeypatch.syspath_prepend(str(mark.parent))
    Path("strange.py").write_text(
        "from pathlib import Path\n"
        f"Path({str(mark)!r}).touch()\n"
        "from tests.support.audited import rough as v\n",
        "utf-8",
    )
    Path("program.sh").write_text(f"#!/bin/sh\necho ran >> '{mark}'\necho 5\n", "utf-8")
    Path("program.sh").chmod(0o755)
    return mark


@pytest.fixture
def run(tmp_path: Path, photos: Path) -> Path:
    """Return a run of one's own."""
    iqaudit.attack(photos, "python:tests.support.audited:rough", queries=4, out=tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def audit(tmp_path: Path, campaign: AuditSpec) -> Path:
    """Return an audit of one's own."""
    execute(campaign, tmp_path / "audit", engine="serial")
    return tmp_path / "audit"


def _name(file: Path, spec: str, **options: Any) -> None:
    """Have a run, or an audit and its cells, name another victim."""
    record = json.loads(file.read_text("utf-8"))
    for each in (*record.get("cells", ()), *record.get("victims", ())):
        each |= {"victim": spec, "victim_options": options}
    if "cells" not in record:
        record["victim"] |= {"spec": spec, "options": options}
    file.write_text(text(record), "utf-8")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
def test_nothing_that_a_strangers_run_names_is_run(
    run: Path, strange: Path, spec: str, reader: str
) -> None:
    _name(run / "results.json", spec)
    with pytest.raises(iqaudit.InputError, match=r"trust|victim"):
        READERS[reader](run)
    assert not strange.exists()


@pytest.mark.parametrize("reader", READERS)
def test_nothing_that_a_strangers_audit_names_is_run(
    audit: Path, strange: Path, reader: str
) -> None:
    _name(audit / "audit.json", SPECS["python"])
    with pytest.raises(iqaudit.InputError, match="trust"):
        READERS[reader](audit)
    assert not strange.exists()


@pytest.mark.parametrize(
    "options", [{"checkpoint": "weights.pt"}, {"scale": "scale.toml"}], ids=["weights", "scale"]
)
def test_no_file_that_a_strangers_run_names_is_read(run: Path, options: dict[str, str]) -> None:
    _name(run / "results.json", "dbcnn", **options)
    with pytest.raises(iqaudit.InputError, match=f"whose {next(iter(options))} would be loaded"):
        iqaudit.verify(run)


def test_an_option_of_another_value_is_another_victim(run: Path) -> None:
    _name(run / "results.json", "python:tests.support.audited:rough", name="other")
    with pytest.raises(iqaudit.InputError, match="trust"):
        iqaudit.verify(run)


def test_a_run_that_was_copied_here_is_not_believed(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "copy")
    with pytest.raises(iqaudit.InputError, match="trust"):
        iqaudit.verify(tmp_path / "copy")


def test_ones_own_run_is_verified_whatever_way_leads_to_it(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(run)
    monkeypatch.chdir(run)
    for path in (run, Path(), tmp_path / "link"):
        assert not any(check.wrong for check in iqaudit.verify(path))


def test_trust_is_said_once(run: Path, strange: Path) -> None:
    for file in ("results.json", "audit.json"):
        _name(run / file, SPECS["python"])
    assert not any(check.wrong for check in iqaudit.verify(run, trust=True))
    assert strange.exists()
    assert not any(check.wrong for check in iqaudit.verify(run))


def test_a_victim_that_is_named_needs_no_trust_and_gives_none(run: Path, strange: Path) -> None:
    for file in ("results.json", "audit.json"):
        _name(run / file, SPECS["python"])
    own = "python:tests.support.audited:rough"
    assert not any(check.wrong for check in iqaudit.verify(run, own))
    with pytest.raises(iqaudit.InputError, match="trust"):
        iqaudit.verify(run)
    assert not strange.exists()


def test_the_same_call_again_believes_a_run_that_is_not_remembered(
    run: Path, photos: Path, state: Path
) -> None:
    (state / "iqaudit" / "runs").unlink()
    with pytest.raises(iqaudit.InputError, match="trust"):
        iqaudit.verify(run)
    iqaudit.attack(photos, "python:tests.support.audited:rough", queries=4, out=run)
    assert not any(check.wrong for check in iqaudit.verify(run))


def test_without_a_state_folder_an_audit_is_whole_and_trust_is_said_each_time(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    victim = "python:tests.support.audited:rough"
    done = iqaudit.audit([victim], photos, queries=4, out=tmp_path / "audit", engine="serial")
    assert done.transfer is not None
    assert not any(check.wrong for check in done.verify())
    for _ in range(2):
        with pytest.raises(iqaudit.InputError, match="trust"):
            iqaudit.verify(done.path)
        assert not any(check.wrong for check in iqaudit.verify(done.path, trust=True))


def test_the_bundled_victim_needs_no_trust(run: Path) -> None:
    _name(run / "results.json", "reference")
    with pytest.raises(iqaudit.InputError, match="scale is not the run's"):  # it was made
        iqaudit.verify(run)


def test_a_remembered_run_leaves_nothing_in_its_folder(run: Path, state: Path) -> None:
    digests = (state / "iqaudit" / "runs").read_text("ascii").splitlines()
    assert len(digests) == len(set(digests))
    assert not [file for file in run.rglob("*") if "trust" in file.name]


@pytest.mark.parametrize("module", ["elsewhere_alone", "elsewhere_package.inner"])
def test_a_module_that_is_not_found_is_told_where_it_was(
    module: str, tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the user's state, since nothing in a run tells a place."""
    made = tmp_path / "made"
    file = made / (module.replace(".", "/") + ".py")
    file.parent.mkdir(parents=True)
    file.write_text("from tests.support.audited import rough as v\n", "utf-8")
    run = tmp_path / "run"
    with monkeypatch.context() as there:
        there.syspath_prepend(str(made))
        iqaudit.attack(photos, f"python:{module}:v", queries=4, out=run)
        assert iqaudit.verify(run)
    for name in {module, module.partition(".")[0]}:
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(iqaudit.InputError) as raised:
        iqaudit.verify(run)
    assert "(ModuleNotFoundError: " in str(raised.value)
    assert f"it was imported from {made.resolve()}: start there" in str(raised.value)
    assert str(made) not in "".join(
        each.read_text("utf-8") for each in run.rglob("*.json") if each.is_file()
    )
