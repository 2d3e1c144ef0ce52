"""Suites to cite: they never change, say what plain settings say, and nothing beside them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.auditing import ROUGH, iqaudit_

import iqaudit
from iqaudit import InputError
from iqaudit._analysis.tables import catalogue, citation, leaderboard, tables
from iqaudit._audit import data, manifest, parse
from iqaudit._audit.spec import AuditSpec
from iqaudit._cli.audit import print_cells
from iqaudit._runs import schema
from iqaudit._runs.suites import NAMES, STANDARD_1, SUITES, Suite
from iqaudit.attacks._base import is_white_box
from iqaudit.datasets import Drawing
from iqaudit.testing import synthetic_picture

GOLDEN = Path(__file__).parents[1] / "suites"

ASKED: Mapping[str, Any] = {"victims": "reference", "data": "csv:scores.csv"}


def definition(suite: Suite) -> dict[str, Any]:
    """Return all that decides a suite's figures, but for the code of attacks.

    Of that, tests/golden has trajectories, and the protocol is raised where it changes.
    """
    light = suite.name.endswith(" light")
    name = suite.name.removesuffix(" light")
    made = parse.audit_spec({**ASKED, "suite": name, "light": light})
    record = made.record(["reference"])
    said = {
        "protocol": manifest.PROTOCOL,
        "measures": {"at each budget": suite.at_each, "at the largest": suite.at_last},
        "campaign": record,
        "attacks": [each.settings for each in made.attacks],
        "stop": vars(made.stop),
        "cells": {cell.folder: [cell.queries, *cell.shorter] for cell in made.cells()},
    }
    found: dict[str, Any] = json.loads(json.dumps(said))
    return found


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_never_changes(name: str) -> None:
    kept = json.loads((GOLDEN / f"{name.replace(' ', '-')}.json").read_text("utf-8"))
    assert kept == definition(SUITES[name]), (
        f"figures were published as {name}'s: leave it as it is, and give what is new another name"
    )


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_every_victim_can_be_asked_all_of_it(suite: Suite) -> None:
    made = parse.audit_spec({**ASKED, **suite.settings})
    assert not any(is_white_box(cell.attack.attack) for cell in made.cells())


@pytest.mark.parametrize(("light", "budgets"), [(False, (100, 1000, 10_000)), (True, (100, 1000))])
def test_it_is_what_plain_settings_say(*, light: bool, budgets: tuple[int, ...]) -> None:
    made = parse.audit_spec({**ASKED, "suite": "standard-1", "light": light})
    plain = {
        "victims": "reference",
        "attacks": ["bidirectional", "guided,budget=queries", "square", "random"],
        "levels": 3,
        "goals": "bidirectional",
        "seeds": 0,
        "queries": list(budgets),
        "data": {"spec": "csv:scores.csv", "sample": 50, "seed": 0, "or_all": True},
    }
    assert made.suite == ("standard-1 light" if light else "standard-1")
    assert replace(made, suite="") == parse.audit_spec(plain)


def test_a_file_and_the_command_line_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "audit.toml"
    file.write_text('victims = "reference"\ndata = "csv:x.csv"\nsuite = "standard-1"\nlight = true')
    found: list[AuditSpec] = []

    def take(spec: AuditSpec, *_: object, **__: object) -> None:
        found.append(spec)
        raise InputError("taken")

    monkeypatch.setattr("iqaudit._api.audit.execute.run", take)
    said = ["--victim", "reference", "--data", "csv:x.csv", "--suite", "standard-1", "--light"]
    for options in (["--from", str(file)], said):
        assert "taken" in iqaudit_("audit", *options, "--out", "run").output
    with pytest.raises(InputError, match="taken"):
        iqaudit.audit(["reference"], "csv:x.csv", suite="standard-1", light=True, out="run")
    assert [each.suite for each in found] == ["standard-1 light"] * 3
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"queries": 300}, "The suite standard-1 says queries: leave out one or the other."),
        ({"attacks": "pgd", "seeds": 3}, "standard-1 says attacks, seeds:"),
        ({"levels": 3}, "says levels"),
        ({"goals": "raise"}, "says goals"),
        ({"early_stop": 0.5}, "says early_stop"),
        ({"until_plateau": 9}, "says until_plateau"),
        ({"fresh": 8}, "says fresh"),
        ({"scale": "declared"}, "says scale"),
        ({"paper": "live"}, "says paper"),
        ({"data": {"spec": "x", "sample": 9, "stratify": "type"}}, "says sample, stratify"),
        ({"data": {"spec": "x", "seed": 1}}, "says seed"),
        ({"data": {"spec": "x", "subset": "few.txt"}}, "says subset"),
        ({"victims": "reference,scale=declared"}, "leave out scale=declared"),
        ({"suite": "standart-1"}, 'did you mean "standard-1"'),
        ({"suite": "standard-1 light"}, 'no suite called "standard-1 light"'),
        ({"suite": None, "light": True}, "light goes with a suite: standard-1"),
    ],
)
def test_what_would_change_it_is_refused(said: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        parse.audit_spec({**ASKED, "suite": "standard-1", **said})


def test_of_many_pictures_fifty_are_drawn_and_few_are_all_taken(tmp_path: Path) -> None:
    for count in (7, 50, 60):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            (folder / f"p{number:02}.png").touch()
        asked = {"victims": "reference", "data": {"pictures": [str(folder)]}, "suite": "standard-1"}
        found = data.find(parse.audit_spec(asked).data)
        drawn = {"sample": 50} if count > 50 else {}
        plain = parse.audit_spec(
            {"victims": "reference", "data": {"pictures": [str(folder)], **drawn}}
        )
        assert found.names == data.find(plain.data).names
        assert len(found.names) == min(count, 50)
    with pytest.raises(InputError, match="all will do go with sample"):
        Drawing(or_all=True)


# What it says


PICTURES = 3

SMALL = replace(STANDARD_1, settings={**STANDARD_1.settings, "queries": (4, 12)})


SMALLER = replace(SMALL, name="standard-1 light", settings={**SMALL.settings, "queries": (4,)})

VICTIMS = (ROUGH, "python:tests.support.audited:rougher")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return an audit of two victims by a suite like the standard one, but for its budgets."""
    root = tmp_path_factory.mktemp("suite")
    opinions = ["image,mos"]
    for seed in range(PICTURES):
        iqaudit.write(root / f"p{seed}.png", synthetic_picture(20, 24, seed))
        opinions.append(f"p{seed}.png,{seed * 2 % 3}")
    (root / "scores.csv").write_text("\n".join(opinions) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        for module in (parse, citation, leaderboard):
            patch.setattr(module, "SUITES", {each.name: each for each in (SMALL, SMALLER)})
        iqaudit.audit(
            VICTIMS,
            {"spec": f"csv:{root / 'scores.csv'}", "opinion_range": [0, 2]},
            suite="standard-1",
            out=root / "run",
            engine="serial",
            analyses=False,
        )
        yield root / "run"


@pytest.mark.slow
def test_the_line_has_the_worst_over_attacks(run: Path) -> None:
    done = iqaudit.load(run)
    measures = [catalogue.find(name) for name in ("rgo", "srocc_after")]
    table = tables.table(done.cells, measures)
    held = schema.manifest(run)
    assert held is not None
    assert held.suite == held.campaign["suite"] == "standard-1"
    assert [each.victim for each in done.citations()] == ["rough", "rougher"]
    for cited in done.citations():
        rows = [row for row in table.rows if row.victim == cited.victim]
        at = {queries: [row for row in rows if row.queries == queries] for queries in (4, 12)}
        assert [len(each) for each in at.values()] == [4, 4]
        rgo = [max(row.values["rgo"].value or 0 for row in at[queries]) for queries in (4, 12)]
        after = min(row.values["srocc_after"].value or 0 for row in at[12])
        assert [each.estimate.value for each in cited.figures] == [*rgo, after]
        for figure in cited.figures:
            [row] = [row for row in at[figure.queries] if row.attack == figure.attack]
            assert row.values[figure.measure] == figure.estimate
        line = f"iqaudit standard-1, {cited.victim}, 3 pictures of {cited.data}: "
        line += f"RGO@4 {rgo[0]:.3f} / @12 {rgo[1]:.3f}, SROCC after {after:.3f}"
        assert cited.text.removesuffix(f" ({cited.flags})") == f"{line}, worst over attacks"
        assert (cited.pictures, cited.planned, cited.ranked) == (3, 3, True)


@pytest.mark.slow
def test_it_stands_wherever_figures_do(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = iqaudit.load(run)
    texts = [each.text for each in done.citations()]
    printed = iqaudit_("tables", run).output
    held = json.loads(iqaudit_("tables", run, "--json").output)
    assert held["citations"] == json.loads(
        json.dumps([each.to_dict() for each in done.citations()], allow_nan=False)
    )
    print_cells(done)
    cells = json.loads(capsys.readouterr().out)
    assert [each["citation"] for each in cells] == [texts[0]] * 6 + [texts[1]] * 6
    page = done.report().read_text("utf-8")
    for text in texts:
        assert text in printed
        assert text in page
    (run / "report.html").unlink()


@pytest.mark.slow
def test_a_board_of_one_suite_ranks_by_it(run: Path) -> None:
    first, second, *others = iqaudit.compare([run], measures=[catalogue.find("rgo")])
    assert (first.queries, second.queries) == (12, 4)
    assert first.attack == "standard-1, the worst of 4 attacks"
    cited = {each.victim: each for each in iqaudit.load(run).citations()}
    lines = [cited[each.row.victim].figures[1].estimate for each in first.standings]
    assert [each.row.values["rgo"] for each in first.standings] == lines
    assert [each.rank for each in first.standings] == [1, 2]
    assert (lines[0].value or 0) < (lines[1].value or 0)
    assert {each.text for each in first.citations} == {each.text for each in cited.values()}
    assert not any(each.citations for each in (second, *others))


@pytest.mark.slow
def test_other_audits_have_no_line_nor_has_one_with_a_cell_to_come(
    run: Path, tmp_path: Path
) -> None:
    pictures = [synthetic_picture(20, 24, 1)]
    plain = iqaudit.audit(
        [ROUGH], pictures, ["square"], queries=4, out=tmp_path / "run", analyses=False
    )
    assert plain.citations() == ()
    assert not any(each.citations for each in iqaudit.compare([run, plain.path], measures=[]))
    results = run / "rough--square--queries-4" / "results.json"
    kept = results.rename(results.with_suffix(".kept"))
    assert [each.victim for each in iqaudit.load(run).citations()] == ["rougher"]
    kept.rename(results)


@pytest.mark.slow
def test_it_goes_on_as_the_same_suite_alone(run: Path) -> None:
    spec = f"csv:{run.parent / 'scores.csv'}"
    asked = {"spec": spec, "opinion_range": [0, 2]}
    before = (run / "audit.json").read_bytes()
    done = iqaudit.audit(VICTIMS, asked, suite="standard-1", out=run, analyses=False)
    assert len(done.citations()) == 2
    with pytest.raises(InputError, match="begun otherwise"):
        iqaudit.audit(VICTIMS, asked, ["random"], queries=12, out=run, analyses=False)
    assert (run / "audit.json").read_bytes() == before
    assert NAMES == ("standard-1",)


@pytest.mark.slow
def test_its_light_form_goes_on_to_the_whole(run: Path, tmp_path: Path) -> None:
    asked = {"spec": f"csv:{run.parent / 'scores.csv'}", "opinion_range": [0, 2]}
    for light in (True, False):
        done = iqaudit.audit(
            VICTIMS, asked, suite="standard-1", light=light, out=tmp_path, analyses=False
        )
    assert [each.text for each in done.citations()] == [
        each.text for each in iqaudit.load(run).citations()
    ]
    for file in sorted(run.rglob("*.json*")):
        assert (tmp_path / file.relative_to(run)).read_bytes() == file.read_bytes(), file
    with pytest.raises(InputError, match="begun otherwise"):
        iqaudit.audit(VICTIMS, asked, suite="standard-1", light=True, out=tmp_path)
