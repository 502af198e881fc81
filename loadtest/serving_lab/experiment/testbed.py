"""Where a measurement takes place: in the lab's stack (containers or host), or on services of others."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import psutil

from serving_lab.api.endpoint import Endpoint
from serving_lab.experiment.processes import listening
from serving_lab.experiment.records import TestbedFacts
from serving_lab.experiment.targets import Target
from serving_lab.generator.fleet import Fleet
from serving_lab.generator.process import HERE, processes
from serving_lab.stack.base import Mode, Stack
from serving_lab.stack.service import Service
from serving_lab.targets.catalogue import Catalogue

MOST_PROCESSES = 4


@dataclass(frozen=True)
class Testbed:
    """Targets, what sends load to them, and where both run."""

    targets: Sequence[Target]
    facts: TestbedFacts
    root: Path
    """The checkout that is measured, or where the command runs."""
    known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By target: conditions beyond what it says itself, which need not agree."""
    command: Sequence[str] = HERE
    environment: Mapping[str, str] | None = None
    processes: int = 1
    pinned: bool = False
    """Whether targets and generator get processors of their own: on the host nothing else keeps them apart."""

    @contextlib.contextmanager
    def fleet(self) -> Iterator[Fleet]:
        """Start the generator; while it runs, keep targets and generator on different processors if `pinned`."""
        of_targets, of_generator = _shares(self.processes) if self.pinned else ([], [])
        generators = processes(self.processes, self.command, self.environment, frozenset(of_generator))
        with Fleet(generators) as fleet, contextlib.ExitStack() as restored:
            for target in self.targets if self.pinned else ():
                restored.enter_context(_kept_on(of_targets, _threads(target.pid)))
            yield fleet


def of_stack(
    stack: Stack, services: Sequence[Service], catalogue: Catalogue, root: Path, processes: int | None
) -> Testbed:
    """Return the testbed for services of the lab's stack, as the catalogue calls them.

    Raises:
        LabError: the generator cannot be built.
    """
    running = {status.name: status for status in stack.status()}
    entries = {entry.name: entry for entry in catalogue.entries}
    targets = [
        Target(
            name=service.name,
            endpoint=Endpoint.parse(service.url),
            inside=Endpoint.parse(stack.inside_url(service)),
            pid=running[service.name].pid or None,
            label=entries[service.name].label,
            colour=entries[service.name].colour,
        )
        for service in services
    ]
    command, environment = stack.generator()
    count = processes or own_processes()
    if stack.mode is not Mode.NATIVE:
        known = {service.name: stack.facts(service) for service in services}
        facts = TestbedFacts(mode="containers", generator=f"{_processes(count)} in containers on the stack's network")
        if stack.mode is Mode.KUBERNETES:
            facts = TestbedFacts(mode="kubernetes", generator=f"{_processes(count)} in Locust's pod")
        return Testbed(targets, facts, root, known, command, environment, count)
    return _on_host("native", targets, root, count, apart=True, command=command, environment=environment)


def of_others(targets: Sequence[Target], processes: int | None, *, apart: bool = False) -> Testbed:
    """Return the testbed for services outside of the lab's stack.

    Args:
        targets: Those whose process is not known are looked for on this machine.
        processes: Of the generator; None: as many as this machine has room for.
        apart: Whether targets and generator get processors of their own, where that can be.
    """
    found = [target if target.pid else replace(target, pid=listening(target.endpoint)) for target in targets]
    return _on_host("elsewhere", found, Path.cwd(), processes or own_processes(), apart=apart)


def _on_host(
    mode: Literal["native", "elsewhere"],
    targets: Sequence[Target],
    root: Path,
    processes: int,
    *,
    apart: bool,
    command: Sequence[str] = HERE,
    environment: Mapping[str, str] | None = None,
) -> Testbed:
    """The testbed with a generator on this host, which has processors of its own if `apart` and where that can be."""
    pinned = apart and _can_be_kept_apart(targets, processes)
    words = f"{_processes(processes)} on the host{', on processors of its own' if pinned else ''}"
    on = ",".join(map(str, _shares(processes)[0])) if pinned else ""
    known = {target.name: {"Processors": on} for target in targets} if pinned else {}
    facts = TestbedFacts(mode=mode, generator=words)
    return Testbed(targets, facts, root, known, command, environment, processes, pinned)


def _can_be_kept_apart(targets: Sequence[Target], processes: int) -> bool:
    """Whether there are processors for both, and this user may say where the targets run."""
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) <= processes:
        return False
    of_targets = set(_shares(processes)[0])
    try:
        for target in targets:
            if not target.pid or not of_targets <= (allowed := os.sched_getaffinity(target.pid)):
                return False
            os.sched_setaffinity(target.pid, allowed)
    except OSError:
        return False
    return True


def own_processes() -> int:
    """Return how many processes of the generator this machine has room for: half of its cores, four at most."""
    return max(1, min(MOST_PROCESSES, (os.cpu_count() or 1) // 2))


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
            # It may have ended in the meantime.
            with contextlib.suppress(ProcessLookupError):
                before[thread] = os.sched_getaffinity(thread)
                os.sched_setaffinity(thread, processors)
        yield
    finally:
        for thread, allowed in before.items():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread, allowed)
