"""Sentences speak of arguments to Python's callers, and of options to a command's."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.auditing import ROUGH, iqaudit_

import iqaudit
from iqaudit._core.wording import for_commands, worded
from iqaudit.testing import synthetic_picture

SOURCE = Path(iqaudit.__file__).parent

OWN = ("_cli", "_audit/settings.py", "_harden/card.py")
"""No Python caller's sentences: commands', the help of their options, and a file's."""

COMMANDS = ("iqaudit ", "ray ")
"""Words that begin a command, which is one whoever reads it."""


def test_a_setting_is_worded_for_its_reader() -> None:
    assert worded("lower_is_better=True") == "lower_is_better=True"
    with for_commands():
        assert worded("lower_is_better=True") == "--lower-is-better"
        with for_commands():
            pass
        assert worded("score_range=(0, 1)", "--range 0 1") == "--range 0 1"
    assert worded("yes=True") == "yes=True"


def _texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the texts of a module, but for docstrings, `worded`'s and those of options."""
    passed = {
        id(each)
        for node in ast.walk(tree)
        for each in (
            ast.walk(node)
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("worded", "Setting")
            else [node.value]
            if isinstance(node, ast.Expr)
            or (isinstance(node, ast.keyword) and node.arg in ("flag", "help"))
            else ()
        )
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in passed
        ):
            yield node.lineno, node.value


def test_no_sentence_names_an_option_to_a_python_caller() -> None:
    found = [
        f"{file.relative_to(SOURCE)}:{line}: {text}"
        for file in sorted(SOURCE.rglob("*.py"))
        if not file.relative_to(SOURCE).as_posix().startswith(OWN)
        for line, text in _texts(ast.parse(file.read_text("utf-8")))
        if re.search(r"(?<![\w-])--[a-z]", text) and not any(each in text for each in COMMANDS)
    ]
    assert not found, "\n".join(found)


def test_one_error_has_two_wordings(tmp_path: Path) -> None:
    module = "tests.support.scorers:roughness"
    with pytest.raises(iqaudit.InputError) as raised:
        iqaudit.score(synthetic_picture(16, 16, 0), f"python:{module}")
    assert "score_range=(low, high), and lower_is_better=True where" in str(raised.value)
    assert "--" not in str(raised.value)
    iqaudit.write(tmp_path / "grey.png", synthetic_picture(16, 16, 0))
    ended = iqaudit_("score", tmp_path / "grey.png", "--victim", f"python:{module}")
    assert ended.exit_code == 2
    assert "--range LOW HIGH, and --lower-is-better where" in ended.stderr
    assert "score_range" not in ended.stderr


def test_verify_from_python_names_its_argument(tmp_path: Path) -> None:
    picture, run = synthetic_picture(24, 24, 0), tmp_path / "run"
    iqaudit.audit([ROUGH], picture, ["square"], queries=2, out=run, analyses=False)
    with pytest.raises(iqaudit.InputError, match="this is an audit; give a victim with the folder"):
        iqaudit.verify(run, ROUGH)
