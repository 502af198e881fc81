"""Requests of one service, summed up."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Requests:
    """Requests of one service: how many, how many failed, and their response times (ms, as Locust rounds them)."""

    count: int = 0
    failures: int = 0
    response_times: Counter[int] = field(default_factory=Counter)

    def add(self, other: "Requests") -> None:
        """Count others with these."""
        self.count += other.count
        self.failures += other.failures
        self.response_times.update(other.response_times)

    @property
    def failed_ratio(self) -> float:
        """Share of requests that failed; 0 where there were none."""
        return self.failures / self.count if self.count else 0.0

    def quantile_seconds(self, q: float) -> float:
        """Return the smallest response time that so large a share (0 to 1) does not exceed; 0 where there were none."""
        rank, seen = q * self.response_times.total(), 0
        for milliseconds, count in sorted(self.response_times.items()):
            seen += count
            if seen >= rank:
                return milliseconds / 1000
        return 0.0
