"""Tiers: what a test needs, and so when it is run. Every test has exactly one.

A test's tier is the one it is marked with; else the highest of its folder's tier and those of the fixtures it asks for;
else `unit`. None is below its folder's, so that `-m unit` need not even import the other folders. What measures time is
marked `alone` as well: no other test runs meanwhile.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pytest

TIERS: Mapping[str, str] = {
    "unit": "starts no service and no browser",
    "service": "starts services, servers or commands, or computes for long",
    "browser": "starts a browser",
    "stack": "brings the lab up, on the host or in containers",
    "proof": "proves the laboratory itself on planted faults or with measured load; a minute or more",
}
"""Each tier with what its tests do, from the cheapest to the dearest."""

ALONE = "alone"
_running: deque[str] = deque(maxlen=1)
_RANK = list(TIERS)
_TIER_OF_FOLDER = {
    "contract": "service",
    "model": "service",
    "package": "service",
    "browser": "browser",
    "stack": "stack",
    "selftest": "proof",
}
_TIER_OF_FIXTURE = {
    "model_dir": "service",
    "started_service": "service",
    "redis": "service",
    "browser": "browser",
    "engine": "stack",
}


def tier_of(folder: str, fixtures: Iterable[str], marks: Collection[str]) -> str:
    """The tier of a test in a folder of tests/, with all fixtures it asks for and the names of its marks."""
    marked = [tier for tier in TIERS if tier in marks]
    if len(marked) > 1:
        raise ValueError(f"marked with more than one tier: {', '.join(marked)}")
    least = _TIER_OF_FOLDER.get(folder, "unit")
    if marked:
        if _RANK.index(marked[0]) < _RANK.index(least):
            raise ValueError(f"marked {marked[0]} in the folder of {least} tests")
        return marked[0]
    return max({least, *(_TIER_OF_FIXTURE.get(name, "unit") for name in fixtures)}, key=_RANK.index)


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known; `pytest --markers` lists them."""
    for tier, what in TIERS.items():
        config.addinivalue_line("markers", f"{tier}: {what}")
    config.addinivalue_line("markers", f"{ALONE}: no other test runs meanwhile: it measures, or needs the machine")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the folders in which no test is of the one tier that was asked for, because all are dearer."""
    wanted, least = config.getoption("markexpr"), _TIER_OF_FOLDER.get(collection_path.name)
    return True if least and wanted in TIERS and _RANK.index(wanted) < _RANK.index(least) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with its tier, before `-m` chooses."""
    for item in items:
        _mark(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember the tier of the test that begins."""
    _running.append(_RANK[rank(item)])


def rank(item: pytest.Item) -> int:
    """How dear a test's tier is, from 0 for unit."""
    return next(_RANK.index(mark.name) for mark in item.iter_markers() if mark.name in TIERS)


def at_least(tier: str, what: str) -> None:
    """Fail a test of a lower tier that starts this: else `make test-unit` would become slow without anybody's doing."""
    if _running and _RANK.index(_running[-1]) < _RANK.index(tier):
        pytest.fail(f"a test of the tier {_running[-1]} starts {what}: mark it {tier}")


def _mark(item: pytest.Item) -> None:
    try:
        tier = tier_of(
            item.path.parent.name, getattr(item, "fixturenames", ()), {each.name for each in item.iter_markers()}
        )
    except ValueError as error:
        raise pytest.UsageError(f"{item.nodeid} is {error}") from None
    item.user_properties.append(("tier", tier))
    if item.get_closest_marker(tier) is None:
        item.add_marker(tier)
