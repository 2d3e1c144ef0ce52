"""Programs as victims: what they are given, what is read, what is left behind."""

import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.support.pictures import MakePicture
from tests.support.processes import wait_until
from tests.support.scorers import roughness
from tests.support.serving import RANGE, Hours, fingerprint

import iqaudit
from iqaudit import InputError, VictimError
from iqaudit.victims import Command, as_victim

SCORER = """
import json, sys
from PIL import Image
def score(path):
    with Image.open(path) as image:
        samples = image.tobytes()
        row = 3 * image.width
    across = zip(samples, samples[3:])
    differences = sum(abs(a - b) for i, (a, b) in enumerate(across) if i % row < row - 3)
    return differences / len(samples)
"""
"""Roughness again, in a program that starts fast."""


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """Return a maker of command templates from Python code."""

    def make(code: str, words: str = "{picture}") -> str:
        path = tmp_path / "scorer.py"
        path.write_text(code)
        return f"{shlex.quote(sys.executable)} -S {shlex.quote(str(path))} {words}"

    return make


@pytest.fixture
def scoring(script: Callable[..., str]) -> Callable[..., str]:
    return lambda code, words="{picture}": script(SCORER + code, words).replace(" -S ", " ")


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give temporary files a folder of their own, with a hostile name, and find it empty after."""
    folder = tmp_path / "t m'p;$(x)"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert not list(folder.iterdir())


def runs(template: str, hours: Hours | None = None, **options: Any) -> Command:
    return Command(template, score_range=RANGE, clock=(hours or Hours()).clock, **options)


@pytest.mark.slow
def test_an_attack_through_a_command_is_the_same_to_the_last_byte(
    scoring: Callable[..., str], make_picture: MakePicture
) -> None:
    picture = make_picture(20, 24)
    [direct] = iqaudit.attack(picture, roughness, score_range=RANGE, queries=30, seed=5)
    victim = runs(scoring("print('score', score(sys.argv[1]))"))
    [through] = iqaudit.attack(picture, victim, queries=30, seed=5)
    assert fingerprint(direct) == fingerprint(through)
    assert astuple(victim.account)[:3] == (30, 30, 0)


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("for path in paths: print(path, score(path))", {}),
        ("for path in paths: print('s =', score(path), 'of 100')", {"pattern": r"s = (\S+)"}),
        ("print(json.dumps({'all': [score(path) for path in paths]}))", {"field": "all"}),
    ],
)
def test_a_list_of_pictures_is_one_request(
    code: str,
    options: dict[str, Any],
    scoring: Callable[..., str],
    make_picture: MakePicture,
) -> None:
    pictures = np.stack([make_picture(9, 9, seed) for seed in range(4)])
    template = scoring(f"paths = open(sys.argv[1]).read().splitlines()\n{code}", "{pictures}")
    victim = runs(template, **options)
    assert victim.card.largest_batch is None
    assert np.array_equal(victim.score(pictures[:3]), roughness(pictures[:3]))
    assert np.array_equal(victim.score(pictures), roughness(pictures))
    assert astuple(victim.account)[:3] == (2, 4, 3)


@pytest.mark.parametrize(
    ("printed", "options", "expected"),
    [
        ("loaded 3 weights\nscore=-1.5e-3.", {}, -1.5e-3),
        ("score (0-100): 17", {}, 17),
        ('{"score": 4}', {}, 4),
        ("a 1 b 2", {"pattern": r"a (\d)"}, 1),
        ('{"r": [{"q": 6}]}', {"field": "r[0].q"}, 6),
        ("picture-1.png\t7.5\n\n", {}, 7.5),
    ],
)
def test_the_score_is_read_from_what_is_printed(
    printed: str,
    options: dict[str, Any],
    expected: float,
    script: Callable[..., str],
    make_picture: MakePicture,
) -> None:
    victim = runs(script(f"print({printed!r})"), **options)
    assert victim.score(make_picture(8, 8)[None]) == [expected]


@pytest.mark.parametrize(
    ("code", "options", "sentence"),
    [
        ("print('all well')", {}, "printed no number"),
        ("", {}, "printed no number"),
        ("print('took 2024 ms, score 12,5')", {}, "no number where the score was due"),
        ("print('score 3 in 5ms')", {}, "no number where the score was due"),
        ("print('score 7_5')", {}, "no number where the score was due"),
        ("print('picture 1: nan')", {}, "answered nan where"),
        ("print(1, 2)", {"pattern": r"(\d)"}, "2 times, not 1"),
        ("print('x')", {"pattern": "(x)"}, "no number where"),
        ("print('3')", {"field": "score"}, "holds nothing"),
        ("print('x' * 2_000_000)", {}, "printed more than 1 MiB"),
        ("import sys; print(3); sys.exit('a\\nno weights')", {}, "exit code 1: no weights"),
        ("import os; print(3, flush=True); os.kill(os.getpid(), 9)", {}, "ended with signal 9"),
    ],
)
def test_a_program_that_fails_is_a_sentence(
    code: str,
    options: dict[str, Any],
    sentence: str,
    script: Callable[..., str],
    make_picture: MakePicture,
) -> None:
    victim = runs(script(code), retries=1, **options)
    with pytest.raises(VictimError, match=sentence):
        victim.score(make_picture(8, 8)[None])
    assert astuple(victim.account)[:2] == (2, 0)


@pytest.mark.parametrize(("stream", "said"), [("stdout", "printed"), ("stderr", "wrote")])
def test_a_program_that_prints_without_end_is_ended_before_the_disk_is_full(
    stream: str,
    said: str,
    script: Callable[..., str],
    make_picture: MakePicture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("iqaudit.victims._metered.command.COMPLAINTS_MOST", 1 << 20)
    code = f"import sys\nfor _ in range(100): sys.{stream}.write('x' * (1 << 16))"
    began = time.monotonic()
    with pytest.raises(VictimError, match=f"{said} more than 1 MiB"):
        runs(script(f"{code}\nimport time; time.sleep(60)"), retries=0).score(
            make_picture(8, 8)[None]
        )
    assert time.monotonic() - began < 30


def test_a_list_with_a_score_too_few_is_refused(
    script: Callable[..., str], make_picture: MakePicture
) -> None:
    pictures = np.stack([make_picture(8, 8, seed) for seed in range(3)])
    ways: list[tuple[str, dict[str, Any]]] = [
        ("print('1\\n2')", {}),
        ("print('[[1, 2]]')", {"field": "[0]"}),
    ]
    for code, options in ways:
        with pytest.raises(VictimError, match=r"each of 3|list of 3"):
            runs(script(code, "{pictures}"), retries=0, **options).score(pictures)


@pytest.mark.slow
@pytest.mark.parametrize("stubborn", [False, True])
def test_a_program_that_hangs_is_ended_with_its_children(
    stubborn: bool,  # noqa: FBT001 (a parameter of pytest's)
    script: Callable[..., str],
    make_picture: MakePicture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("iqaudit.victims._metered.command.GRACE", 0.3)
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN)" if stubborn else "pass"
    code = f"""
