"""A headless Chromium, Debian's, for tests of pages."""

import json
import shutil
from contextlib import contextmanager

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="no Chromium here (Debian: apt-get install chromium chromium-driver)",
)


@contextmanager
def chromium(width: int = 1280, height: int = 1000):
    """A driver of a browser of its own, with nothing remembered."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for word in (
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        f"--window-size={width},{height}",
    ):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options, Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def requests(driver) -> set[str]:
    """Addresses that were asked for since the last call, those of data: left out."""
    told = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [m for m in told if m["method"] == "Network.requestWillBeSent"]
    addresses = {m["params"]["request"]["url"] for m in asked}
    return {address for address in addresses if not address.startswith("data:")}
