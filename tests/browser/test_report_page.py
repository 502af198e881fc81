"""The report in a real browser, opened as a file."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from made.comparison import make_many, make_parity
from made.footprint import make_footprint
from made.measurement import BASELINE, CANDIDATE, THIRD
from made.simulated import HOSTILE, make_hostile, make_mixed, make_refused, make_three, make_undecided, make_win
from playwright.sync_api import Browser
from serving_lab.report import page as report_page
from serving_lab.report.document import Document
from serving_lab.report.inputs import Compared, ReportInputs
from support.browser import Visit, chromium, visit
from support.contrast import hard_to_read

REPORTS = {
    "win": ReportInputs(make_win(), (Compared(make_parity()),), make_footprint()),
    "mixed": ReportInputs(make_mixed(), (Compared(make_many()),), None),
    "undecided": ReportInputs(make_undecided(), (), None),
    "refused": ReportInputs(make_refused(), (Compared(make_parity()),), None),
    "three": ReportInputs(make_three(), (Compared(make_parity()),), make_footprint((BASELINE, CANDIDATE, THIRD))),
    "hostile": ReportInputs(make_hostile(), (Compared(make_many()),), make_footprint((BASELINE, HOSTILE))),
    "footprint": ReportInputs(None, (), make_footprint()),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where each report lies."""
    directory = tmp_path_factory.mktemp("reports")
    return {name: written(directory / f"{name}.html", inputs) for name, inputs in REPORTS.items()}


@pytest.fixture
def visited(browser: Browser) -> Iterator[Visit]:
    """A window; the file that is opened in it reports no error and asks for no other."""
    with visit(browser) as opened:
        yield opened
        asked = {url.partition("#")[0] for url in opened.strangers}
        assert (opened.errors, asked) == ([], {opened.page.url.partition("#")[0]})


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_is_wider_than_the_window(visited: Visit, pages: dict[str, str], name: str) -> None:
    page = visited.page
    page.goto(pages[name])
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        visited.screenshot(f"report-{name}-{width}")

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.querySelectorAll('.card')].every(box => box.scrollWidth <= box.clientWidth)")


@pytest.mark.parametrize("name", ["three", "hostile"])
@pytest.mark.parametrize("width", [390, 1280])
def test_texts_of_a_plot_lie_within_it_do_not_overlap_and_are_large_enough(
    visited: Visit, pages: dict[str, str], width: int, name: str
) -> None:
    page = visited.page
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(pages[name])

    found = page.evaluate(
        """() => [...document.querySelectorAll("svg.plot")].flatMap(plot => {
            const frame = plot.getBoundingClientRect()
            const texts = [...plot.querySelectorAll("text")]
            const boxes = texts.map(text => [text.textContent, text.getBoundingClientRect()])
            const outside = boxes.filter(([_, box]) => box.left < frame.left - 1 || box.right > frame.right + 1)
            const small = boxes.filter(([_, box]) => box.height < 11)
            const overlapping = boxes.filter(([_, a], index) => boxes.slice(index + 1).some(([_, b]) =>
                a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom))
            return [...outside, ...small, ...overlapping].map(([text]) => text)
        })"""
    )

    assert page.locator("svg.plot").count() > 9
    assert found == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["mixed", "refused", "footprint"])
def test_light_and_dark_all_text_can_be_read(browser: Browser, pages: dict[str, str], dark: bool, name: str) -> None:
    with visit(browser, dark=dark) as opened:
        opened.page.goto(pages[name])
        ground = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")

        assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 150) is dark
        assert hard_to_read(opened.page) == []


@pytest.mark.parametrize("dark", [False, True])
def test_the_lines_of_targets_stand_out_from_the_card(browser: Browser, pages: dict[str, str], dark: bool) -> None:
    with visit(browser, dark=dark) as opened:
        opened.page.goto(pages["three"])
        colours = opened.page.evaluate(
            """() => [document.querySelector(".card"), ...document.querySelectorAll("#scenario-1 .curve")].map(
                (element, index) => getComputedStyle(element)[index ? "stroke" : "backgroundColor"])"""
        )

    card, *lines = (luminance(colour) for colour in colours)
    assert len(set(colours[1:])) == 3
    assert all((max(line, card) + 0.05) / (min(line, card) + 0.05) >= 3 for line in lines)


def test_a_manager_sees_verdict_numbers_and_parity_without_scrolling(visited: Visit, pages: dict[str, str]) -> None:
    page = visited.page
    page.goto(pages["win"])

    for text in ("Move", "It answers the same", "requests a second", "Do they answer alike?"):
        box = page.get_by_text(text).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 800


def test_plots_have_names_for_those_who_do_not_see_them(visited: Visit, pages: dict[str, str]) -> None:
    page = visited.page
    page.goto(pages["win"])

    plot = page.get_by_role("img", name="Latency at each percentile: As many requests as it can answer")

    assert plot.count() == 1
    assert page.get_by_role("img").count() == page.locator("svg.plot").count()


def test_on_paper_it_is_light_and_the_rule_is_open(browser: Browser, pages: dict[str, str], tmp_path: Path) -> None:
    with visit(browser, dark=True) as opened:
        page = opened.page
        page.goto(pages["win"])
        rule = page.get_by_text("Only verdicts count")
        assert not rule.is_visible()

        page.emulate_media(media="print")

        assert rule.is_visible()
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(24, 33, 43)"
        assert page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True).startswith(b"%PDF")


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def written(path: Path, inputs: ReportInputs) -> str:
    path.write_text(report_page.render(Document.of(inputs)), encoding="utf-8")
    return path.as_uri()
