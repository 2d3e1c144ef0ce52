"""What cannot be written is named, and loses nothing that was answered."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.support.auditing import ROUGH, contents, iqaudit_
from tests.support.disk import room_for

import iqaudit
from iqaudit import InputError
from iqaudit._runs import journal
from iqaudit._runs.store import exclusive


@pytest.fixture
def audit(tmp_path: Path, photos: Path) -> iqaudit.Audit:
    """Return an audit without its analyses."""
    out = tmp_path / "run"
    iqaudit.audit([ROUGH], photos, ["square"], queries=20, out=out, engine="serial", analyses=False)
    return iqaudit.Audit(out)


def analysed(audit: iqaudit.Audit) -> None:
    audit.analyse()
    audit.report()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size"), [("transfer.jsonl", 4), ("insights.json", 16), ("report.html", 64)]
)
def test_it_is_named_and_the_same_command_goes_on(
    name: str,
    size: int,
    audit: iqaudit.Audit,
    asked: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal, "BLOCK", 4096 + 512)
    before = asked()
    pattern = rf"{name}: this cannot be written \(File too large\).*the same command goes on"
    with room_for(size << 10), pytest.raises(InputError, match=pattern):
        analysed(audit)
    analysed(audit)
    found, total = contents(audit.path), asked() - before
    for file in ("transfer.json", "transfer.jsonl", "report.html"):
        (audit.path / file).unlink()
    for each in audit.path.glob("*/insights.*"):
        each.unlink()
    analysed(audit)
    assert found == contents(audit.path)
    again = asked() - before - total
    # Each start asks again for one score that is known, of each analysis that is not there.
    assert again <= total <= again + 2


@pytest.mark.parametrize("act", ["analyse", "report", "transfer", "insights"])
def test_one_at_a_time_is_at_work_on_the_analyses(act: str, audit: iqaudit.Audit) -> None:
    [cell] = [each.path for each in audit.cells]
    acts: dict[str, Callable[[], object]] = {
        "analyse": audit.analyse,
        "report": audit.report,
        "transfer": lambda: iqaudit.transfer(audit.path),
        "insights": lambda: iqaudit.insights(audit.path),
    }
    before = contents(audit.path)
    held = cell if act == "insights" else audit.path
    with exclusive(held), pytest.raises(InputError, match="another iqaudit is at work"):
        acts[act]()
    assert contents(audit.path) == before
    acts[act]()


Write = Callable[[iqaudit.Audit, Path], object]
WRITES: dict[str, Write] = {
    "csv": lambda audit, file: audit.export(csv=file),
    "parquet": lambda audit, file: audit.export(parquet=file),
    "junit": lambda audit, file: audit.gate(["rgo > 2"], junit=file),
    "png": lambda _, file: iqaudit.write(file, np.zeros((64, 64, 3), np.uint8)),
}


@pytest.mark.parametrize("kind", WRITES)
def test_any_file_is_named(kind: str, audit: iqaudit.Audit, tmp_path: Path) -> None:
    file = tmp_path / f"file.{kind}"
    with room_for(64), pytest.raises(OSError, match="File too large") as error:
        WRITES[kind](audit, file)
    assert error.value.filename == str(file)


def test_a_command_says_the_file(audit: iqaudit.Audit, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    with room_for(64):
        ended = iqaudit_("export", audit.path, "--csv", file)
    assert ended.exit_code == 2
    assert ended.stderr.strip() == f"Error: {file}: File too large."
