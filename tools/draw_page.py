"""The picture docs/guides/report.png: the first screen of the demo's page, whose pair flips.

python tools/draw_page.py iqaudit-demo

Needs Chromium and its driver. The picture is an animated PNG of two frames, so that it flips where
it is shown, and shows the clean one where it is not animated. It has no palette: three levels would
be lost in it.
"""

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

FILE = Path(__file__).parents[1] / "docs/guides/report.png"
SIZE = {"width": 1180, "height": 860, "deviceScaleFactor": 1, "mobile": False}
MILLISECONDS = 1_600


def main() -> None:
    """Draw the page of a run or an audit."""
    page = Path(sys.argv[1]).resolve() / "report.html"
    clean, attacked = _frames(page)
    clean.save(FILE, save_all=True, append_images=[attacked], duration=MILLISECONDS, optimize=True)


def _frames(page: Path) -> list[Image.Image]:
    """Return the page with the clean picture and with the attacked one."""
    options = ChromeOptions()
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"):
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tempfile.mkdtemp()}")
    driver, options.binary_location = shutil.which("chromedriver"), shutil.which("chromium") or ""
    if not driver or not options.binary_location:
        sys.exit("Needs Chromium and its driver: apt-get install chromium chromium-driver")
    browser = Chrome(options, ChromeService(driver))  # with a driver named, nothing is downloaded
    try:
        feature = {"name": "prefers-reduced-motion", "value": "reduce"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SIZE)
        browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        browser.get(page.as_uri())
        frames = []
        for view in ("clean", "attacked"):
            browser.execute_script(
                "document.querySelector('.face').dataset.view = arguments[0]", view
            )
            shot = Image.open(io.BytesIO(browser.get_screenshot_as_png()))
            frames.append(shot.convert("RGB"))
        return frames
    finally:
        browser.quit()


if __name__ == "__main__":
    main()
