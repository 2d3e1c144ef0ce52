"""Plots show the tables' figures, in the same bytes each time, or say what is missing."""

import csv
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from tests.support.auditing import ROUGH, iqaudit_
from tests.support.audits import OPINIONS, Cell, rough, uneven, write_audit

import iqaudit
from iqaudit import InputError
from iqaudit._analysis.tables import tables
from iqaudit._analysis.tables.catalogue import find
from iqaudit._plots import drawing
from iqaudit._plots.contents import Contents, Points


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> iqaudit.Audit:
    cells = {
        "rough--bidirectional": Cell(rough(), queries=6),
        "rough--square": Cell(rough(), "square", 6),
        "smooth--square": Cell(rough(lower_is_better=True), "square", 4),
    }
    return iqaudit.load(write_audit(tmp_path_factory.mktemp("a") / "run", cells))


@pytest.fixture(scope="module")
def defended(tmp_path_factory: pytest.TempPathFactory) -> iqaudit.Audit:
    out = tmp_path_factory.mktemp("d") / "run"
    settings: dict[str, Any] = {"attacks": ["square"], "queries": 12, "engine": "serial"}
    iqaudit.compare_defences(out, ["median:3", "bits:5"], [ROUGH], uneven(), **settings)
    iqaudit.transfer(out)
    return iqaudit.load(out)


