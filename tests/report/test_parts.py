"""What the page is put together from: the parts shown, the curves, the axes, the figures' forms."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.audits import brightness, checks, function, photographs, rough, uneven, write_run
from tests.support.pictures import MakePicture

import iqaudit
from iqaudit import measures
from iqaudit._analysis.findings import insights
from iqaudit._analysis.tables import catalogue, tables
from iqaudit._analysis.tables.cells import load
from iqaudit._report.charts import Axis, Series, chart, domain
from iqaudit._report.figures import estimate, figure, prose
from iqaudit._report.gallery import crop, gallery
from iqaudit._report.page import page
from iqaudit._report.verdict import attack_text, labels
from iqaudit.measures._bootstrap import Estimate


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("parts") / "run"
    return write_run(path, function(brightness), photographs(4, 160))


def test_a_close_up_is_where_the_change_is_most_visible(make_picture: MakePicture) -> None:
    clean = make_picture(50, 70)
    attacked = clean.copy()
    attacked[30:40, 50:60] ^= 64
    window = crop(clean, attacked, 16)
    seen = measures.flip_map(clean, attacked)
    sums = np.lib.stride_tricks.sliding_window_view(seen, (16, 16)).sum(axis=(2, 3))
    assert (window.height, window.width) == (16, 16)
    assert sums[window.top, window.left] == pytest.approx(sums.max(), rel=1e-4)


@pytest.mark.parametrize(("side", "shown"), [(70, (0, 0, 50, 70)), (60, (0, 10, 50, 60))])
def test_a_close_up_keeps_what_fits(
    make_picture: MakePicture, side: int, shown: tuple[int, ...]
) -> None:
    clean = make_picture(50, 70)
    attacked = clean.copy()
    attacked[:, 60:] ^= 64
    assert crop(clean, attacked, side) == shown


@pytest.mark.slow
def test_the_gallery_shows_smaller_parts_where_the_room_is_small(run: Path) -> None:
    cells = page(run)["cells"]
    whole, small = gallery(run, cells), gallery(run, cells, budget=80_000)
    assert not whole.cut
    assert small.cut
    assert small.side < 160
    assert all(
        (shot.shown.height, shot.shown.width) == (small.side, small.side) for shot in small.shots
    )
    bytes_ = sum(
        len(url) * 3 / 4
        for shot in small.shots
        for url in (shot.clean, shot.up, shot.down, shot.preview or "")
    )
    assert bytes_ <= 80_000 + 100 * len(small.shots)  # the addresses' heads


def test_the_gallery_has_the_most_visible_change_first(run: Path) -> None:
    flips = [shot.data.figures.flip or 0 for shot in gallery(run, page(run)["cells"]).shots]
    assert flips == sorted(flips, reverse=True)


def test_a_curve_ends_where_the_table_does(run: Path) -> None:
    [cell] = load(run)
    rgo = catalogue.find("rgo")
    points = tables.curve(cell, rgo)
    [row] = tables.table([cell], [rgo]).rows
    assert (points[0][0], points[0][1].value) == (1, 0)
    assert points[-1] == (cell.queries, row.values["rgo"])
    values = [rgo.value or 0 for _, rgo in points]
    assert values == sorted(values)


def test_axes_have_round_marks_and_hold_what_is_drawn() -> None:
    axis = domain([0.137, -0.02, None], 0)
    assert axis.low <= -0.02 < 0.137 <= axis.high
    assert [tick.text for tick in Axis(0, 1).ticks()] == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    queries = Axis(1, 3000, "log").ticks()
    assert [tick.text for tick in queries] == ["1", "10", "100", "1,000", "3,000"]
    assert queries[-1].at == 100


def test_a_band_lies_around_its_line_and_gaps_are_left_out() -> None:
    points = [(1, Estimate(0.5, 0.0, 1.0)), (10, Estimate(None)), (100, Estimate(1.0, 0.5, 1.0))]
    drawn = chart(
        "c", ("title", "x", "y"), [Series("s", 1, points)], Axis(1, 100, "log"), Axis(0, 1)
    )
    [line] = drawn.lines
    assert line.points == "0,50 100,0"
    assert line.band == "0,0 100,0 100,50 0,100"
    assert "s: 1.000 at the end" in drawn.alt


@pytest.mark.parametrize(
    ("value", "form", "said"),
    [
        (None, ".3f", "–"),
        (-0.0004, ".3f", "0.000"),
        (-0.5, "+.2f", "−0.50"),
        (float("inf"), ".3f", "∞"),
    ],
)
def test_figures_have_a_true_minus_and_no_signed_zero(
    value: float | None, form: str, said: str
) -> None:
    assert figure(value, form) == said


def test_sentences_keep_their_hyphens() -> None:
    text = "cell-a--b moves it by -0.3 (-0.4 to +0.1) on 2026-01-02"
    assert prose(text) == "cell-a--b moves it by −0.3 (−0.4 to +0.1) on 2026-01-02"


def test_an_estimate_is_escaped_and_shows_its_interval() -> None:
    assert "0.25 to 0.75" in estimate(Estimate(0.5, 0.25, 0.75), ".2f")
    assert "iv" not in estimate(Estimate(0.5))


@pytest.mark.slow
def test_the_spectrums_axis_reaches_as_far_as_its_sentence(tmp_path: Path) -> None:
    """Half of a fine change's power may lie beyond 1/2 cycle a pixel, up to the corners."""
    path = write_run(tmp_path / "run", function(checks), photographs(6), "simba")
    insights.insights(path, function(checks))
    [made] = [theme for theme in page(path)["themes"] if theme.name == "made-of"]
    [drawn] = made.panels[0].charts
    last = [float(point.partition(",")[0]) for point in drawn.lines[1].points.split()][-1]
    ticks = {tick.text: tick.at for tick in drawn.x_ticks}
    assert ticks["0.7"] < 100
    shown = last / (ticks["0.7"] / 0.7)
    assert shown == pytest.approx(math.sqrt(0.5), abs=0.02)


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        ("bidirectional", "The attack is the patch-based random search of Ran"),
        ("guided,visibility=0.3", "The attack is “guided,visibility=0.3”, ours: patterns"),
        ("python:mine:Attack", "The attack is the user's own, Attack."),
    ],
)
def test_each_cells_attack_is_said(run: Path, attack: str, said: str) -> None:
    [cell] = page(run)["cells"]
    method = "Bidirectional" if attack == "bidirectional" else "Other"
    other = replace(cell, data=replace(cell.data, attack=attack, method=method))
    assert attack_text(other).startswith(said)


def test_cells_are_named_by_what_they_differ_in(tmp_path: Path) -> None:
    attacks = ["bidirectional", "random"]
    done = iqaudit.audit(
        [rough()], uneven(2), attacks, out=tmp_path / "run", queries=[8, 16], analyses=False
    )
    assert list(labels(done.cells).values()) == [
        "rough · bidirectional · 8 queries",
        "rough · bidirectional · 16 queries",
        "rough · random · 16 queries",
    ]
    assert list(labels(done.cells[:2]).values()) == ["rough · 8 queries", "rough · 16 queries"]
    assert list(labels(done.cells[:1]).values()) == ["rough"]
    twice = labels((*done.cells[:1], replace(done.cells[0], path=tmp_path / "other")))
    assert list(twice.values()) == list(twice)
