"""An audit's page and the leaderboards' in a real browser: what stands there, in which order."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from selenium.webdriver import Chrome
from tests.support.audits import brightness, function, middle, photographs, write_manifest
from tests.support.audits import write_run as write
from tests.support.browsing import asked, nameless, opened, table, wide, widths
from tests.support.records import text

from iqaudit import _cli
from iqaudit._analysis import transfer
from iqaudit._analysis.findings import insights
from iqaudit._analysis.scorers import Scorer, own_label
from iqaudit._analysis.tables import catalogue, leaderboard, tables
from iqaudit._analysis.tables.cells import load
from iqaudit._report import write_comparison, write_report

COUNT, OPINIONS = 6, [1.0, 2.0, 4.0, 3.0, 5.0, 6.0]
CELLS = [
    ("one", "python:tests.support.audits:brightness", "bidirectional"),
    ("two", "python:tests.support.audits:middle", "bidirectional"),
    ("later", "python:tests.support.audits:checks", "bidirectional"),
]


def write_cells(path: Path) -> Path:
    for folder, score in (("one", brightness), ("two", middle)):
        write(path / folder, function(score), photographs(COUNT), opinions=OPINIONS)
    write_manifest(path, CELLS, {"score_range": [118, 138]})
    return path


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an audit of which two cells are done and analysed, and one is not begun."""
    path = write_cells(tmp_path_factory.mktemp("audit"))
    for folder, score in (("one", brightness), ("two", middle)):
        insights.insights(path / folder, function(score))
    scorers = [
        Scorer(own_label(path / folder), function(score))
        for folder, score in (("one", brightness), ("two", middle))
    ]
    transfer.transfer(path, scorers)
    write_report(path)
    return path


@pytest.fixture
def page(browser: Chrome, audit: Path) -> Chrome:
    return opened(browser, audit / "report.html")


def test_it_opens_without_errors_and_without_network(page: Chrome) -> None:
    assert page.get_log("browser") == []
    assert asked(page) <= {"file", "data"}


def test_the_story_comes_in_order_and_says_what_is_missing(page: Chrome) -> None:
    heads = [head.text for head in page.find_elements("css selector", "main h2")]
    assert heads == [
        "People's order, before and after",
        "What to do about it",
        "How far each went",
        "Tables",
        "Against queries",
        "Transfer",
        "What the attack shows",
        "See for yourself",
        "Method and provenance",
    ]
    notice = page.find_element("css selector", "header .notice").text
    assert "No results yet: later." in notice
    assert (
        page.find_element("css selector", "header").location["y"]
        < (page.find_element("id", "tables").location["y"])
    )


def test_a_verdict_says_how_far_beside_what_and_how_visibly(page: Chrome, audit: Path) -> None:
    verdicts = page.find_elements("css selector", ".verdict")
    rows = tables.table(load(audit)).rows
    for verdict, row in zip(verdicts, rows, strict=True):
        found = insights.load(audit / row.cell)
        assert found is not None
        assert row.victim in verdict.text
        assert f"{100 * (row.values['rgo'].value or 0):.0f} %" in verdict.text
        assert found.floor.text in verdict.text
        assert f"FLIP {row.values['flip'].value:.3f}" in verdict.text
        before, after = (row.values[f"srocc_{when}"].value for when in ("before", "after"))
        said = f"{before:.2f} before, {after:.2f} after".replace("-", "−")
        assert said in verdict.text


def test_tables_and_their_files_hold_the_analysis_figures(page: Chrome, audit: Path) -> None:
    rows = tables.table(load(audit)).rows
    head, *lines = table(page.find_element("css selector", "a[download='measures.csv']"))
    assert head[2:5] == ["brightness", "brightness_low", "brightness_high"]
    found = {line[0]: line[2:] for line in lines}
    for name in ("rgo", "srocc_after", "flip"):
        values = [row.values[name] for row in rows]
        expected = [end for value in values for end in (value.value, value.low, value.high)]
        assert [float(each) for each in found[catalogue.find(name).title]] == expected
        shown = page.find_element("xpath", f"//th[span='{catalogue.find(name).title}']/..").text
        form = catalogue.find(name).form
        for value in values:
            assert value.value is not None
            assert format(value.value, form).replace("-", "−") in shown


def test_the_matrix_marks_the_diagonal_and_has_its_numbers(page: Chrome, audit: Path) -> None:
    moved = transfer.load(audit)
    assert moved is not None
    squares = page.find_elements("css selector", "table.heat")[0].find_elements(
        "css selector", "tbody td"
    )
    entries = [entry for line in moved.entries for entry in line]
    for square, entry in zip(squares, entries, strict=True):
        assert f"{entry.rgo.attack.value:+.3f}".replace("-", "−") in square.text
        assert ("own" in (square.get_attribute("class") or "")) is entry.own
    assert [entry.own for entry in entries] == [True, False, False, True]


