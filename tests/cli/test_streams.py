"""Standard streams that fail: what cannot be written is dropped, and nothing else is lost."""

import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.auditing import ROOT, ROUGH, contents, iqaudit_
from tests.support.processes import LIMIT

from iqaudit._cli import main

FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")


def stream(kind: str) -> io.TextIOWrapper:
    """Return a stream of a kind that cannot be written."""
    if kind == "full":
        return io.TextIOWrapper(FULL.open("wb"), "utf-8", line_buffering=True)
    if kind == "gone":
        reader, writer = os.pipe()
        os.close(reader)
        return io.TextIOWrapper(os.fdopen(writer, "wb"), "utf-8", line_buffering=True)
    return io.TextIOWrapper(Unwritable(), "ascii", line_buffering=True)


class Unwritable(io.BufferedIOBase):
    """A terminal that was closed."""

    name = "terminal"

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


Code = Callable[..., object]


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> Code:
    """Return a caller of the command line with streams that fail: its exit code."""

    def call(*arguments: object, **streams: str) -> object:
        with monkeypatch.context() as changed:
            failing = {name: stream(kind) for name, kind in streams.items()}
            for name, each in failing.items():
                changed.setattr(sys, name, each)
            with pytest.raises(SystemExit) as ended:
                main([str(argument) for argument in arguments])
        for each in failing.values():
            each.close()  # with nothing that it could not write
        return ended.value.code

    return call


FAILING = pytest.mark.parametrize("kind", ["full", "gone", "closed"])
RUNS = pytest.mark.parametrize(
    "command",
    [
        ("attack",),
        pytest.param(("audit", "--attack", "square", "--engine", "serial"), marks=pytest.mark.slow),
    ],
)


def line(command: tuple[str, ...], photos: Path, out: Path) -> list[object]:
    return [*command, photos, "--victim", ROUGH, "--queries", 8, "--out", out]


@pytest.mark.slow
@FAILING
@RUNS
@pytest.mark.parametrize("streams", [("stderr",), ("stdout",), ("stdout", "stderr")])
def test_a_run_goes_on_to_its_end_with_its_page(
    kind: str,
    command: tuple[str, ...],
    streams: tuple[str, ...],
    photos: Path,
    tmp_path: Path,
    code: Code,
) -> None:
    run, whole = tmp_path / "one" / "run", tmp_path / "run"
    assert code(*line(command, photos, whole)) == 0
    assert code(*line(command, photos, run), **dict.fromkeys(streams, kind)) == 0
    assert (run / "report.html").exists()
    assert contents(run) == contents(whole)


@pytest.mark.parametrize(("kind", "expected"), [("full", 2), ("gone", 0)])
def test_a_result_that_is_printed_alone_is_not_lost_in_silence(
    kind: str, expected: int, photos: Path, code: Code, capsys: pytest.CaptureFixture[str]
) -> None:
    """But where its reader has gone, nobody misses it."""
    assert code("score", photos, "--victim", ROUGH, stdout=kind) == expected
    said = capsys.readouterr().err
    assert ("The standard output cannot be written (No space left" in said) == (kind == "full")


def test_exit_codes_stay_what_they_are(photos: Path, tmp_path: Path, code: Code) -> None:
    arguments = [*line(("attack",), photos, tmp_path / "run"), "--fail-if", "rgo > -1"]
    assert code(*arguments, stdout="gone", stderr="gone") == 3
    assert code("verify", tmp_path / "run", "--victim", ROUGH, stdout="full", stderr="full") == 0
    assert code("verify", tmp_path / "none", stdout="gone", stderr="gone") == 2
    assert code("attack", "--no-such", stderr="full") == 2
    assert code("--help", stdout="full") == 0


def test_the_callers_streams_are_afterwards_as_they_were(photos: Path, code: Code) -> None:
    before = sys.stdout, sys.stderr, sys.stdout.errors
    code("score", photos, "--victim", ROUGH)
    assert (sys.stdout, sys.stderr, sys.stdout.errors) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("closed", "engine"),
    [
        *((each, "serial") for each in (">&-", "2>&1 | head -1")),
        ("<&- >&- 2>&-", "processes"),
    ],
)
def test_streams_that_are_closed_at_the_start_are_no_files_of_the_run(
    closed: str, engine: str, photos: Path, tmp_path: Path
) -> None:
    """The next file that is opened would have a closed stream's number, and be printed into."""
    command = ("audit", "--attack", "square", "--engine")
    whole = line((*command, "serial"), photos, tmp_path / "whole" / "run")
    assert iqaudit_(*whole).exit_code == 0
    words = line((*command, engine, "--workers", "2"), photos, tmp_path / "run" / "run")
    shell = " ".join(map(str, [sys.executable, "-m", "iqaudit", *words, closed]))
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shell}"], cwd=ROOT, timeout=LIMIT, check=False
    )
    assert done.returncode == 0
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
