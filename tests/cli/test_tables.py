"""`iqaudit tables`, `export` and `compare`: what they print, write and exit with."""

import csv
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import click
import pytest
from click.testing import CliRunner, Result
from tests.support.audits import OPINIONS, Cell, bright, edit, rough, write_audit

import iqaudit
from iqaudit import _cli
from iqaudit._analysis.tables import catalogue, export, tables
from iqaudit._analysis.tables.cells import load
from iqaudit._cli import printing
from iqaudit._cli.gate import Gate, gate_options
from iqaudit._cli.printing import figure

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cells = {
        "rough--bidirectional": Cell(rough(), queries=110),
        "bright--square": Cell(bright(), "square", 40),
    }
    return write_audit(tmp_path_factory.mktemp("audit") / "run", cells)


def iqaudit_(*arguments: object) -> Result:
    return CliRunner().invoke(_cli.main, list(map(str, arguments)))


@pytest.mark.slow
def test_tables_prints_every_figure_that_there_is(audit: Path) -> None:
    result = iqaudit_("tables", audit, "--all")
    assert result.exit_code == 0, result.output
    assert "rough--bidirectional · rough · bidirectional · six · 3/255" in result.output
    assert "6 pictures; 5 with an opinion score" in result.output
    row = tables.table(load(audit)).rows[0]
    without = ("chance_raise", "chance_lower", *catalogue.OF_TARGET)  # no insights, and no target
    for measure in catalogue.MEASURES:
        if measure.name in without:
            assert row.values[measure.name].value is None
            assert f"  {measure.title}" not in result.output
            continue
        line = next(each for each in result.output.splitlines() if f"  {measure.title}" in each)
        assert figure(row.values[measure.name].value, measure.form) in line


@pytest.mark.slow
def test_tables_leads_with_a_few_figures_or_those_that_are_named(audit: Path) -> None:
    shown = iqaudit_("tables", audit).output
    titles = {each.title for each in catalogue.MEASURES if f"  {each.title}" in shown}
    of_insights = ("chance_raise", "chance_lower")
    leading = {catalogue.find(name).title for name in catalogue.LEADING if name not in of_insights}
    assert titles == leading
    assert "tables --all prints every measure" in shown
    named = iqaudit_("tables", audit, "--measures", "srocc, flip").output
    assert "SROCC after" in named
    assert "FLIP" in named
    assert "reachable" not in named


@pytest.mark.slow
def test_tables_in_a_format_is_that_of_python(audit: Path) -> None:
    table = tables.table(load(audit))
    for form in ("latex", "csv"):
        shown = iqaudit_("tables", audit, "--format", form, "--measures", "srocc,rgo")
        assert shown.output == table.to_text(form, ["srocc", "rgo"])
    gated = iqaudit_("tables", audit, "--format", "csv", "--fail-if", "rgo >= 0")
    assert gated.exit_code == 3
    for wrong in (["--all", "--measures", "rgo"], ["--json", "--all"], ["--measures", "beauty"]):
        result = iqaudit_("tables", audit, *wrong)
        assert (result.exit_code, result.output.count("\n")) == (2, 1)


def test_tables_json_is_the_tables(audit: Path) -> None:
    held = json.loads(iqaudit_("tables", audit, "--json", "--fail-if", "rgo > 2").output)
    assert [row["cell"] for row in held["rows"]] == ["rough--bidirectional", "bright--square"]
    assert [row["queries"] for row in held["by_queries"]] == [100, 110, 40]
    assert [verdict["failed"] for verdict in held["gate"]] == [False, False]
    assert held["missing"] == []


@pytest.mark.parametrize(
    ("rules", "code"),
    [(["rgo > 2"], 0), (["rgo > 2", "rgo >= 0"], 3), (["rgo > often"], 2), (["nonsense > 2"], 2)],
)
def test_a_broken_rule_exits_with_3(audit: Path, rules: Sequence[str], code: int) -> None:
    options = [part for rule in rules for part in ("--fail-if", rule)]
    result = iqaudit_("tables", audit, "--quiet", *options)
    assert result.exit_code == code, result.output
    assert ("rough--bidirectional: rgo >= 0: RGO is" in result.output) == (code == 3)


