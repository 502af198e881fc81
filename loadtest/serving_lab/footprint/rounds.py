"""Memory and CPU time of a fresh instance: left alone first, then under load."""

import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from serving_lab.experiment.arms import Load, LoadDriver
from serving_lab.footprint import starting
from serving_lab.footprint.launching import address
from serving_lab.footprint.result import Round
from serving_lab.footprint.starting import Subject
from serving_lab.footprint.usage import Meter, Usage
from serving_lab.wire.ports import free_port

READ_SECONDS = 0.5
LOADED_READ_SECONDS = 1.0
"""Reading a service's own metrics costs it CPU time, which is measured: so not more often."""
SETTLED_READINGS = 6
SETTLED_SHARE = 0.01
"""Memory is steady where the last readings lie within this share of their median."""
SETTLING_SECONDS = 30.0
LEAD_IN_SECONDS = 1.0


@dataclass(frozen=True)
class RoundPlan:
    """What each round is made of."""

    driver: LoadDriver
    load: Load
    seconds: float
    metrics_path: str


def measure(plan: RoundPlan, subject: Subject, *, number: int, position: int, seed: int) -> Round:
    """Start an instance, let it settle, load it, and end it.

    Raises:
        LabError: it does not start, or cannot be loaded.
    """
    port = free_port()
    endpoint = address(port)
    with subject.launcher.launch(port) as launched:
        starting.wait_until_ready(subject, launched, endpoint)
        began = time.perf_counter()
        meter = Meter(launched, f"{endpoint.url}{plan.metrics_path}")
        idle, settled = settle(meter)
        settling_seconds = time.perf_counter() - began
        # Anew: what one instance gave, another one need not accept.
        target = subject.at(endpoint).signed_in(plan.driver.api.sign_in)
        before = meter.read()
        with _Watch(meter) as watch:
            outcome = plan.driver.send(target, plan.load, seed=seed, seconds=plan.seconds, lead_in=LEAD_IN_SECONDS)
        after = meter.read()
    loaded = watch.readings or [after]
    everything = [*idle, *loaded, after]
    known = before.cpu_seconds is not None and after.cpu_seconds is not None
    return Round(
        number=number,
        position=position,
        settled=settled,
        settling_seconds=settling_seconds,
        idle_cgroup_bytes=_median(_cgroup(idle)),
        idle_pss_bytes=_median(_pss(idle)),
        loaded_cgroup_bytes=_median(_cgroup(loaded)),
        loaded_pss_bytes=_median(_pss(loaded)),
        peak_cgroup_bytes=max(_cgroup(everything), default=None),
        peak_pss_bytes=max(_pss(everything), default=None),
        cpu_seconds=(after.cpu_seconds or 0.0) - (before.cpu_seconds or 0.0) if known else None,
        answered=outcome.all_answered,
        wrong=outcome.wrong,
        sent_again=outcome.sent_again,
        seconds=outcome.seconds,
        workers=after.workers,
        source=meter.source,
    )


def settle(meter: Meter) -> tuple[list[Usage], bool]:
    """Wait until the memory is steady; return the last readings, and whether it became steady in time."""
    readings: list[Usage] = []
    deadline = time.monotonic() + SETTLING_SECONDS
    while True:
        readings = [*readings, meter.read()][-SETTLED_READINGS:]
        if len(readings) == SETTLED_READINGS and all(map(_steady, (_pss(readings), _cgroup(readings)))):
            return readings, True
        if time.monotonic() > deadline:
            return readings, False
        time.sleep(READ_SECONDS)


class _Watch(AbstractContextManager["_Watch"]):
    """Reads repeatedly, in a thread."""

    def __init__(self, meter: Meter) -> None:
        self.readings: list[Usage] = []
        self._meter = meter
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._over.wait(LOADED_READ_SECONDS):
            self.readings.append(self._meter.read())


def _steady(values: Sequence[int]) -> bool:
    return not values or max(values) - min(values) <= SETTLED_SHARE * statistics.median(values)


def _cgroup(readings: Sequence[Usage]) -> list[int]:
    return [reading.cgroup_bytes for reading in readings if reading.cgroup_bytes is not None]


def _pss(readings: Sequence[Usage]) -> list[int]:
    return [reading.pss_bytes for reading in readings if reading.pss_bytes is not None]


def _median(values: Sequence[int]) -> int | None:
    return round(statistics.median(values)) if values else None
