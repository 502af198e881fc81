"""Metrics that are read at scrape time: what the service is, what it uses and what it may use."""

import platform
from collections.abc import Iterable
from importlib.metadata import version

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from serving_core.runtime import resources
from serving_core.runtime.lifecycle import Lifecycle


class ServiceCollector(Collector):
    """Reads /proc and the control groups at every scrape; every worker reports the values of the whole service."""

    def __init__(
        self,
        *,
        framework: str,
        server: str,
        workers: int,
        lifecycle: Lifecycle,
    ) -> None:
        """`framework` is the name of the framework's distribution, such as `flask`."""
        self._lifecycle = lifecycle
        self._info = {
            "framework": framework,
            "framework_version": version(framework),
            "server": server,
            "python": platform.python_version(),
            "workers": str(workers),
        }

    def set_model(self, version: str, sha256: str) -> None:
        """Report this model from now on."""
        self._info |= {"model_version": version, "model_sha256": sha256}

    def collect(self) -> Iterable[Metric]:
        """The metric families with their current values."""
        info = GaugeMetricFamily("service_info", "What this service is made of.", labels=list(self._info))
        info.add_metric(list(self._info.values()), 1)
        yield info
        yield GaugeMetricFamily(
            "service_startup_seconds", "From process start to ready.", value=self._lifecycle.startup_seconds
        )
        yield from self._collect_resources()

    def _collect_resources(self) -> Iterable[Metric]:
        tree = resources.read_process_tree(self._lifecycle.arbiter_pid)
        limits = resources.read_limits()
        memory = GaugeMetricFamily("service_memory_bytes", "Memory of all processes of the service.", labels=["kind"])
        memory.add_metric(["pss"], tree.pss_bytes)
        charged_bytes = resources.read_cgroup_memory_bytes(self._lifecycle.arbiter_pid)
        if charged_bytes is not None:
            memory.add_metric(["cgroup"], charged_bytes)
        yield memory
        yield GaugeMetricFamily("service_memory_limit_bytes", "Memory it may use.", value=limits.memory_bytes)
        yield GaugeMetricFamily("service_cpu_limit_cores", "Processor cores it may use.", value=limits.cpu_cores)
        yield CounterMetricFamily(
            "service_cpu_seconds_total", "Processor time of all processes, dead ones too.", value=tree.cpu_seconds
        )
        yield GaugeMetricFamily("service_workers", "Workers alive.", value=self._lifecycle.workers)