import os, signal, sys, time
{ignore}
child = os.fork()
with open({str(tmp_path / "ids")!r}, "a") as file:
    file.write(f"{{os.getpid()}}\\n")
time.sleep(60)
"""
    victim = runs(script(code), timeout=1.5, retries=0)
    with pytest.raises(VictimError, match=r"did not end in 1\.5 s and was ended"):
        victim.score(make_picture(8, 8)[None])
    ids = [int(line) for line in (tmp_path / "ids").read_text().split()]
    assert len(ids) == 2
    assert not [each for each in ids if _is_running(each)]


def test_a_child_left_behind_holds_nothing_up(
    script: Callable[..., str], make_picture: MakePicture, tmp_path: Path
) -> None:
    code = f"""
import os, time
child = os.fork()
if child:
    open({str(tmp_path / "id")!r}, "w").write(str(child))
    print(3)
else:
    time.sleep(60)
"""
    started = time.monotonic()
    assert runs(script(code)).score(make_picture(8, 8)[None]) == [3]
    assert time.monotonic() - started < 20
    assert not _is_running(int((tmp_path / "id").read_text()))


def _is_running(process: int) -> bool:
    for _ in range(50):
        try:
            os.kill(process, 0)
            # An orphan stays a zombie until whoever adopted it looks.
            if Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return False
        except (ProcessLookupError, FileNotFoundError):
            return False
        time.sleep(0.02)
    return True


def test_ctrl_c_ends_the_program(
    script: Callable[..., str],
    make_picture: MakePicture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = f"import os, time; open({str(tmp_path / 'id')!r}, 'w').write(str(os.getpid()))\n"
    victim = runs(script(code + "time.sleep(60)"))

    def interrupt(*_: object) -> None:
        wait_until(lambda: (tmp_path / "id").is_file() and (tmp_path / "id").read_text() != "")
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr("subprocess.Popen.wait", interrupt)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t m'p;$(x)"))
    with pytest.raises(KeyboardInterrupt):
        victim.score(make_picture(8, 8)[None])
    assert not _is_running(int((tmp_path / "id").read_text()))


def test_a_pictures_name_and_a_templates_words_never_become_shell_code(
    script: Callable[..., str], make_picture: MakePicture, tmp_path: Path, temporary: Path
) -> None:
    mark = tmp_path / "pwned"
    picture = tmp_path / f"$(touch pwned);`touch pwned`'\"; touch pwned #{os.linesep}.png"
    Image.fromarray(make_picture(8, 8)).save(picture)
    words = f"'$(touch {mark})' ';' touch {mark} '*' --file={{picture}} '{{\"a\": 1}}'"
    code = f"""
