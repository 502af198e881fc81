"""A real browser, Debian's Chromium without a window, that may speak to this machine alone."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from support.needs import needed
from support.tiers import at_least

SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
WAIT_SECONDS = 40
_OWN_SCHEMES = {"data", "blob", "about"}
expect.set_options(timeout=WAIT_SECONDS * 1000)
_ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# Chromium gives up requests under way when a network interface comes or goes, as with each container of another test.
_FAULTS_OF_THE_HOST = ("net::ERR_NETWORK_CHANGED",)


@dataclass
class Visit:
    """A page and everything that is wrong with it: errors it reported, and hosts other than this one it asked."""

    page: Page
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def screenshot(self, name: str) -> Path:
        """Keep what the page looks like, from top to bottom, as build output."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path, full_page=True)
        return path

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(fault in message.text for fault in _FAULTS_OF_THE_HOST):
            self.errors.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in _OWN_SCHEMES and url.hostname != "127.0.0.1":
            self.strangers.append(request.url)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser."""
    at_least("browser", "a browser")
    program = needed("chromium", package="chromium")
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*_ARGUMENTS, *sandbox])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def visit(browser: Browser, *, width: int = 1280, height: int = 800, dark: bool = False) -> Iterator[Visit]:
    """Open an empty page in a window of its own."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", accept_downloads=True
    )
    context.set_default_timeout(WAIT_SECONDS * 1000)
    visit = Visit(context.new_page())
    visit.page.on("console", visit._console)
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
    visit.page.on("request", visit._request)
    try:
        yield visit
    finally:
        context.close()
