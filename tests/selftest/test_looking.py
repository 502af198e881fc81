"""Whoever stops when it is known is wrong no more often than who measured as long as was planned.

Simulated measurements on noise that drifts, lasts, and has outliers; with SELFTEST=full ten times as many of them.
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from made.noise import NOISE, Values, log_ratios
from numpy.typing import NDArray
from scipy import special, stats
from serving_lab.bench.comparing import WHERE_LOOKED
from serving_lab.experiment.records import METRICS
from serving_lab.experiment.sequential import Looks, looks
from serving_lab.experiment.statistics import EQUIVALENCE_ALPHA, paired, simultaneous, unpaired, verdict

from selftest.proof import FULL, say

Truths = NDArray[np.bool_]
METRICS_OF_A_SCENARIO = 4
SCENARIOS = 50_000 if FULL else 5_000
FIRST = 4
MARGIN = 0.05
SPREADS = (0.02, 0.05)
"""Of an arm's logarithm: with the first, equivalence can be shown, with the second hardly."""


@dataclass(frozen=True)
class Simulated:
    """Many measurements, at each look."""

    at: tuple[int, ...]
    means: Values
    """Of ln(ratio), by measurement and look."""
    halves: Values
    """Half of the interval of a scenario's metric."""
    within: Values
    """Half of the interval for equivalence."""
    taken: Values
    """Share of the time that others took."""

    @property
    def different(self) -> Truths:
        return np.asarray(np.abs(self.means) > self.halves)

    @property
    def equivalent(self) -> Truths:
        return np.asarray(
            (self.means - self.within >= math.log1p(-MARGIN) * (1 - self.taken))
            & (self.means + self.within <= math.log1p(MARGIN) * (1 - self.taken))
        )

    @staticmethod
    def ever(found: Truths) -> Truths:
        """Whether it was so at any look."""
        return np.asarray(found.any(axis=1))

    @property
    def stops(self) -> NDArray[np.int64]:
        """The look at which it is known, of each measurement; else the last."""
        known = self.equivalent | (np.abs(self.means) - self.halves > math.log1p(MARGIN))
        known[:, -1] = True
        return np.asarray(known.argmax(axis=1))


def simulated(ratios: Values, most: int, taken: Values | None = None) -> Simulated:
    """Return what the looks see of pairs, from which others took shares of the time."""
    at = tuple(looks(FIRST, most))
    pairs = np.array(at)
    sums, squares = (np.cumsum(ratios**power, axis=1)[:, pairs - 1] for power in (1, 2))
    means = sums / pairs
    errors = np.sqrt(np.maximum(squares - pairs * means**2, 0) / (pairs - 1) / pairs)
    alphas = 1 - simultaneous(METRICS_OF_A_SCENARIO), 2 * EQUIVALENCE_ALPHA
    levels = [np.array([Looks(at[: look + 1], most).level(alpha) for look in range(len(at))]) for alpha in alphas]
    halves, within = (errors * special.stdtrit(pairs - 1, 1 - level / 2) for level in levels)
    shares = np.zeros_like(means) if taken is None else np.cumsum(taken, axis=1)[:, pairs - 1] / pairs
    return Simulated(at, means, halves, within, shares)


def any_of_a_scenario(found: Truths) -> Truths:
    return np.asarray(found.reshape(-1, METRICS_OF_A_SCENARIO).any(axis=1))


def at_most(found: Truths, share: float, what: str) -> None:
    say(f"{what}: {found.mean():.2%} of {found.size:,}")
    assert found.sum() <= stats.binom.ppf(0.999, found.size, share), what


@pytest.mark.parametrize("kind", NOISE)
@pytest.mark.parametrize("most", [8, 40])
def test_equal_services_are_called_different_in_at_most_one_of_twenty_scenarios_at_any_look(
    kind: str, most: int
) -> None:
    seen = simulated(log_ratios(kind, SCENARIOS * METRICS_OF_A_SCENARIO, most, seed=most), most)

    at_most(any_of_a_scenario(seen.ever(seen.different)), 0.05, f"called different, {kind}, {most} pairs")


def test_without_levels_of_their_own_looks_would_be_false_alarms() -> None:
    most = 40
    ratios = log_ratios("white", SCENARIOS * METRICS_OF_A_SCENARIO, most, seed=1)
    seen = simulated(ratios, most)
    pairs = np.array(seen.at)
    usual = special.stdtrit(pairs - 1, 1 - (1 - simultaneous(METRICS_OF_A_SCENARIO)) / 2)
    own = np.array(
        [special.stdtrit(n - 1, 1 - Looks(seen.at[: k + 1], most).level(0.0125) / 2) for k, n in enumerate(pairs)]
    )

    alarms = any_of_a_scenario(seen.ever(np.abs(seen.means) > seen.halves / own * usual))

    assert alarms.mean() > 0.15