import json, os, sys
json.dump(sys.argv[1:], open({str(tmp_path / "words")!r}, "w"))
print(os.path.isfile(sys.argv[-2].removeprefix("--file=")) * 3)
"""
    [result] = iqaudit.attack(picture, runs(script(code, words)), queries=2)
    assert result.clean_score == 3
    assert not mark.exists()
    assert not (Path.cwd() / "pwned").exists()
    *given, file, last = json.loads((tmp_path / "words").read_text())
    assert given == [f"$(touch {mark})", ";", "touch", str(mark), "*"]
    assert file.startswith(f"--file={temporary}/iqaudit-")
    assert Path(file).name == "picture-1.png"
    assert last == '{"a": 1}'


@pytest.mark.parametrize(
    ("template", "options", "sentence"),
    [
        ("no-such-program-anywhere {picture}", {}, "no program"),
        ("true", {}, r"has \{picture\} where"),
        ("true {picture} {pictures}", {}, "not both"),
        ("true '{picture}", {}, "cannot be split"),
        ("true {picture}", {"pattern": "("}, "no regular expression"),
        ("true {picture}", {"pattern": "(a)(b)"}, "one group.*not 2"),
        ("true {picture}", {"pattern": r"\d"}, "one group.*not 0"),
        ("true {picture}", {"pattern": "(a)", "field": "b"}, "not by both"),
        ("true {picture}", {"score_range": None}, "A command needs its score range"),
        ("true {picture}", {"form": "raw"}, "takes no form"),
    ],
)
def test_a_command_that_cannot_be_used_is_refused(
    template: str, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        as_victim(f"command:{template}", **{"score_range": RANGE, **options})


def test_a_commands_name_holds_no_option(script: Callable[..., str]) -> None:
    victim = runs(script("print(3)", "--token tok-7f3a91 {picture}"))
    assert victim.card.name == f"command:{Path(sys.executable).name} scorer.py"


def test_a_commands_name_holds_no_secret_that_ends_like_a_script() -> None:
    template = (
        """sh -c 'KEY=SECRET python s.py "$0"' {picture} --key=SECRET.r u:SECRET@host.pl a.py"""
    )
    assert as_victim(f"command:{template}", score_range=RANGE).card.name == "command:sh a.py"


def test_a_commands_name_does_not_hang_on_what_files_there_are(
    script: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An audit is taken up under it after the program wrote its first log."""
    monkeypatch.chdir(tmp_path)
    template = script("print(3)", "--log calls.log --weights net.onnx {picture}")
    before = runs(template).card.name
    (tmp_path / "calls.log").write_text("asked")
    assert before == runs(template).card.name
    assert before.endswith(" scorer.py net.onnx")
