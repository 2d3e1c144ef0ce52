"""An audit that is killed, again and again, comes to the bytes of one that never was."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tests.support import audited
from tests.support.auditing import ROOT, arguments, asked, contents, interrupted, kept
from tests.support.pictures import MakePicture
from tests.support.processes import LIMIT, started, wait_until

import iqaudit
from iqaudit._audit import cell_store
from iqaudit._core.picture import picture_key
from iqaudit._runs.schema import INSIGHTS_ANSWERS, TRANSFER_ANSWERS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = 50

PROCESSES = ("--engine", "processes")
"""Said, for so few queries are worth none."""

Start = Callable[[Sequence[object]], "Child"]


class Child:
    """A command that is running."""

    def __init__(self, zygote: subprocess.Popen[str], arguments: Sequence[object]) -> None:
        self._zygote = zygote
        assert zygote.stdin
        assert zygote.stdout
        zygote.stdin.write(json.dumps([str(each) for each in arguments]) + "\n")
        zygote.stdin.flush()
        self._number = int(zygote.stdout.readline())

    def kill(self) -> None:
        """Kill it at once."""
        os.kill(self._number, signal.SIGKILL)

    def end(self) -> int:
        """Return its exit status."""
        assert self._zygote.stdin
        assert self._zygote.stdout
        self._zygote.stdin.write("\n")
        self._zygote.stdin.flush()
        return int(self._zygote.stdout.readline())


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set the environment of everything that is started; return the file of what was asked."""
    monkeypatch.setenv(audited.LOG, str(tmp_path / "asked"))
    monkeypatch.setenv(audited.PAUSE, "0.001")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # forking needs one thread
    monkeypatch.chdir(ROOT)
    return tmp_path / "asked"


