"""One reading of a service's /metrics: its counters, its present state, and the conditions it runs under."""

import math
import operator
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

# Requests by the lab itself are not traffic.
OWN_HANDLERS = frozenset({"/metrics", "/ready"})

_WANTED = (
    "http_requests_total{",
    "http_request_duration_seconds_bucket{",
    "http_requests_in_progress",
    "prediction_cache_requests_total{",
    "service_",
)

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Counters:
    """What only grows while a service runs; `buckets` are cumulative counts of durations by upper bound in s."""

    requests: float = 0.0
    errors: float = 0.0
    cache_hits: float = 0.0
    cache_misses: float = 0.0
    cpu_seconds: float = 0.0
    buckets: Mapping[float, float] = field(default_factory=dict)

    def __add__(self, other: "Counters") -> "Counters":
        return self._combined(operator.add, other)

    def __sub__(self, other: "Counters") -> "Counters":
        return self._combined(operator.sub, other)

    def increase_since(self, earlier: "Counters") -> "Counters":
        """What was counted since. A service of which any count fell was restarted, and counts from 0."""
        increase = self - earlier
        return self if increase._any_below_zero() else increase

    def _combined(self, combine: Callable[[float, float], float], other: "Counters") -> "Counters":
        bounds = self.buckets.keys() | other.buckets.keys()
        return Counters(
            **{name: combine(getattr(self, name), getattr(other, name)) for name in _SCALARS},
            buckets={le: combine(self.buckets.get(le, 0.0), other.buckets.get(le, 0.0)) for le in sorted(bounds)},
        )

    def _any_below_zero(self) -> bool:
        return any(count < 0 for count in (*(getattr(self, name) for name in _SCALARS), *self.buckets.values()))


_SCALARS = tuple(each.name for each in fields(Counters) if each.name != "buckets")


class Gauges(NamedTuple):
    """The present state of a service; None where it does not say."""

    memory_bytes: float | None
    in_progress: float | None
    workers: float | None


@dataclass(frozen=True)
class Conditions:
    """The conditions a service runs under; None where it does not say."""

    info: Labels
    cpu_limit_cores: float | None
    memory_limit_bytes: float | None
    memory_kind: str | None


@dataclass(frozen=True)
class Reading:
    """Everything one scrape says."""

    counters: Counters
    gauges: Gauges
    conditions: Conditions

    @classmethod
    def parse(cls, exposition: str) -> "Reading":
        """Read Prometheus' text format. Raises ValueError where the text is something else."""
        samples = _samples(exposition)
        requests = [(labels, value) for labels, value in samples["http_requests_total"] if _is_traffic(labels)]
        lookups = samples["prediction_cache_requests_total"]
        buckets: defaultdict[float, float] = defaultdict(float)
        for labels, value in samples["http_request_duration_seconds_bucket"]:
            if _is_traffic(labels):
                buckets[float(labels["le"])] += value
        memory = {labels.get("kind", ""): value for labels, value in samples["service_memory_bytes"]}
        kind = next((kind for kind in ("cgroup", "pss") if kind in memory), None)
        return cls(
            Counters(
                requests=sum(value for _, value in requests),
                errors=sum(value for labels, value in requests if labels.get("status", "")[:1] in {"4", "5"}),
                cache_hits=sum(value for labels, value in lookups if labels.get("result") == "hit"),
                cache_misses=sum(value for labels, value in lookups if labels.get("result") == "miss"),
                cpu_seconds=_only(samples["service_cpu_seconds_total"]) or 0.0,
                buckets=dict(sorted(buckets.items())),
            ),
            Gauges(
                memory_bytes=memory[kind] if kind else None,
                in_progress=_only(samples["http_requests_in_progress"]),
                workers=_only(samples["service_workers"]),
            ),
            Conditions(
                info=next((labels for labels, _ in samples["service_info"]), {}),
                cpu_limit_cores=_only(samples["service_cpu_limit_cores"]),
                memory_limit_bytes=_only(samples["service_memory_limit_bytes"]),
                memory_kind=kind,
            ),
        )


def _samples(exposition: str) -> defaultdict[str, list[tuple[Labels, float]]]:
    samples: defaultdict[str, list[tuple[Labels, float]]] = defaultdict(list)
    for line in exposition.splitlines():
        if line.startswith(_WANTED):
            series, _, number = line.rpartition(" ")
            name, labels = _name_and_labels(series)
            value = float(number)
            if math.isfinite(value):
                samples[name].append((labels, value))
    return samples


# Every scrape has the same series, and parsing their labels takes fifty times as long as parsing their values.
@lru_cache(maxsize=4096)
def _name_and_labels(series: str) -> tuple[str, Labels]:
    (family,) = text_string_to_metric_families(f"{series} 0\n")
    (sample,) = family.samples
    if sample.timestamp is not None:
        raise ValueError(f"{sample.name} carries a timestamp, which is not supported")
    return sample.name, sample.labels


def _is_traffic(labels: Labels) -> bool:
    return labels.get("handler") not in OWN_HANDLERS


def _only(samples: list[tuple[Labels, float]]) -> float | None:
    return samples[0][1] if samples else None
