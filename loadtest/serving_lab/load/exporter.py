"""Locust's state for Prometheus: /metrics of the web UI."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from flask import Response, request
from locust import __version__ as locust_version
from locust import runners
from locust.env import Environment
from locust.runners import MasterRunner, Runner
from locust.stats import StatsEntry
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from serving_lab.load.services import LoadedService
from serving_lab.load.totals import RequestKind, Totals
from serving_lab.load.vitals import SATURATED_CPU_RATIO, SATURATED_DELAY_SECONDS, VitalsMonitor
from serving_lab.load.workers import WorkerWatch

PERCENTILES = (50, 95, 99)
STATES = (
    runners.STATE_INIT,
    runners.STATE_SPAWNING,
    runners.STATE_RUNNING,
    runners.STATE_CLEANUP,
    runners.STATE_STOPPING,
    runners.STATE_STOPPED,
    runners.STATE_MISSING,
)
SERVICE = ("service", "label", "role")
KIND = ("method", "name", *SERVICE)

Samples = Iterable[tuple[tuple[str, ...], float]]


def add_metrics_route(
    environment: Environment,
    services: Sequence[LoadedService],
    totals: Totals,
    vitals: VitalsMonitor,
    workers: WorkerWatch,
) -> None:
    """Serve GET /metrics on the web UI. Does nothing in a headless run and on a worker, which have no web UI."""
    if environment.web_ui is None or environment.web_ui.app is None or environment.runner is None:
        return
    registry = CollectorRegistry()
    registry.register(LocustCollector(environment.runner, services, totals, vitals, workers))

    # Open under --web-login too: Prometheus cannot log in.
    @environment.web_ui.app.get("/metrics")
    def metrics() -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=content_type)


class LocustCollector(Collector):
    """Reads the runner at scrape time.

    The label ``service`` is the first word of a request's name; ``label`` and ``role`` are what the catalogue says of
    that service, empty where it is not in the catalogue. Counters are those of Totals; rates and percentiles are
    Locust's own, over about ten seconds and rounded as Locust rounds.
    """

    def __init__(
        self,
        runner: Runner,
        services: Sequence[LoadedService],
        totals: Totals,
        vitals: VitalsMonitor,
        workers: WorkerWatch,
    ) -> None:
        self._runner = runner
        self._services = {service.name: service for service in services}
        self._totals = totals
        self._vitals = vitals
        self._workers = workers

    def describe(self) -> list[Metric]:
        """Announce no families, so that registering does not read the runner."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        yield _gauge("locust_info", "Always 1, with the version of Locust.", ["version"], [((locust_version,), 1)])
        yield from self._users()
        yield from self._requests()
        yield from self._generator()

    def _users(self) -> Iterator[Metric]:
        runner = self._runner
        classes: Mapping[str, int] = (
            runner.reported_user_classes_count if isinstance(runner, MasterRunner) else runner.user_classes_count
        )
        states = [((state,), state == runner.state) for state in STATES]
        service_of = {cls.__name__: getattr(cls, "service", "") for cls in runner.user_classes}
        yield _gauge("locust_users", "Users running.", [], [((), sum(classes.values()))])
        yield _gauge("locust_target_users", "Users asked for.", [], [((), runner.target_user_count)])
        yield _gauge(
            "locust_user_class_users",
            "Users running, by class.",
            ["user_class", *SERVICE],
            [((name, *self._of_service(service_of.get(name, ""))), count) for name, count in classes.items()],
        )
        yield _gauge("locust_state", "1 for the state the load is in, else 0.", ["state"], states)

    def _requests(self) -> Iterator[Metric]:
        totals = self._totals
        # Failures are exported from the first request on: a counter that first appears at 1 shows no increase.
        for family, help_text, counts in (
            ("locust_requests_total", "Requests answered or failed since the process started.", totals.requests),
            ("locust_request_failures_total", "Requests failed since the process started.", totals.failures),
        ):
            counter = CounterMetricFamily(family, help_text, labels=KIND)
            for kind in list(totals.requests):
                counter.add_metric(self._labels(kind), counts[kind])
            yield counter

        entries = [
            (self._labels(RequestKind(entry.method, entry.name)), entry)
            for entry in list(self._runner.stats.entries.values())
        ]
        yield _gauge(
            "locust_requests_per_second",
            "Current rate.",
            KIND,
            [(labels, entry.current_rps) for labels, entry in entries],
        )
        yield _gauge(
            "locust_request_failures_per_second",
            "Current rate of failures.",
            KIND,
            [(labels, entry.current_fail_per_sec) for labels, entry in entries],
        )
        yield _gauge(
            "locust_response_time_seconds",
            "Current percentiles of the response time.",
            [*KIND, "percentile"],
            [
                ((*labels, str(percentile)), seconds)
                for labels, entry in entries
                for percentile, seconds in _current_percentiles(entry)
            ],
        )

    def _generator(self) -> Iterator[Metric]:
        by_process = self._vitals.by_process()
        limits = f"above {SATURATED_CPU_RATIO} of a core or {SATURATED_DELAY_SECONDS} s of delay"
        yield _gauge(
            "locust_cpu_usage_ratio",
            "Share of one core used, the most a process can use.",
            ["process"],
            [((process,), vitals.cpu_ratio) for process, vitals in by_process.items()],
        )
        yield _gauge(
            "locust_scheduling_delay_seconds",
            "Longest wait of a user for its turn in the last second.",
            ["process"],
            [((process,), vitals.delay_seconds) for process, vitals in by_process.items()],
        )
        yield _gauge(
            "locust_saturated",
            f"1 where a process is {limits}: response times then include the generator's own slowness.",
            ["process"],
            [((process,), vitals.saturated) for process, vitals in by_process.items()],
        )
        if isinstance(self._runner, MasterRunner):
            yield _gauge("locust_workers", "Workers connected.", [], [((), self._runner.worker_count)])
            yield _gauge("locust_workers_expected", "Workers expected.", [], [((), self._workers.expected)])
            lost = CounterMetricFamily("locust_workers_lost_total", "Workers lost while their master went on.")
            lost.add_metric([], self._workers.lost)
            yield lost

    def _labels(self, kind: RequestKind) -> tuple[str, ...]:
        return kind.method, kind.name, *self._of_service(kind.name.partition(" ")[0])

    def _of_service(self, name: str) -> tuple[str, str, str]:
        service = self._services.get(name)
        return (name, service.label, service.role) if service else (name, "", "")


def _gauge(name: str, help_text: str, labels: Iterable[str], samples: Samples) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=list(labels))
    for values, value in samples:
        family.add_metric(values, float(value))
    return family


def _current_percentiles(entry: StatsEntry) -> Iterator[tuple[int, float]]:
    for percentile in PERCENTILES:
        milliseconds = entry.get_current_response_time_percentile(percentile / 100)
        if milliseconds is not None:
            yield percentile, milliseconds / 1000
