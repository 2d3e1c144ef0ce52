"""Nothing is read or written outside a run's folder, wherever links in it lead."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import iqaudit
from iqaudit._audit.execute import run as execute
from iqaudit._audit.spec import AuditSpec
from iqaudit.testing import synthetic_picture

VICTIM = "python:tests.support.audited:rough"
READERS: dict[str, Callable[[Path], Any]] = {
    "verify": iqaudit.verify,
    "insights": iqaudit.insights,
    "transfer": iqaudit.transfer,
    "report": lambda path: iqaudit.load(path).report(),
    "results": lambda path: list(iqaudit.load(path).results()),
    "table": lambda path: iqaudit.load(path).table(),
    "export": lambda path: iqaudit.load(path).export(),
    "compare": lambda path: iqaudit.compare([path]),
    "replay": lambda path: iqaudit.victims.as_victim(f"replay:{path}"),
}
FILES = (
    "results.json",
    "audit.json",
    "report.html",
    "report.html.part",
    "insights.json.part",
    "insights.jsonl",
    "transfer.json",
    "transfer.jsonl",
    "attacked",
    "clean",
    "scores",
    "attacked/p0.png",
    "clean/p1.png",
    "scores/p2.npy",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of pictures, and a run on them."""
    root = tmp_path_factory.mktemp("made")
    (root / "photos").mkdir()
    for seed in range(3):
        picture = synthetic_picture(20, 24, seed)
        iqaudit.write(root / "photos" / f"p{seed}.png", picture)
    iqaudit.attack(root / "photos", VICTIM, queries=4, out=root / "run")
    return root


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """Return the run, in a place of its own."""
    shutil.copytree(made / "run", tmp_path / "run")
    return tmp_path / "run"


def _led_out(run: Path, name: str) -> Path:
    """Move a file or a folder of a run out of it, a link in its place; return its new place."""
    outside = run.parent / "outside"
    if (run / name).exists():
        (run / name).rename(outside)
    else:
        outside.write_text("mine", "utf-8")
    (run / name).symlink_to(outside)
    return outside


def _content(path: Path) -> dict[Path, bytes]:
    files = [path] if path.is_file() else sorted(path.iterdir())
    return {file: file.read_bytes() for file in files}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("reader", READERS)
def test_a_run_with_a_link_among_its_files_is_refused(run: Path, name: str, reader: str) -> None:
    outside = _led_out(run, name)
    before = _content(outside)
    with pytest.raises(iqaudit.InputError, match=r"a link, or no regular file"):
        READERS[reader](run)
    assert _content(outside) == before


@pytest.mark.parametrize("name", FILES)
def test_overwriting_touches_nothing_that_a_link_leads_to(run: Path, made: Path, name: str) -> None:
    outside = _led_out(run, name)
    before = _content(outside)
    with pytest.raises(iqaudit.InputError, match=r"a link, or no regular file"):
        iqaudit.attack(made / "photos", VICTIM, queries=3, out=run, overwrite=True)
    assert _content(outside) == before


@pytest.mark.parametrize("name", ["results.json", "audit.json", "insights.jsonl", "scores/p0.npy"])
def test_a_pipe_or_a_device_among_a_runs_files_does_not_hang(run: Path, name: str) -> None:
    (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)
    with pytest.raises(iqaudit.InputError, match=r"a link, or no regular file"):
        iqaudit.load(run).verify()
    (run / name).unlink()
    (run / name).symlink_to("/dev/zero")
    with pytest.raises(iqaudit.InputError, match=r"a link, or no regular file"):
        iqaudit.verify(run)


@pytest.mark.parametrize("place", ["", "answers", "entries", "clean"])
def test_an_audit_does_not_go_on_through_a_link(
    tmp_path: Path, campaign: AuditSpec, place: str
) -> None:
    [cell] = execute(campaign, tmp_path / "audit", engine="serial")
    (cell / "results.json").unlink()
    outside = tmp_path / "outside"
    (cell / place).rename(outside) if (cell / place).exists() else outside.mkdir()
    (cell / place).symlink_to(outside)
    before = _content(outside) if place else {}
    with pytest.raises(iqaudit.InputError, match=r"a link, or no regular file"):
        execute(campaign, tmp_path / "audit", engine="serial")
    with pytest.raises(iqaudit.InputError, match=r"a link, or no regular file"):
        iqaudit.load(tmp_path / "audit").status()
    assert not place or _content(outside) == before


def test_a_link_to_a_run_and_links_beside_its_files_are_the_users(run: Path) -> None:
    (run.parent / "link").symlink_to(run)
    (run / "notes.txt").symlink_to("/dev/null")
    assert len(list(iqaudit.load(run.parent / "link").results())) == 3
