"""How a process of the generator fares: the CPU time it gets, and what it waits for."""

import time
from pathlib import Path
from typing import NamedTuple

_SCHEDSTAT = Path("/proc/self/schedstat")
_THROTTLING = (
    (Path("/sys/fs/cgroup/cpu.stat"), "throttled_usec", 1e-6),
    (Path("/sys/fs/cgroup/cpu/cpu.stat"), "throttled_time", 1e-9),
)


class ProcessTimes(NamedTuple):
    """Seconds so far, of this process."""

    passed: float
    cpu: float
    waited: float
    """Ready to run but without a processor, or throttled; 0 where the kernel does not say."""

    @classmethod
    def now(cls) -> "ProcessTimes":
        """Read them."""
        return cls(time.perf_counter(), time.process_time(), _run_delay() + _throttled())

    def since(self, earlier: "ProcessTimes") -> "ProcessTimes":
        """Return what has passed since."""
        return ProcessTimes(*(now - then for now, then in zip(self, earlier, strict=True)))


def _run_delay() -> float:
    try:
        return int(_SCHEDSTAT.read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def _throttled() -> float:
    for path, name, unit in _THROTTLING:
        try:
            facts = dict(line.split() for line in path.read_text().splitlines())
        except (OSError, ValueError):
            continue
        if name in facts:
            return int(facts[name]) * unit
    return 0.0
