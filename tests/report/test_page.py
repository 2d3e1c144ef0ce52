"""A run's page in a real browser: no errors, no network, and all of it works by keyboard."""

import base64
import io
import re
from functools import partial
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver import Chrome, Keys
from tests.support.browsing import asked, nameless, opened, table, wide, widths
from tests.support.pictures import MakePicture
from tests.support.scorers import roughness

import iqaudit
from iqaudit._core.picture import Pixels
from iqaudit._report import write_report
from iqaudit._report.gallery import SIDES
from iqaudit._runs.schema import load


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, make_picture: MakePicture) -> Path:
    path = tmp_path_factory.mktemp("report") / "run"
    victim = iqaudit.victims.Function(roughness, iqaudit.Scale.from_range(0, 20), name="<rough>")
    pictures = [
        iqaudit.Picture("table", make_picture(90, 120)),
        iqaudit.Picture("noted", make_picture(120, 90), ("converted from <b>grey</b> to RGB",)),
        iqaudit.Picture("wide", make_picture(70, SIDES[0] + 300)),
    ]
    iqaudit.attack(pictures, victim, queries=40, out=path)
    write_report(path)
    return path


@pytest.fixture
def page(browser: Chrome, run: Path) -> Chrome:
    return opened(browser, run / "report.html")


def test_it_opens_without_errors_and_without_network(page: Chrome) -> None:
    assert page.get_log("browser") == []
    assert "rough" in page.title
    kinds = asked(page)
    assert kinds <= {"file", "data"}
    assert "file" in kinds  # the log does hold this page's requests
    assert page.execute_script("return [...document.images].every(i => i.naturalWidth > 0)")


def test_the_page_shows_the_runs_figures(page: Chrome, run: Path) -> None:
    record = load(run)
    rows = page.find_elements("css selector", "#pictures-table tbody tr")
    entries = sorted(record.pictures, key=lambda entry: -(entry.flip or 0))
    for row, entry in zip(rows, entries, strict=True):
        for form in (entry.name, f"{entry.rgo:.3f}", f"{entry.attacked_score:.4g}"):
            assert form in row.text
    verdict = page.find_element("css selector", ".verdict").text
    assert record.summary.rgo is not None
    assert f"{100 * record.summary.rgo:.0f} %" in verdict
    assert (
        "\n3 pictures, at most 40 queries each." in page.find_element("css selector", "body").text
    )
    assert f"{record.summary.rgo:.3f}" in verdict


def test_every_pictures_figures_can_be_taken_along(page: Chrome, run: Path) -> None:
    head, *rows = table(page.find_element("css selector", "a[download='pictures.csv']"))
    assert "cell" not in head  # the folder's name: the same run is the same page anywhere
    for row, entry in zip(rows, load(run).pictures, strict=True):
        found = dict(zip(head, row, strict=True))
        assert found["picture"] == entry.name
        assert float(found["rgo"]) == entry.rgo


def test_a_pictures_link_leads_to_it(page: Chrome) -> None:
    page.find_element("link text", "table").click()
    assert page.execute_script("return document.querySelector(':target').id") == "run--table"


def test_a_note_and_a_name_are_text_not_markup(page: Chrome) -> None:
    assert "converted from <b>grey</b> to RGB" in page.find_element("id", "run--noted").text
    assert "<rough>" in page.find_element("css selector", "h1").text


