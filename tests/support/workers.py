"""What the processes of one test run (`-n 2`) have in common: turns, and what is made once for all of them."""

import contextlib
import fcntl
import os
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from itertools import chain
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from support.tiers import ALONE, rank

# They share a running stack, or build and remove images of the same names. Of two builds at a time that have steps in
# common the engine may refuse one ("inconsistent graph state").
WITH_ENGINE = (
    "tests/stack/",
    "tests/lab/test_containers.py",
    "tests/gate/test_images.py",
    "tests/gate/test_own_images.py",
)
# They share a registry, which takes half a minute to start.
WITH_REGISTRY = ("tests/registry/",)
_FILES = 20
"""How many files the summary has."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files: long ones first, so that short ones fill the gap at the end; those that run alone come last."""
    alone = {item.path for item in items if item.get_closest_marker(ALONE)}
    cost: dict[Path, int] = {}
    for item in items:
        cost[item.path] = max(cost.get(item.path, 0), rank(item))
    place = {path: number for number, path in enumerate(cost)}
    items.sort(key=lambda item: (item.path in alone, -cost[item.path], place[item.path]))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test that runs alone wait for those of other workers, and those of other workers for it."""
    with _turn(shared_directory(item.config), alone=item.get_closest_marker(ALONE) is not None):
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """`--dist loadfile` hands out whole files in their order; here those that share something dear go to one worker."""
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False

    class Files(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            path, _, _ = nodeid.partition("::")
            groups = {"engine": WITH_ENGINE, "registry": WITH_REGISTRY}
            return next((name for name, paths in groups.items() if any(each in path for each in paths)), path)

    return Files(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Beside the slowest tests (`--durations`) show the slowest files, and how long tests ran alone."""
    if config.getoption("durations") is None:
        return
    seconds: defaultdict[str, float] = defaultdict(float)
    alone = 0.0
    for report in chain.from_iterable(terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport):
            seconds[report.nodeid.partition("::")[0]] += report.duration
            alone += report.duration if ALONE in report.keywords else 0.0
    terminalreporter.section(f"slowest {_FILES} files")
    for path, took in sorted(seconds.items(), key=lambda each: -each[1])[:_FILES]:
        terminalreporter.write_line(f"{took:.2f}s {path}")
    terminalreporter.write_line(f"{sum(seconds.values()):.2f}s all files; {alone:.2f}s of it alone, with no other test")


def shared_directory(config: pytest.Config) -> Path:
    """The temporary directory that all workers of this run have in common."""
    factory: pytest.TempPathFactory = config._tmp_path_factory  # type: ignore[attr-defined]
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def made_once(config: pytest.Config, name: str, make: Callable[[Path], None]) -> Path:
    """A directory that the first worker to ask for it fills, and the others wait for."""
    directory = shared_directory(config) / name
    with (directory.with_suffix(".lock")).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            begun = directory.with_suffix(".begun")
            begun.mkdir(exist_ok=True)
            make(begun)
            begun.rename(directory)
    return directory


@contextlib.contextmanager
def _turn(directory: Path, *, alone: bool) -> Iterator[None]:
    with (directory / "gate").open("a") as gate, (directory / "machine").open("a") as machine:
        # Who waits to be alone keeps the gate meanwhile: else the others, who share the machine, would never leave it.
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        try:
            yield
        finally:
            # Not left to the end of the file: a process that the test has forked may have it open as well.
            fcntl.flock(machine, fcntl.LOCK_UN)