def test_each_theme_has_each_victims_findings(page: Chrome, audit: Path) -> None:
    found = insights.load(audit / "two")
    assert found is not None
    section = page.find_element("css selector", "section[aria-labelledby='findings']")
    panels = section.find_elements("css selector", ".panel")
    assert len(panels) == 2 * len(section.find_elements("css selector", ".panels"))
    assert found.where.text in section.text
    image = section.find_element("css selector", "a[download='two-where.csv']")
    grid = table(image)
    assert tuple(tuple(float(each) for each in row) for row in grid) == found.where.strength
    head, *rows = table(section.find_element("css selector", "a[download='two-left.csv']"))
    assert head[2] == "attack"
    lefts = [each.left.attack.value for each in found.survival]
    assert [float(row[2]) for row in rows] == lefts


def test_every_figure_can_be_taken_along(page: Chrome) -> None:
    figures = page.find_elements(
        "css selector", ".chart, .maps figure, .block:has(.measures, .bars, .heat)"
    )
    assert len(figures) > 20
    for figure in figures:
        assert table(figure.find_element("css selector", "a[download$='.csv']"))


def test_the_gallery_shows_one_victims_pictures_alone(page: Chrome) -> None:
    page.find_element("xpath", "//select[@id='which']/option[.='middle']").click()
    shots = page.find_elements("css selector", ".shot")
    shown = {shot.get_attribute("id") for shot in shots if shot.is_displayed()}
    assert shown == {f"two--p{number}" for number in range(COUNT)}


def test_files_are_named_from_the_audits_folder(page: Chrome, audit: Path) -> None:
    links = page.find_elements("css selector", ".shot a")
    assert links
    for link in links:
        assert (audit / str(link.get_dom_attribute("href"))).is_file()


def test_everything_has_a_name_and_nothing_sticks_out(page: Chrome) -> None:
    assert nameless(page) == []
    for width in (390, 1280):
        with wide(page, width):
            inner, content = widths(page)
        assert content <= inner == width


def test_tables_have_captions_and_heads_their_scopes(page: Chrome) -> None:
    tables = page.find_elements("css selector", "table")
    assert tables
    for found in tables:
        assert found.find_elements("css selector", "caption")
        assert not found.find_elements("css selector", "th:not([scope])")


@pytest.mark.slow
def test_the_page_names_no_place_and_is_the_same_again(audit: Path) -> None:
    page = (audit / "report.html").read_bytes()
    assert str(audit.parent).encode() not in page
    assert write_report(audit).read_bytes() == page


@pytest.mark.slow
def test_without_the_analyses_the_page_says_how_to_have_them(tmp_path: Path) -> None:
    page = write_report(write_cells(tmp_path)).read_text("utf-8")
    assert "<code>iqaudit transfer</code>" in page
    assert "<code>iqaudit insights</code>" in page


@pytest.mark.slow
def test_chance_is_no_verdict_but_stands_beside(tmp_path: Path) -> None:
    for folder, attack in (("one", "bidirectional"), ("chance", "random")):
        write(tmp_path / folder, function(brightness), photographs(COUNT), attack)
    write_manifest(tmp_path, [CELLS[0], ("chance", CELLS[0][1], "random")])
    page = write_report(tmp_path).read_text("utf-8")
    assert page.count('<article class="verdict"') == 1
    assert "The floor, brightness · random: random changes" in page


def test_a_leaderboard_has_the_firmest_first_and_sorts(
    browser: Chrome, audit: Path, tmp_path: Path
) -> None:
    file = tmp_path / "board.html"
    result = CliRunner().invoke(_cli.main, ["compare", str(audit), "--html", str(file)])
    assert result.exit_code == 0, result.output
    assert f"page  {file}" in result.output
    [board] = leaderboard.compare([audit])
    page = opened(browser, file)
    assert page.get_log("browser") == []
    names = [standing.row.victim for standing in board.standings]
    assert _victims(page) == names
    head = page.find_element("xpath", "//th[button='Victim']")
    for reverse in (False, True):
        head.find_element("css selector", "button").click()
        assert _victims(page) == sorted(names, reverse=reverse)
    head_line, *rows = table(page.find_element("css selector", "a.csv"))
    values = [standing.row.values["rgo"].value for standing in board.standings]
    assert [float(row[head_line.index("rgo")]) for row in rows] == values
    assert nameless(page) == []
    with wide(page, 390):
        inner, content = widths(page)
    assert content <= inner == 390


def _victims(page: Chrome) -> list[str]:
    return [head.text for head in page.find_elements("css selector", ".board tbody th")]


def test_a_leaderboard_is_sorted_by_what_is_asked(audit: Path, tmp_path: Path) -> None:
    page = write_comparison([audit], tmp_path / "board.html", "ssim").read_text("utf-8")
    assert "Sorted by SSIM" in page


@pytest.mark.slow
def test_an_older_runs_missing_figures_are_dashes(tmp_path: Path) -> None:
    run = write(tmp_path / "run", function(brightness), photographs(2))
    record = json.loads((run / "results.json").read_text())
    for entry in record["pictures"]:
        del entry["flip"]
    (run / "results.json").write_text(text(record))
    page = write_report(run).read_text("utf-8")
    assert "<dt>FLIP</dt><dd>–</dd>" in page
