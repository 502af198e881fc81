"""The lifecycle of a service and of each of its workers, visible to all its processes."""

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


# A byte costs nothing until it is used, and every worker needs a process.
_MOST_SLOTS = 1 << 12
_PHASE_BYTES = 16
_FREE, _ASSIGNED, _READY = range(3)


class Lifecycle:
    """Phase and workers in shared memory; created before the fork, in the process that becomes the arbiter.

    A worker is known by its slot, a number from 1 on that no other living worker has.
    """

    def __init__(self) -> None:
        self.arbiter_pid = os.getpid()
        memory = memoryview(mmap.mmap(-1, _PHASE_BYTES + 2 * _MOST_SLOTS))
        self._phase = memory[:8].cast("q")
        self._startup_seconds = memory[8:_PHASE_BYTES].cast("d")
        self._states = memory[_PHASE_BYTES:-_MOST_SLOTS]
        self._leaving = memory[-_MOST_SLOTS:]
        self._slot = 0  # the arbiter's

    @property
    def phase(self) -> Phase:
        """The current phase of the service."""
        return Phase(self._phase[0])

    @property
    def is_draining(self) -> bool:
        """Whether this worker is about to end, so that its answers close their connections; every answer asks."""
        return self._leaving[self._slot] != 0

    @property
    def is_replaced(self) -> bool:
        """Whether this worker is about to end and others of the service go on."""
        return self.is_draining and self.phase is not Phase.DRAINING

    @property
    def workers(self) -> int:
        """How many workers are alive."""
        return _MOST_SLOTS - bytes(self._states).count(_FREE)

    @property
    def startup_seconds(self) -> float:
        """Time from the start of the arbiter until the first worker was ready; 0 until then."""
        return self._startup_seconds[0]

    @property
    def uptime_seconds(self) -> float:
        """How long the arbiter has been running."""
        return _age_seconds(self.arbiter_pid)

    def assign_slot(self) -> int:
        """The lowest free slot, for a new worker; called in the arbiter."""
        slot = bytes(self._states).index(_FREE, 1)
        self._states[slot] = _ASSIGNED
        self._leaving[slot] = self.phase is Phase.DRAINING
        return slot

    def free_slot(self, slot: int) -> None:
        """Called in the arbiter, when the worker is dead."""
        self._states[slot] = _FREE

    def enter_slot(self, slot: int) -> None:
        """Called in the worker, after the fork."""
        self._slot = slot

    def worker_is_ready(self) -> None:
        """Called by each worker once it can answer; the first one makes the service ready."""
        self._states[self._slot] = _READY
        if self.phase is Phase.STARTING:
            self._startup_seconds[0] = self.uptime_seconds
            self._phase[0] = Phase.READY

    def is_ready(self, slot: int) -> bool:
        """Whether the worker of a slot can answer."""
        return self._states[slot] == _READY

    def replace(self, slot: int) -> None:
        """Tell the worker of a slot that others have taken over; it still answers what has begun."""
        self._leaving[slot] = True

    def drain(self) -> None:
        """Report from now on that the service is not ready; it still answers."""
        self._phase[0] = Phase.DRAINING
        self._leaving[:] = bytes([True]) * _MOST_SLOTS


def _age_seconds(pid: int) -> float:
    """How long a process has been running, to a hundredth of a second (proc(5), starttime)."""
    start_ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start_ticks / os.sysconf("SC_CLK_TCK")
