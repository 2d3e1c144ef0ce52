"""The first sight of a page in a real browser: the pair that flips, the order, what is cut off."""

import io
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.support.wait import WebDriverWait
from tests.support.audits import brightness, function, middle, photographs, write_manifest
from tests.support.audits import write_run as write
from tests.support.browsing import nameless, opened, wide, widths

import iqaudit
from iqaudit._analysis import telling
from iqaudit._analysis.tables.cells import CellData, PictureData, load
from iqaudit._report import write_report

OPINIONS = [1.0, 2.0, 4.0, 3.0, 5.0, 6.0]
ATTACKS = "guided", "bidirectional", "square"
SIDE = 90


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an audit of six cells, the picture's sides longer than what is enlarged."""
    path, cells = tmp_path_factory.mktemp("audit"), []
    for name, score in (("one", brightness), ("two", middle)):
        for attack in ATTACKS:
            folder = f"{name}--{attack}"
            pictures = photographs(len(OPINIONS), SIDE)
            write(path / folder, function(score), pictures, attack, OPINIONS, queries=30)
            cells.append((folder, f"python:tests.support.audits:{score.__name__}", attack))
    write_manifest(path, cells, {"score_range": [118, 138]})
    write_report(path)
    return path


@pytest.fixture
def page(browser: Chrome, audit: Path) -> Chrome:
    return opened(browser, audit / "report.html")


def motion(browser: Chrome, wanted: str) -> None:
    feature = {"name": "prefers-reduced-motion", "value": wanted}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


@pytest.fixture
def still(browser: Chrome, audit: Path) -> Iterator[Chrome]:
    """Return the page as someone sees it who wants no motion."""
    motion(browser, "reduce")
    yield opened(browser, audit / "report.html")
    motion(browser, "no-preference")


def farthest(audit: Path) -> tuple[CellData, PictureData]:
    """Return the worse cell of `guided`, and its picture whose quality moved farthest."""
    cells = [cell for cell in load(audit) if cell.attack == "guided"]
    worst = max(
        cells, key=lambda cell: float(np.mean([each.figures.rgo for each in cell.finished]))
    )
    found = telling.most_telling(worst)
    assert found is not None
    return worst, found


def test_the_pair_stands_beside_the_headline_with_its_scores(still: Chrome, audit: Path) -> None:
    face, figures = still.find_element("css selector", ".face"), farthest(audit)[1].figures
    assert figures.name in face.find_element("css selector", "figcaption").text
    for name, value in (("was", figures.clean_score), ("is", figures.attacked_score)):
        shown = float(face.find_element("css selector", f".{name} strong").text)
        assert shown == pytest.approx(value, rel=1e-2)
    for width, beside in ((1280, True), (768, False), (390, False)):
        with wide(still, width):
            head = still.find_element("css selector", "h1").rect
            pane = face.find_element("css selector", ".own").rect
        assert (pane["x"] >= head["x"] + head["width"]) is beside
        assert pane["y"] + pane["height"] <= 800  # on the first screen, a phone's too


def test_it_flips_by_itself_once_there_and_back(page: Chrome) -> None:
    page.execute_script(
        "window.views = []; const face = document.querySelector('.face');"
        "new MutationObserver(() => views.push(face.dataset.view)).observe("
        "face, {attributeFilter: ['data-view']})"
    )
    end = time.monotonic() + 8
    while len(page.execute_script("return views")) < 2 and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(1.5)  # longer than from the page's opening to the first flip
    assert page.execute_script("return views") == ["attacked", "clean"]


def test_without_motion_it_flips_when_it_is_pressed_alone(still: Chrome) -> None:
    time.sleep(1.5)
    face = still.find_element("css selector", ".face")
    own, spot = face.find_elements("css selector", ".pane")
    views = [face.get_attribute("data-view")]
    for press in (
        partial(own.send_keys, Keys.SPACE),
        spot.click,
        partial(own.send_keys, Keys.ENTER),
    ):
        press()
        views.append(face.get_attribute("data-view"))
        pressed = {pane.get_attribute("aria-pressed") for pane in (own, spot)}
        assert pressed == {"true" if views[-1] == "attacked" else "false"}
    assert views == ["clean", "attacked", "clean", "attacked"]
    shown = "return getComputedStyle(arguments[0].querySelector('.up')).visibility"
    assert [still.execute_script(shown, pane) for pane in (own, spot)] == ["visible"] * 2