def test_another_command_takes_the_gate_and_judges_what_it_wrote(audit: Path) -> None:
    @click.command()
    @gate_options
    def audit_(*, gate: Gate) -> None:
        sys.exit(gate.exit_code(audit))

    def exit_code(*rules: str) -> int:
        return CliRunner().invoke(audit_, [f"--fail-if={rule}" for rule in rules]).exit_code

    assert exit_code() == exit_code("rgo > 2") == 0
    assert exit_code("rgo > 2", "linf > 2") == 3


def test_junit_is_written_and_needs_a_rule(audit: Path, tmp_path: Path) -> None:
    file = tmp_path / "gate.xml"
    iqaudit_("tables", audit, "--quiet", "--fail-if", "rgo > 0", "--junit", file)
    assert file.read_text("utf-8").count("<testcase") == 2
    result = iqaudit_("tables", audit, "--junit", file)
    assert (result.exit_code, "give a rule" in result.output) == (2, True)


def test_no_green_verdict_outlives_a_baseline_that_is_gone(audit: Path, tmp_path: Path) -> None:
    file, rule = tmp_path / "gate.xml", ("--fail-if", "rgo > baseline + 9", "--junit")
    assert (
        iqaudit_("tables", audit, "--quiet", "--fail-if", "rgo > 9", "--junit", file).exit_code == 0
    )
    assert 'errors="0"' in file.read_text("utf-8")
    gone = iqaudit_("tables", audit, *rule, file, "--baseline", tmp_path / "gone")
    assert gone.exit_code == 2
    assert 'errors="1"' in file.read_text("utf-8")


def test_a_cell_without_results_breaks_every_rule(tmp_path: Path) -> None:
    cells = {"a": Cell(rough(), queries=4), "b": Cell(rough(), queries=4)}
    audit = write_audit(tmp_path / "run", cells)
    (audit / "b" / "results.json").unlink()
    result = iqaudit_("tables", audit, "--fail-if", "rgo > 2")
    assert result.exit_code == 3
    assert "b: rgo > 2: This cell has no results yet." in result.output
    assert "b: no results yet" in result.output


