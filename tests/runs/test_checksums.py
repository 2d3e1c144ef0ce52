"""A record or a file of a run that is not as it was written is refused by name, and a finding."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.support.auditing import ROUGH, iqaudit_

import iqaudit
from iqaudit._runs.checksums import sealed
from iqaudit.testing import synthetic_picture


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checksums")
    iqaudit.write(root / "p.png", synthetic_picture(20, 24, 0))
    iqaudit.attack(root / "p.png", ROUGH, queries=12, attack="square", out=root / "run")
    iqaudit.transfer(root / "run")
    iqaudit.insights(root / "run")
    return root / "run"


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def _flip(file: Path, at: int, bit: int = 1) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= bit
    file.write_bytes(content)


def test_a_checksum_is_that_of_the_file_without_it() -> None:
    text = '{\n "a": 1\n}'
    assert sealed(text) == '{\n "a": 1,\n "checksum": "45f095c3"\n}'


@pytest.mark.parametrize("name", ["results.json", "audit.json", "insights.json", "transfer.json"])
def test_no_changed_byte_of_a_record_is_read(run: Path, name: str) -> None:
    file = run / name
    before = file.read_bytes()
    loaded = iqaudit.load(run)
    for at in range(0, len(before), max(1, len(before) // 60)):
        _flip(file, at)
        with pytest.raises(iqaudit.InputError, match=name):
            _ = loaded.results(), loaded.status(), loaded.insights, loaded.transfer
        file.write_bytes(before)


@pytest.mark.parametrize(
    "name",
    [
        *("results.json", "audit.json", "insights.json", "transfer.json"),
        *("insights.jsonl", "transfer.jsonl", "scores/p.npy", "clean/p.png", "attacked/p.png"),
    ],
)
def test_verify_names_a_file_in_which_a_digit_is_another(run: Path, name: str) -> None:
    content = (run / name).read_bytes()
    if name.endswith(("json", "jsonl")):
        at = next(at for at, byte in enumerate(content[50:], 50) if chr(byte) in "2468")
    else:
        at = len(content) - 30
    _flip(run / name, at)
    checked = iqaudit_("verify", run, "--json", "--trust")
    assert checked.exit_code == 1, checked.output
    assert name in checked.output


def test_a_score_that_was_refused_is_seen_by_tables_too(run: Path) -> None:
    file = run / "scores" / "p.npy"
    answers = np.load(file)
    answers["score"][5] += 1e-9
    np.save(file, answers)
    for command in ("tables", "report", "insights", "transfer"):
        done = iqaudit_(command, run, *(["--trust"] if command in ("insights", "transfer") else []))
        assert done.exit_code == 2
        assert "p.npy: this was changed or damaged after it was written" in done.stderr


def test_a_checksum_that_was_removed_is_seen_by_verify_alone(run: Path) -> None:
    file = run / "results.json"
    text = file.read_text()
    file.write_text(text[: text.rindex(",")] + "\n}")
    assert iqaudit_("tables", run).exit_code == 0
    [_, finding] = iqaudit.verify(run, trust=True)
    assert finding.wrong == ("results.json has no checksum: it was changed after it was written",)
