"""The lifecycle of a service, visible to all its workers."""

import mmap
import os
import time
from enum import IntEnum
from pathlib import Path


class StartupError(Exception):
    """The service cannot start; the text is one line for its operator."""


class Phase(IntEnum):
    """Starting, ready for requests, or shutting down."""

    STARTING = 0
    READY = 1
    DRAINING = 2


_DRAINING = int(Phase.DRAINING)


class Lifecycle:
    """The phase in shared memory; created before the fork, in the process that becomes the arbiter."""

    def __init__(self) -> None:
        self.arbiter_pid = os.getpid()
        memory = memoryview(mmap.mmap(-1, 16))
        self._phase = memory[:8].cast("q")
        self._startup_seconds = memory[8:].cast("d")

    @property
    def phase(self) -> Phase:
        """The current phase."""
        return Phase(self._phase[0])

    @property
    def is_draining(self) -> bool:
        """Whether the service is shutting down; every answer asks, so this is cheaper than `phase`."""
        return self._phase[0] == _DRAINING

    @property
    def startup_seconds(self) -> float:
        """Time from the start of the arbiter until the first worker was ready; 0 until then."""
        return self._startup_seconds[0]

    @property
    def uptime_seconds(self) -> float:
        """How long the arbiter has been running."""
        return _age_seconds(self.arbiter_pid)

    def worker_is_ready(self) -> None:
        """Called by each worker once it can answer; the first one makes the service ready."""
        if self.phase is Phase.STARTING:
            self._startup_seconds[0] = self.uptime_seconds
            self._phase[0] = Phase.READY

    def drain(self) -> None:
        """Report from now on that the service is not ready; it still answers."""
        self._phase[0] = Phase.DRAINING


def _age_seconds(pid: int) -> float:
    """How long a process has been running, to a hundredth of a second (proc(5), starttime)."""
    start_ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start_ticks / os.sysconf("SC_CLK_TCK")