@pytest.mark.parametrize("kind", NOISE)
def test_a_change_as_large_as_the_margin_is_called_equivalent_at_most_once_in_twenty(kind: str) -> None:
    most = 40
    noise = log_ratios(kind, SCENARIOS, most, seed=2)
    for spread in SPREADS:
        seen = simulated(spread * noise + math.log1p(MARGIN), most)

        at_most(seen.ever(seen.equivalent), 0.05, f"wrongly equivalent, {kind}, spread {spread}")


@pytest.mark.parametrize("kind", NOISE)
def test_the_interval_holds_the_truth_wherever_it_stops(kind: str) -> None:
    most = 40
    noise = log_ratios(kind, SCENARIOS * METRICS_OF_A_SCENARIO, most, seed=3)
    for change in (0.0, 0.05, 0.1, 0.5):
        seen = simulated(0.05 * noise + math.log1p(change), most)
        each = np.arange(len(noise)), seen.stops

        beside = np.asarray(np.abs(seen.means[each] - math.log1p(change)) > seen.halves[each])

        at_most(any_of_a_scenario(beside), 0.05, f"beside the truth, {kind}, {change:.0%}")


@pytest.mark.parametrize("change", [0.0, 0.05, 0.1])
def test_of_two_that_stopped_when_it_was_known_an_equal_one_is_called_different_at_most_once_in_twenty(
    change: float,
) -> None:
    """What `lab compare` does with the log-ratios of both."""
    most, runs = 40, SCENARIOS // 2
    ends = []
    for seed in (6, 7):
        ratios = 0.03 * log_ratios("white", runs, most, seed) + math.log1p(change)
        seen = simulated(ratios, most)
        ends.append([values[: seen.at[stop]].tolist() for values, stop in zip(ratios, seen.stops, strict=True)])
    found = [unpaired(old, new, simultaneous(WHERE_LOOKED)) for old, new in zip(ends[0], ends[1], strict=True)]

    differ = np.array([not (each.low or 0) <= 1 <= (each.high or 0) for each in found])

    at_most(differ, 0.05, f"equal results called different, {change:.0%}")


@pytest.mark.parametrize("spread", [0.015, 0.03, 0.06])
def test_the_estimate_at_the_stop_is_hardly_biased(spread: float) -> None:
    """What `lab history` and `lab compare` take as they are."""
    noise = spread * log_ratios("white", SCENARIOS, 40, seed=8)
    for change in (0.0, 0.03, 0.05, 0.07, 0.1, 0.2, 0.5):
        seen = simulated(noise + math.log1p(change), 40)

        beside = seen.means[np.arange(SCENARIOS), seen.stops] - math.log1p(change)

        say(f"{change:.0%}, spread {spread:.1%}: bias {beside.mean():+.2%}, standard error {beside.std():.2%}")
        chance = 3 * beside.std() / math.sqrt(SCENARIOS)
        assert abs(beside.mean()) < 0.005 + chance
        assert abs(beside.mean()) < 0.4 * beside.std() + chance


def test_what_is_simulated_is_what_the_laboratory_says() -> None:
    most = 15
    ratios = 0.02 * log_ratios("white", 200, most, seed=4) + 0.02
    seen = simulated(ratios, most)
    words = set()
    for run, values in enumerate(ratios):
        for look, pairs in enumerate(seen.at):
            estimate = paired(
                values[:pairs].tolist(), simultaneous(METRICS_OF_A_SCENARIO), Looks(seen.at[: look + 1], most)
            )
            assert estimate.low == pytest.approx(math.exp(seen.means[run, look] - seen.halves[run, look]))
            words.add(word := verdict(estimate, MARGIN, METRICS["p50"].better))
            assert (word == "equivalent") is bool(seen.equivalent[run, look])
            assert (word == "slower") is bool(
                seen.different[run, look] and not seen.equivalent[run, look] and seen.means[run, look] > 0
            )
    assert {"equivalent", "undecided"} <= words


def test_large_changes_are_known_soon_and_none_is_within_the_pairs_of_some_minutes() -> None:
    """What stopping is worth, at a spread of 4%."""
    most = 40
    noise = 0.04 / math.sqrt(2) * log_ratios("white", SCENARIOS, most, seed=5)
    pairs = {}
    for change in (0.0, 0.1, 0.5):
        seen = simulated(noise + math.log1p(change), most)
        pairs[change] = np.array(seen.at)[seen.stops]
        middle, most_of_them = np.quantile(pairs[change], [0.5, 0.9])
        say(f"{change:.0%} known after {middle:.0f} pairs, {most_of_them:.0f} at 90%")

    assert np.median(pairs[0.5]) <= 5
    assert np.quantile(pairs[0.5], 0.9) <= 7
    assert np.median(pairs[0.0]) <= 15
