"""The mathematics of the live page: percentiles as Prometheus estimates them, rates through restarts and gaps."""

import math
import random
from itertools import pairwise

import numpy as np
import pytest
from serving_lab.live.figures import Figures, quantile
from serving_lab.live.series import WINDOW_SECONDS, Series
from serving_lab.targets.reading import Counters, Reading

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, math.inf)


def buckets_of(durations: list[float]) -> dict[float, float]:
    """Count durations as a histogram does: at each bound, everything that is not above it."""
    return {bound: float(sum(duration <= bound for duration in durations)) for bound in BOUNDS}


def exposition(requests: int, *, errors: int = 0, memory: str = "pss", cpu_seconds: float = 0.0) -> str:
    """What a service with this many requests says, each of 3 ms, and the lab's own scrapes beside them."""
    return f"""\
# TYPE http_requests_total counter
http_requests_total{{handler="/predict",method="POST",status="200"}} {requests - errors}
http_requests_total{{handler="/predict",method="POST",status="500"}} {errors}
http_requests_total{{handler="/metrics",method="GET",status="200"}} 999
http_request_duration_seconds_bucket{{handler="/predict",le="0.0025",method="POST"}} 0
http_request_duration_seconds_bucket{{handler="/predict",le="0.005",method="POST"}} {requests}
http_request_duration_seconds_bucket{{handler="/predict",le="+Inf",method="POST"}} {requests}
http_request_duration_seconds_bucket{{handler="/metrics",le="0.0025",method="GET"}} 999
http_request_duration_seconds_bucket{{handler="/metrics",le="+Inf",method="GET"}} 999
http_requests_in_progress 3
prediction_cache_requests_total{{result="hit"}} {requests // 4}
prediction_cache_requests_total{{result="miss"}} {requests - requests // 4}
service_info{{framework="flask",workers="2"}} 1
service_memory_bytes{{kind="pss"}} 1e8
service_memory_bytes{{kind="{memory}"}} 2e8
service_memory_limit_bytes +Inf
service_cpu_seconds_total {cpu_seconds}
service_workers 2
"""


@pytest.mark.parametrize("q", [0.01, 0.5, 0.95, 0.99, 1.0])
def test_a_quantile_lies_in_the_bucket_that_holds_the_true_one(q: float) -> None:
    generator = random.Random(7)  # noqa: S311 - repeatable
    durations = [generator.lognormvariate(-5, 1) for _ in range(5000)]

    estimate = quantile(buckets_of(durations), q)

    true = float(np.quantile(durations, q, method="inverted_cdf"))
    lower, upper = next((low, high) for low, high in pairwise((0.0, *BOUNDS)) if low < true <= high)
    assert estimate is not None
    assert lower <= estimate <= upper


def test_values_spread_evenly_in_their_buckets_are_estimated_exactly() -> None:
    durations = [(number + 0.5) / 1000 for number in range(1000)]  # evenly over 0 to 1 s
    counts = {step / 10: float(sum(duration <= step / 10 for duration in durations)) for step in range(1, 11)}

    for q in (0.123, 0.5, 0.95, 0.99):
        assert quantile(counts | {math.inf: 1000.0}, q) == pytest.approx(float(np.quantile(durations, q)), abs=0.002)


@pytest.mark.parametrize(
    ("counts", "q", "expected"),
    [
        ({0.1: 10, 0.2: 20, math.inf: 20}, 0.5, 0.1),  # examples worked out by Prometheus' definition
        ({0.1: 10, 0.2: 20, math.inf: 20}, 0.75, 0.15),
        ({0.1: 10, 0.2: 10, math.inf: 10}, 0.9, 0.09),
        ({0.1: 0, 0.2: 0, 0.3: 4, math.inf: 4}, 0.25, 0.225),
        ({0.1: 1, 0.2: 2, math.inf: 100}, 0.99, 0.2),  # above the highest finite bound
        ({0.1: 0, math.inf: 0}, 0.5, None),
        ({}, 0.5, None),
    ],
)
def test_a_quantile_is_what_prometheus_makes_of_it(
    counts: dict[float, float], q: float, expected: float | None
) -> None:
    assert quantile(counts, q) == pytest.approx(expected)


