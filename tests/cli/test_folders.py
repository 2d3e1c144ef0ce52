"""Folders on the command line and from Python: what is skipped is told by every command."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.support.pictures import MakePicture

import iqaudit
from iqaudit import _cli
from iqaudit._runs.schema import load_audit

VICTIM = ("--victim", "python:tests.support.audited:rough")
SKIPPED = "skipped 1 folder (deep; {} searches folders, too) and 1 file (notes.txt)."


def iqaudit_(*arguments: object) -> Result:
    return CliRunner().invoke(_cli.main, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path, make_picture: MakePicture) -> Path:
    """Return a folder of ten pictures, two in a folder in it, and a file that is none."""
    for index in range(12):
        name = f"deep/p{index - 10}.png" if index >= 10 else f"p{index}.png"
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        iqaudit.write(tmp_path / "f" / name, make_picture(64, 66, index) // (1 + index % 5))
    (tmp_path / "f" / "notes.txt").touch()
    return tmp_path / "f"


def commands(folder: Path, out: Path) -> dict[str, tuple[object, ...]]:
    return {
        "score": ("score", folder, *VICTIM),
        "attack": ("attack", folder, *VICTIM, "--queries", 3, "--out", out / "attack"),
        "audit": ("audit", folder, *VICTIM, "--queries", 3, "--out", out / "audit"),
        "data": (
            "audit",
            "--data",
            f"folder:{folder}",
            *VICTIM,
            "--queries",
            3,
            "--out",
            out / "d",
        ),
        "plan": ("plan", folder, *VICTIM, "--queries", 3),
        "check": ("check", "--pictures", folder, *VICTIM),
        "calibrate": ("calibrate", "--pictures", folder, *VICTIM, "--out", out / "s.toml"),
        "datasets": ("datasets", f"folder:{folder}"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("command", commands(Path(), Path()))
def test_every_command_tells_what_it_skips_once_and_searches_folders_on_demand(
    command: str, folder: Path, tmp_path: Path
) -> None:
    result = iqaudit_(*commands(folder, tmp_path)[command])
    assert result.stderr.count(f"{folder}: {SKIPPED.format('--recursive')}") == 1, result.output
    assert "skipped" not in result.stdout
    (tmp_path / "again").mkdir()
    deep = iqaudit_(*commands(folder, tmp_path / "again")[command], "--recursive")
    assert f"{folder}: skipped 1 file (notes.txt)." in deep.stderr
    if command in ("score", "attack"):
        assert "deep_p1" in deep.stdout
        assert "deep_p1" not in result.stdout
    (tmp_path / "quiet").mkdir()
    quiet = iqaudit_(*commands(folder, tmp_path / "quiet")[command], "--quiet")
    assert "skipped" not in quiet.output


@pytest.mark.slow
def test_python_is_warned_or_told(folder: Path, tmp_path: Path) -> None:
    victim = VICTIM[1]
    calls: list[Callable[..., object]] = [
        lambda **more: iqaudit.score(folder, victim, **more),
        lambda **more: iqaudit.check(victim, folder, **more),
        lambda **more: iqaudit.calibrate(victim, folder, **more),
        lambda **more: iqaudit.attack(folder, victim, queries=3, **more),
        lambda **more: iqaudit.attack(
            folder, victim, queries=3, out=tmp_path / f"attack{len(more)}", **more
        ),
        lambda **more: iqaudit.audit(
            [victim], folder, queries=3, out=tmp_path / f"a{len(more)}", analyses=False, **more
        ),
    ]
    for call in calls:
        with pytest.warns(UserWarning, match="skipped 1 folder") as told:
            call()
        assert len(told) == 1
        assert told[0].filename == __file__
        with pytest.warns(UserWarning, match="skipped 1 file"):
            call(recursive=True)
    [told_of] = iqaudit.plan([victim], folder, queries=3).skipped
    assert SKIPPED.format("recursive=True") in told_of
    assert SKIPPED.format("recursive=True") in iqaudit.datasets.load(folder).skipped[0]


@pytest.mark.slow
def test_a_folder_searched_deep_has_safe_cells_and_leads_back(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit"
    spec = f"folder:{folder},recursive"
    assert len(iqaudit.datasets.load(spec).samples) == 12
    result = iqaudit_("audit", "--data", spec, *VICTIM, "--queries", 3, "--out", out)
    assert result.exit_code == 0, result.output
    record = load_audit(out)
    assert len({each.file for each in record.data.samples}) == 12
    assert {"deep/p0.png", "p0.png"} <= {each.file for each in record.data.samples}
    assert all("/" not in name for name in record.data.pictures)
    files = sorted(out.rglob("attacked/*.png"))
    assert len(files) == 12
    again = iqaudit_("audit", "--data", spec, *VICTIM, "--queries", 3, "--out", out)
    assert again.exit_code == 0


def test_recursive_is_for_folders(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("image,mos\na.png,50\n")
    result = iqaudit_("datasets", f"csv:{tmp_path / 't.csv'}", "--recursive")
    assert result.exit_code == 2
    assert "leave recursive out" in result.stderr


def test_an_audits_file_can_say_recursive(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "audit.toml"
    file.write_text(
        f'victims = ["{VICTIM[1]}"]\nqueries = 3\n'
        f"[data]\npictures = ['{folder}']\nrecursive = true\n"
    )
    result = iqaudit_("plan", "--from", file, "--json")
    assert json.loads(result.stdout)["pictures"] == 12
