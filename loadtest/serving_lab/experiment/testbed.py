"""Where a measurement takes place: in the lab's stack (containers or host), or on services of others."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import psutil

from serving_lab.api.endpoint import Endpoint
from serving_lab.errors import LabError
from serving_lab.experiment.processes import listening
from serving_lab.experiment.records import TestbedFacts
from serving_lab.experiment.targets import Target
from serving_lab.generator.fleet import Fleet, Generator
from serving_lab.generator.process import HERE, processes
from serving_lab.generator.remote import Remote
from serving_lab.generator.session import is_loopback
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
    generators: Sequence[Generator] = ()
    """What sends load; none: a process on this host."""
    processors: Sequence[int] = ()
    """Where targets are kept while the generator runs; none: anywhere. On the host nothing else keeps them apart."""

    @contextlib.contextmanager
    def fleet(self) -> Iterator[Fleet]:
        """Start or reach the generators; while they run, keep targets on their processors.

        Raises:
            LabError: a generator cannot be used, or could not reach a target.
        """
        with Fleet(self.generators) as fleet, contextlib.ExitStack() as restored:
            self._check_reach(fleet)
            for target in self.targets if self.processors else ():
                restored.enter_context(_kept_on(self.processors, _threads(target.pid)))
            yield fleet

    def _check_reach(self, fleet: Fleet) -> None:
        for link in fleet.links:
            for target in () if link.shares_loopback else self.targets:
                if _is_loopback(target.inside.hostname):
                    raise LabError(
                        f"{target.name} is at {target.inside.url}, which is another place for {link.name}",
                        hint="--target NAME=URL with an address that leads there from everywhere",
                    )


def _is_loopback(host: str) -> bool:
    try:
        return is_loopback(host)
    except OSError:  # a name of a network that the generators are on
        return False


def of_stack(
    stack: Stack,
    services: Sequence[Service],
    catalogue: Catalogue,
    root: Path,
    generators: int | Sequence[Remote] | None,
) -> Testbed:
    """Return the testbed for services of the lab's stack, as the catalogue calls them.

    Args:
        stack: Runs.
        services: Those that are measured.
        catalogue: Knows them.
        root: Of the checkout.
        generators: How many processes send load, or those that do elsewhere.

    Raises:
        LabError: the generator cannot be built.
    """
    elsewhere = [] if generators is None or isinstance(generators, int) else list(generators)
    # What runs elsewhere is not on a network of containers; in a cluster it is one of its pods.
    outside = elsewhere and stack.mode is Mode.CONTAINERS
    running = {status.name: status for status in stack.status()}
    entries = {entry.name: entry for entry in catalogue.entries}
    targets = [
        Target(
            name=service.name,
            endpoint=Endpoint.parse(service.url),
            inside=Endpoint.parse(service.url if outside else stack.inside_url(service)),
            pid=running[service.name].pid or None,
            label=entries[service.name].label,
            colour=entries[service.name].colour,
        )
        for service in services
    ]
    known = {service.name: stack.facts(service) for service in services}
    if elsewhere:
        facts = TestbedFacts(mode=stack.mode.value, generator=_where(elsewhere))
        return Testbed(targets, facts, root, known, elsewhere)
    command, environment = stack.generator()
    count = generators if isinstance(generators, int) else own_processes()
    if stack.mode is not Mode.NATIVE:
        facts = TestbedFacts(mode="containers", generator=f"{_processes(count)} in containers on the stack's network")
        if stack.mode is Mode.KUBERNETES:
            facts = TestbedFacts(mode="kubernetes", generator=f"{_processes(count)} in Locust's pod")
        return Testbed(targets, facts, root, known, processes(count, command, environment))
    return _on_host("native", targets, root, count, apart=True, command=command, environment=environment)


def of_others(targets: Sequence[Target], generators: int | Sequence[Remote] | None, *, apart: bool = False) -> Testbed:
    """Return the testbed for services outside of the lab's stack.

    Args:
        targets: Those whose process is not known are looked for on this machine.
        generators: How many processes send load, or those that do elsewhere; None: as many as this machine has room
            for.
        apart: Whether targets and generator get processors of their own, where that can be.
    """
    found = [target if target.pid else replace(target, pid=listening(target.endpoint)) for target in targets]
    if generators is None or isinstance(generators, int):
        return _on_host("elsewhere", found, Path.cwd(), generators or own_processes(), apart=apart)
    return Testbed(found, TestbedFacts(mode="elsewhere", generator=_where(generators)), Path.cwd(), {}, generators)


def _on_host(
    mode: Literal["native", "elsewhere"],
    targets: Sequence[Target],
    root: Path,
    count: int,
    *,
    apart: bool,
    command: Sequence[str] = HERE,
    environment: Mapping[str, str] | None = None,
) -> Testbed:
    """The testbed with a generator on this host, which has processors of its own if `apart` and where that can be."""
    of_targets, of_generator = _shares(count)
    if not apart or not _can_be_moved(targets, of_targets):
        of_targets, of_generator = [], []
    words = f"{_processes(count)} on the host{', on processors of its own' if of_targets else ''}"
    on = ",".join(map(str, of_targets))
    known = {target.name: {"Processors": on} for target in targets} if of_targets else {}
    facts = TestbedFacts(mode=mode, generator=words)
    generators = processes(count, command, environment, frozenset(of_generator))
    return Testbed(targets, facts, root, known, generators, of_targets)


def _can_be_moved(targets: Sequence[Target], processors: Sequence[int]) -> bool:
    """Whether this user may say that the targets run on these processors; none: there are not enough."""
    try:
        for target in targets if processors else ():
            if not target.pid or not set(processors) <= (allowed := os.sched_getaffinity(target.pid)):
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


def _where(generators: Sequence[Remote]) -> str:
    return f"elsewhere: {', '.join(each.name for each in generators)}"


def _shares(count: int) -> tuple[list[int], list[int]]:
    """The processors of the targets, and those of the generator, the last ones; none where there are not enough."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (allowed[:-count], allowed[-count:]) if len(allowed) > count else ([], [])


def _threads(pid: int | None) -> list[int]:
    """All threads of a process and of those below it: each has an affinity of its own, which new ones inherit."""
    try:
        first = psutil.Process(pid or 0)
        return [thread.id for process in (first, *first.children(recursive=True)) for thread in process.threads()]
    except psutil.Error:
        return []


@contextlib.contextmanager
def _kept_on(processors: Sequence[int], threads: Sequence[int]) -> Iterator[None]:
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
