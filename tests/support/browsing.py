"""A headless Chromium that keeps what it logs, and what the tests of pages ask of it."""

import base64
import csv
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--no-first-run",
)


PATIENCE = 60
"""Seconds for a page to be there, on a machine that has other work."""


def started(profile: Path) -> Chrome:
    """Start a browser, or skip the test where there is none."""
    driver = shutil.which("chromedriver")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not driver or not chromium:
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, "about:blank", f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return Chrome(options, ChromeService(driver))


def opened(browser: Chrome, page: Path) -> Chrome:
    """Open a page, and wait for all of it: what is asked for at once may be half there."""
    browser.set_window_size(1280, 900)
    browser.get("about:blank")
    browser.get(page.as_uri())
    there = "return document.readyState === 'complete' && location.protocol === 'file:'"
    WebDriverWait(browser, PATIENCE).until(lambda shown: shown.execute_script(there))
    return browser


def asked(browser: Chrome) -> set[str]:
    """Return the kinds of addresses that the page asked for since the log was last read."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return {
        message["params"]["request"]["url"].partition(":")[0]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
        and message["params"]["documentURL"].partition("#")[0]
        == browser.current_url.partition("#")[0]
    }


@contextmanager
def wide(browser: Chrome, width: int) -> Iterator[None]:
    """Give the page a width: a headless window has a least one of its own."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def widths(browser: Chrome) -> tuple[int, int]:
    """Return the window's width and the content's."""
    inner, content = browser.execute_script(
        "return [innerWidth, document.documentElement.scrollWidth]"
    )
    return inner, content


def nameless(browser: Chrome) -> list[str]:
    """Return what one can press, reach or see and has no name."""
    seen = "a, button, input, select, img, svg[role=img], [tabindex], table"
    return [
        str(element.get_attribute("outerHTML"))[:120]
        for element in browser.find_elements("css selector", seen)
        if element.is_displayed() and not element.accessible_name
    ]


def table(link: WebElement) -> list[list[str]]:
    """Return the rows of the CSV file that a link carries."""
    head, _, data = (link.get_dom_attribute("href") or "").partition(",")
    assert head == "data:text/csv;charset=utf-8;base64"
    return list(csv.reader(io.StringIO(base64.b64decode(data).decode())))
