"""The home folder in paths: wherever one is said, and never where a folder is called so."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.support.auditing import ROUGH, iqaudit_
from tests.support.scorers import roughness

import iqaudit
from iqaudit import InputError
from iqaudit._core.paths import located
from iqaudit.testing import synthetic_picture
from iqaudit.victims import as_victim
from iqaudit.victims._scale_file import save_scale

RANGE: dict[str, Any] = {"score_range": (0, 20)}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the home folder, which has photographs; the current folder is another."""
    for folder in ("home", "here"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "home" / "photos").mkdir()
    iqaudit.write("~/photos/a.png", synthetic_picture(20, 24, 0))
    return tmp_path / "home"


def test_home_is_where_it_is_said(home: Path) -> None:
    assert located("~") == home
    assert located("~/a/../b") == located(Path("~/a/../b")) == home / "a" / ".." / "b"
    assert located("~root/x") == Path(os.path.expanduser("~root")) / "x"  # noqa: PTH111
    for text in ("a/~/b", "a~", "~nobody-of-this-name/x.png", "~$draft.png", ""):
        assert located(text) == Path(text)


def test_a_folder_of_that_name_can_be_reached(home: Path) -> None:
    assert located("./~/a") == Path.cwd() / "~" / "a"
    assert located(located("./~/a")) == Path.cwd() / "~" / "a"
    Path("./~").mkdir()
    iqaudit.write("./~/b.png", synthetic_picture(20, 24, 1))
    assert Path("./~/b.png").exists()
    names = {
        "./~/b.png": ["b"],
        "./~": ["b"],
        "~/photos": ["a"],
    }
    for path, expected in names.items():
        assert [each.name for each in iqaudit.score(path, roughness, **RANGE)] == expected
    assert iqaudit.datasets.load("folder:./~").samples[0].name == "b.png"
    deep = iqaudit.score(".", roughness, recursive=True, **RANGE)
    assert [each.name for each in deep] == ["b"]
    iqaudit.attack("./~/b.png", roughness, queries=3, out="./~/run", **RANGE)
    assert Path("./~/run/results.json").exists()
    assert not (home / "b.png").exists()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("unset", ["HOME", ""])
def test_a_home_that_nobody_knows_is_said(monkeypatch: pytest.MonkeyPatch, unset: str) -> None:
    monkeypatch.setattr(os.path, "expanduser", str) if unset else monkeypatch.setenv("HOME", "")
    with pytest.raises(InputError, match="the home folder is not known; set HOME"):
        iqaudit.score("~/photos", roughness, **RANGE)
    done = iqaudit_("attack", "~/photos", "--out", "~/run")
    assert done.exit_code == 2
    assert "the home folder is not known" in done.stderr


def _exported(file: Path) -> None:
    class Mean(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((1, 2, 3))

    torch.export.save(torch.export.export(Mean(), (torch.zeros(1, 3, 20, 24),)), file)


def _program(file: Path) -> None:
    file.write_text(f"#!{sys.executable}\nprint(5)\n")
    file.chmod(0o755)


FILES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "torch:~/net.pt2,range=0:1": ("net.pt2", _exported),
    "command:~/bin.py {picture},range=0:10": ("bin.py", _program),
    "command:echo ~/bin.py 5 {picture},pattern=(5) /,range=0:10": ("bin.py", _program),
    f"{ROUGH},name=mine": ("none", Path.touch),
}


SLOW = next(iter(FILES))


@pytest.mark.parametrize(
    "victim",
    [pytest.param(SLOW, marks=pytest.mark.slow), *(each for each in FILES if each != SLOW)],
)
def test_a_victims_files_may_be_at_home(victim: str, home: Path) -> None:
    name, write = FILES[victim]
    write(home / name)
    assert iqaudit.score("~/photos/a.png", victim)
    assert str(home) not in as_victim(victim).card.name


@pytest.mark.slow
def test_a_checkpoint_and_a_scale_may_be_at_home(home: Path) -> None:
    state = as_victim("unique", untrained=True, score_range=(0, 1)).module.state_dict()  # type: ignore[attr-defined]
    save_file(dict(state), home / "unique.safetensors")
    assert as_victim("unique,checkpoint=~/unique.safetensors,dataset=live")
    victim = as_victim("python:tests.support.scorers:roughness", score_range=(0, 20))
    save_scale("~/scale.toml", victim.card.scale, victim, [])
    fitted = "python:tests.support.scorers:roughness,scale=~/scale.toml"
    assert iqaudit.score("~/photos/a.png", fitted)


def test_everything_that_is_read_and_written_may_be_at_home(home: Path) -> None:
    table = home / "scores.csv"
    table.write_text("image,mos\nphotos/a.png,30\n")
    (home / "audit.toml").write_text(
        'queries = 4\n[[victims]]\nspec = "python:tests.support.audited:rough"\n'
        '[data]\npictures = ["~/photos"]\n'
    )
    done = iqaudit.audit(file="~/audit.toml", out="~/run", analyses=False)
    assert done.path == home / "run"
    assert iqaudit.load("~/run").path == home / "run"
    assert not any(check.wrong for check in iqaudit.verify("~/run"))
    assert iqaudit.audit([ROUGH], "~/photos", queries=4, out="~/more", analyses=False).cells
    assert iqaudit.audit([ROUGH], "csv:~/scores.csv", queries=4, out="~/scored", analyses=False)
    [cell] = [path for path in (home / "run").iterdir() if path.is_dir()]
    assert iqaudit.score("~/photos/a.png", f"replay:~/run/{cell.name}")
    done.export(csv="~/rows.csv")
    done.gate(["rgo > 2"], junit="~/junit.xml")
    iqaudit.compare(["~/run"], html="~/boards.html")
    assert all((home / name).exists() for name in ("rows.csv", "junit.xml", "boards.html"))
    assert not list(Path.cwd().iterdir())
    assert iqaudit_("tables", "~/run").exit_code == 0
    assert (
        iqaudit_("attack", "~/photos", "--victim", ROUGH, "--queries", 3, "--out=~/x").exit_code
        == 0
    )
    assert (home / "x" / "results.json").exists()
    assert str(home) not in (home / "run" / "audit.json").read_text()