def _embedded(page: Chrome, name: str, which: str) -> Pixels:
    source = page.find_element("css selector", f"#run--{name} .{which}").get_attribute("src")
    data = base64.b64decode(str(source).partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_the_pictures_are_the_runs_to_the_last_bit(page: Chrome, run: Path) -> None:
    clean, up, down = (_embedded(page, "table", which) for which in ("clean", "up", "down"))
    assert np.array_equal(clean, iqaudit.read(run / "clean" / "table.png").pixels)
    attacked = iqaudit.read(run / "attacked" / "table.png").pixels
    assert np.array_equal(clean.astype(int) + up - down, attacked)


def test_the_browser_shows_the_attacked_picture_to_the_last_bit(page: Chrome, run: Path) -> None:
    shot = page.find_element("id", "run--table")
    stage = shot.find_element("css selector", ".stage")
    page.execute_script(
        "arguments[0].style = 'position:fixed;z-index:9;left:0;top:0;width:120px;height:90px';"
        "document.head.insertAdjacentHTML('beforeend', '<style>.stage::after{display:none}')",
        stage,
    )
    for view, folder in (("clean", "clean"), ("attacked", "attacked")):
        page.execute_script("arguments[0].dataset.view = arguments[1]", shot, view)
        seen = np.asarray(Image.open(io.BytesIO(page.get_screenshot_as_png())).convert("RGB"))
        assert np.array_equal(seen[:90, :120], iqaudit.read(run / folder / "table.png").pixels)


def test_a_picture_too_large_for_the_page_is_shown_in_part(page: Chrome, run: Path) -> None:
    shot = page.find_element("id", "run--wide")
    part = _embedded(page, "wide", "clean")
    assert part.shape == (70, SIDES[0], 3)
    whole = iqaudit.read(run / "clean" / "wide.png").pixels
    assert any(
        np.array_equal(part, whole[:, left : left + SIDES[0]])
        for left in range(whole.shape[1] - SIDES[0] + 1)
    )
    assert shot.find_element("css selector", ".whole img").accessible_name
    file = shot.find_element("link text", "attacked PNG").get_dom_attribute("href")
    assert file == "attacked/wide.png"


def test_pictures_flip_by_keyboard_and_by_mouse(page: Chrome) -> None:
    shot = page.find_element("id", "run--table")
    stage = shot.find_element("css selector", ".stage")
    views = []
    for press in (
        partial(stage.send_keys, Keys.SPACE),
        partial(stage.send_keys, Keys.ENTER),
        stage.click,
    ):
        press()
        views.append((shot.get_attribute("data-view"), stage.get_attribute("aria-pressed")))
    assert views == [("attacked", "true"), ("clean", "false"), ("attacked", "true")]
    shown = "return getComputedStyle(arguments[0].querySelector('.up')).visibility"
    assert page.execute_script(shown, shot) == "visible"
    assert page.execute_script(shown, page.find_element("id", "run--noted")) == "hidden"


def test_the_change_is_amplified_as_far_as_the_slider_says(page: Chrome) -> None:
    slider = page.find_element("id", "gain")
    assert slider.get_attribute("value") == "42"  # three levels on a grey of half of 0-255
    slider.send_keys(Keys.ARROW_LEFT)
    shots = page.find_elements("css selector", ".shot")
    assert {shot.get_attribute("data-view") for shot in shots} == {"change"}
    style = "return getComputedStyle(arguments[0].querySelector('.up')).filter"
    assert page.execute_script(style, shots[0]) == "brightness(41)"


def _order(page: Chrome) -> tuple[list[str], list[str]]:
    rows = page.find_elements("css selector", "#pictures-table tbody tr td:first-child")
    shots = page.find_elements("css selector", ".shot h3")
    return [row.text for row in rows], [shot.text for shot in shots]


def test_the_most_visible_change_comes_first_and_any_column_sorts(page: Chrome, run: Path) -> None:
    entries = load(run).pictures

    def by(key: str, *, reverse: bool) -> tuple[list[str], list[str]]:
        names = [e.name for e in sorted(entries, key=attrgetter(key), reverse=reverse)]
        return names, names

    assert _order(page) == by("flip", reverse=True)
    head = page.find_element("xpath", "//table[@id='pictures-table']//th[button='RGO']")
    head.find_element("css selector", "button").send_keys(Keys.ENTER)
    assert _order(page) == by("rgo", reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    page.find_element("id", "sort-turn").click()
    assert _order(page) == by("rgo", reverse=False)
    assert head.get_attribute("aria-sort") == "ascending"
    page.find_element("xpath", "//select[@id='sort-by']/option[.='Picture']").click()
    assert _order(page) == by("name", reverse=False)


def test_on_paper_clean_attacked_and_change_stand_side_by_side(page: Chrome, run: Path) -> None:
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    printed = page.find_element("css selector", "#run--table .printed")
    parts = printed.find_elements("css selector", "figure")
    assert [part.text for part in parts] == ["clean", "attacked", "change × 42"]
    # Painted, not blended: printers know no plus-lighter.
    clean, attacked, change = (
        np.asarray(
            page.execute_script(
                "const c = arguments[0]; return [...c.getContext('2d')"
                ".getImageData(0, 0, c.width, c.height).data]",
                part.find_element("css selector", "canvas"),
            )
        ).reshape(90, 120, 4)[..., :3]
        for part in parts
    )
    assert np.array_equal(clean, iqaudit.read(run / "clean" / "table.png").pixels)
    assert np.array_equal(attacked, iqaudit.read(run / "attacked" / "table.png").pixels)
    assert np.array_equal(change, 128 + 42 * (attacked - clean))
    page.execute_script("dispatchEvent(new Event('afterprint'))")
    assert not page.find_elements("css selector", ".printed")
    assert page.find_element("css selector", "#run--table .stage").is_displayed()


def test_everything_one_can_press_reach_or_see_has_a_name(page: Chrome) -> None:
    assert nameless(page) == []
    for image in page.find_elements("css selector", "img"):
        assert image.get_attribute("alt")


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_nothing_sticks_out_at_any_width(page: Chrome, width: int) -> None:
    with wide(page, width):
        inner, content = widths(page)
    assert inner == width
    assert content <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(page: Chrome, scheme: str) -> None:
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    colours = page.execute_script(
        "const style = e => getComputedStyle(document.querySelector(e));"
        "return [style('body').backgroundColor, style('body').color, style('.soft').color,"
        " style('.big').color]"
    )
    background, ink, *others = (
        _luminance([int(n) for n in re.findall(r"\d+", colour)[:3]]) for colour in colours
    )
    for text, least in ((ink, 7.0), *((other, 4.5) for other in others)):
        lighter, darker = max(background, text), min(background, text)
        assert (lighter + 0.05) / (darker + 0.05) >= least  # WCAG 2's contrast ratio
    assert (background < 0.5) is (scheme == "dark")


def _luminance(rgb: list[int]) -> float:
    shares = [value / 255 for value in rgb]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
