"""Samples summed up, and pairs of a candidate and the baseline."""

import math

import pytest
from serving_lab.footprint.result import Start, StartUp, TargetFootprint
from serving_lab.footprint.statistics import ratios_to_baseline, spread


def started(name: str, *seconds: float) -> TargetFootprint:
    starts = [Start(pair=pair, position=1, seconds={"ready": each}) for pair, each in enumerate(seconds, start=1)]
    return TargetFootprint(name=name, image=None, start_up=StartUp(starts=starts, milestones={}), rounds=[], code=None)


def test_a_spread_is_the_median_the_ends_and_the_middle_half() -> None:
    found = spread([5.0, 1.0, 2.0, 4.0, 3.0])

    assert (found.count, found.median, found.lowest, found.highest) == (5, 3.0, 1.0, 5.0)
    assert found.quartiles == (2.0, 4.0)
    assert found.interquartile_range == 2.0


def test_a_spread_of_one_is_that_one() -> None:
    assert spread([7.0]).quartiles == (7.0, 7.0)


def test_a_ratio_is_the_geometric_mean_over_pairs_with_students_interval() -> None:
    (found,) = ratios_to_baseline([started("old", 1.0, 2.0, 4.0), started("new", 2.0, 4.0, 16.0)])

    assert (found.measure, found.baseline, found.candidate, found.pairs) == ("start:ready", "old", "new", 3)
    assert found.ratio == pytest.approx(2 ** (4 / 3))
    # ln 2, ln 2, ln 4: mean 4/3 ln 2, deviation ln 2 / sqrt(3); t(0.975, 2) = 4.302653.
    half = 4.302653 * math.log(2) / 3
    assert found.low == pytest.approx(math.exp(4 / 3 * math.log(2) - half), rel=1e-6)
    assert found.high == pytest.approx(math.exp(4 / 3 * math.log(2) + half), rel=1e-6)


def test_two_pairs_have_no_interval_and_starts_without_a_partner_do_not_count() -> None:
    (found,) = ratios_to_baseline([started("old", 1.0, 1.0, 1.0), started("new", 3.0, 3.0)])

    assert (found.pairs, found.low, found.high) == (2, None, None)
    assert found.ratio == pytest.approx(3.0)


def test_every_candidate_is_compared_with_the_first() -> None:
    found = ratios_to_baseline([started("a", 1.0), started("b", 2.0), started("c", 4.0)])

    assert [(each.baseline, each.candidate, round(each.ratio)) for each in found] == [("a", "b", 2), ("a", "c", 4)]


def test_more_candidates_make_each_interval_wider_so_that_all_hold_together() -> None:
    old, new, other = started("old", 1.0, 1.1, 1.0), started("new", 1.5, 1.4, 1.6), started("other", 1.5, 1.4, 1.6)

    (alone,), (beside, _) = ratios_to_baseline([old, new]), ratios_to_baseline([old, new, other])

    assert [alone.confidence, beside.confidence] == pytest.approx([0.95, 0.975])
    assert alone.ratio == beside.ratio
    assert beside.low is not None
    assert alone.low is not None
    assert beside.low < alone.low
