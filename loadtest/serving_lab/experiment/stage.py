"""Where a measurement takes place: on the lab's stack, in containers or on the host, or on services of others."""

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from serving_lab.api.endpoint import Endpoint
from serving_lab.experiment.targets import Target
from serving_lab.generator.fleet import HERE, Fleet
from serving_lab.stack.base import Mode, Stack
from serving_lab.stack.services import Service

MOST_PROCESSES = 4


@dataclass(frozen=True)
class Place:
    """Where it is measured, and what is known of the targets beyond what they say themselves."""

    mode: Literal["containers", "native", "elsewhere"]
    generator: str
    """In words."""
    known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By target: further conditions, which need not agree."""
    revision: str | None = None


@dataclass(frozen=True)
class Stage:
    """Targets, and what sends load to them."""

    targets: Sequence[Target]
    place: Place
    command: Sequence[str] = HERE
    environment: Mapping[str, str] | None = None
    processes: int = 1
    pinned: bool = False
    """Whether targets and generator are kept on processors of their own: on the host nothing else keeps them apart."""

    @contextlib.contextmanager
    def fleet(self) -> Iterator[Fleet]:
        """Start the generator; keep targets and generator apart meanwhile, where that is asked for."""
        with Fleet(self.command, self.processes, self.environment) as fleet:
            if not self.pinned:
                yield fleet
                return
            of_targets, of_generator = _shares(self.processes)
            with contextlib.ExitStack() as restored:
                for target in self.targets:
                    restored.enter_context(_kept_on(of_targets, _threads(target.pid)))
                for pid in fleet.pids:
                    restored.enter_context(_kept_on(of_generator, _threads(pid)))
                yield fleet


def of_stack(stack: Stack, services: Sequence[Service], root: Path, processes: int | None) -> Stage:
    """Return the stage for services of the lab's stack.

    Raises:
        LabError: the generator cannot be built.
    """
    running = {status.name: status for status in stack.status()}
    targets = [
        Target(
            name=service.name,
            endpoint=Endpoint.parse(service.url),
            inside=Endpoint.parse(stack.inside_url(service)),
            pid=running[service.name].pid or None,
        )
        for service in services
    ]
    command, environment = stack.generator()
    count = processes or own_processes()
    if stack.mode is Mode.CONTAINERS:
        known = {service.name: stack.facts(service) for service in services}
        place = Place("containers", f"{_processes(count)} in containers on the stack's network", known, revision(root))
        return Stage(targets, place, command, environment, count)
    pinned = hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > count
    words = f"{_processes(count)} on the host"
    known = {}
    if pinned:
        words += ", on processors of its own"
        on = ",".join(map(str, _shares(count)[0]))
        known = {service.name: {"Processors": on} for service in services}
    return Stage(targets, Place("native", words, known, revision(root)), command, environment, count, pinned)


def of_others(targets: Sequence[Target], processes: int | None) -> Stage:
    """Return the stage for services that somebody else runs."""
    count = processes or own_processes()
    place = Place("elsewhere", f"{_processes(count)} on the host", revision=revision(Path.cwd()))
    return Stage(targets, place, processes=count)


def own_processes() -> int:
    """Return how many processes of the generator this machine has room for: half of its cores, four at most."""
    return max(1, min(MOST_PROCESSES, (os.cpu_count() or 1) // 2))


def revision(root: Path) -> str | None:
    """Return the commit of a checkout, with `+` where files were changed since; None outside of one."""
    commands = (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
    try:
        found = [
            subprocess.run(["git", "-C", str(root), *each], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603, S607
            for each in commands
        ]
    except (OSError, subprocess.CalledProcessError):
        return None
    return found[0] + ("+" if found[1] else "")


def _processes(count: int) -> str:
    return f"{count} process{'es' if count > 1 else ''}"


def _shares(processes: int) -> tuple[list[int], list[int]]:
    """The processors of the targets, and those of the generator: the last ones."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[:-processes], allowed[-processes:]


def _threads(pid: int | None) -> list[int]:
    """All threads of a process and of those below it: each has an affinity of its own, which new ones inherit."""
    try:
        first = psutil.Process(pid or 0)
        return [thread.id for process in (first, *first.children(recursive=True)) for thread in process.threads()]
    except psutil.Error:
        return []


@contextlib.contextmanager
def _kept_on(processors: list[int], threads: Sequence[int]) -> Iterator[None]:
    before: dict[int, set[int]] = {}
    try:
        for thread in threads:
            # One that has ended meanwhile needs no processor.
            with contextlib.suppress(ProcessLookupError):
                before[thread] = os.sched_getaffinity(thread)
                os.sched_setaffinity(thread, processors)
        yield
    finally:
        for thread, allowed in before.items():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread, allowed)
