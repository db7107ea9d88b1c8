"""A real browser without a window, started for the tests and gone with them."""

import base64
import json
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest
from pypdf import PdfReader
from selenium.webdriver import Chrome, ChromeOptions, ChromeService, Keys

from servers.programs import why_not_installed

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
_KEYS = {Keys.TAB: ("Tab", 9), Keys.ENTER: ("Enter", 13), Keys.ESCAPE: ("Escape", 27)}


class Named(NamedTuple):
    """What assistive technology is told of something: its role and its name."""

    role: str
    name: str


class _Driver(Protocol):
    """What of a driver is used here."""

    def get(self, url: str) -> None: ...

    def execute_cdp_cmd(self, cmd: str, cmd_args: dict[str, object]) -> Any: ...

    def execute_script(self, script: str) -> Any: ...

    def get_log(self, log_type: str) -> Any: ...


class Browser:
    """A page as somebody sees it who has a screen of a size, prefers a colour scheme, and uses the keyboard."""

    def __init__(self, driver: _Driver) -> None:
        self._driver = driver

    def show(
        self, page: Path, *, width: int = 1280, scheme: str = "light", media: str = "", scripts: bool = True
    ) -> None:
        """Loads a page. What was logged before is forgotten."""
        self.tell("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.emulate(scheme, media)
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        self._driver.get("about:blank")
        self.requests()
        self.console()
        self._driver.get(page.as_uri())

    def emulate(self, scheme: str = "light", media: str = "") -> None:
        """Prefers a colour scheme from now on; `media` may be `print`."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.tell("Emulation.setEmulatedMedia", media=media, features=features)

    def tell(self, command: str, **arguments: object) -> Any:
        """Sends a command of the DevTools protocol. What it answers."""
        return self._driver.execute_cdp_cmd(command, arguments)

    def ask(self, script: str) -> Any:
        """What a JavaScript expression comes to."""
        return self._driver.execute_script(f"return {script}")

    def press(self, key: str) -> None:
        """Presses a key of the keyboard and lets it go."""
        name, code = _KEYS[key]
        text = {"text": "\r"} if key == Keys.ENTER else {}
        for kind in ("keyDown", "keyUp"):
            self.tell(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code,
                **(text if kind == "keyDown" else {}),
            )  # fmt: skip

    def click(self, selector: str) -> None:
        """Clicks what a selector finds first."""
        place = self.ask(f"document.querySelector('{selector}').getBoundingClientRect().toJSON()")
        at = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self.tell("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)

    def requests(self) -> list[str]:
        """The addresses that were asked for since this was asked last."""
        events = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        sent = [
            each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in sent if url != "about:blank"]

    def console(self) -> list[str]:
        """What was written to the console since this was asked last."""
        return [entry["message"] for entry in self._log("browser")]

    def accessible(self) -> list[Named]:
        """Everything that assistive technology is told of, in the order of the page."""
        return [*self._accessible()]

    def printed(self) -> list[str]:
        """The texts of the pages that come out of a printer."""
        answer = self.tell("Page.printToPDF", preferCSSPageSize=True)
        pages = PdfReader(BytesIO(base64.b64decode(answer["data"]))).pages
        return [page.extract_text() for page in pages]

    def _accessible(self) -> Iterator[Named]:
        nodes = {node["nodeId"]: node for node in self.tell("Accessibility.getFullAXTree")["nodes"]}
        ahead = [next(iter(nodes))]
        while ahead:
            node = nodes[ahead.pop()]
            ahead += reversed(node.get("childIds", ()))
            if not node.get("ignored"):
                yield Named(node["role"]["value"], node.get("name", {}).get("value", ""))

    def _log(self, kind: str) -> Any:
        return self._driver.get_log(kind)


@contextmanager
def open_browser() -> Generator[Browser]:
    """Starts a browser. Without one the test is skipped."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip(why_not_installed(f"{BROWSERS[0]} and chromedriver are not there"))
    with tempfile.TemporaryDirectory(prefix="poolcheck-browser-", ignore_cleanup_errors=True) as folder:
        options = ChromeOptions()
        options.binary_location = browser
        for flag in (*FLAGS, f"--user-data-dir={folder}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        started = Chrome(options, ChromeService(driver, log_output=os.devnull))
        try:
            yield Browser(started)
        finally:
            started.quit()
