"""The examples run, each in an empty folder, and print or draw their result."""

from pathlib import Path

import pytest

from tests.support.documents import ROOT, run

EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code = (ROOT / "examples" / name).read_text("utf-8")
    if name == "ci_gate.py":
        with pytest.raises(SystemExit) as ended:
            run(code, tmp_path / name)
        assert ended.value.code == 0
    else:
        run(code, tmp_path / name)
        assert capsys.readouterr().out or (tmp_path / "rgo.pdf").stat().st_size


def test_the_examples_are_listed_and_use_public_names_alone() -> None:
    table = (ROOT / "examples" / "README.md").read_text("utf-8")
    for name in EXAMPLES:
        assert f"[{name}]({name})" in table
        assert "iqaudit._" not in (ROOT / "examples" / name).read_text("utf-8")
