"""A file that is named for an output is replaced where it is one, and never where it is not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.auditing import ROUGH, iqaudit_
from tests.support.audits import Cell, rough, uneven, write_audit

import iqaudit
from iqaudit import InputError

SCORES = b"image,mos\na.png,50\n"


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> iqaudit.Audit:
    cells = {"a": Cell(rough(), queries=4), "b": Cell(rough(), "square", 4)}
    return iqaudit.load(write_audit(tmp_path_factory.mktemp("a") / "run", cells))


Write = Callable[[iqaudit.Audit, Path], object]
WRITES: dict[str, Write] = {
    "rows.csv": lambda audit, file: audit.export(csv=file),
    "rows.parquet": lambda audit, file: audit.export(parquet=file),
    "gate.xml": lambda audit, file: audit.gate(["rgo > 2"], junit=file),
    "board.html": lambda audit, file: iqaudit.compare([audit.path], html=file),
    "figure.pdf": lambda audit, file: audit.plot(out=file),
    "figure.svg": lambda audit, file: audit.plot(out=file),
    "figure.png": lambda audit, file: audit.plot(out=file),
}


@pytest.mark.parametrize("name", WRITES)
def test_only_an_output_of_the_same_kind_is_replaced(
    name: str, audit: iqaudit.Audit, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes(SCORES)
    with pytest.raises(InputError, match=f"{name}: the .* would replace this file; name another"):
        WRITES[name](audit, file)
    assert file.read_bytes() == SCORES
    assert [each.name for each in tmp_path.iterdir()] == [name]
    file.write_bytes(b"")  # as mktemp leaves it
    WRITES[name](audit, file)
    once = file.read_bytes()
    WRITES[name](audit, file)
    assert file.read_bytes() == once != b""


def test_another_parquet_is_not_replaced_nor_a_csv_written_beside_the_refusal(
    audit: iqaudit.Audit, tmp_path: Path
) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    theirs, rows = tmp_path / "theirs.parquet", tmp_path / "rows.csv"
    parquet.write_table(pa.table({"cell": [1], "mos": [2]}), theirs)
    before = theirs.read_bytes()
    with pytest.raises(InputError, match="the export would replace"):
        audit.export(csv=rows, parquet=theirs)
    assert theirs.read_bytes() == before
    assert not rows.exists()


def test_commands_refuse_before_anything_is_asked(audit: iqaudit.Audit, tmp_path: Path) -> None:
    file, out = tmp_path / "scores.csv", tmp_path / "run"
    file.write_bytes(SCORES)
    photos = [tmp_path / f"{each.name}.png" for each in uneven()]
    for photo, picture in zip(photos, uneven(), strict=True):
        iqaudit.write(photo, picture.pixels)
    how = (*photos, "--victim", ROUGH, "--queries", 4, "--out", out)
    for line in (
        ("export", audit.path, "--csv", file),
        ("compare", audit.path, "--html", file),
        ("plot", audit.path, "--out", file.with_suffix(".pdf")),
        ("tables", audit.path, "--fail-if", "rgo > 2", "--junit", file),
        ("audit", *how, "--fail-if", "rgo > 2", "--junit", file),
        ("defences", *how, "--defence", "median:3", "--csv", file),
    ):
        ended = iqaudit_(*line)
        assert ended.exit_code == 2, line
        assert "scores.csv: the " in ended.stderr
        assert ended.stderr.endswith("would replace this file; name another.\n")
        assert file.read_bytes() == SCORES
        assert not out.exists()
