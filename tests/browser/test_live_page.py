"""The live page in a real browser: from Locust's start button to a moving line for each service."""

import csv
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from support import local_http
from support.browser import Visit, chromium, visit
from support.fake_server import Asked, Says, fake_server
from support.live import LABELS, Metrics, running_live, serving
from support.load import RunningLocust, of_services, running_locust
from support.services import CATALOGUE, free_port, running_services, wait_until

USERS = 8
THINKING = {"THINK_TIME_MIN_SECONDS": 0.02, "THINK_TIME_MAX_SECONDS": 0.1}
SERVICES = CATALOGUE.running({}).entries
COLOURS = [entry.colour for entry in SERVICES]
CHARTS = [
    "requests_per_second",
    "p50_seconds",
    "p95_seconds",
    "p99_seconds",
    "failed_ratio",
    "cache_hit_ratio",
    "cpu_cores",
    "memory_bytes",
    "in_progress",
]
KEYBOARD = ["Locust", "span", "run", "csv", "json", "print", "theme", "over", "figures-title", "fairness-title"]
FOCUSED = """(({id, name, text, ariaLabelledByElements}) => id || name || text || ariaLabelledByElements[0].id)(
    document.activeElement)"""
DRAWN_LINES = """chart => [...document.querySelectorAll(`[data-key="${chart}"] .scatterlayer .js-line`)]
    .filter(line => line.getTotalLength() > 0).map(line => "#" + getComputedStyle(line).stroke.match(/\\d+/g)
        .slice(0, 3).map(part => Number(part).toString(16).padStart(2, "0")).join(""))"""
FITS = """[...document.querySelectorAll('.chart')]
    .every(chart => chart.querySelector('.main-svg').clientWidth <= chart.clientWidth)"""
