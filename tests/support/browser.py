"""A headless Chromium, driven from trio: what a person sees, and does with keys and clicks."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest
import trio
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

T = TypeVar("T")

TAB = "\ue004"
ENTER = "\ue007"
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start one; skips the test where Debian's packages are missing."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("chromium and chromium-driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for option in _OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service(driver, log_output=os.devnull)
    opened = webdriver.Chrome(options=options, service=service)
    try:
        yield Browser(opened)
    finally:
        opened.quit()


@attrs.define(eq=False)
class Browser:
    """One window. What it does is done in a thread, so that the page's server goes on."""

    _driver: webdriver.Chrome

    async def _do(self, action: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(action)

    async def open(
        self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False
    ) -> None:
        """Show a page in a window of so many CSS pixels, with nothing remembered."""
        await self._do(lambda: self._open(url, width, height, dark=dark))

    def _open(self, url: str, width: int, height: int, *, dark: bool) -> None:
        # What scrolls smoothly is somewhere else when it is clicked.
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        # What a test has left behind that failed is not this one's.
        self._leave()
        command = self._driver.execute_cdp_cmd
        command("Emulation.setEmulatedMedia", {"features": [still, scheme]})
        command("Emulation.setDeviceMetricsOverride", metrics)
        command("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "all"})
        self._driver.get(url)

    async def leave(self) -> list[str]:
        """Go away, and return the errors that the page has caused."""
        return await self._do(self._leave)

    def _leave(self) -> list[str]:
        found = self._driver.get_log("browser")  # type: ignore[no-untyped-call]  # as selenium is
        self._driver.get("about:blank")
        return [entry["message"] for entry in found if entry["level"] == "SEVERE"]

    async def js(self, script: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever it returns
        """Run the body of a function within the page."""
        return await self._do(lambda: self._driver.execute_script(script, *arguments))

    async def until(self, expression: str, *, within: float = 10) -> None:
        """Wait until an expression is true; raises AssertionError, with what is seen instead."""
        with trio.move_on_after(within):
            while not await self.js(f"return Boolean({expression})"):  # noqa: ASYNC110  # a page sets no event
                await trio.sleep(0.02)
            return
        raise AssertionError(f"not {expression}, but\n{await self.text('body')}")

    async def text(self, selector: str) -> str:
        """Return the text that is seen of the first element that is found."""
        return await self._do(lambda: self._driver.find_element(By.CSS_SELECTOR, selector).text)

    async def click(self, selector: str) -> None:
        """Click where the element is."""
        await self._do(lambda: self._driver.find_element(By.CSS_SELECTOR, selector).click())

    async def type(self, selector: str, text: str) -> None:
        """Type into a field."""
        field = self._driver.find_element
        await self._do(lambda: field(By.CSS_SELECTOR, selector).send_keys(text))

    async def press(self, keys: str) -> None:
        """Press keys, wherever the focus is."""
        await self._do(lambda: self._driver.switch_to.active_element.send_keys(keys))

    async def screenshot(self, path: Path) -> bytes:
        """Take a picture of the window; a PNG."""
        taken = await self._do(
            lambda: self._driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        )
        picture = base64.b64decode(taken["data"])
        await trio.Path(path).write_bytes(picture)
        return picture
