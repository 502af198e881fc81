"""The flame graph of the report in a real browser, opened as a file."""

from collections.abc import Iterator

import pytest
from made.explanation import make_explanation, with_explanation
from made.simulated import make_win
from playwright.sync_api import Browser
from serving_lab.report.document import Document
from serving_lab.report.inputs import ReportInputs
from serving_lab.report.page import render
from support.browser import Visit, chromium, visit
from support.contrast import hard_to_read


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a report with an explanation lies."""
    result = make_win()
    explanation = make_explanation([target.name for target in result.targets])
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(Document.of(ReportInputs(with_explanation(result, explanation)))), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser: Browser, report: str) -> Iterator[Visit]:
    """The report in a window; it reports no error and asks for nothing else."""
    with visit(browser) as visited:
        visited.page.goto(report)
        yield visited
        assert (visited.errors, {url.partition("#")[0] for url in visited.strangers}) == ([], {report})


def test_boxes_say_both_times_and_are_zoomed_and_found(opened: Visit) -> None:
    page = opened.page
    boxes = page.locator(".flames .frame")
    assert boxes.count() == len(("all", "main", "index", "work", "encode"))

    work = page.locator(".flames .frame[name^='work (']")
    work.locator("rect").hover()
    assert "→" in page.locator(".flames .details").inner_text()
    page.locator(".flames input").fill("work (")
    assert work.locator("rect").get_attribute("fill") == "#ffd84d"
    page.locator(".flames input").fill("")

    whole = page.locator(".flames .picture").bounding_box()
    work.locator("rect").click()
    assert whole is not None
    page.wait_for_function(
        "width => document.querySelector(\".frame[name^='work (']\").getBoundingClientRect().width > width * 0.9",
        arg=whole["width"],
    )
    page.locator(".flames button").click()
    assert boxes.count() == len(("all", "main", "index", "work", "encode"))


@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_the_window(opened: Visit, width: int) -> None:
    page = opened.page
    page.set_viewport_size({"width": width, "height": 800})
    opened.screenshot(f"flames-{width}")

    page.wait_for_function(
        "(() => { const box = document.querySelector('.flames .picture');"
        " return box.querySelector('svg').clientWidth === box.clientWidth; })()"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True])
def test_light_and_dark_all_text_can_be_read(browser: Browser, report: str, dark: bool) -> None:
    with visit(browser, dark=dark) as opened:
        opened.page.goto(report)

        assert hard_to_read(opened.page) == []
