"""`iqaudit audit` and the analyses behind it: what it prints of them, and what it mends."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from click.testing import CliRunner, Result
from tests.support.auditing import ROUGH, contents

import iqaudit
from iqaudit import _cli
from iqaudit.testing import synthetic_picture

BEATEN = "beaten by chance"


def iqaudit_(*arguments: object) -> Result:
    return CliRunner().invoke(_cli.main, list(map(str, arguments)))


class Audited(NamedTuple):
    """An audit's command line, its directory, and what its first start printed."""

    command: Sequence[object]
    run: Path
    first: Result


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """Return an audit whose attack moves little, and chance does more."""
    pictures = tmp_path_factory.mktemp("analyses") / "pictures"
    pictures.mkdir()
    for index in range(5):
        pixels = 90 + 4 * index + synthetic_picture(24, 26) // 64
        iqaudit.write(pictures / f"p{index}.png", pixels)
    run = pictures.parent / "run"
    settings = ("--attack", "simba", "--goal", "lower", "--queries", 12, "--scale", "declared")
    command = ("audit", pictures, "--victim", ROUGH, *settings, "--out", run)
    return Audited(command, run, iqaudit_(*command))


@pytest.mark.parametrize("content", ['{"x":', "{}", "[]", "null", ""])
def test_a_start_mends_an_analysis_whatever_is_left_of_it(content: str, audited: Audited) -> None:
    whole = contents(audited.run)
    for name in ("transfer.json", "insights.json"):
        [file] = audited.run.rglob(name)
        file.write_text(content)
    again = iqaudit_(*audited.command, *(["--json"] if content else []))
    assert again.exit_code == 0, again.output
    assert contents(audited.run) == whole


def test_a_run_says_of_chance_what_its_tables_say(audited: Audited) -> None:
    """At once, though the figures of chance are made after the table is printed; and once."""
    [cell] = iqaudit.load(audited.run).cells
    assert BEATEN in [doubt.flag for doubt in cell.doubts]
    for doubt in cell.doubts:
        assert audited.first.stderr.count(doubt.text) == 1


def test_what_was_read_before_the_analyses_is_read_again_behind_them(audited: Audited) -> None:
    [insights] = audited.run.rglob("insights.json")
    insights.unlink()
    done = iqaudit.load(audited.run)
    assert BEATEN not in done.table().rows[0].flags
    done.analyse()
    assert BEATEN in done.table().rows[0].flags


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_is_cited_has_the_flags_of_the_analyses(
    form: list[str], audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    def citations(done: iqaudit.Audit) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(text=f"A suite: {done.table().rows[0].flags}", cells=["rough--simba"])
        ]

    monkeypatch.setattr(iqaudit.Audit, "citations", citations)
    [insights] = audited.run.rglob("insights.json")
    insights.unlink()
    assert f"A suite: {BEATEN}" in iqaudit_(*audited.command, *form).stdout


def test_a_sentence_on_attacks_is_said_once(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [SimpleNamespace(text=text) for text in ("On one.", "On two.", "On one.")]
    monkeypatch.setattr(iqaudit.Audit, "compare_attacks", lambda _: texts)
    said = iqaudit_(*audited.command).stdout
    assert [said.count(each.text) for each in texts] == [1, 1, 1]


def test_verify_counts_pictures_and_names_what_else_is_damaged(audited: Audited) -> None:
    [transfer] = audited.run.rglob("transfer.json")
    whole = transfer.read_bytes()
    assert iqaudit_("verify", audited.run).stdout.endswith("\n5 of 5 pictures are as recorded.\n")
    for content in ("{", "{}"):
        transfer.write_text(content)
        found = iqaudit_("verify", audited.run)
        assert found.exit_code == 1
        assert found.stdout.endswith("\n5 of 5 pictures are as recorded; transfer.json is not.\n")
    transfer.write_bytes(whole)
