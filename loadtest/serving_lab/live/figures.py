"""The figures drawn: rates, shares and percentiles between two states of a service's counters."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from serving_lab.targets.reading import Counters


@dataclass(frozen=True)
class Figures:
    """A service over a stretch of time; None where there was nothing to measure.

    Percentiles are estimates from histogram buckets, linear between their bounds, as Prometheus' histogram_quantile.
    """

    seconds: float
    requests: float
    requests_per_second: float
    p50_seconds: float | None
    p95_seconds: float | None
    p99_seconds: float | None
    error_ratio: float | None
    cache_hit_ratio: float | None
    cpu_cores: float

    @classmethod
    def of(cls, counted: Counters, seconds: float) -> "Figures":
        """The figures of what was counted in this many seconds (above 0)."""
        return cls(
            seconds=seconds,
            requests=counted.requests,
            requests_per_second=counted.requests / seconds,
            p50_seconds=quantile(counted.buckets, 0.50),
            p95_seconds=quantile(counted.buckets, 0.95),
            p99_seconds=quantile(counted.buckets, 0.99),
            error_ratio=_share(counted.errors, counted.requests),
            cache_hit_ratio=_share(counted.cache_hits, counted.cache_hits + counted.cache_misses),
            cpu_cores=counted.cpu_seconds / seconds,
        )


def quantile(buckets: Mapping[float, float], q: float) -> float | None:
    """Estimate a quantile (0 to 1) from cumulative counts by upper bound; None where nothing was counted.

    As in Prometheus: values are spread evenly within their bucket, the lowest bucket begins at 0, and a value above the
    highest finite bound counts as that bound.
    """
    counts = sorted(buckets.items())
    if not counts or counts[-1][1] <= 0:
        return None
    rank = q * counts[-1][1]
    lower, below = 0.0, 0.0
    for bound, count in counts:
        if count >= rank and count > below:
            if math.isinf(bound):
                return lower
            return lower + (bound - lower) * (rank - below) / (count - below)
        lower, below = bound, count
    return None


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