def test_both_views_are_the_pictures_to_the_last_bit(still: Chrome, audit: Path) -> None:
    worst, told = farthest(audit)
    pane = still.find_element("css selector", ".own")
    still.execute_script(
        "document.body.append(document.querySelector('.face'));"
        "arguments[0].style.cssText += 'position:fixed;z-index:9;left:0;top:0;border-radius:0';"
        "document.head.insertAdjacentHTML('beforeend',"
        "'<style>.pane::after, .pane i {display:none}</style>')",
        pane,
    )
    for view in ("clean", "attacked"):
        still.execute_script("document.querySelector('.face').dataset.view = arguments[0]", view)
        seen = np.asarray(Image.open(io.BytesIO(still.get_screenshot_as_png())).convert("RGB"))
        whole = iqaudit.read(worst.path / view / f"{told.figures.name}.png").pixels
        assert np.array_equal(seen[:SIDE, : SIDE + 2], whole)


def test_the_marked_place_is_the_enlarged_one(still: Chrome) -> None:
    own, spot = still.find_elements("css selector", ".pane")
    read = (
        "const [pane, left, top, side] = arguments, c = document.createElement('canvas');"
        "c.width = c.height = side; const b = c.getContext('2d');"
        "b.drawImage(pane.querySelector('.clean'), -left, -top);"
        "return [...b.getImageData(0, 0, side, side).data]"
    )
    box, mark = own.rect, own.find_element("css selector", "i").rect
    left, top = round(mark["x"] - box["x"]), round(mark["y"] - box["y"])
    side = round(mark["width"])
    assert still.execute_script(read, own, left, top, side) == still.execute_script(
        read, spot, 0, 0, side
    )
    assert spot.rect["width"] == 4 * side


def test_each_picture_has_its_place_before_and_after(still: Chrome, audit: Path) -> None:
    plot = still.find_element("css selector", ".plot.order")
    name = farthest(audit)[1].figures.name
    for mark in ("was", "is"):
        assert len(plot.find_elements("css selector", f"i.{mark}")) == len(OPINIONS)
    assert len(plot.find_elements("css selector", ".way")) == len(OPINIONS)
    [point] = plot.find_elements("css selector", f"i.is[title='{name}']")
    quality, box = farthest(audit)[1].figures.attacked_quality, plot.rect
    ticks = [
        (float(tick.text), tick.rect["y"] + tick.rect["height"] / 2)
        for tick in plot.find_elements("css selector", ".y")
    ]
    (low, bottom), (high, top) = ticks[0], ticks[-1]
    middle = point.rect["y"] + point.rect["height"] / 2
    assert low + (high - low) * (bottom - middle) / (bottom - top) == pytest.approx(
        quality, abs=0.02 * (high - low)
    )
    assert box["height"] > 200


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_no_table_is_cut_without_a_sign(still: Chrome, width: int) -> None:
    with wide(still, width):
        time.sleep(0.2)  # until what watches sizes was told
        inner, content = widths(still)
        found = still.execute_script(
            "return [...document.querySelectorAll('.scroll')].map((box) => ["
            "box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1,"
            "box.classList.contains('cut'), box.nextElementSibling.hidden,"
            "box.nextElementSibling.textContent])"
        )
    assert content <= inner == width
    assert len(found) > 5
    for cut, fades, hidden, text in found:
        assert fades is cut is not hidden
        assert not cut or "more" in text
    measures = found[0]
    assert measures[0] is (width < 1280)  # six cells have room on a desk


def test_a_sign_goes_when_the_end_is_reached(still: Chrome) -> None:
    with wide(still, 390):
        time.sleep(0.2)
        box = still.find_element("css selector", "[aria-labelledby='table-measures']")
        more = still.find_element("css selector", "[aria-labelledby='table-measures'] + .more")
        assert more.text == "6 more columns →"
        still.execute_script("arguments[0].scrollLeft = 9999", box)
        WebDriverWait(still, 3).until(lambda _: more.text == "the end")
        assert "cut" not in str(box.get_attribute("class"))


def test_on_paper_the_pair_stands_side_by_side_and_no_table_is_cut(still: Chrome) -> None:
    still.execute_script("dispatchEvent(new Event('beforeprint'))")
    still.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        with wide(still, 700):
            frames = still.find_elements("css selector", ".face .printed")
            labels = [frame.text.split() for frame in frames]
            out = still.execute_script(
                "return [...document.querySelectorAll('table')].map("
                "(table) => table.getBoundingClientRect().right).filter((right) => right > 700)"
            )
    finally:
        still.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        still.execute_script("dispatchEvent(new Event('afterprint'))")
    assert labels == [["clean", "attacked"]] * 2
    assert out == []
    assert not still.find_elements("css selector", ".face .printed")


def test_it_has_names_and_says_each_cells_attack(still: Chrome) -> None:
    assert nameless(still) == []
    method = still.find_element("css selector", "section[aria-labelledby='method']").text
    assert "brightness · guided. The attack is “guided”, ours: patterns" in method
    assert method.count("The attack is the patch-based random search of Ran") == 2
