"""The report in a real browser: it opens without errors, asks no network, and works by keyboard."""

import base64
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver import Chrome, ChromeOptions, ChromeService, Keys
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.remote.webelement import WebElement

import iqaudit
from iqaudit import Plan, RunDirectory
from iqaudit.attacks import Bidirectional
from iqaudit.report import LARGEST_SIDE, write_report
from tests.conftest import MakePicture, roughness

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, make_picture: MakePicture) -> Path:
    path = tmp_path_factory.mktemp("report") / "run"
    victim = iqaudit.victims.Function(roughness, iqaudit.Scale.from_range(0, 20), name="<rough>")
    plan = Plan(victim, Bidirectional(), queries=40)
    directory = RunDirectory(path, plan)
    pictures = [
        iqaudit.Picture("table", make_picture(90, 120)),
        iqaudit.Picture("noted", make_picture(120, 90), ("converted from <b>grey</b> to RGB",)),
        iqaudit.Picture("wide", make_picture(70, LARGEST_SIDE + 300)),
    ]
    for result in iqaudit.run(plan, pictures):
        directory.add(result)
    write_report(path)
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    driver = shutil.which("chromedriver")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not driver or not chromium:
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, "about:blank", f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = Chrome(options, ChromeService(driver))
    yield chrome
    chrome.quit()


@pytest.fixture
def page(browser: Chrome, run: Path) -> Chrome:
    browser.set_window_size(1280, 900)
    browser.get((run / "report.html").as_uri())
    return browser


def _cut(compare: WebElement) -> str:
    stack = compare.find_element("css selector", ".stack")
    value: str = stack.parent.execute_script(
        "return getComputedStyle(arguments[0].children[1]).clipPath", stack
    )
    return value


def test_it_opens_without_errors_and_without_network(page: Chrome) -> None:
    assert page.get_log("browser") == []
    assert "rough" in page.title
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = {
        message["params"]["request"]["url"].partition(":")[0]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
        and message["params"]["documentURL"] == page.current_url
    }
    assert asked <= {"file", "data"}
    assert "file" in asked  # the log does hold this page's requests
    loaded = page.execute_script("return [...document.images].every(i => i.naturalWidth > 0)")
    assert loaded is True
    assert len(page.find_elements("css selector", "article")) == 3


def test_it_shows_what_results_json_says(page: Chrome, run: Path) -> None:
    record = iqaudit.load(run)
    rows = page.find_elements("css selector", "tbody tr")
    for row, entry in zip(rows, record["pictures"], strict=True):
        for form in (entry["name"], f"{entry['rgo']:.3f}", f"{entry['attacked_score']:.4g}"):
            assert form in row.text
    assert f"{record['summary']['rgo']:.3f}" in page.find_element("css selector", ".cards").text
    assert len(page.find_elements("css selector", "article svg")) == 3


def test_a_pictures_link_leads_to_it(page: Chrome) -> None:
    page.find_element("link text", "table").click()
    target = page.execute_script("return document.querySelector(':target').tagName")
    assert target == "ARTICLE"


def test_a_note_and_a_name_are_text_not_markup(page: Chrome) -> None:
    assert "converted from <b>grey</b> to RGB" in page.find_element("id", "picture-noted").text
    assert "<rough>" in page.find_element("css selector", "h1").text


def test_the_pictures_are_the_runs_to_the_last_bit(run: Path) -> None:
    html = (run / "report.html").read_text("utf-8")
    embedded = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
        for data in re.findall(r'src="data:image/webp;base64,([^"]+)"', html)
    ]
    assert len(embedded) == 9
    for folder, picture in (("clean", embedded[0]), ("attacked", embedded[1])):
        assert np.array_equal(picture, iqaudit.read(run / folder / "table.png").pixels)
    middle = iqaudit.read(run / "clean" / "wide.png").pixels[:, 150 : 150 + LARGEST_SIDE]
    assert np.array_equal(embedded[6], middle)


def test_the_slider_and_the_button_work_from_the_keyboard(page: Chrome) -> None:
    compare = page.find_element("css selector", ".compare")
    slider = compare.find_element("css selector", "input")
    button = compare.find_element("css selector", "button")
    assert "50%" in _cut(compare)
    slider.send_keys(Keys.ARROW_RIGHT * 5)
    assert "55%" in _cut(compare)
    slider.send_keys(Keys.TAB)
    assert page.switch_to.active_element == button
    ActionChains(page).key_down(Keys.SPACE).perform()
    assert "0%" in _cut(compare)
    assert "55%" not in _cut(compare)
    assert button.get_attribute("aria-pressed") == "true"
    ActionChains(page).key_up(Keys.SPACE).perform()
    assert "55%" in _cut(compare)


def test_the_button_works_with_a_mouse(page: Chrome) -> None:
    compare = page.find_element("css selector", ".compare")
    button = compare.find_element("css selector", "button")
    ActionChains(page).click_and_hold(button).perform()
    assert "50%" not in _cut(compare)
    ActionChains(page).release().perform()
    assert "50%" in _cut(compare)


def test_everything_one_can_press_or_see_has_a_name(page: Chrome) -> None:
    for element in page.find_elements("css selector", "input, button, article, img"):
        assert element.accessible_name
    for image in page.find_elements("css selector", "img"):
        assert image.get_attribute("alt")


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_sticks_out_at_any_width(page: Chrome, width: int) -> None:
    # A headless window has a least width of its own: the page's is set from inside the browser.
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False},
    )
    try:
        inner, content = page.execute_script(
            "return [innerWidth, document.documentElement.scrollWidth]"
        )
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
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
        "return [style('body').backgroundColor, style('body').color, style('.soft').color]"
    )
    background, ink, soft = (
        _luminance([int(n) for n in re.findall(r"\d+", colour)[:3]]) for colour in colours
    )
    for text, least in ((ink, 7.0), (soft, 4.5)):
        lighter, darker = max(background, text), min(background, text)
        assert (lighter + 0.05) / (darker + 0.05) >= least  # WCAG 2's contrast ratio
    assert (background < 0.5) is (scheme == "dark")


def _luminance(rgb: list[int]) -> float:
    shares = [value / 255 for value in rgb]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
