"""The parity report in a real browser, opened as a file."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from made.comparison import make_cannot_tell, make_cause, make_different, make_many, make_parity
from playwright.sync_api import Browser
from serving_lab.parity.reporting.report import write_html
from support.browser import Visit, chromium, visit
from support.contrast import hard_to_read

RESULTS = {
    "same": make_parity(),
    "one": make_different(make_cause()),
    "many": make_many(),
    "cannot-tell": make_cannot_tell(),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where each report lies."""
    directory = tmp_path_factory.mktemp("reports")
    return {name: written(directory / f"{name}.html", name) for name in RESULTS}


@pytest.fixture
def visited(browser: Browser) -> Iterator[Visit]:
    """A window; the file that is opened in it reports no error and asks for no other."""
    with visit(browser) as opened:
        yield opened
        asked = {url.partition("#")[0] for url in opened.strangers}
        assert (opened.errors, asked) == ([], {opened.page.url.partition("#")[0]})


@pytest.mark.parametrize("name", RESULTS)
def test_nothing_is_wider_than_the_window(visited: Visit, pages: dict[str, str], name: str) -> None:
    page = visited.page
    page.goto(pages[name])
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        if name != "many":
            visited.screenshot(f"parity-{name}-{width}")

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(
            "[...document.querySelectorAll('.wide, .card')].every(box => box.scrollWidth <= box.clientWidth)"
        )


@pytest.mark.parametrize("dark", [False, True])
def test_light_and_dark_all_text_can_be_read(browser: Browser, pages: dict[str, str], dark: bool) -> None:
    with visit(browser, dark=dark) as opened:
        opened.page.goto(pages["many"])
        ground = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")

        assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 150) is dark
        assert hard_to_read(opened.page) == []


def test_examples_open_and_close_without_scripts(visited: Visit, pages: dict[str, str]) -> None:
    page = visited.page
    page.goto(pages["many"])
    cause = page.locator("#cause-9")
    assert not cause.locator(".pair").is_visible()

    cause.locator("summary").first.click()
    assert cause.locator(".pair").is_visible()
    assert not cause.locator(".yaml").is_visible()

    cause.get_by_text("Is this intended?").click()
    assert cause.locator(".yaml").is_visible()
    assert page.locator("#cause-1 .pair").is_visible()


def test_a_click_takes_the_whole_line(visited: Visit, pages: dict[str, str]) -> None:
    page = visited.page
    page.goto(pages["one"])

    page.locator(".command.primary").first.click()

    assert page.evaluate("getSelection().toString().trim()") == make_cause().example.primary_command


def test_a_link_of_the_overview_leads_to_its_cause(visited: Visit, pages: dict[str, str]) -> None:
    page = visited.page
    page.goto(pages["many"])

    page.get_by_role("link", name="20", exact=True).click()

    assert page.locator("#cause-20 summary").first.bounding_box()["y"] < 800  # type: ignore[index]


def test_on_paper_it_is_light_and_examples_are_open(browser: Browser, pages: dict[str, str], tmp_path: Path) -> None:
    with visit(browser, dark=True) as opened:
        page = opened.page
        page.goto(pages["many"])
        closed = page.locator("#cause-9 .pair")
        assert not closed.is_visible()

        page.emulate_media(media="print")

        assert closed.is_visible()
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(24, 33, 43)"
        assert page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True).startswith(b"%PDF")


def written(path: Path, name: str) -> str:
    write_html(RESULTS[name], path)
    return path.as_uri()
