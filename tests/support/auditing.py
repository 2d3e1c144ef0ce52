"""What the tests of audits share."""

import hashlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.support import audited
from tests.support.processes import LIMIT, started, wait_until

from iqaudit._audit import cell_store, execute
from iqaudit._audit.observer import Observer
from iqaudit._audit.spec import AuditSpec
from iqaudit._cli import main
from iqaudit._core.picture import picture_key
from iqaudit._runs import journal
from iqaudit._runs.schema import load_answers, manifest
from iqaudit.victims._fingerprint import pictures

ROOT = Path(__file__).parents[2]

ROUGH = "python:tests.support.audited:rough"

PROBES = {picture_key(probe) for probe in pictures(audited.rough.card)}
"""The fingerprint's pictures, which every start asks about, outside the budgets."""


def iqaudit_(*arguments: object) -> Result:
    """Run a command line."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def serial(spec: AuditSpec, out: Path, **others: Any) -> tuple[Path, ...]:
    """Run an audit in this process."""
    return execute.run(spec, out, engine="serial", **others)


FINGERPRINT = 2
"""Pictures that every start asks about outside the budgets."""


def goes_on(spec: AuditSpec, root: Path, after: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Stop an audit after so many answers, and go on: the same bytes, and nothing is asked twice.

    Return how many questions the whole one asks.
    """
    monkeypatch.setenv(audited.LOG, str(root / "log"))
    serial(spec, root / "whole")
    questions = len(audited.log(str(root / "log")))
    with audited.stopped(after + FINGERPRINT), pytest.raises(KeyboardInterrupt):
        serial(spec, root / "run")
    serial(spec, root / "run")
    assert contents(root / "run") == contents(root / "whole")
    assert len(audited.log(str(root / "log"))) - questions == questions + FINGERPRINT
    return questions


def mends(spec: AuditSpec, run: Path, lost: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Lose a file of a finished audit, and make it again: the same bytes.

    Return how many questions that takes.
    """
    serial(spec, run)
    whole = contents(run)
    [file] = run.rglob(lost)
    file.unlink()
    monkeypatch.setenv(audited.LOG, str(run.parent / "log"))
    serial(spec, run)
    assert contents(run) == whole
    return len(audited.log(str(run.parent / "log")))


class Stopping(Observer):
    """Stops an audit after so many words of it."""

    def __init__(self, after: int) -> None:
        self.said: list[str] = []
        self._left = after

    def answered(self, cell: str, picture: str, queries: int) -> None:  # noqa: ARG002
        self._left -= 1
        self.stopping = self.stopping or not self._left

    def says(self, sentence: str) -> None:
        self.said.append(sentence)


def begun(spec: AuditSpec, run: Path, queries: int = 30, **others: Any) -> None:
    """Run an audit, and stop it after so many queries."""
    with pytest.raises(KeyboardInterrupt):
        serial(spec, run, observer=Stopping(queries), **others)


class Outlived(Observer):
    """A worker of an earlier start that writes its picture once a later one has looked.

    Parameters
    ----------
    spec : AuditSpec
        The audit of one cell.
    run, own : Path
        The directories of the later start and of the worker.
    name : str
        The picture, which is not the last.
    """

    def __init__(self, spec: AuditSpec, run: Path, own: Path, name: str) -> None:
        self._run, self._name, self._spec, self._own = run, name, spec, own
        self.asked: list[str] = []

    def begins(self, pictures: int, queries: int, finished: int) -> None:
        assert (pictures, finished) == (3, 0)
        cells = self._spec.cells()
        begun(self._spec, self._own, 2 * queries)
        for file in (self._own / cells[0].folder).glob(f"*/{self._name}.*"):
            target = self._run / file.relative_to(self._own)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())

    def answered(self, cell: str, picture: str, queries: int) -> None:  # noqa: ARG002
        self.asked.append(picture)


def contents(root: Path) -> dict[str, str]:
    """Return the digest of every file in a directory: what differs is told in a line each."""
    files = sorted(file for file in root.rglob("*") if file.is_file())
    return {str(file.relative_to(root)): digest(file.read_bytes()) for file in files}


def digest(content: bytes) -> str:
    """Return a file's length, and what stands for its bytes."""
    return f"{len(content)} bytes, {hashlib.sha256(content).hexdigest()[:16]}"


def kept(root: Path) -> Counter[int]:
    """Return the keys of the answers that an audit's directory holds."""
    held = manifest(root) if root.exists() else None
    found: Counter[int] = Counter()
    for cell in held.cells if held else ():
        folder = root / cell.folder
        for name in held.data.pictures if held else ():
            if cell_store.is_done(folder) or cell_store.is_finished(folder, name):
                found.update(load_answers(folder, name)["picture"].tolist())
            else:
                answers = journal.read(cell_store.journal(folder, name), journal.ANSWERS).entries
                found.update(answer.picture for answer in answers)
    return found


def killed(line: Sequence[object], run: Path, answers: int = 40) -> None:
    """Start a command line, slowly, and kill it once its run has more than so many answers."""
    words = [sys.executable, "-m", "iqaudit", *map(str, line)]
    environment = os.environ | {audited.PAUSE: "0.02"}
    with started(words, cwd=ROOT, stderr=subprocess.PIPE, env=environment) as driver:
        wait_until(lambda: kept(run).total() > answers, driver)
        driver.send_signal(signal.SIGKILL)


def interrupted(line: Sequence[str], far: Callable[[], bool]) -> tuple[int, str]:
    """Start a command, press Ctrl-C once it is so far; return its exit status and what it said."""
    with started(line, cwd=ROOT, stderr=subprocess.PIPE) as driver:
        wait_until(far, driver)
        driver.send_signal(signal.SIGINT)
        _, said = driver.communicate(timeout=LIMIT)
    return driver.returncode, said


def arguments(pictures: Path, out: Path, *others: object) -> list[object]:
    """Return a small audit's command line."""
    line = ["audit", pictures, "--victim", ROUGH, "--attack", "square"]
    return [*line, "--levels", 3, "--levels", 2, "--queries", 40, "--out", out, "--quiet", *others]


def asked(log: Path, since: int) -> Counter[int]:
    """Return how often the keys of pictures were asked about, the fingerprint's aside."""
    keys = audited.log(str(log))[since:]
    return Counter(key for key in keys if key not in PROBES)