def test_a_reading_leaves_out_what_the_lab_itself_asks_for() -> None:
    reading = Reading.parse(exposition(200, errors=10, cpu_seconds=1.5))

    assert reading.counters.requests == 200
    assert reading.counters.errors == 10
    assert reading.counters.buckets == {0.0025: 0, 0.005: 200, math.inf: 200}
    assert (reading.counters.cache_hits, reading.counters.cache_misses) == (50, 150)
    assert reading.gauges.in_progress == 3
    assert reading.conditions.info["framework"] == "flask"
    assert reading.conditions.memory_limit_bytes is None, "infinity is no limit"


@pytest.mark.parametrize(("kind", "expected"), [("cgroup", 2e8), ("other", 1e8)])
def test_memory_is_what_the_container_is_charged_where_there_is_one(kind: str, expected: float) -> None:
    assert Reading.parse(exposition(1, memory=kind)).gauges.memory_bytes == expected


@pytest.mark.parametrize(
    "text", ["service_info{", 'service_workers{a="b} 1', "service_workers many", "service_workers 2 1395066363000"]
)
def test_what_is_no_exposition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Reading.parse(text)


def test_figures_come_from_what_was_counted_over_the_window() -> None:
    series = Series()
    series.add(100, Reading.parse(exposition(1000, errors=0, cpu_seconds=5)))

    figures = series.add(104, Reading.parse(exposition(1400, errors=20, cpu_seconds=7)))

    assert figures is not None
    assert figures.requests_per_second == 100
    assert figures.error_ratio == pytest.approx(20 / 400)
    assert figures.cache_hit_ratio == 0.25
    assert figures.cpu_cores == 0.5
    assert figures.p50_seconds == pytest.approx(0.00375)


def test_the_first_reading_has_no_rates_but_says_how_the_service_is() -> None:
    series = Series()

    assert series.add(0, Reading.parse(exposition(1000))) is None
    assert series.gauges is not None
    assert series.gauges.workers == 2


def test_figures_are_those_of_the_last_seconds_alone() -> None:
    series = Series()
    series.add(0, Reading.parse(exposition(0)))
    series.add(2, Reading.parse(exposition(10_000)))
    for second in range(4, 2 + int(WINDOW_SECONDS) + 1, 2):
        series.add(second, Reading.parse(exposition(10_000)))

    figures = series.add(2 + WINDOW_SECONDS, Reading.parse(exposition(10_000)))

    assert figures is not None
    assert figures.requests_per_second == 0
    assert figures.p99_seconds is None


def test_a_service_that_was_started_anew_counts_from_zero() -> None:
    series = Series()
    series.add(0, Reading.parse(exposition(5000)))
    series.add(2, Reading.parse(exposition(5100)))

    figures = series.add(4, Reading.parse(exposition(60)))

    assert figures is not None
    assert figures.requests == 160
    assert series.restarts == 1
    assert series.latest is not None
    assert series.latest.counted.buckets[math.inf] == 160


def test_rates_after_a_gap_do_not_reach_back_over_it() -> None:
    series = Series()
    series.add(0, Reading.parse(exposition(0)))
    series.miss("Connection refused")
    assert (series.gauges, series.problem) == (None, "Connection refused")

    assert series.add(60, Reading.parse(exposition(600))) is None
    figures = series.add(62, Reading.parse(exposition(640)))

    assert figures is not None
    assert figures.requests_per_second == 20
    assert series.problem is None


def test_counts_go_on_through_restarts_in_a_long_random_life() -> None:
    generator = random.Random(11)  # noqa: S311 - repeatable
    series, counted, truth = Series(), 0, 0
    series.add(0, Reading.parse(exposition(0)))
    for second in range(1, 200):
        if generator.random() < 0.1:
            counted = 0
        growth = generator.randint(50, 500) if counted else generator.randint(1, 40)
        counted += growth
        truth += growth
        series.add(second, Reading.parse(exposition(counted)))

    assert series.latest is not None
    assert series.latest.counted.requests == truth


def test_nothing_counted_has_no_percentiles_and_no_shares() -> None:
    figures = Figures.of(Counters(), 10)

    assert figures.requests_per_second == 0
    assert (figures.p50_seconds, figures.error_ratio, figures.cache_hit_ratio) == (None, None, None)
