"""Errors on held-out rows: intervals hold as often as they claim, and words say no more than is proven."""

import numpy as np
import pytest
from serving_lab.model_judge import accuracy
from serving_lab.model_judge.accuracy import errors, interval
from serving_lab.model_judge.result import AccuracyWord, ErrorKind
from serving_lab.model_judge.thresholds import Errors

LIMITS = Errors()
ROWS = 89
RANDOM = np.random.default_rng(1)
TARGETS = RANDOM.normal(150, 77, ROWS)
OLD = TARGETS + RANDOM.normal(0, 60, ROWS)


def words(new: np.ndarray, old: np.ndarray = OLD, targets: np.ndarray = TARGETS) -> list[AccuracyWord]:
    return [each.word for each in errors(old, new, targets, LIMITS, 0.05)]


def test_the_same_predictions_are_equivalent() -> None:
    assert words(OLD) == [AccuracyWord.EQUIVALENT] * 2
    assert [(each.low, each.high) for each in errors(OLD, OLD, TARGETS, LIMITS, 0.05)] == [(0, 0)] * 2


def test_predictions_that_differ_by_little_are_equivalent() -> None:
    assert words(OLD + np.random.default_rng(2).normal(0, 3, ROWS)) == [AccuracyWord.EQUIVALENT] * 2


def test_errors_that_double_are_worse_and_that_halve_are_better() -> None:
    assert words(TARGETS + 2 * (OLD - TARGETS)) == [AccuracyWord.WORSE] * 2
    assert words(TARGETS + (OLD - TARGETS) / 2) == [AccuracyWord.BETTER] * 2


def test_predictions_that_scatter_anew_cannot_be_told() -> None:
    assert AccuracyWord.CANNOT_TELL in words(TARGETS + np.random.default_rng(3).normal(0, 62, ROWS))


def test_what_may_be_better_and_is_surely_no_worse_is_told_so() -> None:
    wrong = np.full(ROWS, 50.0)
    improved = wrong + np.where(np.arange(ROWS) % 2, 8, -12)  # by 2 in the mean, by 10 either way

    assert words(improved, old=wrong, targets=np.zeros(ROWS))[0] == AccuracyWord.NOT_WORSE


def test_a_few_rows_prove_nothing() -> None:
    few = LIMITS.fewest_rows - 1

    found = errors(OLD[:few], OLD[:few] + 100, TARGETS[:few], LIMITS, 0.05)

    assert {(each.word, each.low) for each in found} == {(AccuracyWord.CANNOT_TELL, None)}
    nothing = np.zeros(0)
    none = errors(nothing, nothing, nothing, LIMITS, 0.05)
    assert {(each.word, each.old) for each in none} == {(AccuracyWord.CANNOT_TELL, None)}


@pytest.mark.parametrize("kind", ["absolute", "squared"])
def test_intervals_hold_as_often_as_they_claim(kind: ErrorKind) -> None:
    """Of errors as skewed as squared ones are, on as few rows as the lab's data has."""
    random = np.random.default_rng(5)
    tries, missed = 2000, 0
    for _ in range(tries):
        targets = np.zeros(ROWS)
        old, new = random.normal(0, 60, (2, ROWS))
        found = accuracy.compare(kind, old, new, targets, 0.05, LIMITS, 0.95)
        assert found.low is not None
        assert found.high is not None
        missed += not found.low <= 0 <= found.high

    # 5% is 100; the standard deviation of such a count is 10.
    assert 60 < missed < 130


def test_an_interval_of_equal_values_has_no_width() -> None:
    assert interval(np.full(10, 0.1), 0.95) == (0.1, 0.1)
