"""Where async helps: what docs/migration-guide.md concludes from its figures holds in a short run of them too."""

import contextlib
from collections.abc import Mapping

import pytest
from benchmark.waiting import Outcome, measure, read, table
from serving_lab.errors import LabError
from support.follow import in_kind
from support.page import Page

pytestmark = [pytest.mark.service, pytest.mark.alone, pytest.mark.timeout(600)]

FIGURES = Page("docs/migration-guide.md").block("", "that blocks")


def test_the_figures_of_the_page_say_what_it_concludes() -> None:
    check_directions(read(FIGURES))


def test_a_short_run_says_it_too() -> None:
    assert in_kind(waiting()) == in_kind(FIGURES)


def waiting() -> str:
    """What `make bench-async` prints after a short run that went as the page tells it."""
    for seconds in (1, 4):
        with contextlib.suppress(AssertionError, LabError):
            return _as_concluded(measure(rounds=1, seconds=seconds))
    return _as_concluded(measure(rounds=1, seconds=8))


def _as_concluded(figures: Mapping[str, Outcome]) -> str:
    check_directions(figures)
    return table(figures)


def check_directions(figures: Mapping[str, Outcome]) -> None:
    """What the page concludes from its figures; bounds are wide, because other programs run too."""
    lookup = {name.removeprefix("lookup, "): each for name, each in figures.items() if name.startswith("lookup")}
    model = {name.removeprefix("model, "): each for name, each in figures.items() if name.startswith("model")}
    threads, awaited, blocked = (
        lookup[name] for name in ("Flask, 64 threads", "FastAPI, async def, aiohttp", "FastAPI, async def that blocks")
    )
    assert awaited.per_second > 5 * blocked.per_second
    assert blocked.health_p99 > 3 * awaited.health_p99
    assert threads.per_second > 1.5 * lookup["Flask, 8 threads"].per_second
    assert awaited.per_second > 3 * lookup["FastAPI, async def, httpx"].per_second
    assert model["FastAPI, async def"].per_second < 2 * model["Flask, 8 threads"].per_second
