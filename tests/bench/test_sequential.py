"""The levels of looks: they spend what they may and no more, and have to be made for looks that there were."""

import math

import numpy as np
import pytest
from scipy import special
from serving_lab.experiment.sequential import SPENT, Looks, looks
from serving_lab.experiment.statistics import paired


@pytest.mark.parametrize(
    ("first", "most", "at"),
    [
        (4, 20, [4, 5, 7, 9, 12, 15, 19, 20]),
        (3, 5, [3, 4, 5]),
        (4, 4, [4]),
        (4, 3, [3]),
    ],
)
def test_looks_come_at_growing_distances_up_to_the_most(first: int, most: int, at: list[int]) -> None:
    assert list(looks(first, most)) == at


def test_the_first_look_has_its_part_of_the_error() -> None:
    assert Looks((4,), 40).level(0.05) == pytest.approx(0.05 * SPENT * 4 / 40)
    assert Looks((10,), 10).level(0.05) == pytest.approx(0.05 * SPENT)


def test_looks_that_nobody_had_spend_nothing() -> None:
    often, once = Looks((4, 5, 6, 7, 8, 9, 10), 10), Looks((10,), 10)

    assert often.level(0.05) < once.level(0.05)


@pytest.mark.parametrize("alpha", [0.05, 0.0125])
@pytest.mark.parametrize("at", [(2, 4, 8, 16), (4, 5, 7, 9, 12, 15, 16)])
def test_sums_of_known_variance_leave_the_bounds_as_often_as_is_spent(alpha: float, at: tuple[int, ...]) -> None:
    runs = 400_000
    steps = np.diff([0, *at])
    sums = np.cumsum(np.random.default_rng(1).normal(0, np.sqrt(steps), (runs, len(at))), axis=1)
    bounds = [special.ndtri(1 - Looks(at[: look + 1], 16).level(alpha) / 2) for look in range(len(at))]

    left = (np.abs(sums) / np.sqrt(at) > bounds).any(axis=1).mean()

    expected = SPENT * alpha
    assert left == pytest.approx(expected, abs=4 * math.sqrt(expected / runs))


def test_an_interval_is_wider_if_it_was_looked_at_before() -> None:
    values = [0.01, -0.02, 0.03, 0.0, 0.02, -0.01, 0.01, 0.0, 0.02]
    once, often = paired(values), paired(values, looks=Looks((4, 5, 7, 9), 9))

    assert once.low is not None
    assert once.high is not None
    assert once.detectable is not None
    assert (often.low or 9) < once.low < once.high < (often.high or 0)
    assert (often.detectable or 0) > once.detectable
    assert often.ratio == once.ratio


@pytest.mark.parametrize(("at", "most"), [((), 10), ((4, 11), 10)])
def test_there_is_no_level_without_a_look_or_beyond_the_most(at: tuple[int, ...], most: int) -> None:
    with pytest.raises(ValueError, match="no level after"):
        Looks(at, most).level(0.05)
