"""Whether figures that were measured now are still near those that docs/exercise.md shows."""

import math
from collections.abc import Iterator, Mapping

from serving_lab.bench.result import BenchResult
from serving_lab.footprint.result import FootprintResult

FACTOR = 2.5
"""Machines differ, and so do moments of a busy one: only ratios between services are compared, and only coarsely."""


def drifted(shown: Mapping[str, float], now: Mapping[str, float], factor: float = FACTOR) -> list[str]:
    """Say of each ratio that both have whether it is more than this factor off."""
    return [
        f"{name}: {now[name]:.2f} now, and the page shows {value:.2f} (make exercise)"
        for name, value in shown.items()
        if name in now and abs(math.log(now[name] / value)) > math.log(factor)
    ]


def ratios(result: BenchResult | FootprintResult, candidate: str) -> dict[str, float]:
    """The candidate's ratios to the baseline by what was measured; none of what was refused, which shows nothing."""
    return dict(_of_bench(result, candidate) if isinstance(result, BenchResult) else _of_footprint(result, candidate))


def _of_bench(result: BenchResult, candidate: str) -> Iterator[tuple[str, float]]:
    for scenario, each in result.comparisons:
        # The slowest answers of a short measurement are too few to say anything.
        if each.candidate == candidate and each.metric != "p99" and each.verdict != "refused" and each.ratio:
            yield f"{scenario.name}/{each.metric}", each.ratio


def _of_footprint(result: FootprintResult, candidate: str) -> Iterator[tuple[str, float]]:
    for each in result.ratios:
        if each.candidate == candidate:
            yield each.measure, each.ratio
