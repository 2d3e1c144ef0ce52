"""The analyses that follow an audit, as one call."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from tests.support.audits import brightness, edit, function, photographs, write_manifest, write_run

from iqaudit import InputError
from iqaudit._analysis.analyse import Share, analyse
from iqaudit._runs.schema import INSIGHTS, TRANSFER
from iqaudit.victims._base import ELSEWHERE

VICTIM = "python:tests.support.audits:brightness"
CELLS = ("one", "two")


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    for name in CELLS:
        write_run(tmp_path / name, function(brightness), photographs(2), queries=20)
    cells = [(name, VICTIM, "bidirectional") for name in CELLS]
    return write_manifest(tmp_path, cells, {"score_range": [118, 138]})


def files(audit: Path) -> list[Path]:
    return [audit / TRANSFER, *(audit / cell / INSIGHTS for cell in CELLS)]


def test_what_is_missing_is_written_and_nothing_else(audit: Path) -> None:
    shares: list[tuple[int, str]] = []

    def watch(asked: Sequence[Share], bound: str) -> AbstractContextManager[None]:
        shares.extend((count, bound) for _, count in asked)
        return nullcontext()

    assert analyse(audit, watch) == ()
    before = [file.read_bytes() for file in files(audit)]
    assert [bound for _, bound in shares] == ["", "at most ", "at most "]
    assert all(count > 0 for count, _ in shares)
    (audit / "two" / INSIGHTS).unlink()
    assert analyse(audit, watch) == ()
    assert len(shares) == 4
    assert [file.read_bytes() for file in files(audit)] == before


def test_a_victim_that_may_cost_money_is_named_and_nothing_is_asked(audit: Path) -> None:
    edit(audit / "two", lambda record: record["victim"].update(device=ELSEWHERE))
    assert analyse(audit) == ("two",)
    assert not any(file.exists() for file in files(audit))


def test_a_watch_may_refuse(audit: Path) -> None:
    def refuse(_asked: Sequence[Share], _bound: str) -> AbstractContextManager[None]:
        raise InputError("No.")

    with pytest.raises(InputError, match=r"No\."):
        analyse(audit, refuse)
    assert not any(file.exists() for file in files(audit))
