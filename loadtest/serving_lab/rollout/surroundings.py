"""What surrounds a rollout: memory of both services, and whether the machine is fit to judge on; read in a thread."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from serving_lab.experiment.readings import Processors
from serving_lab.rollout.judge import Machine
from serving_lab.rollout.memory import MemoryReading
from serving_lab.rollout.plan import MachineLimits
from serving_lab.text.phrases import percent

PERIOD_SECONDS = 1.0

_PRESSURE = Path("/proc/pressure/cpu")
_MICROSECOND = 1e-6

ReadMemory = Callable[[], float | None]
"""Resident memory of a service in bytes; None: not known."""


@dataclass(frozen=True)
class _Moment:
    clock: float
    stolen: float
    waiting: float | None

    @classmethod
    def now(cls) -> "_Moment":
        return cls(time.monotonic(), Processors.now().stolen, _waiting_seconds())


class Surroundings:
    """Readings of the present stage.

    Args:
        candidate: Reads its memory.
        primary: Reads that of the primary.
        limits: From when on the machine is starved.
    """

    def __init__(self, candidate: ReadMemory, primary: ReadMemory, limits: MachineLimits) -> None:
        self._read = candidate, primary
        self._limits = limits
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="surroundings", daemon=True)
        self.begin_stage()

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """Read no more."""
        self._closed.set()

    def begin_stage(self) -> None:
        """Forget the readings so far."""
        self._began = time.monotonic()
        self._memory: list[MemoryReading] = []
        self._starved = 0.0
        self._reasons: dict[str, float] = {}

    @property
    def memory(self) -> list[MemoryReading]:
        """Of both services in this stage."""
        return list(self._memory)

    @property
    def machine(self) -> Machine:
        """How long the machine was starved in this stage, and mostly by what."""
        reasons: Mapping[str, float] = dict(self._reasons)
        return Machine(self._starved, max(reasons, key=lambda why: reasons[why]) if reasons else "")

    def _watch(self) -> None:
        before = _Moment.now()
        while not self._closed.wait(PERIOD_SECONDS):
            now = _Moment.now()
            seconds = now.clock - before.clock
            if why := next(self._faults(before, now), ""):
                self._starved += seconds
                self._reasons[why] = self._reasons.get(why, 0.0) + seconds
            before = now
            candidate, primary = (read() for read in self._read)
            if candidate:
                self._memory.append(MemoryReading(now.clock - self._began, candidate, primary))

    def _faults(self, before: _Moment, now: _Moment) -> Iterator[str]:
        seconds = now.clock - before.clock
        processors = psutil.cpu_count() or 1
        if (now.stolen - before.stolen) / seconds / processors > self._limits.stolen:
            yield f"its host took more than {percent(self._limits.stolen)} of its processors away"
        if now.waiting is not None and before.waiting is not None:
            waiting = (now.waiting - before.waiting) / seconds
            if waiting > self._limits.waiting:
                yield f"processes waited for a processor more than {percent(self._limits.waiting)} of the time"


def _waiting_seconds() -> float | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(_PRESSURE.read_text().splitlines()[0].rpartition("total=")[2]) * _MICROSECOND
    return None
