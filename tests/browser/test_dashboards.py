"""The dashboards, drawn by Grafana's own components from what a real Prometheus says of real services under load."""

import copy
import itertools
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pictures.answers import Range, answers
from pictures.components import SCRIPT, STYLES, bundled
from playwright.sync_api import Browser, Page, expect
from serving_lab.stack.dashboards import coloured
from support import local_http
from support.browser import chromium, visit
from support.dashboards import DASHBOARDS_DIR, ask
from support.fake_server import Asked, Says, fake_server
from support.load import of_services, running_locust
from support.prometheus import running_prometheus
from support.services import BASELINE, CANDIDATES, CATALOGUE, running_services, wait_until

DASHBOARDS = {
    path.removesuffix(".json"): json.loads(text) for path, text in coloured(DASHBOARDS_DIR, CATALOGUE.entries).items()
}
SHOWN_SECONDS = 40
PAGE = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Dashboard</title>
<link rel="stylesheet" href="{STYLES}"><div id="root"></div><script src="{SCRIPT}"></script></html>"""


@dataclass(frozen=True)
class Look:
    """How a dashboard is looked at: the width of its panels and of the window around them, and the theme."""

    panels_width: int
    window_width: int
    dark: bool = True
    five: bool = False
    """Whether there are five services: two more that answer as the first candidate does."""

    def __str__(self) -> str:
        return f"{self.panels_width}{'' if self.dark else '-light'}{'-five' if self.five else ''}"


MENU_DOCKED, LIGHT, FIVE = Look(980, 1280), Look(1280, 1280, dark=False), Look(980, 1280, five=True)
SHORT = [("side-by-side", FIVE), ("side-by-side", LIGHT), ("service", MENU_DOCKED)]
ALL = [(name, look) for name in DASHBOARDS for look in (MENU_DOCKED, Look(1280, 1280), Look(1920, 1920), LIGHT, FIVE)]
LOOKS = ALL if os.environ.get("PICTURES") == "all" else SHORT

CUT_OFF = """() => {
    const outside = element => {
        const [text, panel] = [element, element.closest("[data-panel]")].map(each => each.getBoundingClientRect())
        const seen = text.width > 1 && [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())
        return seen && (text.bottom > panel.bottom + 1 || text.right > panel.right + 1)
    }
    return [
        ...[...document.querySelectorAll("[data-panel] h2, [data-panel] h2 *, [role=grid]")].filter(
            element => element.scrollWidth > element.clientWidth + 1),
        ...[...document.querySelectorAll("[data-panel] *")].filter(outside),
    ].map(element => element.textContent.slice(0, 80))
}"""
LEGENDS = """() => [...document.querySelectorAll("[data-panel]")].map(panel =>
    [...panel.querySelectorAll("button[class*=LegendLabel]")].map(label => label.textContent))"""


@dataclass(frozen=True)
class Seen:
    """What Prometheus says to a dashboard's queries, by its name."""

    shown: Range
    answers: dict[str, dict[int, list[dict[str, Any]]]]


@pytest.fixture(scope="module")
def seen(model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """A minute: services that idle, then load of Locust, a client of its own, and answers of 4xx."""
    directory = tmp_path_factory.mktemp("seen")
    with running_services(model_dir, WORKERS=1) as services:
        urls = {name: service.base_url for name, service in services.items()}
        thinking = {"THINK_TIME_MIN_SECONDS": 0.1, "THINK_TIME_MAX_SECONDS": 0.3}
        with (
            running_locust(directory, **of_services(urls), **thinking) as locust,
            running_prometheus(directory, urls | {"locust": locust.base_url}) as prometheus_url,
        ):
            started = time.time()
            wait_until(lambda: len(ask(prometheus_url, "rate(service_cpu_seconds_total[8s])")) == len(urls), "rates")
            locust.post("/swarm", user_count=12, spawn_rate=12)
            with local_http.client() as client:
                while time.time() < started + SHOWN_SECONDS:
                    for url in urls.values():
                        client.get(f"{url}/nowhere")
                        client.post(f"{url}/login", json={"username": "", "password": ""})
                        client.post(f"{url}/predict", json={"features": []})
                    time.sleep(0.5)
            shown = Range.until(time.time() - 1, SHOWN_SECONDS)
            variables = {"service": BASELINE, "handler": ".*"}
            return Seen(
                shown,
                {uid: answers(prometheus_url, dashboard, variables, shown) for uid, dashboard in DASHBOARDS.items()},
            )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def page_url() -> Iterator[str]:
    """Where the page is that draws dashboards."""
    made = bundled()
    kinds = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}

    def respond(asked: Asked) -> Says:
        file = made / Path(asked.path).name
        # Icons, and the font of code, are in no package.
        if file.suffix == ".woff2" and not file.exists():
            file = made / "Inter-Regular.woff2"
        if file.is_file():
            return Says(file.read_bytes(), headers={"Content-Type": kinds[file.suffix]})
        return Says(PAGE.encode() if asked.path == "/" else b"<svg/>", headers={"Content-Type": "text/html"})

    with fake_server(respond) as server:
        yield server.base_url


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def drawn(request: pytest.FixtureRequest, browser: Browser, page_url: str, seen: Seen) -> Iterator[tuple[str, Page]]:
    """A dashboard's name, and the page on which it has been drawn without an error."""
    name, look = request.param
    dashboard = DASHBOARDS[name]
    # Tables draw only the rows that are in sight.
    height = 40 * max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    with visit(browser, width=look.window_width, height=height) as visited:
        page = visited.page
        page.goto(page_url)
        what = {
            "dashboard": dashboard,
            "answers": with_two_more(seen.answers[name]) if look.five else seen.answers[name],
            "range": seen.shown.as_json(),
            "dark": look.dark,
            "width": look.panels_width,
        }
        page.evaluate("what => window.draw(what)", what)
        expect(page.locator("[data-panel] canvas")).to_have_count(graphs(dashboard))
        visited.screenshot(f"dashboard-{name}-{look}")
        yield name, page
        assert (visited.errors, visited.strangers) == ([], [])


def test_nothing_is_cut_off_and_every_line_has_a_name_of_its_own(drawn: tuple[str, Page]) -> None:
    name, page = drawn
    legends = page.evaluate(LEGENDS)

    assert page.evaluate(CUT_OFF) == []
    assert sum(map(len, legends)) >= graphs(DASHBOARDS[name])
    for names in legends:
        assert all(names)
        assert sorted(names) == sorted(set(names))
    if name == "side-by-side":
        labels = CATALOGUE.labels
        for candidate in CANDIDATES:
            verdict = re.compile(f"{labels[candidate]} / {labels[BASELINE]}: (better|worse|equal)")
            expect(page.locator("body")).to_contain_text(verdict)
        expect(page.locator("body")).to_contain_text("from elsewhere")


def with_two_more(answered: dict[int, list[dict[str, Any]]]) -> dict[int, list[dict[str, Any]]]:
    """The answers of two services more, one with a longer name, beside those of the first candidate."""
    as_first = CATALOGUE.labels[CANDIDATES[0]]
    answered = copy.deepcopy(answered)
    for answer in itertools.chain.from_iterable(answered.values()):
        for series in [series for series in answer["series"] if series["metric"].get("label") == as_first]:
            for label in ("Quart", "Go service"):
                answer["series"].append({**series, "metric": {**series["metric"], "label": label}})
    return answered


def graphs(dashboard: dict[str, Any]) -> int:
    """How many panels draw lines, those in folded rows aside."""
    return sum(panel["type"] == "timeseries" for panel in dashboard["panels"])
