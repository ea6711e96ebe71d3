"""Debian's Chromium without a screen, as a reader of the page would use it."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

LONGEST_WAIT = 60.0  # seconds; where many tests run at once


class Browser:
    """A page opened in Chromium, which remembers what it complained of and what it asked for.

    Parameters
    ----------
    driver : of selenium
    downloads : folder for what is downloaded
    """

    def __init__(self, driver: Any, downloads: Path) -> None:
        self.driver = driver
        self.downloads = downloads
        self.complaints: list[str] = []
        self.requests: set[str] = set()

    def open(self, page: Path, fragment: str = "") -> None:
        """Open a page anew, and wait until it is ready."""
        self.driver.get("about:blank")
        self.driver.get(f"{page.as_uri()}{fragment}")
        self.wait("document.body.dataset.ready === 'true'")

    def go(self, fragment: str) -> None:
        """Change the address of the page that is open, and wait until the page has followed."""
        self.script("location.hash = arguments[0]", fragment)
        self.wait("JSON.stringify(shownState) === JSON.stringify(readState())")

    def script(self, code: str, *arguments: Any) -> Any:
        """Run a script in the page, and give what it returns."""
        return self.driver.execute_script(code, *arguments)

    def wait(self, condition: str) -> None:
        """Wait until an expression in the page is true."""
        end = time.monotonic() + LONGEST_WAIT
        while not self.script(f"return Boolean({condition})"):
            assert time.monotonic() < end, f"{condition} does not come true; {self.look()}"
            time.sleep(0.02)

    def text(self, selector: str) -> str:
        """Give the text of an element as the page has it, without line breaks."""
        return " ".join(self.script("return document.querySelector(arguments[0]).textContent", selector).split())

    def click(self, selector: str) -> None:
        """Click an element as a mouse would."""
        element = self.driver.find_element("css selector", selector)
        self.script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def choose(self, selector: str, value: str) -> None:
        """Fill a field of the form in, as if a reader had."""
        self.script(
            "const field = document.querySelector(arguments[0]); field.value = arguments[1];"
            "field.dispatchEvent(new Event('change'))",
            selector,
            value,
        )

    def download(self, selector: str, name: str) -> str:
        """Click what downloads a file, and give its text."""
        path = self.downloads / name
        path.unlink(missing_ok=True)
        self.click(selector)
        end = time.monotonic() + LONGEST_WAIT
        # Chromium takes the name with an empty file, and writes another that it then moves there
        while not (path.exists() and path.stat().st_size):
            assert time.monotonic() < end, f"{name} does not come"
            time.sleep(0.02)
        return path.read_text()

    def look(self) -> list[str]:
        """Give all complaints up to now, and note what was asked for."""
        self.complaints += [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.requests.add(message["params"]["request"]["url"])
        return self.complaints


@contextmanager
def chromium(downloads: Path) -> Iterator[Browser]:
    """Start Chromium; a test is skipped where it or its driver is missing."""
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    driver_path, browser_path = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("google-chrome")
    if not driver_path or not browser_path:
        pytest.skip("no Chromium with its chromedriver here (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = browser_path
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1400,1000",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    try:
        behaviour = {"behavior": "allow", "downloadPath": str(downloads)}
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
        yield Browser(driver, downloads)
    finally:
        driver.quit()
