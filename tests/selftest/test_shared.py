"""On a machine that others use, verdicts are no less true: intervals become wider, and pairs are measured again.

Simulated measurements beside programs that come and go; with SELFTEST=full ten times as many of them.
"""

import math

import numpy as np
import pytest
from made.noise import Values, shared_pairs
from serving_lab.experiment.statistics import paired
from serving_lab.experiment.validity import MOST_TAKEN, MOST_UNLIKE

from selftest.proof import say
from selftest.test_looking import MARGIN, METRICS_OF_A_SCENARIO, SCENARIOS, Simulated, any_of_a_scenario, at_most
from selftest.test_looking import simulated as looked_at

pytestmark = pytest.mark.timeout(1200)

MOST = 40
TRIES = 3
"""Pairs that are measured for each that may count."""
AT_ONCE = 20_000


def simulated(ratio: float, runs: int, seed: int) -> Simulated:
    """Of measurements in which enough pairs count, what the looks see."""
    parts = [_simulated(ratio, min(AT_ONCE, runs), seed + part) for part in range(math.ceil(runs / AT_ONCE))]
    at = parts[0].at
    means, halves, within, taken = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("means", "halves", "within", "taken")
    )
    return Simulated(at, means, halves, within, taken)


def _simulated(ratio: float, runs: int, seed: int) -> Simulated:
    found, taken = shared_pairs(runs, TRIES * MOST, ratio, seed)
    counts = (taken.max(axis=2) <= MOST_TAKEN) & (np.ptp(taken, axis=2) <= MOST_UNLIKE)
    first = np.argsort(~counts, axis=1, kind="stable")[:, :MOST]
    whole = counts.sum(axis=1) >= MOST
    say(f"others took {taken[whole].mean():.0%}; {counts.mean():.0%} of the pairs count, of {whole.mean():.0%} enough")
    assert whole.mean() > 0.9
    ratios, most = (np.take_along_axis(each, first, axis=1)[whole] for each in (found, taken.max(axis=2)))
    rows = len(ratios) // METRICS_OF_A_SCENARIO * METRICS_OF_A_SCENARIO
    return looked_at(ratios[:rows], MOST, most[:rows])


def test_equal_services_are_called_different_in_at_most_one_of_twenty_scenarios_at_any_look() -> None:
    seen = simulated(1.0, SCENARIOS * METRICS_OF_A_SCENARIO, seed=100)

    at_most(any_of_a_scenario(seen.ever(seen.different)), 0.05, "called different on a shared machine")


def test_a_change_as_large_as_the_margin_is_called_equivalent_at_most_once_in_twenty() -> None:
    seen = simulated(1 + MARGIN, SCENARIOS, seed=200)

    at_most(seen.ever(seen.equivalent), 0.05, "wrongly equivalent on a shared machine")


def test_without_wider_intervals_it_would_be_called_equivalent_more_often() -> None:
    seen = simulated(1 + MARGIN, SCENARIOS, seed=200)
    as_if_alone = Simulated(seen.at, seen.means, seen.halves, seen.within, np.zeros_like(seen.taken))

    assert as_if_alone.ever(as_if_alone.equivalent).mean() > 0.1


@pytest.mark.parametrize("change", [0.0, 0.05, 0.5])
def test_the_interval_holds_the_truth_wherever_it_stops(change: float) -> None:
    seen = simulated(1 + change, SCENARIOS * METRICS_OF_A_SCENARIO, seed=300)
    at = np.arange(len(seen.means)), seen.stops
    low, high = (_farther(seen.means[at] + side * seen.halves[at], seen.taken[at]) for side in (-1, 1))

    beside = np.asarray((math.log1p(change) < low[0]) | (math.log1p(change) > high[1]))

    at_most(any_of_a_scenario(beside), 0.05, f"beside the truth on a shared machine, {change:.0%}")


def test_what_is_simulated_is_what_the_laboratory_says() -> None:
    ratios = [0.01, 0.03, 0.02, 0.05, -0.01]
    alone, shared = paired(ratios).interval(0.95), paired(ratios, taken=0.3).interval(0.95)
    assert alone
    assert shared

    low, high = (_farther(np.log([end]), np.array([0.3])) for end in alone)

    assert shared == pytest.approx((math.exp(low[0][0]), math.exp(high[1][0])))


def _farther(ends: Values, taken: Values) -> tuple[Values, Values]:
    """Lower and upper ends, where others took so much."""
    away = ends / (1 - taken)
    return np.minimum(ends, away), np.maximum(ends, away)
