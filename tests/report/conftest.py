"""The browser that the tests of pages share."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome
from tests.support.browsing import started


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    chrome = started(tmp_path_factory.mktemp("chromium"))
    yield chrome
    chrome.quit()
