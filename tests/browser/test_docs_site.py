"""The documentation in a real browser: opened as files, and served; on a phone and on a desktop."""

import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from support.browser import Visit, chromium, visit
from support.contrast import hard_to_read
from support.docs_site import built_site
from support.services import wait_until

PHONE, DESKTOP = 360, 1280
SHOWN_FILES = ("env.example.html", "services/flask_api/index.html", "services/flask_api/flask_api/guard.py.html")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_site(tmp_path_factory.mktemp("docs"))


@pytest.fixture(scope="module")
def pages(site: Path) -> list[Path]:
    """All pages that are written as such, and one of each kind that shows something else."""
    written = [site / "index.html", site / "monitoring" / "index.html", *sorted((site / "docs").rglob("*.html"))]
    return [*written, *(site / name for name in SHOWN_FILES)]


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    """Where the site is served."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def went_elsewhere(visited: Visit) -> list[str]:
    return [url for url in visited.strangers if not url.startswith("file:")]


def search(page: Page, words: str) -> None:
    box = page.get_by_role("combobox", name="Search")

    def is_open() -> bool:
        # Until the page's worker is ready, the keys are not heard.
        page.keyboard.press("Control+k")
        with contextlib.suppress(PlaywrightTimeout):
            box.wait_for(timeout=1000)
        return box.is_visible()

    wait_until(is_open, "the search is open")
    box.fill(words)


@pytest.mark.parametrize(("width", "dark"), [(PHONE, True), (DESKTOP, False)], ids=["phone-dark", "desktop-light"])
def test_pages_fit_the_window_can_be_read_and_report_no_error(
    browser: Browser, pages: list[Path], width: int, dark: bool
) -> None:
    with visit(browser, width=width, dark=dark) as visited:
        for path in pages:
            visited.page.goto(path.as_uri())
            if path.name in {"index.html", "guide.html"}:
                visited.screenshot(f"docs-{path.parent.name}-{path.stem}-{width}-{'dark' if dark else 'light'}")

            assert (path, visited.page.evaluate("document.documentElement.scrollWidth <= innerWidth")) == (path, True)
            assert (path, hard_to_read(visited.page)) == (path, [])
        assert (visited.errors, went_elsewhere(visited)) == ([], [])


def test_pages_opened_as_files_can_be_searched(browser: Browser, site: Path) -> None:
    with visit(browser) as visited:
        visited.page.goto((site / "index.html").as_uri())
        search(visited.page, "omission")

        expect(visited.page.get_by_role("option", name="Glossary")).to_be_visible()
        visited.screenshot("docs-search")
        visited.page.get_by_role("option", name="Glossary").click()
        expect(visited.page.get_by_role("heading", name="Glossary")).to_be_visible()
        assert (visited.errors, went_elsewhere(visited)) == ([], [])


def test_served_pages_can_be_searched_and_settings_are_found_in_the_file_that_has_them(
    browser: Browser, served: str
) -> None:
    with visit(browser, width=PHONE) as visited:
        visited.page.goto(f"{served}/docs/guide.html")
        search(visited.page, "LOCUST_SPAWN_RATE")

        visited.page.get_by_role("option", name=".env.example").first.click()
        expect(visited.page.get_by_role("heading", name=".env.example")).to_be_visible()
        assert (visited.errors, visited.strangers) == ([], [])


def test_the_reader_can_choose_dark_colors(browser: Browser, site: Path) -> None:
    with visit(browser) as visited:
        visited.page.goto((site / "index.html").as_uri())
        visited.page.get_by_title("Dark colors").click()

        expect(visited.page.locator("body")).to_have_attribute("data-md-color-scheme", "slate")
        assert hard_to_read(visited.page) == []


def test_the_menu_of_a_phone_leads_to_another_page(browser: Browser, site: Path) -> None:
    with visit(browser, width=PHONE) as visited:
        visited.page.goto((site / "index.html").as_uri())
        visited.page.locator("label.md-header__button[for=__drawer]").click()
        visited.page.get_by_text("Use it").first.click()
        visited.screenshot("docs-menu")
        visited.page.get_by_role("link", name="Methodology", exact=True).click()

        expect(visited.page).to_have_url((site / "docs" / "methodology.html").as_uri())
