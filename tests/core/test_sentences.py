"""Sentences of errors are for both who call from Python and who type a command."""

import ast
import re
from pathlib import Path

import pytest
from tests.support.auditing import ROUGH

import iqaudit
from iqaudit.testing import synthetic_picture

SOURCE = Path(iqaudit.__file__).parent
LIBRARY = [file for file in SOURCE.rglob("*.py") if "_cli" not in file.parts]


def raised(file: Path) -> list[str]:
    """Return the texts of the errors that a module raises, with a name for each value."""
    calls = [
        each.exc
        for each in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(each, ast.Raise) and isinstance(each.exc, ast.Call)
    ]
    return [ast.unparse(each) for each in calls]


@pytest.mark.parametrize("file", LIBRARY, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_sentence_that_names_an_option_names_its_argument(file: Path) -> None:
    for text in raised(file):
        for option in re.findall(r"(?<![\w-])--([a-z][a-z-]+)", text):
            if "ray start" in text:  # Ray's own
                continue
            arguments = {option.replace("-", "_"), "score_range" if option == "range" else "file"}
            arguments |= {"a data set", "data set"} if option == "data" else set()
            words = re.sub(r"--[a-z-]+", "", text).lower()
            assert any(each in words for each in arguments), text


def test_verify_from_python_names_its_argument(tmp_path: Path) -> None:
    picture, run = synthetic_picture(24, 24, 0), tmp_path / "run"
    iqaudit.audit([ROUGH], picture, ["square"], queries=2, out=run, analyses=False)
    with pytest.raises(iqaudit.InputError, match="this is an audit; give a victim with one"):
        iqaudit.verify(run, ROUGH)
