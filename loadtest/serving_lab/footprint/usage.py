"""What an instance uses: asked of its own metrics, else of this host, else of the engine."""

import http.client
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from serving_lab.experiment import processes
from serving_lab.footprint.launching import Launched
from serving_lab.stack import engine

_TIMEOUT_SECONDS = 5.0
# The instance is on this machine: a proxy for the outside must not be asked.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_NANOSECONDS, _MICROSECONDS = 1e9, 1e6


@dataclass(frozen=True)
class Usage:
    """What is used at one moment; None where it cannot be told."""

    cgroup_bytes: int | None = None
    """What the control group is charged."""
    pss_bytes: int | None = None
    """Sum of the proportional set sizes of all processes: a page that n processes map counts 1/n for each.

    A file that a program outside of the instance maps, too, counts for less.
    """
    cpu_seconds: float | None = None
    """Used since the start, by processes that have died, too."""
    workers: int | None = None

    def filled_from(self, other: "Usage") -> "Usage":
        """Return this, with what it does not know taken from the other."""

        def known(own: int | None, others: int | None) -> int | None:
            return others if own is None else own

        return Usage(
            known(self.cgroup_bytes, other.cgroup_bytes),
            known(self.pss_bytes, other.pss_bytes),
            other.cpu_seconds if self.cpu_seconds is None else self.cpu_seconds,
            known(self.workers, other.workers),
        )


class Meter:
    """Reads one instance; which sources say something is found out once."""

    def __init__(self, launched: Launched, metrics_url: str) -> None:
        pid, container = launched.pid, launched.container
        sources: dict[str, Callable[[], Usage]] = {"its own metrics": lambda: of_metrics(metrics_url)}
        if container:
            sources["the host's control groups"] = lambda: of_control_group(pid)
        sources["the host's processes"] = lambda: of_processes(pid)
        if container:
            sources["docker stats"] = lambda: Usage(engine.memory_bytes([container]).get(container[:12]))
        self._sources: list[Callable[[], Usage]] = []
        names = []
        known = Usage()
        for name, read in sources.items():
            found = known.filled_from(read())
            if found != known:
                known = found
                names.append(name)
                self._sources.append(read)
            if _complete(known, in_container=container is not None):
                break
        self.source = ", ".join(names) or "nothing"

    def read(self) -> Usage:
        """Return what is used now."""
        usage = Usage()
        for read in self._sources:
            usage = usage.filled_from(read())
        return usage


def of_metrics(url: str) -> Usage:
    """Return what a service says of itself; docs/metrics.md names the families."""
    try:
        with _OPENER.open(url, timeout=_TIMEOUT_SECONDS) as response:
            return _parsed(response.read().decode())
    except (OSError, ValueError, http.client.HTTPException):
        return Usage()


def _parsed(exposition: str) -> Usage:
    lines = [line for line in exposition.splitlines() if line.startswith("service_")]
    samples = {
        (sample.name, sample.labels.get("kind", "")): sample.value
        for family in text_string_to_metric_families("\n".join(lines) + "\n")
        for sample in family.samples
    }

    def whole(name: str, kind: str = "") -> int | None:
        value = samples.get((name, kind))
        return None if value is None else int(value)

    return Usage(
        cgroup_bytes=whole("service_memory_bytes", "cgroup"),
        pss_bytes=whole("service_memory_bytes", "pss"),
        cpu_seconds=samples.get(("service_cpu_seconds_total", "")),
        workers=whole("service_workers"),
    )


def of_control_group(pid: int) -> Usage:
    """Return what a container's control group says, of version 1 or 2; needs a Linux engine on this host."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return Usage()
    groups = {name: path for line in lines for names, path in [line.split(":", 2)[1:]] for name in names.split(",")}
    charged = _number(groups, "memory", "memory.current", "memory.usage_in_bytes")
    nanoseconds = _number(groups, "cpuacct", "", "cpuacct.usage")
    microseconds = _number(groups, "cpu", "cpu.stat", "")
    cpu = microseconds / _MICROSECONDS if microseconds is not None else None
    return Usage(charged, cpu_seconds=nanoseconds / _NANOSECONDS if nanoseconds is not None else cpu)


def _number(groups: Mapping[str, str], controller: str, unified: str, version1: str) -> int | None:
    places = [Path(f"/sys/fs/cgroup{groups['']}/{unified}")] if unified and "" in groups else []
    if version1 and controller in groups:
        places.append(Path(f"/sys/fs/cgroup/{controller}{groups[controller]}/{version1}"))
    for place in places:
        try:
            # Alone in its file, or the first of several with its name before it: usage_usec of cpu.stat.
            return int(place.read_text().split("\n", 1)[0].split()[-1])
        except (OSError, ValueError, IndexError):
            continue
    return None


def of_processes(pid: int) -> Usage:
    """Return what a process and those below it use; what they may not be asked is None."""
    members = processes.tree(pid)
    cpu = processes.cpu_seconds(members)
    if cpu is None:
        return Usage()
    workers = sum(member.ppid() == pid for member in members[1:])
    return Usage(pss_bytes=processes.pss_bytes(members), cpu_seconds=cpu, workers=workers)


def _complete(usage: Usage, *, in_container: bool) -> bool:
    cgroup_known = usage.cgroup_bytes is not None or not in_container
    return cgroup_known and None not in (usage.pss_bytes, usage.cpu_seconds, usage.workers)
