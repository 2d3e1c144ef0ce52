"""The ends of a command that are not its own: signals, hanging victims, streams that fail."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from tests.support.auditing import ROOT, contents
from tests.support.processes import LIMIT, started, wait_until
from tests.support.scorers import roughness

import iqaudit
from iqaudit._cli import main, signals
from iqaudit.victims import Function

CODES: dict[int, int] = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
ENDS = pytest.mark.parametrize("number", CODES)


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    """Have the handlers that a shell's program has, and see that they are the same in the end."""
    before = {number: signal.getsignal(number) for number in CODES}
    for number, handler in signals.USUAL.items():
        signal.signal(number, handler)
    yield
    assert {number: signal.getsignal(number) for number in CODES} == signals.USUAL
    for number, handler in before.items():
        signal.signal(number, handler)


def iqaudit_(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], None]], None]:
    """Return a setter of what happens when the victim is asked for its n-th score."""
    asked, events = [0], dict[int, Callable[[], None]]()

    def scored(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        asked[0] += 1
        events.pop(asked[0], lambda: None)()
        return roughness(pictures)

    scale = iqaudit.Scale.from_range(0, 20)
    monkeypatch.setattr(
        "iqaudit.victims._registry.Kind.make",
        lambda *_: Function(scored, scale, name="rough", largest_batch=1),
    )

    def set_(number: int, event: Callable[[], None]) -> None:
        asked[0] = 0
        events[number] = event

    return set_


def send(*numbers: int, then: float = 0.0) -> Callable[[], None]:
    def event() -> None:
        for number in numbers:
            signal.raise_signal(number)
        time.sleep(then)

    return event


RUNS = pytest.mark.parametrize(
    "command", [("attack",), ("audit", "--attack", "square", "--engine", "serial")]
)


def line(command: tuple[str, ...], photos: Path, out: Path) -> list[object]:
    return [*command, photos, "--victim", "reference", "--queries", 12, "--out", out]


@pytest.mark.slow
@ENDS
@RUNS
def test_a_signal_stops_between_two_queries_and_the_same_command_goes_on(
    number: int,
    command: tuple[str, ...],
    photos: Path,
    tmp_path: Path,
    at: Callable[..., None],
) -> None:
    (tmp_path / "one").mkdir()
    run, whole = tmp_path / "one" / "run", tmp_path / "run"
    assert iqaudit_(*line(command, photos, whole)).exit_code == 0
    at(20, send(number))
    ended = iqaudit_(*line(command, photos, run))
    assert ended.exit_code == CODES[number], ended.output
    assert "Interrupted: 1 of 3 pictures finished" in ended.stderr
    assert "the same command goes on." in ended.stderr
    assert iqaudit_(*line(command, photos, run)).exit_code == 0
    assert contents(run) == contents(whole)


@ENDS
def test_a_second_signal_ends_at_once(
    number: int, photos: Path, tmp_path: Path, at: Callable[..., None]
) -> None:
    at(20, send(number, signal.SIGTERM, then=LIMIT))
    began = time.monotonic()
    ended = iqaudit_(*line(("attack",), photos, tmp_path / "run"))
    assert ended.exit_code == 143, ended.output
    assert "the same command goes on." in ended.stderr
    assert time.monotonic() - began < LIMIT / 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_victim_that_hangs_is_given_a_few_seconds(
    number: int,
    photos: Path,
    tmp_path: Path,
    at: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signals, "GRACE", 0.2)
    at(20, send(number, then=LIMIT))
    began = time.monotonic()
    ended = iqaudit_(*line(("attack",), photos, tmp_path / "run"))
    assert ended.exit_code == CODES[number], ended.output
    assert "the same command goes on." in ended.stderr
    assert time.monotonic() - began < LIMIT / 2


@ENDS
def test_scores_that_were_asked_are_printed(
    number: int, photos: Path, at: Callable[..., None]
) -> None:
    at(3, send(number))
    ended = iqaudit_("score", photos, "--victim", "reference")
    assert ended.exit_code == CODES[number]
    assert "p1" in ended.stdout
    assert "p2" not in ended.stdout
    assert "Interrupted: start the same command again." in ended.stderr


@pytest.mark.slow
@ENDS
@pytest.mark.parametrize(
    "command",
    [
        "check",
        *(pytest.param(c, marks=pytest.mark.slow) for c in ("transfer", "insights", "verify")),
    ],
)
def test_a_signal_ends_every_command_that_asks(
    number: int, command: str, photos: Path, tmp_path: Path, at: Callable[..., None]
) -> None:
    run = tmp_path / "run"
    assert iqaudit_(*line(("attack",), photos, run)).exit_code == 0
    at(2, send(number))
    arguments = ["--victim", "reference"] if command == "check" else [run]
    ended = iqaudit_(command, *arguments)
    assert ended.exit_code == CODES[number], ended.output
    assert "Interrupted: " in ended.stderr
    assert iqaudit_(command, *arguments).exit_code == 0


@ENDS
def test_a_signal_while_the_analyses_are_made_keeps_their_scores(
    number: int, photos: Path, tmp_path: Path, at: Callable[..., None]
) -> None:
    command = line(("audit", "--attack", "square", "--engine", "serial"), photos, tmp_path / "run")
    at(3 * 12 + 2 + 5, send(number))
    ended = iqaudit_(*command)
    assert ended.exit_code == CODES[number], ended.output
    assert "Interrupted: every picture is finished; the same command goes on." in ended.stderr
    assert not (tmp_path / "run" / "report.html").exists()
    assert iqaudit_(*command).exit_code == 0
    assert (tmp_path / "run" / "report.html").exists()


@RUNS
def test_a_signal_in_the_last_query_stops_before_what_follows(
    command: tuple[str, ...], photos: Path, tmp_path: Path, at: Callable[..., None]
) -> None:
    at(3 * 12 + 2, send(signal.SIGINT))
    ended = iqaudit_(*line(command, photos, tmp_path / "run"))
    assert ended.exit_code == 130, ended.output
    assert "Interrupted: 3 of 3 pictures finished" in ended.stderr
    assert not (tmp_path / "run" / "report.html").exists()
    assert iqaudit_(*line(command, photos, tmp_path / "run")).exit_code == 0


@ENDS
def test_a_signal_while_a_victim_is_loaded_leaves_nothing(
    number: int, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"import signal; signal.raise_signal({int(number)}); scorer = None"
    (tmp_path / f"loading{number}.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    run = tmp_path / "run"
    victim = f"python:loading{number}:scorer"
    ended = iqaudit_("attack", photos, "--victim", victim, "--range", 0, 1, "--out", run)
    assert ended.exit_code == CODES[number], ended.output
    assert "nothing is begun; nothing was written." in ended.stderr
    assert not run.exists()


def test_a_signal_that_is_ignored_stays_so(
    photos: Path, tmp_path: Path, at: Callable[..., None]
) -> None:
    """As nohup has a program ignore SIGHUP."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    at(20, send(signal.SIGHUP))
    assert iqaudit_(*line(("attack",), photos, tmp_path / "run")).exit_code == 0
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_from_python_the_callers_handlers_stay(photos: Path, at: Callable[..., None]) -> None:
    class EndedError(Exception):
        pass

    def handler(*_: object) -> None:
        raise EndedError

    signal.signal(signal.SIGTERM, handler)
    at(5, send(signal.SIGTERM))
    with pytest.raises(iqaudit.VictimError, match="EndedError"):
        iqaudit.attack(photos, "reference", queries=12, strict=True)
    assert signal.getsignal(signal.SIGTERM) == handler
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def runs(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


PROGRAM = """#!/bin/sh
trap '' TERM HUP
n=$(cat {0}/count 2>/dev/null || echo 0); n=$((n + 1)); echo $n > {0}/count
[ $n -lt {1} ] && echo $n && exit
sleep 60 &
echo $! > {0}/child; echo $$ > {0}/program; mv {0}/program {0}/pid
wait; sleep 60
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "at", "command"),
    [
        (signal.SIGHUP, 1, "attack {0} --out {1}"),
        (signal.SIGTERM, 9, "attack {0} --out {1}"),
        (signal.SIGTERM, 3, "score {0}"),
    ],
)
def test_a_victims_program_and_its_children_end_too(
    at: int, command: str, number: int, photos: Path, tmp_path: Path
) -> None:
    program = tmp_path / "program.sh"
    program.write_text(PROGRAM.format(tmp_path, at))
    program.chmod(0o755)
    (tmp_path / "tmp").mkdir()
    words = command.format(photos, tmp_path / "run").split()
    words += ["--victim", f"command:{program} {{picture}}", "--range", "0", "100", "--queries", "8"]
    if words[0] == "score":
        words = words[:-2]
    run = [sys.executable, "-m", "iqaudit", *words]
    environment = os.environ | {"TMPDIR": str(tmp_path / "tmp")}
    with started(run, env=environment, stderr=subprocess.PIPE) as process:
        wait_until((tmp_path / "pid").exists, process)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == CODES[number], said
    assert "Interrupted: " in said
    assert "Traceback" not in said
    assert not runs((tmp_path / "pid").read_text().strip())
    assert not runs((tmp_path / "child").read_text().strip())
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "whole"), [(signal.SIGTERM, "driver"), (signal.SIGHUP, "group")]
)
def test_workers_whose_victim_hangs_end_too(
    number: int, whole: str, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "hanging.py").write_text(
        "import os, time\n"
        "import iqaudit\n"
        "from tests.support.scorers import roughness\n"
        "def scored(pictures):\n"
        f"    open({str(tmp_path)!r} + f'/{{os.getpid()}}.asked', 'a').write('x')\n"
        f"    while os.path.getsize({str(tmp_path)!r} + f'/{{os.getpid()}}.asked') > 6:\n"
        "        time.sleep(1)\n"
        "    return roughness(pictures)\n"
        "v = iqaudit.victims.Function(scored, iqaudit.Scale.from_range(0, 20), name='hanging',\n"
        "                             largest_batch=1)\n"
    )
    words = ["audit", photos, "--victim", "python:hanging:v", "--attack", "square", "--queries"]
    words += [40, "--engine", "processes", "--workers", 2, "--out", tmp_path / "run"]
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    run = [sys.executable, "-m", "iqaudit", *map(str, words)]

    def hanging() -> list[str]:
        return [each.stem for each in tmp_path.glob("*.asked") if each.stat().st_size > 6]

    with started(
        run, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        wait_until(lambda: len(hanging()) == 2, process)
        (os.killpg if whole == "group" else os.kill)(process.pid, number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == CODES[number], said
    assert "Interrupted: 0 of 3 pictures finished; the same command goes on." in said
    assert "died" not in said
    assert "Traceback" not in said
    assert not any(map(runs, hanging()))


INTERRUPTS = """
import os, signal, sys

class Interrupts:
    def find_spec(self, name, *_):
        if name == "iqaudit.attacks":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupts())
"""
"""Python's own start, after which Ctrl-C comes while the command's modules are imported."""


@pytest.mark.parametrize(
    ("line", "is_command"),
    [
        ([str(Path(sys.executable).with_name("iqaudit")), "list"], True),
        ([sys.executable, "-m", "iqaudit", "list"], True),
        ([sys.executable, "-c", "import iqaudit", "iqaudit"], False),
    ],
)
def test_ctrl_c_while_a_command_is_imported_ends_it_without_a_traceback(
    line: list[str], *, is_command: bool, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTS)
    path = os.pathsep.join((str(tmp_path), str(Path(iqaudit.__file__).parents[1])))
    environment = os.environ | {"PYTHONPATH": path}
    with started(line, env=environment, stderr=subprocess.PIPE) as process:
        _, told = process.communicate(timeout=LIMIT)
    if is_command:
        assert told == "Interrupted: start the same command again.\n"
        assert process.returncode == CODES[signal.SIGINT]
    else:
        assert told.endswith("KeyboardInterrupt\n")
