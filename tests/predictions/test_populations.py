"""Distances of populations: false alarms as rare as claimed, changes found as often as claimed."""

import numpy as np
import pytest
from scipy import stats
from serving_lab.experiment.statistics import POWER
from serving_lab.predictions import populations
from serving_lab.predictions.populations import bin_edges, detectable, distance, holm, psi, rows_needed, shares

TRIES = 120
ALPHA = 0.05


def test_equal_populations_are_at_no_distance() -> None:
    values = np.arange(200.0)

    found = distance(values, values)

    assert (found.ks, found.psi) == (0, 0)
    assert found.p == pytest.approx(1)


def test_a_psi_is_what_its_definition_gives() -> None:
    reference, values = np.repeat([0.0, 1.0], [50, 50]), np.repeat([0.0, 1.0], [80, 20])

    # (0.8 - 0.5) ln(0.8 / 0.5) + (0.2 - 0.5) ln(0.2 / 0.5)
    assert distance(reference, values).psi == pytest.approx(0.4158883)
    assert distance(reference, values).ks == pytest.approx(0.3)


def test_a_bin_that_nothing_falls_into_does_not_make_a_psi_endless() -> None:
    assert 1 < distance(np.repeat([0.0, 1.0], 50), np.zeros(100)).psi < 5


def test_bins_hold_equal_shares_and_few_values_have_one_each() -> None:
    values = np.arange(1000.0)

    assert shares(values, bin_edges(values)).tolist() == [0.1] * 10
    assert bin_edges(np.array([1.0, 2.0, 2.0, 4.0])).tolist() == [1.5, 3.0]


def test_bins_of_a_population_that_often_has_its_lowest_value_are_not_empty() -> None:
    values = np.concatenate((np.zeros(500), np.arange(1.0, 501.0)))

    assert shares(values, bin_edges(values)).min() > 0


def test_the_psi_by_chance_is_what_chance_gives() -> None:
    random = np.random.default_rng(1)
    found = [distance(random.normal(size=353), random.normal(size=300)) for _ in range(TRIES)]

    assert np.mean([each.psi for each in found]) == pytest.approx(found[0].psi_by_chance, rel=0.15)


def test_what_has_not_changed_is_rarely_called_changed_although_many_columns_are_looked_at() -> None:
    random = np.random.default_rng(2)

    alarms = sum(
        min(holm([distance(random.normal(size=353), random.normal(size=200)).p for _ in range(11)])) < ALPHA
        for _ in range(TRIES // 2)
    )

    # At most 5% of 60 are expected, which is 3; 9 or more would come once in 300 times.
    assert alarms < 9


@pytest.mark.parametrize("reference", [353, 1001])
@pytest.mark.parametrize("ks", [0.2, 0.3])
def test_as_many_rows_as_are_called_for_find_a_change_as_often_as_claimed(reference: int, ks: float) -> None:
    random = np.random.default_rng(3)
    alpha = ALPHA / 11
    shift = 2 * stats.norm.ppf((1 + ks) / 2)  # of a normal population, which makes this distance
    rows = rows_needed(reference, ks, alpha)
    assert rows is not None

    found = [distance(random.normal(size=reference), random.normal(shift, size=rows)).p < alpha for _ in range(TRIES)]

    assert np.mean(found) >= POWER
    assert detectable(reference, rows, alpha) == pytest.approx(ks, rel=0.02)


def test_a_reference_can_be_too_small_for_any_number_of_rows() -> None:
    assert rows_needed(89, 0.2, ALPHA / 11) is None
    assert detectable(89, 10_000_000, ALPHA / 11) > 0.2


def test_no_number_of_rows_finds_nothing() -> None:
    with pytest.raises(ValueError, match="no number of rows"):
        rows_needed(353, 0, ALPHA)


def test_holm_corrects_the_smallest_most_and_never_changes_the_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_reference_of_one_value_has_one_bin() -> None:
    same = np.full(50, 3.0)

    assert psi(same, same, bin_edges(same)) == 0
    assert populations.distance(same, np.full(50, 4.0)).ks == 1
