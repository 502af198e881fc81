"""The cache's metrics, which are read at scrape time."""

import contextlib
from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from serving_core.http.errors import UnavailableError
from serving_core.store.cache import PredictionCache


class CacheCollector(Collector):
    """Reads the cache at every scrape; every worker reports the values of the whole service."""

    def __init__(self, cache: PredictionCache) -> None:
        self._cache = cache

    def collect(self) -> Iterable[Metric]:
        """The metric families with their current values."""
        counts = self._cache.counts()
        lookups = CounterMetricFamily("prediction_cache_requests_total", "Cache look-ups.", labels=["result"])
        lookups.add_metric(["hit"], counts.hits)
        lookups.add_metric(["miss"], counts.misses)
        yield lookups
        yield CounterMetricFamily("prediction_cache_evictions_total", "Predictions pushed out.", value=counts.evictions)
        entries = GaugeMetricFamily("prediction_cache_entries", "Predictions in the cache.")
        with contextlib.suppress(UnavailableError):  # Redis does not answer: a gauge without a sample
            entries.add_metric([], self._cache.entries())
        yield entries