def test_a_parquet_export_that_fails_leaves_the_one_before(
    audit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrow = pytest.importorskip("pyarrow")
    file = tmp_path / "figures.parquet"
    cells = load(audit)
    export.write_parquet(file, cells)
    before = file.read_bytes()
    monkeypatch.setattr(export, "rows", lambda _: [{"span": arrow.MonthDayNano([0, 1, 0])}])
    with pytest.raises(arrow.ArrowException):
        export.write_parquet(file, cells)
    assert file.read_bytes() == before


def test_export_has_every_picture_with_every_figure(audit: Path, tmp_path: Path) -> None:
    edit(
        audit / "bright--square", lambda record: record["pictures"][1].update(outcome="interrupted")
    )
    for kind in ("csv", "parquet"):
        file = tmp_path / f"audit.{kind}"
        result = iqaudit_("export", audit, f"--{kind}", file)
        assert result.output == f"12 rows written to {file}\n"
    with (tmp_path / "audit.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    first = load(audit)[0].pictures[0].figures
    assert rows[0]["cell"] == "rough--bidirectional"
    assert float(rows[0]["attacked_score"]) == first.attacked_score
    assert float(rows[0]["flip"]) == first.flip
    assert [row["opinion"] for row in rows[:6]] == ["" if o is None else str(o) for o in OPINIONS]
    assert rows[7]["outcome"] == "interrupted"
    assert rows[0]["quality_at_100"] != ""
    assert rows[6]["quality_at_100"] == ""
    assert rows[6]["range_gain"] == ""
    pyarrow = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.read_table(tmp_path / "audit.parquet").to_pylist()
    assert table == export.rows(load(audit))
    edit(
        audit / "bright--square",
        lambda record: record["pictures"][1].update(outcome="budget_spent"),
    )


def test_exported_terms_average_to_the_tables(audit: Path) -> None:
    cells = load(audit)
    rows = export.rows(cells[:1])
    values = tables.table(cells[:1]).rows[0].values
    for column, measure in (("rgo", "rgo"), ("deviation", "mean_deviation"), ("flip", "flip"),
                            ("r_natural", "r_natural"), ("r_decimal", "r_decimal")):  # fmt: skip
        mean = sum(row[column] for row in rows) / len(rows)
        assert mean == pytest.approx(values[measure].value), column
    raised = [row for row in rows if row["direction"] == "raise"]
    for name in ("range_gain", "absolute_gain", "relative_gain"):
        mean = sum(row[name] for row in raised) / len(raised)
        assert mean == pytest.approx(values[f"{name}_raise"].value), name


def test_export_says_what_it_lacks(
    audit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--csv FILE or --parquet FILE" in iqaudit_("export", audit).output
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = iqaudit_("export", audit, "--parquet", tmp_path / "x.parquet")
    assert (result.exit_code, "iqaudit[parquet]" in result.output) == (2, True)


def test_compare_prints_a_board_a_protocol(audit: Path) -> None:
    result = iqaudit_("compare", audit)
    assert result.exit_code == 0, result.output
    assert "six · bidirectional · 3/255 · goal bidirectional · 110 queries" in result.output
    assert "six · square · 3/255 · goal bidirectional · 40 queries" in result.output
    assert "Firmest first, by RGO." in result.output
    assert " run " not in result.output, "of one audit, where a row's victim tells its cell"
    held = json.loads(iqaudit_("compare", audit, "--by", "flip", "--json").output)
    assert [each["by"] for each in held] == ["flip", "flip"]
    assert iqaudit_("compare", audit, "--by", "beauty").exit_code == 2


@pytest.mark.parametrize("width", [20, 40, 200])
def test_figures_are_whole_however_narrow_the_window(width: int) -> None:
    shown = printing.table("victim", "*RGO of that", title="of reference", caption="By RGO, all.")
    shown.add_column("SSIM", justify="right")
    shown.add_column("95 % interval", justify="right", no_wrap=True)
    shown.add_row("reference", "-0.1234", "0.9362", "0.104 to 0.208")
    screen = io.StringIO()
    printing._Console(file=screen, width=width).print(shown)
    lines = screen.getvalue().splitlines()
    assert [line.strip() for line in (lines[0], lines[-1])] == ["of reference", "By RGO, all."]
    assert any(
        line.split() == ["reference", "-0.1234", "0.9362", "0.104", "to", "0.208"] for line in lines
    ), screen.getvalue()


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert (figure(-0.0004, ".3f"), figure(-0.0006, ".3f")) == ("0.000", "-0.001")


def test_every_measure_is_documented() -> None:
    page = (ROOT / "docs" / "guides" / "tables.md").read_text("utf-8")
    for measure in catalogue.MEASURES:
        assert f"`{measure.name}`" in page, measure.name


def test_several_runs_are_read_as_one(audit: Path, tmp_path: Path) -> None:
    other = tmp_path / "later"
    copytree(audit, other)
    both = iqaudit.load(audit, other)
    alone = iqaudit.load(audit)
    rows = both.table().rows
    assert len(rows) == 2 * len(alone.table().rows)
    names = [f"{run}/{row.cell}" for run in (audit.name, "later") for row in alone.table().rows]
    assert [row.cell for row in rows] == names
    for one, two in zip(alone.table().rows, rows, strict=False):
        assert one.values == two.values
        assert two.group == (f"{audit.name}/{one.group}" if one.group else "")
    assert len({row.group or row.cell for row in rows}) == 2 * len(
        {row.group or row.cell for row in alone.table().rows}
    )
    printed = iqaudit_("tables", audit, other, "--format", "csv", "--measures", "rgo")
    assert printed.exit_code == 0, printed.output
    assert len(printed.stdout.splitlines()) == 1 + len(rows)
    assert f"later/{alone.table().rows[0].cell}" in printed.stdout
    assert iqaudit_("tables", audit, other).exit_code == 0
    judged = iqaudit_("tables", audit, other, "--fail-if", "rgo > -1", "--quiet")
    assert judged.exit_code == 3
    assert f"later/{alone.table().rows[0].cell}" in judged.stderr
    assert "named twice" in iqaudit_("tables", audit, audit).stderr


def test_a_flag_in_brackets_is_printed(audit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flagged = replace(iqaudit.Audit(audit).table().rows[0], flags="beaten by chance", doubt="So.")
    monkeypatch.setattr(
        iqaudit.Audit, "table", lambda _self, **_: iqaudit.Table(catalogue.MEASURES, (flagged,))
    )
    assert "[beaten by chance] So." in " ".join(iqaudit_("tables", audit).stdout.split())
