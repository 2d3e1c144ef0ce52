"""What a pyiqa victim says where pyiqa is not installed, or installed and broken."""

import socket
import sys
from pathlib import Path

import pytest

from iqaudit import InputError
from iqaudit.victims import _downloads, as_victim


def test_without_pyiqa_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    with pytest.raises(InputError, match=r"pip install 'iqaudit\[pyiqa\]' \(PolyForm Noncomm"):
        as_victim("pyiqa:piqe")


def test_a_pyiqa_that_cannot_be_imported_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pyiqa.py").write_text("import pkg_resources_of_old")
    monkeypatch.delitem(sys.modules, "pyiqa", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="cannot be imported: No module named 'pkg_resources_of"):
        as_victim("pyiqa:piqe")


def test_a_name_is_needed() -> None:
    with pytest.raises(InputError, match="not of the form pyiqa:NAME"):
        as_victim("pyiqa")


def test_an_error_that_no_download_raised_is_not_taken_for_one() -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        _ = 1 // 0
    assert _downloads.missing(raised.value) is None


def test_patience_ends_with_its_block() -> None:
    with _downloads.patience(3):
        assert socket.getdefaulttimeout() == 3
    assert socket.getdefaulttimeout() is None