@pytest.fixture
def start() -> Iterator[Start]:
    command = [sys.executable, "-m", "tests.support.zygote"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with started(command, **pipes) as zygote:
        yield lambda arguments: Child(zygote, arguments)
        assert zygote.stdin
        zygote.stdin.close()


@pytest.fixture
def pictures(tmp_path: Path, make_picture: MakePicture) -> Path:
    (tmp_path / "pictures").mkdir()
    for seed in range(3):
        iqaudit.write(tmp_path / "pictures" / f"p{seed}.png", make_picture(20 + seed, 24, seed))
    return tmp_path / "pictures"


def analysed(root: Path) -> Counter[int]:
    """Return the keys of the answers that its analyses hold, which follow its last picture."""
    found: Counter[int] = Counter()
    for file in (root / TRANSFER_ANSWERS, *root.glob(f"*/{INSIGHTS_ANSWERS}")):
        lines = file.read_text().split("\n")[:-1] if file.exists() else []
        found.update(json.loads(line)[1] for line in lines)
    return found


def greetings(pictures: Path) -> Counter[int]:
    """Return what is asked again: transfer, and each cell's insights, see whether it is he."""
    [first, *_] = sorted(pictures.iterdir())
    return Counter({picture_key(iqaudit.read(first).pixels): 3})


def test_fifty_kills_change_no_byte_and_lose_no_answer(
    tmp_path: Path, pictures: Path, environment: Path, start: Start
) -> None:
    """At any moment: while reading, asking, writing pictures, entries, results."""
    serial = ("--engine", "serial")
    whole = tmp_path / "whole"
    assert start(arguments(pictures, whole, *serial)).end() == 0
    assert sum(kept(whole).values()) == 2 * 3 * 40
    draw, kills, directory = random.Random(0), 0, 0  # noqa: S311 (moments)
    while True:
        run = tmp_path / f"run{directory}"
        known, before = len(audited.log(str(environment))), kept(run) + analysed(run)
        child = start(arguments(pictures, run, *serial))
        if kills < KILLS:
            due, until = known + draw.randrange(30), time.monotonic() + 1
            while len(audited.log(str(environment))) < due and time.monotonic() < until:
                time.sleep(0.001)
            time.sleep(draw.uniform(0, 0.03))
            child.kill()
        status = child.end()
        killed = status == -signal.SIGKILL
        kills += killed
        after = kept(run) + analysed(run)
        segment, new = asked(environment, known), after - before
        assert before <= after
        assert new <= segment
        # An answer may be on its way to the file when the kill comes; that one alone is lost.
        assert (segment - new - greetings(pictures)).total() <= killed
        if not killed:
            assert status == 0
            assert contents(run) == contents(whole)
            directory += 1
            if kills == KILLS:
                break
    assert kills == KILLS


def test_workers_change_no_byte(tmp_path: Path, pictures: Path, environment: Path) -> None:
    whole = tmp_path / "whole"
    for workers in (0, 1, 2, 3):
        out = tmp_path / f"run{workers}" if workers else whole
        engine = (*PROCESSES, "--workers", workers) if workers else ("--engine", "serial")
        line = [sys.executable, "-m", "iqaudit", *map(str, arguments(pictures, out, *engine))]
        subprocess.run(line, check=True, cwd=ROOT, timeout=LIMIT)
        assert contents(out) == contents(whole)
    assert environment.exists()


def test_a_killed_driver_and_killed_workers_lose_nothing(
    tmp_path: Path, pictures: Path, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers end when their driver is gone; a worker that dies is replaced."""
    line = [sys.executable, "-m", "iqaudit"]
    whole = [str(each) for each in arguments(pictures, tmp_path / "whole", "--engine", "serial")]
    subprocess.run([*line, *whole], check=True, cwd=ROOT, timeout=LIMIT)
    reference = asked(environment, 0)
    known = len(audited.log(str(environment)))
    monkeypatch.setenv(audited.PAUSE, "0.02")
    run = [str(each) for each in arguments(pictures, tmp_path / "run", *PROCESSES, "--workers", 2)]
    with started([*line, *run], cwd=ROOT) as driver:
        wait_until(lambda: asked(environment, known).total() >= 20, driver)
        driver.kill()
    # Two of the pictures that are left kill who is asked about them, once each.
    deadly = list(kept(tmp_path / "whole") - kept(tmp_path / "run"))[-60::40]
    (tmp_path / "deadly").write_text("\n".join(map(str, deadly)))
    monkeypatch.setenv(audited.DIE, str(tmp_path / "deadly"))
    subprocess.run([*line, *run], check=True, cwd=ROOT, timeout=LIMIT)
    assert (tmp_path / "deadly").read_text() == ""
    assert contents(tmp_path / "whole") == contents(tmp_path / "run")
    # Asked again was only what was on its way: two workers' answers, and the two deadly pictures.
    again = asked(environment, known) - reference
    assert again.total() <= 4


def test_what_kills_every_worker_is_given_up_and_the_others_go_on(
    tmp_path: Path, pictures: Path, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first, *_] = sorted(pictures.iterdir())
    key = picture_key(iqaudit.read(first).pixels)  # in both cells: three deaths, and two
    (tmp_path / "deadly").write_text("\n".join([str(key)] * 5))
    monkeypatch.setenv(audited.DIE, str(tmp_path / "deadly"))
    command = arguments(pictures, tmp_path / "run", *PROCESSES, "--workers", 1)
    line = [sys.executable, "-m", "iqaudit", *map(str, command)]
    done = subprocess.run(
        line, check=False, cwd=ROOT, timeout=LIMIT, capture_output=True, text=True
    )
    assert done.returncode == 4
    assert "3 workers in a row died on the picture p0, the last with signal 9" in done.stderr
    first_cell, second = (tmp_path / "run" / f"rough--square--levels-{n}" for n in (3, 2))
    assert cell_store.finished(first_cell) == {"p1", "p2"}
    assert cell_store.is_done(second)
    assert subprocess.run(line, check=False, cwd=ROOT, timeout=LIMIT).returncode == 0
    # The first start's analyses were of a whole cell, where it is the first picture, and of others.
    assert asked(environment, 0)[key] == 5 + 2 + 1 + greetings(pictures)[key]


def test_an_interrupt_is_kept_said_and_taken_up(
    tmp_path: Path, pictures: Path, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(audited.PAUSE, "0.02")
    for engine in (("--engine", "serial"), (*PROCESSES, "--workers", 2)):
        out, known = tmp_path / str(engine[1]), len(audited.log(str(environment)))

        def far(known: int = known) -> bool:
            return asked(environment, known).total() >= 50

        command = [each for each in arguments(pictures, out, *engine) if each != "--quiet"]
        line = [sys.executable, "-m", "iqaudit", *map(str, command)]
        code, said = interrupted(line, far)
        assert code == 130
        assert "Interrupted: " in said
        assert "of 6 pictures finished; the same command goes on." in said
        assert kept(out) == asked(environment, known)
        monkeypatch.setenv(audited.PAUSE, "0")
        subprocess.run(line, check=True, cwd=ROOT, timeout=LIMIT, capture_output=True)
        assert kept(out) + analysed(out) + greetings(pictures) == asked(environment, known)
    assert contents(tmp_path / "serial") == contents(tmp_path / "processes")


@pytest.mark.usefixtures("environment")
def test_victims_elsewhere_are_asked_though_a_picture_was_given_up(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first, *_] = sorted(pictures.iterdir())
    key = picture_key(iqaudit.read(first).pixels)
    (tmp_path / "deadly").write_text("\n".join([str(key)] * 6))  # three of each cell
    monkeypatch.setenv(audited.DIE, str(tmp_path / "deadly"))
    others = *PROCESSES, "--workers", 1, "--victim", "python:tests.support.audited:paid", "--yes"
    line = [sys.executable, "-m", "iqaudit", *map(str, arguments(pictures, tmp_path / "run"))]
    done = subprocess.run(
        [*line, *map(str, others)], check=False, cwd=ROOT, timeout=LIMIT, capture_output=True
    )
    assert done.returncode == 4
    assert b"3 workers in a row died on the picture p0" in done.stderr
    assert cell_store.finished(tmp_path / "run" / "rough--square--levels-3") == {"p1", "p2"}
    assert cell_store.is_done(tmp_path / "run" / "paid--square--levels-3")
    assert cell_store.is_done(tmp_path / "run" / "paid--square--levels-2")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("after", [0.0, 0.4])
def test_an_interrupt_of_the_whole_group_while_workers_start_is_no_fault_of_theirs(
    after: float, tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a terminal's Ctrl-C is."""
    monkeypatch.setenv(audited.PAUSE, "0.1")  # it is not at its end when the interrupt comes
    out = tmp_path / "run"
    command = arguments(pictures, out, *PROCESSES, "--workers", 4)
    line = [sys.executable, "-m", "iqaudit", *map(str, command)]
    with started(line, cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True) as driver:
        wait_until(lambda: any(each.is_dir() for each in out.glob("*")), driver)  # a cell is begun
        time.sleep(after)
        os.killpg(driver.pid, signal.SIGINT)
        _, said = driver.communicate(timeout=LIMIT)
    assert driver.returncode == 130, said
    assert "of 6 pictures finished; the same command goes on." in said
    assert "died" not in said
    assert "Traceback" not in said


def test_an_interrupt_before_the_first_picture_asks_nothing_more(
    tmp_path: Path, pictures: Path, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is paid for each answer is not asked for its noise to the end."""
    monkeypatch.setenv(audited.PAUSE, "0.5")
    command = ["audit", pictures, "--victim", "python:tests.support.audited:rough,repeats=2"]
    line = [sys.executable, "-m", "iqaudit", *map(str, command), "--out", str(tmp_path / "run")]
    code, said = interrupted(line, lambda: len(audited.log(str(environment))) >= 2)
    assert code == 130
    assert "Interrupted: nothing is begun; the same command goes on." in said
    assert len(audited.log(str(environment))) < 6
    assert not (tmp_path / "run").exists()