NEWEST_VALUES = """chart => document.querySelector(`[data-key="${chart}"] .plot`).data.map(trace => trace.y.at(-1))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def locust(model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLocust]:
    """The services that run unless told otherwise, and Locust with its web UI, doing nothing yet."""
    with running_services(model_dir, [entry.name for entry in SERVICES], WORKERS=2) as services:
        urls = of_services({name: service.base_url for name, service in services.items()})
        with running_locust(tmp_path_factory.mktemp("locust"), **urls, **THINKING) as running:
            yield running


@pytest.fixture(scope="module")
def quiet_page(browser: Browser, locust: RunningLocust) -> Iterator[dict[str, Any]]:
    """What the page said before there was any load."""
    with visit(browser) as visited:
        visited.page.goto(f"{locust.base_url}/")
        visited.page.get_by_role("link", name="Live", exact=True).click()
        expect(visited.page.locator("#fair")).to_have_text("Yes")
        shown = {
            "banners": visited.page.locator("#banners").inner_text(),
            "throughput": visited.page.locator('[data-key="requests_per_second"] .empty').inner_text(),
            "memory": visited.page.evaluate(NEWEST_VALUES, "memory_bytes"),
        }
        visited.screenshot("live-quiet")
        yield shown | {"errors": visited.errors, "strangers": visited.strangers}


@pytest.fixture(scope="module")
def under_load(browser: Browser, locust: RunningLocust, quiet_page: dict[str, Any]) -> Iterator[Visit]:
    """The page, reached as a person reaches it: users filled in, Start pressed, the tab chosen."""
    assert quiet_page
    with visit(browser) as visited:
        page = visited.page
        page.goto(f"{locust.base_url}/")
        page.get_by_label("Number of users").fill(str(USERS))
        page.get_by_label("Ramp up").fill(str(USERS))
        page.get_by_role("button", name="Start").click()
        page.get_by_role("tab", name="Live").click()
        page.wait_for_url("**/live")
        page.wait_for_function("/\\d/.test(document.querySelector('.ratio')?.textContent)")
        for chart in CHARTS:
            page.wait_for_function(
                f"(({DRAWN_LINES})('{chart}')).length === {len(SERVICES)} || '{chart}' === 'failed_ratio'"
            )
        yield visited


def test_without_traffic_the_page_says_so_and_still_shows_what_the_services_cost(quiet_page: dict[str, Any]) -> None:
    assert "No traffic. Start a run in Locust" in quiet_page["banners"]
    assert quiet_page["throughput"] == "No traffic"
    assert all(mebibytes > 10 for mebibytes in quiet_page["memory"])
    assert (quiet_page["errors"], quiet_page["strangers"]) == ([], [])


@pytest.mark.parametrize("chart", [chart for chart in CHARTS if chart != "failed_ratio"])
def test_each_chart_draws_each_service_in_its_colour(under_load: Visit, chart: str) -> None:
    assert under_load.page.evaluate(DRAWN_LINES, chart) == COLOURS


def test_the_lines_move(under_load: Visit) -> None:
    page = under_load.page
    before = page.evaluate(NEWEST_VALUES, "requests_per_second")
    assert all(value > 0 for value in before)

    page.wait_for_function(
        f"before => JSON.stringify(({NEWEST_VALUES})('requests_per_second')) !== before", arg=json.dumps(before)
    )


def test_the_ratio_is_that_of_the_figures_beside_it_and_has_its_direction_in_words(under_load: Visit) -> None:
    # Read at once: the page goes on meanwhile.
    row, shown, words = under_load.page.evaluate(
        "['#figures tr', '.ratio', '.words'].map(selector => document.querySelector(selector).textContent)"
    )
    baseline, candidate = (float(number) for number in re.findall(r"([\d.]+) /s", row)[:2])
    ratio = float(shown[:-1])

    assert ratio == pytest.approx(candidate / baseline, rel=0.02)
    expected = "as many requests as" if abs(ratio - 1) < 0.05 else "more|times as many" if ratio > 1 else "fewer"
    assert re.fullmatch(f"{SERVICES[1].label} answers .*({expected}).* {SERVICES[0].label}", words)


def test_the_fairness_table_names_equal_and_intended_differences(under_load: Visit) -> None:
    rows = {
        row.locator("th").inner_text(): row.locator("td").last.get_attribute("aria-label")
        for row in under_load.page.locator("#conditions tr").all()
    }

    assert rows == {
        "Framework": "meant to differ",
        "Server": "meant to differ",
        "Model": "same",
        "Workers": "same",
        "Python": "same",
        "CPU limit, cores": "same",
        "Memory limit": "same",
        "Memory counted": "same",
    }


def test_light_and_dark(under_load: Visit) -> None:
    page = under_load.page
    light = background(page)
    under_load.screenshot("live-light")

    page.get_by_role("button", name="Dark").click()

    dark = background(page)
    under_load.screenshot("live-dark")
    page.get_by_role("button", name="Light").click()
    assert sum(light) > 600
    assert sum(dark) < 150
    assert background(page) == light


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_can_be_read_and_used_by_everybody(under_load: Visit, theme: str, width: int) -> None:
    """As far as axe-core can tell: contrast, names of controls, headings, tables."""
    page = under_load.page
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    try:
        page.wait_for_function(FITS)
        assert_accessible(page)
    finally:
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1280, "height": 800})


def test_everything_is_reached_by_keyboard_in_the_order_in_which_it_is_seen(
    under_load: Visit, browser: Browser, locust: RunningLocust
) -> None:
    assert under_load.errors == []
    with visit(browser) as visited:
        page = visited.page
        page.goto(f"{locust.base_url}/live")
        expect(page.locator("#csv")).to_have_attribute("href", re.compile("csv$"))
        reached = []
        for _ in KEYBOARD:
            page.keyboard.press("Tab")
            reached.append(page.evaluate(FOCUSED))

    assert reached == KEYBOARD


def test_a_browser_that_prefers_dark_gets_it(browser: Browser, locust: RunningLocust) -> None:
    with visit(browser, dark=True) as visited:
        visited.page.goto(f"{locust.base_url}/live")

        assert sum(background(visited.page)) < 150


@pytest.mark.parametrize(("name", "width"), [("phone", 390), ("laptop", 1280)])
def test_nothing_is_wider_than_the_window(under_load: Visit, name: str, width: int) -> None:
    page = under_load.page
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_function(FITS)
    under_load.screenshot(f"live-{name}")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1280, "height": 800})


def test_printed_it_is_light_without_controls_and_keeps_its_charts(under_load: Visit, tmp_path: Path) -> None:
    page = under_load.page
    page.emulate_media(media="print", color_scheme="dark")
    try:
        page.wait_for_timeout(300)
        assert not page.get_by_role("button", name="Print").is_visible()
        assert page.locator(".chart:visible").count() == len(CHARTS)
        under_load.screenshot("live-print")
        printed = page.pdf(path=tmp_path / "live.pdf", prefer_css_page_size=True)
    finally:
        page.emulate_media(media="screen", color_scheme="light")

    assert printed.startswith(b"%PDF")
    assert len(printed) > 20_000


def test_a_run_that_stopped_is_downloaded_as_it_is_shown(
    under_load: Visit, locust: RunningLocust, tmp_path: Path
) -> None:
    page = under_load.page
    page.goto(f"{locust.base_url}/")
    page.get_by_role("button", name="Stop").click()
    page.goto(f"{locust.base_url}/live")
    expect(page.locator("#status")).to_contain_text("Last run ended")
    page.get_by_text("whole run").click()
    wait_until(lambda: shown_rates(page)[0] > 0, "figures of the run")

    files = {kind: download(page, kind, tmp_path) for kind in ("csv", "json")}

    saved = json.loads(files["json"].read_text())
    rows = list(csv.DictReader(files["csv"].read_text().splitlines()))
    assert saved["run"]["users"] == USERS
    assert saved["run"]["stopped"] > saved["run"]["started"]
    rates = [saved["run"]["summary"][entry.name]["requests_per_second"] for entry in SERVICES]
    # The last reading may come after the end was shown.
    wait_until(lambda: shown_rates(page) == pytest.approx(rates, rel=0.01), f"{rates} on the page")
    assert len(rows) == len(saved["points"]) >= 3
    for row, point in zip(rows, saved["points"], strict=True):
        assert float(row["time"]) == point["time"]
        for name, figures in point["services"].items():
            assert float(row[f"{name}_requests_per_second"]) == figures["requests_per_second"]
            assert float(row[f"{name}_memory_bytes"]) == figures["memory_bytes"]
        assert int(row["generator_users"]) == point["generator"]["users"]
    assert {condition["verdict"] for condition in saved["conditions"]} == {"same", "meant to differ"}


@contextmanager
def below(prefix: str, base_url: str) -> Iterator[str]:
    """What is at the base URL, through a proxy that takes a prefix off paths and tells nobody."""

    def forward(asked: Asked) -> Says:
        if not asked.path.startswith(f"{prefix}/"):
            return Says(status=404)
        answer = local_http.get(base_url + asked.path.removeprefix(prefix))
        return Says(answer.content, answer.status_code, {"Content-Type": answer.headers["Content-Type"]})

    with fake_server(forward) as proxy:
        yield f"{proxy.base_url}{prefix}"


@pytest.mark.parametrize(("count", "prefix"), [(3, ""), (5, "/tools/load")], ids=["3", "5 behind a proxy"])
def test_more_services_have_more_columns_and_lines_and_each_candidate_its_ratio(
    browser: Browser, tmp_path: Path, count: int, prefix: str
) -> None:
    """Rates of 100, 190, 60, 100 and 1,000 a second; the third has another number of workers."""
    services = [Metrics(rate, workers) for rate, workers in ((100, 2), (190, 2), (60, 4), (100, 2), (1000, 2))][:count]
    with ExitStack() as stack:
        urls = [stack.enter_context(serving(service, free_port())) for service in services]
        locust = stack.enter_context(running_live(tmp_path, *urls))
        base_url = stack.enter_context(below(prefix, locust.base_url)) if prefix else locust.base_url
        visited = stack.enter_context(visit(browser))
        page = visited.page
        page.goto(f"{base_url}/live")
        page.wait_for_function(f"(({DRAWN_LINES})('requests_per_second')).length === {count}")
        assert visited.errors == []
        assert page.get_by_role("link", name="Locust").evaluate("link => link.href") == f"{base_url}/"

        assert [text.strip() for text in page.locator("#figures-head th").all_inner_texts()[1:]] == LABELS[:count]
        assert [len(row.locator("td").all()) for row in page.locator("#figures tr").all()] == [count] * 8
        assert len(page.evaluate(DRAWN_LINES, "memory_bytes")) == count
        expect(page.locator("#verdicts .words")).to_have_text(
            [
                re.compile(r"^New answers 1\.9 times as many requests as Old$"),
                re.compile(r"^Third answers (39|40|41)% fewer requests than Old$"),
                re.compile(r"^Fourth answers as many requests as Old$"),
                re.compile(r"^Fifth answers (9\.[89]|10) times as many requests as Old$"),
            ][: count - 1]
        )
        expect(page.locator("#figures tr").first.locator(".against")).to_have_text(
            [
                re.compile(r"^\s*(8[89]|9[01])% more\s*$"),
                re.compile(r"^\s*(39|40|41)% less\s*$"),
                re.compile(r"^\s*the same\s*$"),
                re.compile(r"^\s*(9\.[89]|10) times\s*$"),
            ][: count - 1]
        )
        expect(page.locator("#fair")).to_have_text("No: Workers")
        assert page.locator("#conditions .differs .other").all_inner_texts() == ["4"]
        expect(page.locator("#status")).to_contain_text("Load from elsewhere for")
        expect(page.locator("#run")).to_contain_text("from elsewhere")
        # No user of Locust's can say whether these requests failed.
        instead = page.locator('[data-key="failed_ratio"]')
        expect(instead.locator("h2")).to_have_text("Error answers, 4xx and 5xx")
        expect(instead.locator(".empty")).to_be_hidden()
        assert len(page.evaluate(DRAWN_LINES, "failed_ratio")) == count

        assert_accessible(page)
        for width in (390, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_function(FITS)
            visited.screenshot(f"live-{count}-services-{width}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert (visited.errors, visited.strangers) == ([], [])


def test_no_page_reported_an_error_or_asked_another_host(under_load: Visit) -> None:
    assert (under_load.errors, under_load.strangers) == ([], [])


def assert_accessible(page: Page) -> None:
    """Fail if axe-core finds anything against WCAG 2.2 at level AA."""
    tags = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
    found = Axe().run(page, options={"runOnly": tags, "resultTypes": ["violations"]})

    assert found.violations_count == 0, found.generate_report()


def background(page: Page) -> tuple[int, ...]:
    """The red, green and blue of the page."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return tuple(int(part) for part in re.findall(r"\d+", colour)[:3])


def shown_rates(page: Page) -> list[float]:
    """The requests a second that the table shows, the baseline's first."""
    row = page.locator("#figures tr").filter(has_text="Requests").inner_text()
    return [float(number) for number in re.findall(r"([\d.]+) /s", row)] or [0.0]


def download(page: Page, kind: str, directory: Path) -> Path:
    """Press a download button and return the file."""
    with page.expect_download() as started:
        page.locator(f"#{kind}").click()
    path = directory / started.value.suggested_filename
    started.value.save_as(path)
    return path