def rows(file: Path) -> list[dict[str, str]]:
    with file.with_suffix(".csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def numbers(row: dict[str, str], name: str) -> tuple[float | None, ...]:
    ends = [row[name], row[f"{name}_low"], row[f"{name}_high"]]
    return tuple(float(each) if each else None for each in ends)


@pytest.mark.slow
def test_a_curve_is_the_tables_at_every_budget(audit: iqaudit.Audit, tmp_path: Path) -> None:
    figure: Figure = audit.plot("curve", tmp_path / "c.png")
    beside = rows(tmp_path / "c.png")
    assert [axes.get_title() for axes in figure.axes] == ["rough", "smooth"]
    cells = [(0, "rough", 0), (0, "rough", 1), (1, "smooth", 0)]
    for cell, (panel, victim, line) in zip(audit.cells, cells, strict=True):
        drawn = figure.axes[panel].get_lines()[line]
        points = tables.curve(cell, find("rgo"))
        assert drawn.get_label() == cell.attack
        assert np.asarray(drawn.get_xydata()).tolist() == [[at, each.value] for at, each in points]
        own = [row for row in beside if (row["panel"], row["attack"]) == (victim, cell.attack)]
        written = [(int(row["queries"]), numbers(row, "rgo")) for row in own]
        assert written == [(at, tuple(vars(each).values())) for at, each in points]
        end = audit.table().rows[audit.cells.index(cell)].values["rgo"]
        low, high = figure.axes[panel].get_ylim()  # the widest panel's band fits into all
        ends = [end for _, each in points for end in (each.low, each.high) if end is not None]
        assert low <= min(ends) <= max(ends) <= high
        assert written[-1] == (cell.queries, tuple(vars(end).values()))


def test_a_price_is_the_tables_at_the_audits_budgets(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"queries": [4, 8], "analyses": False, "engine": "serial"}
    # A schedule hangs on the budget: two searches, one line.
    attacks = ["bidirectional", "random"]
    audit = iqaudit.audit([ROUGH], uneven(), out=tmp_path / "run", attacks=attacks, **settings)
    figure: Figure = audit.plot("price", tmp_path / "p.svg")
    assert len(audit.cells) == 3
    told = {(row.attack, row.queries): row.values for row in audit.table().rows}
    beside = rows(tmp_path / "p.svg")
    assert len(beside) == 2 * len(told) == 8
    for row in beside:
        values = told[row["attack"], int(row["queries"])]
        assert numbers(row, "rgo") == tuple(vars(values["rgo"]).values())
        assert numbers(row, "seen") == tuple(vars(values[row["measure"]]).values())
    for axes, measure in zip(figure.axes, ("ssim", "flip"), strict=True):
        assert axes.xaxis_inverted() == (measure == "ssim")
        for line, attack in zip(axes.get_lines(), attacks, strict=True):
            both = [told[attack, queries] for queries in (4, 8)]
            expected = [[each[measure].value, each["rgo"].value] for each in both]
            assert np.asarray(line.get_xydata()).tolist() == expected


@pytest.mark.slow
def test_a_scatter_has_the_pictures_that_people_rated(audit: iqaudit.Audit, tmp_path: Path) -> None:
    figure = audit.plot("scatter", tmp_path / "s.svg", columns=2)
    for axes, cell, row in zip(figure.axes, audit.cells, audit.table().rows, strict=True):
        before, after = (row.values[f"srocc_{each}"].value for each in ("before", "after"))
        text = f"\nSROCC {before:.3f} to {after:.3f}".replace("-", "−")
        assert axes.get_title().endswith(text)
        rated = [each for each in cell.finished if each.opinion is not None]
        *_, clean, attacked = axes.get_lines()
        for line, name in ((clean, "clean_quality"), (attacked, "attacked_quality")):
            values = [[each.opinion, getattr(each.figures, name)] for each in rated]
            assert np.allclose(np.asarray(line.get_xydata()), values)
    beside = rows(tmp_path / "s.svg")
    assert len(beside) == 3 * sum(each is not None for each in OPINIONS)
    assert [float(row["opinion"]) for row in beside[:5]] == list(OPINIONS[:5])


def test_a_long_name_stands_on_the_figure_whole_above_a_square() -> None:
    scores = np.array([2.0, 5.0, 8.0])
    titles = "a\nSROCC 1", "a victim of a long name, twice attacked\nSROCC 1"
    panels = tuple(Points(each, scores, scores, scores[None]) for each in titles * 2)
    for columns in (1, 2):
        content = BytesIO()
        figure = drawing.drawn(Contents(panels, (), ()), columns)
        drawing.save(figure, content, "png", {})
        drawn = np.asarray(Image.open(content).convert("L"))
        assert drawn[0].min() == 255, f"{columns} columns: letters at the upper edge"
        for axes in figure.axes:
            box = axes.get_window_extent()
            assert box.width == pytest.approx(box.height, rel=0.03), f"{columns} columns"


@pytest.mark.slow
def test_matrix_and_tradeoff_are_those_on_disk(defended: iqaudit.Audit, tmp_path: Path) -> None:
    made, table = defended.transfer, defended.defences
    assert made is not None
    assert table is not None
    [axes] = defended.plot("matrix", tmp_path / "m.pdf").axes
    entries = [each for line in made.entries for each in line]
    expected = [tuple(vars(each.rgo.attack).values()) for each in entries]
    assert [numbers(row, "rgo") for row in rows(tmp_path / "m.pdf")] == expected
    assert [float(text.get_text()) for text in axes.texts] == pytest.approx(
        [each.rgo.attack.value for each in entries], abs=6e-4
    )
    assert len(axes.patches) == sum(each.own for each in entries) == len(made.rows)
    [axes] = defended.plot("tradeoff", tmp_path / "t.pdf").axes
    names = ["undefended", *(row.defence for row in table.rows)]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == names
    beside = rows(tmp_path / "t.pdf")
    for row, written in zip(table.rows, beside[1:], strict=True):
        assert numbers(written, "kept") == tuple(vars(row.kept).values())
        assert numbers(written, "rgo_adaptive") == tuple(vars(row.rgo_adaptive).values())
    rgo = tuple(vars(table.rows[0].rgo_undefended).values())
    assert (numbers(beside[0], "kept"), numbers(beside[0], "rgo_adaptive")) == (
        (1, None, None),
        rgo,
    )


@pytest.mark.slow
def test_seeds_are_one_line(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"attacks": ["square"], "queries": 8, "engine": "serial"}
    run = tmp_path / "run"
    audit = iqaudit.audit([ROUGH], uneven(), out=run, seeds=[0, 1], analyses=False, **settings)
    [axes] = audit.plot(out=tmp_path / "c.png").axes
    [line] = axes.get_lines()
    [row] = audit.table(over_seeds=True).rows
    assert np.asarray(line.get_xydata())[-1].tolist() == [8, row.values["rgo"].value]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_the_same_run_is_the_same_bytes(audit: iqaudit.Audit, tmp_path: Path, suffix: str) -> None:
    first, second = (tmp_path / f"{name}.{suffix}" for name in ("first", "second"))
    audit.plot("scatter", first)
    with mpl.rc_context({"font.size": 20, "pdf.fonttype": 3, "axes.grid": True}):
        mine = dict(mpl.rcParams)
        audit.plot("scatter", second)
        assert dict(mpl.rcParams) == mine
    content = first.read_bytes()
    assert content == second.read_bytes()
    assert first.with_suffix(".csv").read_bytes() == second.with_suffix(".csv").read_bytes()
    assert b"20%d-" % 26 not in content if suffix == "svg" else b"CreationDate" not in content
    if suffix == "pdf":
        assert b"/FontFile2" in content
        assert b"/Type3" not in content


@pytest.mark.slow
def test_a_figure_is_as_wide_as_its_columns_and_shows_the_cells_that_are_named(
    audit: iqaudit.Audit,
) -> None:
    assert audit.plot().get_figwidth() == 3.5
    wide = audit.plot(columns=2, cells=["smooth--square"])
    assert wide.get_figwidth() == 7.16
    assert [axes.get_title() for axes in wide.axes] == ["smooth"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--kind", "matrix"], "it has no transfer matrix; `iqaudit transfer` makes it."),
        (["--kind", "tradeoff"], "it has no table of defences; `iqaudit defences` makes it."),
        (["--measure", "linf"], "linf is known of whole budgets alone"),
        (["--measure", "beauty"], 'There is no measure called "beauty"'),
        (["--kind", "scatter", "--measure", "rgo"], "--measure goes with --kind curve or price."),
        (["--kind", "price", "--measure", "rgo"], "rgo is no price: take ssim, psnr or flip."),
        (["--kind", "price", "--measure", "linf"], "linf is no price"),
        (["--cell", "nobody"], "nobody"),
        (["--out", "fig.gif"], "fig.gif: plots are .pdf, .svg, .png; name one so."),
        (["--out", "taken.pdf"], "taken.csv: the plot's numbers would replace this file"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(
    audit: iqaudit.Audit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("taken.csv").write_text("cell,rgo\n")
    result = iqaudit_("plot", audit.path, "--out", "fig.pdf", *options)
    assert (result.exit_code, result.output.count("\n")) == (2, 1), result.output
    assert sentence in result.output
    assert [each.name for each in tmp_path.iterdir()] == ["taken.csv"]
    assert Path("taken.csv").read_text() == "cell,rgo\n"


def test_a_scatter_needs_people(tmp_path: Path) -> None:
    Cell(rough(), queries=8).write(tmp_path / "alone")
    result = iqaudit_("plot", tmp_path / "alone", "--kind", "scatter", "--out", tmp_path / "s.pdf")
    assert result.exit_code == 2
    assert "no picture has an opinion score, so there is no scatter." in result.output


def test_the_extra_is_named_where_it_is_missing(
    audit: iqaudit.Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("iqaudit._plots.drawing", raising=False)
    monkeypatch.delitem(sys.modules, "iqaudit._plots.drawing", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"pip install \"iqaudit\[plot\]\""):
        audit.plot()


@pytest.mark.slow
def test_the_command_writes_again_what_it_wrote(audit: iqaudit.Audit, tmp_path: Path) -> None:
    for kind in ("curve", "scatter"):  # numbers of another kind are a plot's, too
        result = iqaudit_("plot", audit.path, "--kind", kind, "--out", tmp_path / "fig.pdf")
        assert result.output == f"{tmp_path / 'fig.pdf'} and {tmp_path / 'fig.csv'} written\n"
        assert {row["plot"] for row in rows(tmp_path / "fig.pdf")} == {kind}
