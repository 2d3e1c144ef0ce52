"""Tables as text: every format has the table's figures, and takes no name for its own signs."""

import csv
import io
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.audits import Cell, bright, rough, write_audit

import iqaudit
from iqaudit import Estimate, InputError, Table
from iqaudit._analysis.tables import formats
from iqaudit._analysis.tables.catalogue import LEADING, MEASURES, choose
from iqaudit._analysis.tables.formats import Column, Grid, Value
from iqaudit._core.wording import number


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    cells = {
        "rough--bidirectional": Cell(rough(), queries=20),
        "bright--square": Cell(bright(), "square", 40),
    }
    return iqaudit.load(write_audit(tmp_path_factory.mktemp("a") / "run", cells)).table()


ESTIMATE = Estimate(0.25, -0.125, 0.5)


def grid(name: str, of: Estimate = ESTIMATE) -> Grid:
    columns = Column("victim"), Column("RGO", "lower")
    return Grid(columns, ((name, Value(of, ".3f")),), (f"of {name}",))


def line(text: str, mark: str) -> str:
    return next(each for each in text.splitlines() if mark in each)


@pytest.mark.parametrize(
    ("name", "latex", "markdown"),
    [
        ("my_net", r"my\_net", r"my\_net"),
        ("50 % & $x", r"50 \% \& \$x", r"50 % \& \$x"),
        ("a|b", r"a\textbar{}b", r"a\|b"),
        ("[x]*", r"{[}x]{*}", r"\[x\]\*"),
        ("net--v2", "net-{}-{}v2", "net--v2"),
        ("#{1}~^", r"\#\{1\}\textasciitilde{}\textasciicircum{}", r"\#\{1\}\~^"),
        ("a\\b", r"a\textbackslash{}b", r"a\\b"),
        ("two\nlines", r"two\textbackslash{}nlines", r"two\\nlines"),
    ],
)
def test_a_name_is_a_name_in_every_format(name: str, latex: str, markdown: str) -> None:
    shown = formats.latex(grid(name))
    assert line(shown, "0.250") == rf"{latex} & $0.250\ [-0.125,\ 0.500]$ \\"
    assert shown.startswith("% of ")  # a note with an end of a line stays a comment
    assert all(each[:1] in "%\\" or each.endswith(r" \\") for each in shown.splitlines())
    shown = formats.markdown(grid(name))
    assert line(shown, "0.250") == rf"| {markdown} | 0.250 \[-0.125, 0.500\] |"


def test_what_there_is_no_number_for() -> None:
    missing, infinite = Estimate(None), Estimate(math.inf)
    assert line(formats.latex(grid("net", missing)), "net &") == r"net & -- \\"
    assert line(formats.latex(grid("net", infinite)), "net &") == r"net & $\infty$ \\"
    assert line(formats.markdown(grid("net", missing)), "| net").endswith("| - |")
    assert line(formats.plain(grid("net", infinite)), "net ").split() == ["net", "∞"]
    assert [number(each, ".2f") for each in (-0.001, -0.02, -math.inf)] == ["0.00", "-0.02", "-∞"]
    assert [number(-0.4, each) for each in ("+.0f", ",.0f", "+.1f")] == ["0", "0", "-0.4"]


def test_a_column_that_nobody_rated_says_so(table: Table) -> None:
    names = ("srocc_before", "srocc_after")
    none = tuple(
        replace(row, rated=0, values={**row.values, **dict.fromkeys(names, Estimate(None))})
        for row in table.rows
    )
    unrated = replace(table, rows=none)
    told = unrated.to_text("latex", ["srocc", "rgo"])
    assert "% SROCC before and SROCC after: no picture has an opinion score." in told
    assert "opinion score" not in unrated.to_text("latex", ["rgo"])
    assert "opinion score" not in table.to_text("latex", ["srocc"])


def test_columns_of_plain_text_stand_in_line(table: Table) -> None:
    head, *rows = table.to_text("text").split("\n\n")[0].splitlines()
    assert len(rows) == len(table.rows)
    assert {len(each) for each in (head, *rows)} == {len(head)}


@pytest.mark.parametrize(("form", "between"), [("markdown", " | "), ("latex", " & ")])
def test_every_format_has_the_tables_figures(table: Table, form: Any, between: str) -> None:
    lines = [each for each in table.to_text(form, "all").splitlines() if between in each]
    for row, text in zip(table.rows, lines[-len(table.rows) :], strict=True):
        cells = text.split(between)[-len(MEASURES) :]
        for measure, cell in zip(MEASURES, cells, strict=True):
            ends = [each for each in vars(row.values[measure.name]).values() if each is not None]
            expected = [number(each, measure.form) for each in ends]
            plain = cell.replace(r"\infty", "∞")
            assert re.findall(r"-?(?:\d+(?:\.\d+)?|∞)", plain) == expected, measure.name


@pytest.mark.parametrize("form", ["text", "markdown", "latex"])
def test_the_definition_of_ssim_stands_beside_it(table: Table, form: Any) -> None:
    assert "Gaussian window of 11 x 11" in table.to_text(form, ["ssim"])
    assert "Gaussian window" not in table.to_text(form, ["rgo"])


def test_csv_has_the_arrays_in_full(table: Table) -> None:
    rows = list(csv.DictReader(io.StringIO(table.to_text("csv", ["rgo", "srocc"]))))
    arrays = table.to_arrays()
    for name in ("rgo", "rgo_low", "rgo_high", "srocc_before", "srocc_after_high"):
        assert [float(row[name]) for row in rows] == arrays[name].tolist()
    assert [row["victim"] for row in rows] == ["rough", "bright"]
    assert "ssim" not in rows[0]


def test_few_lead_and_a_stem_names_both_sides(table: Table) -> None:
    assert len(LEADING) == len(set(LEADING)) == 12
    chance = {"chance_raise", "chance_lower"}  # which insights tell, and there are none
    assert {each.name for each in table.chosen()} == set(LEADING) - chance
    named = [each.name for each in table.chosen(["srocc", "rgo", "srocc_after", "range_gain"])]
    both = ["range_gain_raise", "range_gain_lower"]
    assert named == ["srocc_before", "srocc_after", "rgo", *both]
    assert [each.name for each in choose(["shift"])] == ["shift"]  # a measure itself
    assert table.chosen("all") == MEASURES
    for wrong in (["beauty"], ["sroc"], [""]):
        with pytest.raises(InputError, match="There is no measure called"):
            table.to_text("text", wrong)
    with pytest.raises(InputError, match='form of a table called "html"'):
        table.to_text("html")  # type: ignore[arg-type]


def test_what_rows_have_in_common_is_said_once(table: Table) -> None:
    shown = table.to_text()
    assert shown.splitlines()[0].split()[:3] == ["victim", "attack", "queries"]
    assert "data six; change 3/255; goal bidirectional; pictures 6" in shown
    twice = Table(table.measures, (table.rows[0], table.rows[0]))
    assert twice.to_text().split()[:3] == ["cell", "victim", "attack"]


def test_a_doubt_goes_along(tmp_path: Path) -> None:
    audit = write_audit(tmp_path / "run", {"rough--bidirectional": Cell(rough(), queries=110)})
    table = iqaudit.load(audit).table()
    [row] = table.rows
    assert row.doubt
    assert row.doubt in table.to_text()
    assert f"% rough, bidirectional: [{row.flags}]" in table.to_text("latex")
