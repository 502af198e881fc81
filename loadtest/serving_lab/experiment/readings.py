"""What is read around an arm: the machine's processors, and what a target says of itself."""

import http.client
import urllib.request
from dataclasses import dataclass

import psutil

from serving_lab.api.endpoint import Endpoint
from serving_lab.experiment import processes
from serving_lab.experiment.targets import Target
from serving_lab.targets.reading import Reading

_TIMEOUT_SECONDS = 5.0
# A target is on this host or network: a proxy for the outside must not be asked.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Processors:
    """What the machine's processors have done since it started, in seconds over all of them."""

    busy: float
    """For programs and the kernel on their behalf; interrupts are left out, which the load itself causes."""
    stolen: float
    """Taken by the host of a virtual machine."""

    @classmethod
    def now(cls) -> "Processors":
        """Read them."""
        times = psutil.cpu_times()
        return cls(times.user + getattr(times, "nice", 0.0) + times.system, getattr(times, "steal", 0.0))


def metrics(endpoint: Endpoint) -> Reading | None:
    """Return what a target's /metrics says; None where it has none that can be read."""
    try:
        with _OPENER.open(f"{endpoint.url}/metrics", timeout=_TIMEOUT_SECONDS) as response:
            reading = Reading.parse(response.read().decode())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    # What answers every path with something has said nothing yet.
    return reading if reading.conditions.info or reading.counters.cpu_seconds else None


def cpu_seconds(target: Target) -> float | None:
    """Return the CPU time a target has used so far; None where neither its /metrics nor the kernel says."""
    if reading := metrics(target.endpoint):
        return reading.counters.cpu_seconds or None
    return processes.cpu_seconds(_members(target))


def memory_bytes(target: Target) -> float | None:
    """Return the memory a target uses; None where neither its /metrics nor the kernel says."""
    if reading := metrics(target.endpoint):
        return reading.gauges.memory_bytes
    return processes.pss_bytes(_members(target))


def waited_seconds(target: Target) -> float | None:
    """Return how long a target was ready to run but had no processor; None where the kernel does not say."""
    return processes.waited_seconds(_members(target))


def _members(target: Target) -> list[psutil.Process]:
    return processes.tree(target.pid) if target.pid else []
