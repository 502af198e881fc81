"""Intervals of many differences at once: they hold together, and find what was planted."""

import numpy as np
import pytest
from serving_lab.explain.differences import PAIRS, intervals


def test_of_many_comparisons_of_equals_about_one_percent_name_anything() -> None:
    chance = np.random.default_rng(1)
    named = 0
    for _ in range(400):
        # Counts of samples, of functions that call each other: those above have the samples of those below.
        own = chance.poisson(chance.uniform(1, 60, 40), (2, PAIRS, 40)).astype(float)
        both = np.concatenate([own, own.cumsum(axis=2)], axis=2)
        differences = both[1] - both[0]
        found = intervals(differences)
        assert found is not None
        named += bool((abs(found.means) > found.halves).any())

    assert named <= 12  # 4 are expected, and more than 12 come once in three thousand times


def test_a_planted_difference_is_found_among_many_and_lies_in_its_interval() -> None:
    chance = np.random.default_rng(2)
    own = chance.poisson(20, (2, PAIRS, 100)).astype(float)
    own[1, :, 7] += chance.poisson(40, PAIRS)

    found = intervals(own[1] - own[0])

    assert found is not None
    assert np.flatnonzero(abs(found.means) > found.halves).tolist() == [7]
    assert found.means[7] - found.halves[7] < 40 < found.means[7] + found.halves[7]


def test_what_is_the_same_in_every_pair_differs_and_what_never_differs_does_not() -> None:
    differences = np.zeros((PAIRS, 3))
    differences[:, 1] = 5.0
    differences[:, 2] = np.random.default_rng(3).normal(size=PAIRS)

    found = intervals(differences)

    assert found is not None
    assert found.halves[:2].tolist() == [0.0, 0.0]
    assert found.means[:2].tolist() == [0.0, 5.0]


@pytest.mark.parametrize("pairs", [2, 7])
def test_with_too_few_pairs_nothing_is_said(pairs: int) -> None:
    assert intervals(np.ones((pairs, 3))) is None
