"""Metrics of a service: each worker counts in its own file, and the worker that answers a scrape adds them up.

The client library names these files after process ids, so every restarted worker would leave files behind. Here they
are named after slots: a new worker takes the slot of a dead one and continues its counts, so the number of files never
grows.
"""

import os
from bisect import bisect_left
from itertools import product
from pathlib import Path
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.registry import Collector

from serving_core.runtime import exposition, metric_values, metrics_files
from serving_core.runtime.lifecycle import StartupError

__all__ = ["CONTENT_TYPE", "Metrics", "enter_slot", "forget_live_gauges"]

# Series that exist from the first scrape on, at zero. A rate over a series that starts with its first event misses it.
ROUTES = {
    "/health": "GET",
    "/ready": "GET",
    "/login": "POST",
    "/predict": "POST",
    "/batch-predict": "POST",
    "/model-info": "GET",
    "/cache/stats": "GET",
    "/cache/clear": "POST",
    "/metrics": "GET",
}
WEBSOCKET = "/ws/predict"
PREDICTING = ("/predict", "/batch-predict", WEBSOCKET)
MESSAGE_OUTCOMES = ("answered", "invalid", "rate_limited", "failed")
STORE_USES = ("cache", "limits")
RELOADS = ("loaded", "refused", "failed")
AUTH_FAILURES = ("missing", "invalid", "expired", "not_yet_valid", "credentials")
UNMATCHED = "none"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})

_REQUEST_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_INFERENCE_BUCKETS = (*(float(f"{step}e{power}") for power in range(-5, 0) for step in (1, 2.5, 5)), 1.0)

_KINDS = ("counter", "histogram", "gauge_livesum")
"""The files of a process, by the kinds of metrics below."""
# The library chooses this class when it is imported; it may be replaced until the first metric is created.
values.ValueClass = metric_values.Value


def enter_slot(slot: int) -> None:
    """Count in the files of this slot from now on; called once in each worker, after the fork."""
    metric_values.enter_slot(slot)


def forget_live_gauges(slot: int) -> None:
    """Remove the live gauges of the dead worker of a slot; called in the arbiter."""
    metrics_files.clear(Path(os.environ[metric_values.DIRECTORY]).glob(f"gauge_live*_{slot}.db"))


Child = TypeVar("Child", Counter, Histogram)


class Series(dict[str, Child], Generic[Child]):
    """The series of a metric by the value of its only label, each looked up once; the library's way costs more."""

    def __init__(self, metric: Child) -> None:
        super().__init__()
        self._metric: Child = metric

    def __missing__(self, label: str) -> Child:
        series: Child = self._metric.labels(label)
        self[label] = series
        return series


class Metrics:
    """All metrics that requests count; collectors add those that are read at scrape time."""

    def __init__(self, directory: Path, workers: int) -> None:
        """Keep the files in an empty directory; created once, before the fork.

        Args:
            directory: for the files.
            workers: how many may live at the same time.

        Raises:
            StartupError: the file system has no room for the files of all processes.
        """
        try:
            for kind, process in product(_KINDS, range(workers + 1)):
                metrics_files.reserve(directory / f"{kind}_{process}.db")
        except OSError as error:
            needed_kib = len(_KINDS) * (workers + 1) * metrics_files.FILE_BYTES // 1024
            raise StartupError(
                f"RUN_DIR: metrics need {needed_kib} KiB in {directory.parent}: {error.strerror}"
            ) from None
        os.environ[metric_values.DIRECTORY] = str(directory)
        self._directory = directory
        self._registry = CollectorRegistry()
        self.requests_in_progress = _gauge("http_requests_in_progress", "Number of HTTP requests in progress.")
        self._requests = _counter("http_requests_total", "Requests answered.", "method", "handler", "status")
        self._durations = _histogram(
            "http_request_duration_seconds", "Time to answer a request.", _REQUEST_BUCKETS, "method", "handler"
        )
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.predictions = Series(_counter("predictions_total", "Rows predicted.", "handler"))
        self.inference_seconds = Series(
            _histogram("model_inference_duration_seconds", "Time that the model took.", _INFERENCE_BUCKETS, "handler")
        )
        self.log_written = _counter("prediction_log_written_total", "Rows written to the prediction log.")
        self.log_dropped = _counter("prediction_log_dropped_total", "Rows that the prediction log could not take.")
        self.auth_failures = _counter("auth_failures_total", "Requests refused for their credentials.", "reason")
        self.rate_limited = _counter("rate_limited_requests_total", "Requests refused by the rate limit.", "handler")
        self.store_errors = _counter(
            "store_errors_total",
            "Cache look-ups and rate checks that the store did not answer or was not asked.",
            "use",
        )
        self.store_circuit_open = _gauge("store_circuit_open", "Workers that do without the store for now.", "use")
        self.model_reloads = _counter(
            "model_reloads_total", "New models that came while the service ran, by what became of them.", "result"
        )
        self.websocket_connections = _gauge("websocket_connections", "WebSocket connections that are open.")
        self.websocket_messages = _counter(
            "websocket_messages_total", "WebSocket messages answered, by what was answered.", "outcome"
        )
        self._create_series()

    def add_collector(self, collector: Collector) -> None:
        """Also expose what a collector reads at scrape time."""
        self._registry.register(collector)

    def observe_request(self, method: str, handler: str, status: int, seconds: float) -> None:
        """Count an answered request; methods that are not HTTP's share one label."""
        method = method if method in _METHODS else "other"
        series = self._answered.get((method, handler, status))
        if series is None:
            series = self._requests.labels(method, handler, status), self._durations.labels(method, handler)
            self._answered[method, handler, status] = series
        count, durations = series
        count.inc()
        durations.observe(seconds)

    def exposition(self) -> bytes:
        """All metrics of the service in the Prometheus text format 0.0.4."""
        return exposition.text(self._directory.glob("*.db")).encode() + generate_latest(self._registry)

    def _create_series(self) -> None:
        for handler, method in ROUTES.items():
            self._requests.labels(method, handler, 200)
            self._durations.labels(method, handler)
            self.rate_limited.labels(handler)
        self._requests.labels("GET", WEBSOCKET, 101)
        self._durations.labels("GET", WEBSOCKET)
        self.rate_limited.labels(WEBSOCKET)
        for handler in PREDICTING:
            _ = self.predictions[handler], self.inference_seconds[handler]
        for use in STORE_USES:
            self.store_errors.labels(use)
            self.store_circuit_open.labels(use)
        for reason in AUTH_FAILURES:
            self.auth_failures.labels(reason)
        for result in RELOADS:
            self.model_reloads.labels(result)
        for outcome in MESSAGE_OUTCOMES:
            self.websocket_messages.labels(outcome)


class _Counter(Counter):
    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:  # noqa: ARG002
        self._value.inc(amount)


class _Histogram(Histogram):
    """Finds the bucket by bisection; the library compares with one bound after the other."""

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:  # noqa: ARG002
        self._sum.inc(amount)
        self._buckets[bisect_left(self._upper_bounds, amount)].inc(1)


def _counter(name: str, help_text: str, *labels: str) -> Counter:
    return _Counter(name, help_text, labels, registry=None)


def _gauge(name: str, help_text: str, *labels: str) -> Gauge:
    return Gauge(name, help_text, labels, registry=None, multiprocess_mode="livesum")


def _histogram(name: str, help_text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return _Histogram(name, help_text, labels, buckets=buckets, registry=None)
