"""Reads all services every two seconds in a greenlet beside the load, and keeps the last half hour."""

import http.client
import json
import time
import urllib.request
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import MasterRunner, Runner

from serving_lab.live.elsewhere import ElsewhereWatch
from serving_lab.live.figures import Figures
from serving_lab.live.runs import Run, RunLog
from serving_lab.live.series import WINDOW_SECONDS, Series
from serving_lab.load.services import LoadedService
from serving_lab.load.totals import Totals
from serving_lab.load.vitals import VitalsMonitor
from serving_lab.load.workers import WorkerWatch
from serving_lab.targets.fairness import compare
from serving_lab.targets.reading import Reading

INTERVAL_SECONDS = 2.0
HISTORY_SECONDS = 1800.0
# A service that is slow to answer under load is not down.
_TIMEOUT_SECONDS = 3.0
_DIGITS = 6

# Services are on this host or network, where a proxy for the outside is of no use.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Point(NamedTuple):
    """Everything known at one moment: its sequence number, its Unix time (s), and its JSON, encoded once."""

    sequence: int
    time: float
    json: str


class Sampler:
    """Reads the services under load, the baseline first."""

    def __init__(
        self,
        environment: Environment,
        runner: Runner,
        services: Sequence[LoadedService],
        totals: Totals,
        vitals: VitalsMonitor,
        workers: WorkerWatch,
    ) -> None:
        self._environment = environment
        self._runner = runner
        self._services = {service.name: service for service in services}
        self._totals = totals
        self._vitals = vitals
        self._workers = workers
        self._wake = Event()
        self._sequence = 0
        self._failures: deque[tuple[float, dict[str, tuple[int, int]]]] = deque()
        self.session = f"{time.time():.3f}"
        self.series = {name: Series() for name in self._services}
        self.points: deque[Point] = deque(maxlen=int(HISTORY_SECONDS / INTERVAL_SECONDS))
        self.log = RunLog()
        self._elsewhere = ElsewhereWatch(self.log)
        environment.events.test_start.add_listener(self._start_run)
        environment.events.test_stop.add_listener(self._stop_run)

    def run(self) -> None:
        """Sample until the process ends; when a run stops, sample once more at once."""
        due = time.monotonic()
        while True:
            self.sample()
            due = max(due + INTERVAL_SECONDS, time.monotonic() + INTERVAL_SECONDS / 4)
            self._wake.wait(timeout=due - time.monotonic())
            self._wake.clear()

    def sample(self) -> None:
        """Read all services at the same moment and add a point; it is the last of a run that has ended before."""
        ending = [run for run in self.log.unfinished if run.ending]
        readers = {name: gevent.spawn(self._read, service.url) for name, service in self._services.items()}
        gevent.joinall(readers.values())
        figures = {service: self._take_in(service, *reader.value) for service, reader in readers.items()}
        failed = self._failed_ratios(time.monotonic())
        generator = self._generator()
        self._elsewhere.take_in(time.time(), sum(series.requests_per_second for series in self.series.values()))
        for run in self.log.unfinished:
            if run.elsewhere and not self._elsewhere.busy:
                continue
            for service, series in self.series.items():
                run.observe(service, series)
            run.users = max(run.users, generator["users"])
            run.saturated = run.saturated or bool(generator["saturated"])
            run.finding = getattr(self._environment.shape_class, "finding", None)
        self._sequence += 1
        moment = time.time()
        point = {
            "sequence": self._sequence,
            "time": moment,
            "services": {name: self._describe(name, figures[name], failed[name]) for name in self._services},
            "generator": generator,
        }
        self.points.append(Point(self._sequence, moment, json.dumps(rounded(point))))
        for run in ending:
            run.stopped = moment

    def since(self, sequence: int) -> list[Point]:
        """The points after this one."""
        return [point for point in self.points if point.sequence > sequence]

    def points_of(self, run: Run) -> list[Point]:
        """The points of a run that are still kept."""
        until = float("inf") if run.stopped is None else run.stopped
        return [point for point in self.points if run.started <= point.time <= until]

    def conditions(self) -> list[dict[str, Any]]:
        """The conditions all services run under, and how they compare."""
        return [asdict(condition) for condition in compare({name: one.conditions for name, one in self.series.items()})]

    def services(self) -> list[dict[str, Any]]:
        """What each service is, where it is, whether it answers, and its limits; the baseline first."""
        return [self._present(service, self.series[service.name]) for service in self._services.values()]

    def _read(self, url: str) -> tuple[float, Reading | str]:
        try:
            with _OPENER.open(f"{url}/metrics", timeout=_TIMEOUT_SECONDS) as response:
                exposition = response.read().decode()
                return time.monotonic(), Reading.parse(exposition)
        except (OSError, ValueError, http.client.HTTPException) as error:
            return time.monotonic(), str(getattr(error, "reason", error)) or type(error).__name__

    def _present(self, service: LoadedService, series: Series) -> dict[str, Any]:
        conditions = series.conditions
        return {
            "name": service.name,
            "label": service.label,
            "role": service.role,
            "colour": service.entry.colour,
            "url": service.url,
            "problem": series.problem,
            "restarts": series.restarts,
            "memory_limit_bytes": conditions and conditions.memory_limit_bytes,
            "cpu_limit_cores": conditions and conditions.cpu_limit_cores,
            "memory_kind": conditions and conditions.memory_kind,
        }

    def _take_in(self, service: str, when: float, read: Reading | str) -> Figures | None:
        if isinstance(read, Reading):
            return self.series[service].add(when, read)
        self.series[service].miss(read)
        return None

    def _describe(self, service: str, figures: Figures | None, failed_ratio: float | None) -> dict[str, Any]:
        gauges = self.series[service].gauges
        if gauges is None:
            return {"failed_ratio": failed_ratio}
        return (asdict(figures) if figures else {}) | gauges._asdict() | {"failed_ratio": failed_ratio}

    def _failed_ratios(self, now: float) -> dict[str, float | None]:
        """The share of the load's requests to each service that failed over the window, as its users saw it."""
        counts = dict.fromkeys(self._services, (0, 0))
        for kind in list(self._totals.requests):
            service = kind.name.partition(" ")[0]
            if service in counts:
                requests, failures = counts[service]
                counts[service] = requests + self._totals.requests[kind], failures + self._totals.failures[kind]
        self._failures.append((now, counts))
        while now - self._failures[0][0] > WINDOW_SECONDS:
            self._failures.popleft()
        before = self._failures[0][1]
        asked = {service: counts[service][0] - before[service][0] for service in counts}
        return {
            service: (counts[service][1] - before[service][1]) / asked[service] if asked[service] else None
            for service in counts
        }

    def _generator(self) -> dict[str, Any]:
        runner = self._runner
        vitals = self._vitals.by_process()
        return {
            "state": runner.state,
            "users": runner.user_count,
            "cpu_ratio": max(each.cpu_ratio for each in vitals.values()),
            "delay_seconds": max(each.delay_seconds for each in vitals.values()),
            "saturated": [process for process, each in vitals.items() if each.saturated],
            "workers": runner.worker_count if isinstance(runner, MasterRunner) else None,
            "workers_expected": self._workers.expected or None,
            "workers_lost": self._workers.lost,
        }

    def _start_run(self, **_: object) -> None:
        self._elsewhere.end()
        run = Run(started=time.time())
        for service, series in self.series.items():
            run.observe(service, series)
        self.log.runs.append(run)

    def _stop_run(self, **_: object) -> None:
        for run in self.log.running(elsewhere=False):
            run.ending = True
        self._wake.set()


def rounded(value: Any) -> Any:  # noqa: ANN401 - JSON
    """JSON with its numbers cut to six significant digits: more is noise, and makes the page slow."""
    if isinstance(value, dict):
        return {key: item if key == "time" else rounded(item) for key, item in value.items()}
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    return value
