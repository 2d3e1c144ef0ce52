"""Names that systems have and texts do not: decided before the first query, or carried through."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.support.pictures import MakePicture
from tests.support.records import text

import iqaudit
from iqaudit import InputError, _cli
from iqaudit._core.collection import collect
from iqaudit._runs.schema import load_audit
from iqaudit.testing import synthetic_picture
from iqaudit.victims import Card

VICTIM = ("--victim", "python:tests.support.audited:rough", "--queries", 3)
ODD = [
    b"caf\xe9.png",
    b"line\nend.png",
    b"\x1b[31mred.png",
    b"-dash.png",
    b" .png",
    b"[bold]b.png",
    b"x" * 240 + b".png",
    "\u00e9".encode() * 120 + b".png",
    "caf\u00e9.png".encode(),
    "cafe\u0301.png".encode(),
    "\ud55c.png".encode(),
    "\u1112\u1161\u11ab.png".encode(),  # the same letter, decomposed
    b"A.png",
    b"a.png",
    b"#1.png",
]


def iqaudit_(*arguments: object) -> Result:
    return CliRunner().invoke(_cli.main, [str(argument) for argument in arguments])


@pytest.fixture
def odd(tmp_path: Path, make_picture: MakePicture) -> Path:
    """Return a folder of pictures with names of all kinds."""
    (tmp_path / "odd").mkdir()
    iqaudit.write(tmp_path / "a.png", make_picture(20, 24))
    content = (tmp_path / "a.png").read_bytes()
    for name in ODD:
        try:
            Path(os.fsdecode(bytes(tmp_path / "odd") + b"/" + name)).write_bytes(content)
        except OSError:  # some disks take names in UTF-8 alone
            pytest.skip("this disk refuses such names")
    return tmp_path / "odd"


def test_names_stay_apart_on_disks_that_take_letters_for_one_another(odd: Path) -> None:
    import unicodedata

    names = collect(odd).names
    assert len(names) == len(ODD)
    alike = {unicodedata.normalize(form, name).casefold() for name in names for form in ("NFC",)}
    assert len(alike) == len(ODD)
    for name in names:
        assert name.isprintable()
        assert name.encode()
        assert len(name.encode()) < 220
        assert not name.startswith(("-.", "."))


@pytest.mark.slow
@pytest.mark.parametrize("data", [["odd"], ["--data", "folder:odd"]])
def test_odd_names_are_carried_through_a_run(
    data: list[str], odd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(odd.parent)
    out = Path("out")
    for _ in range(2):
        result = iqaudit_("audit", *data, *VICTIM, "--out", out)
        assert result.exit_code == 0, result.output
    for file in (out / "audit.json", *out.rglob("results.json")):
        assert json.loads(file.read_bytes().decode()) == json.loads(file.read_text("utf-8"))
        assert b"\\udc" not in file.read_bytes()
    assert r"caf\xe9.png" in {each.file for each in load_audit(out).data.samples}
    for command in ("verify", "status", "tables", "report"):
        result = iqaudit_(command, out)
        assert result.exit_code == 0, result.output
        assert "\x1b" not in result.output
    assert iqaudit_("export", out, "--csv", "rows.csv").exit_code == 0
    assert r"line\nend.png" in Path("rows.csv").read_text("utf-8")


def test_a_path_of_bytes_is_taken_up_and_its_folders_and_victims_too(
    odd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(odd.parent)
    folder = os.fsdecode(b"d\xe9\x1b[1m")
    Path(folder).mkdir()
    Path(folder, "p.png").write_bytes(Path("a.png").read_bytes())
    out = os.fsdecode(b"out\xe9")
    for _ in range(2):
        result = iqaudit_("audit", "--data", f"folder:{folder}", *VICTIM, "--out", out)
        assert result.exit_code == 0, result.output
    assert load_audit(out).data.name == r"d\xe9\x1b[1m"
    assert load_audit(out).campaign["data"]["pictures"] == []
    assert iqaudit.Audit(out).export(csv="rows.csv")
    scale = iqaudit.Scale.from_range(0, 1)
    assert Card(os.fsdecode(b"net\xe9"), scale).name == r"net\xe9"


def test_a_list_of_odd_names_brings_them_back(odd: Path) -> None:
    whole = iqaudit.datasets.load(odd)
    iqaudit.datasets.write_names(odd / "list.txt", whole)
    names = iqaudit.datasets.read_names(odd / "list.txt")
    assert iqaudit.datasets.subset(whole, names).samples == whole.samples


def test_a_list_that_may_mean_two_pictures_is_refused(odd: Path) -> None:
    whole = iqaudit.datasets.load(odd)
    for name, both in (("x/A.PNG", "A.png or a.png"), ("CAF\u00c9.png", "may be")):
        with pytest.raises(InputError, match=both):
            iqaudit.datasets.subset(whole, [name])


def test_two_files_shown_alike_are_no_data_set(odd: Path) -> None:
    (odd / r"line\nend.png").write_bytes((odd / "a.png").read_bytes())
    with pytest.raises(InputError, match=r"both shown as line\\nend\.png; rename one"):
        iqaudit.datasets.load(odd)
    assert len(iqaudit.score(odd, VICTIM[1])) == len(ODD) + 1


def test_sentences_show_no_control_characters(odd: Path) -> None:
    for name in ("no\x1b[31m.png", "no\x07\x7f.png", os.fsdecode(b"no\xe9.png")):
        result = iqaudit_("score", odd / name)
        assert result.exit_code == 2
        assert "there is no such file" in result.stderr
        assert result.stderr.rstrip("\n").isprintable()
    for name, sentence in (("a\nb.png", r"a\\nb\.png: there is no"), ("x" * 300, "xx: .*too long")):
        for call in (iqaudit.read, lambda path: list(collect(path))):
            with pytest.raises(InputError, match=sentence):
                call(name)


@pytest.mark.slow
def test_ascii_output_is_enough(odd: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "iqaudit", "score", str(odd), *VICTIM[:2]],
        env=os.environ
        | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("ascii").count("24 x 20") == len(ODD)


RELATIVE: dict[str, Callable[[Path], object]] = {
    "attack": lambda photo: iqaudit.attack(photo, VICTIM[1], queries=3, out="run"),
    "audit": lambda photo: iqaudit.audit([VICTIM[1]], photo, queries=3, out="run"),
    "calibrate": lambda photo: iqaudit.calibrate(VICTIM[1], [photo] * 10, out="scale.toml"),
    "demo": lambda _: iqaudit.demo(queries=3),
}


@pytest.mark.skipif(sys.platform == "win32", reason="a current folder cannot be deleted there")
@pytest.mark.parametrize("call", RELATIVE)
def test_a_current_folder_that_was_deleted_is_said_before_the_first_query(
    call: str,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[], int],
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(InputError, match="the current folder was deleted; change to another"):
        RELATIVE[call](photos / "p0.png")
    assert not asked()
    result = iqaudit_("attack", photos, *VICTIM, "--out", "run")
    assert (result.exit_code, "folder was deleted" in result.stderr) == (2, True)
    assert len(iqaudit.score(photos, VICTIM[1])) == 3
    assert len(iqaudit.attack(photos, VICTIM[1], queries=3, out=tmp_path / "whole")) == 3


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("photos/p0.png", "holds no run"),
        ("photos/p0.png/run", "cannot be written"),
        ("photos", "holds no run"),
        ("x" * 300, "cannot be written|File name too long"),
        ("loop/run", "cannot be written"),
    ],
)
def test_a_place_that_cannot_hold_a_run_is_said_before_the_first_query(
    out: str, sentence: str, photos: Path, asked: Callable[[], int]
) -> None:
    (photos.parent / "loop").symlink_to(photos.parent / "loop")
    with pytest.raises(InputError, match=sentence):
        iqaudit.attack(photos, VICTIM[1], queries=3, out=photos.parent / out)
    assert not asked()


@pytest.mark.parametrize("data", ["pictures", "spec"])
def test_a_run_lies_beside_a_folder_that_is_searched_deep(
    data: str, photos: Path, asked: Callable[[], int]
) -> None:
    pictures = photos if data == "pictures" else f"folder:{photos},recursive"
    for out in (photos / "run", photos / "deep" / "run"):
        with pytest.raises(InputError, match=r"this lies in .*photos, whose folders are searched"):
            iqaudit.audit([VICTIM[1]], pictures, queries=3, out=out, recursive=True)
        assert not out.exists()
    assert not asked()
    with pytest.warns(UserWarning, match=r"skipped 1 folder \(run;"):
        results = iqaudit.attack(photos, VICTIM[1], queries=3, out=photos / "run")
    assert len(results) == 3


def test_a_strangers_names_reach_no_terminal_as_they_are(tmp_path: Path) -> None:
    """Of a record's cells, victims, attacks and reasons; a control character could hide a line."""
    strange = "\x1b[31m\x9bX"
    iqaudit.write(tmp_path / "p.png", synthetic_picture(20, 24, 0))
    victim = "python:tests.support.audited:rough"
    run = tmp_path / strange
    iqaudit.attack(tmp_path / "p.png", victim, queries=8, out=run)
    iqaudit.insights(run)
    iqaudit.transfer(run)
    for name in ("results.json", "insights.json", "transfer.json"):
        record = json.loads((run / name).read_text())
        record |= {"unscored": [{"name": f"q{strange}", "reason": strange}]}
        if name == "results.json":
            record["victim"]["name"] = record["attack"]["name"] = strange
            record["pictures"][0]["notes"] = [strange]
        (run / name).write_text(text(record))
    for command in ("verify", "tables", "compare", "status", "report", "transfer", "insights"):
        trust = ["--trust"] if command in ("verify", "transfer", "insights") else []
        done = iqaudit_(command, run, *trust)
        assert not isinstance(done.exception, ValueError)
        assert "\\x1b[" in done.output
        assert not {"\x1b", "\x9b"} & set(done.output)
