"""How model-sync gets on, as Prometheus reads it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from serving_lab.registry.reasons import ALL

INFO = "model_sync_model_info"
FOLLOWED = "model_sync_alias_followed"
FAILURES = "model_sync_failures_total"


@dataclass(frozen=True)
class Laid:
    """What an alias stands for in the store."""

    version: str
    """The registry's number; empty where the registry has not been asked yet."""
    artifact: str
    model_sha256: str


class SyncStatus(Collector):
    """Counts and notes; values for each alias that there is something to say of."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._laid: dict[str, Laid] = {}
        self._failures = Counter(
            "model_sync_failures", "What did not get from the registry to the services", ["reason"], registry=registry
        )
        for reason in ALL:
            self._failures.labels(reason)
        self._success = Gauge(
            "model_sync_last_success_timestamp_seconds",
            "When the registry last answered and every alias was followed",
            registry=registry,
        )
        self._answers = Gauge("model_sync_registry_up", "Whether the registry answers", registry=registry)
        self._followed = Gauge(
            FOLLOWED, "Whether what is laid down is what the registry names", ["alias"], registry=registry
        )
        registry.register(self)

    def answered(self, *, all_followed: bool) -> None:
        """Note that the registry has answered."""
        self._answers.set(1)
        if all_followed:
            self._success.set(time.time())

    def failed(self, reason: str) -> None:
        """Count something that did not work."""
        self._failures.labels(reason).inc()

    def unreachable(self) -> None:
        """Note that the registry does not answer."""
        self._answers.set(0)

    def is_followed(self, alias: str, followed: bool) -> None:
        """Note whether an alias stands for what the registry says."""
        self._followed.labels(alias).set(followed)

    def lies(self, alias: str, laid: Laid) -> None:
        """Note what an alias stands for."""
        self._laid[alias] = laid

    def is_laid(self, alias: str, version: str) -> bool:
        """Whether this version was noted for an alias."""
        return alias in self._laid and self._laid[alias].version == version

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What each alias stands for now."""
        family = GaugeMetricFamily(
            INFO, "What an alias stands for", labels=["alias", "version", "artifact_sha256", "model_sha256"]
        )
        for alias, laid in self._laid.copy().items():
            family.add_metric([alias, laid.version, laid.artifact, laid.model_sha256], 1)
        yield family
