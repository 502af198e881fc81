"""The statistics agree with SciPy's tests, and keep in simulation what they promise: false alarms, coverage, power."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from serving_lab.experiment.statistics import (
    Estimate,
    paired,
    pairs_needed,
    simultaneous,
    smallest_change,
    unpaired,
    verdict,
)

TIMES = 2000
"""Measurements simulated: a true share of 5% then shows as 4% to 6%, of 80% as 78% to 82%."""
FALSE_ALARMS = pytest.approx(0.05, abs=0.015)
POWER = pytest.approx(0.8, abs=0.03)


def noise(pairs: int, spread: float = 0.05, seed: int = 1) -> list[list[float]]:
    """Return the log-ratios of `TIMES` measurements of two equal services."""
    drawn: list[list[float]] = np.random.default_rng(seed).normal(0, spread, (TIMES, pairs)).tolist()
    return drawn


def shifted(values: Sequence[float], change: float) -> list[float]:
    return [value + math.log1p(change) for value in values]


def share(found: Sequence[bool]) -> float:
    return sum(found) / len(found)


def excludes_one(estimate: Estimate) -> bool:
    assert estimate.low is not None
    assert estimate.high is not None
    return not estimate.low <= 1 <= estimate.high


def test_pairs_are_judged_as_scipys_paired_test_does() -> None:
    from scipy import stats  # not above: every process that collects tests would spend a second on it

    generator = np.random.default_rng(3)
    old, new = generator.normal(0, 0.2, 9), generator.normal(0.1, 0.2, 9)
    theirs = stats.ttest_rel(new, old)

    for confidence in (0.9, 0.95, 0.99):
        estimate = paired((new - old).tolist(), confidence)

        assert estimate.ratio == pytest.approx(math.exp(np.mean(new - old)))
        assert (estimate.low, estimate.high) == pytest.approx(np.exp(theirs.confidence_interval(confidence)))
        assert excludes_one(estimate) == (theirs.pvalue < 1 - confidence)
        assert estimate.spread == pytest.approx(np.std(new - old, ddof=1))
        assert estimate.n == 9


def test_separate_samples_are_judged_as_welchs_test_does() -> None:
    from scipy import stats  # not above: every process that collects tests would spend a second on it

    generator = np.random.default_rng(4)
    old, new = generator.normal(0, 0.1, 7), generator.normal(0.2, 0.3, 12)
    theirs = stats.ttest_ind(new, old, equal_var=False)

    for confidence in (0.9, 0.95, 0.99):
        estimate = unpaired(old.tolist(), new.tolist(), confidence)

        assert estimate.ratio == pytest.approx(math.exp(new.mean() - old.mean()))
        assert (estimate.low, estimate.high) == pytest.approx(np.exp(theirs.confidence_interval(confidence)))
        assert excludes_one(estimate) == (theirs.pvalue < 1 - confidence)
        assert estimate.degrees == pytest.approx(theirs.df)
        assert estimate.n == 7


@pytest.mark.parametrize("pairs", [3, 6, 20])
def test_equal_services_are_called_different_once_in_twenty(pairs: int) -> None:
    assert share([excludes_one(paired(values)) for values in noise(pairs)]) == FALSE_ALARMS


def test_equal_results_are_called_different_once_in_twenty() -> None:
    olds, news = noise(8), noise(12, spread=0.02, seed=2)

    assert share([excludes_one(unpaired(*both)) for both in zip(olds, news, strict=True)]) == FALSE_ALARMS


@pytest.mark.parametrize("metrics", [2, 8])
def test_of_several_metrics_none_is_called_different_nineteen_times_out_of_twenty(metrics: int) -> None:
    several = zip(*(noise(6, seed=seed) for seed in range(metrics)), strict=True)

    alarms = [any(excludes_one(paired(values, simultaneous(metrics))) for values in each) for each in several]

    assert share(alarms) == FALSE_ALARMS


def test_the_interval_holds_the_truth_at_its_level() -> None:
    for confidence in (0.9, 0.95, 0.99):
        estimates = [paired(shifted(values, 0.1), confidence) for values in noise(8)]

        assert share([bool((e.low or 0) <= 1.1 <= (e.high or 0)) for e in estimates]) == pytest.approx(
            confidence, abs=0.015
        )


@pytest.mark.parametrize("pairs", [6, 20])
def test_the_smallest_detectable_change_is_found_four_times_out_of_five(pairs: int) -> None:
    change = smallest_change(0.05 / math.sqrt(pairs), pairs - 1)

    found = [verdict(paired(shifted(values, change)), 0, "higher") == "faster" for values in noise(pairs)]

    assert share(found) == POWER


@pytest.mark.parametrize(("spread", "effect"), [(0.05, 0.05), (0.1, 0.05), (0.02, 0.03)])
def test_as_many_pairs_as_are_said_to_be_needed_find_the_change_four_times_out_of_five(
    spread: float, effect: float
) -> None:
    pairs = pairs_needed(spread, effect)

    found = [excludes_one(paired(shifted(values, effect))) for values in noise(pairs, spread)]

    assert share(found) == pytest.approx(0.8, abs=0.05)
    assert smallest_change(spread / math.sqrt(pairs), pairs - 1) <= effect
    assert smallest_change(spread / math.sqrt(pairs - 1), pairs - 2) > effect


def test_a_change_as_large_as_the_margin_is_called_equivalent_at_most_once_in_twenty() -> None:
    for change in (0.05, -0.05):
        verdicts = [verdict(paired(shifted(values, change)), 0.05, "lower") for values in noise(10)]

        assert share([word == "equivalent" for word in verdicts]) == FALSE_ALARMS


@pytest.mark.parametrize(
    ("change", "better", "word"),
    [
        (0.2, "higher", "faster"),
        (0.2, "lower", "slower"),
        (-0.2, "higher", "slower"),
        (-0.2, "lower", "faster"),
        (0.01, "lower", "equivalent"),
        (0.03, "lower", "undecided"),
    ],
)
def test_what_is_better_depends_on_the_metric(change: float, better: str, word: str) -> None:
    estimate = paired(shifted([-0.02, 0.02, -0.02, 0.02], change))

    assert verdict(estimate, 0.05, better) == word  # type: ignore[arg-type]


def test_a_change_that_is_certain_and_surely_too_small_to_matter_is_equivalent() -> None:
    estimate = paired(shifted([-0.001, 0.001, -0.001, 0.001], 0.01))

    assert excludes_one(estimate)
    assert verdict(estimate, 0.03, "lower") == "equivalent"
    assert verdict(estimate, 0.001, "lower") == "slower"


def test_nothing_is_concluded_from_fewer_than_three_pairs() -> None:
    none, one, two = paired([]), paired([0.5]), paired([0.5, 0.5])

    assert (none.ratio, none.low, none.high, none.spread, none.detectable, none.n) == (None, None, None, None, None, 0)
    assert one.ratio == pytest.approx(math.exp(0.5))
    assert (one.low, one.high, one.spread, one.detectable, one.n) == (None, None, None, None, 1)
    assert two.low is not None
    assert [verdict(estimate, 0.03, "higher") for estimate in (none, one, two)] == ["undecided"] * 3
    assert verdict(unpaired([0.0, 0.0], [0.5] * 9), 0.03, "higher") == "undecided"
    assert unpaired([], [0.5]).ratio is None
    assert unpaired([0.1], [0.5]).low is None


def test_values_without_any_spread_are_a_point() -> None:
    for estimate in (paired([0.1] * 3), unpaired([0.1] * 3, [0.2] * 5)):
        assert estimate.low == estimate.high == estimate.ratio == pytest.approx(math.exp(0.1))
        assert (estimate.spread, estimate.detectable) == (0, 0)
        assert verdict(estimate, 0.03, "higher") == "faster"
        assert verdict(estimate, 0.2, "higher") == "equivalent"
    assert pairs_needed(0, 0.01) == 3


def test_two_values_that_are_far_apart_give_an_interval_of_numbers() -> None:
    estimate = paired([-9.0, 9.0], simultaneous(8))

    assert estimate.high is not None
    assert estimate.detectable is not None
    assert math.isfinite(estimate.high)
    assert math.isfinite(estimate.detectable)


def test_what_is_no_number_is_refused() -> None:
    for wrong in (math.nan, math.inf, -math.inf):
        with pytest.raises(ValueError, match="not finite"):
            paired([0.1, wrong])
    with pytest.raises(ValueError, match="no number of pairs"):
        pairs_needed(0.1, 0)
