"""Predictions of the same rows by two versions: all of them, by slices, row by row."""

import numpy as np
import pytest
from serving_lab.model_judge import movement
from serving_lab.model_judge.movement import Asked

RANDOM = np.random.default_rng(1)
NAMES = ("age", "sex", "same")
ROWS = np.column_stack((RANDOM.uniform(20, 80, 2000), RANDOM.choice([1.0, 2.0], 2000), np.full(2000, 7.0)))
OLD = RANDOM.normal(150, 45, 2000)
SCALE = 50.0
NOBODY = Asked("held-out rows", np.zeros((0, 3)), np.zeros(0), np.zeros(0), np.zeros(0))


def asked(new: np.ndarray) -> Asked:
    return Asked("rows", ROWS, OLD, new)


def test_a_shift_is_told_in_deviations_of_the_target() -> None:
    found = movement.move(asked(OLD + 10), SCALE, 0.05)

    assert [found.shift, found.moved, found.shift_low, found.shift_high] == pytest.approx([0.2] * 4)
    assert found.ks > 0.05
    assert sum(found.old_shares) == pytest.approx(sum(found.new_shares)) == pytest.approx(1)


def test_rows_that_scatter_move_though_their_mean_does_not() -> None:
    found = movement.move(asked(OLD + np.where(np.arange(2000) % 2, 20, -20)), SCALE, 0.05)

    assert [found.shift, found.moved] == pytest.approx([0, 0.4], abs=1e-9)


def test_the_slice_that_moved_most_comes_first() -> None:
    found = movement.slices(asked(OLD + 30 * (ROWS[:, 0] < 32)), NOBODY, NAMES, SCALE, 0.05)

    assert (found[0].feature, found[0].at_least) == ("age", None)
    assert found[0].shift == pytest.approx(0.6, abs=0.03)
    assert found[0].low <= found[0].shift <= found[0].high


def test_each_value_of_a_feature_with_few_is_a_slice_and_one_that_never_varies_has_none() -> None:
    found = movement.slices(asked(OLD), NOBODY, NAMES, SCALE, 0.05)

    assert [(each.at_least, each.below) for each in found if each.feature == "sex"] == [(None, 2.0), (2.0, None)]
    assert {each.feature for each in found} == {"age", "sex"}
    assert sum(each.rows for each in found if each.feature == "age") == 2000


def test_intervals_of_slices_hold_together() -> None:
    """Of 200 comparisons without a move, few have any of seven slices whose interval misses."""
    random = np.random.default_rng(2)

    missed = sum(
        any(
            not each.low <= 0 <= each.high
            for each in movement.slices(asked(OLD + random.normal(0, 9, 2000)), NOBODY, NAMES, SCALE, 0.05)
        )
        for _ in range(200)
    )

    # 5% is 10; the standard deviation of such a count is 3.
    assert missed < 20


def test_held_out_rows_say_whether_a_slice_moved_to_the_better() -> None:
    targets = OLD + 30
    held_out = Asked("held-out rows", ROWS[:300], OLD[:300], OLD[:300] + 30, targets[:300])

    found = movement.slices(asked(OLD + 30), held_out, NAMES, SCALE, 0.05)

    assert all(each.error == pytest.approx(-30) and each.error_high == pytest.approx(-30) for each in found)
    assert {each.held_out_rows > 20 for each in found} == {True}


def test_the_rows_that_moved_most_come_first_with_what_was_right() -> None:
    new = OLD.copy()
    new[7] += 500
    held_out = Asked("held-out rows", ROWS[:3], OLD[:3], OLD[:3] + np.array([0, 90, 0]), np.array([1.0, 2.0, 3.0]))

    first, second, *_ = movement.worst_rows([held_out, asked(new)])

    assert (first.source, first.features, first.target) == ("rows", ROWS[7].tolist(), None)
    assert (second.source, second.target) == ("held-out rows", 2.0)
    assert second.new - second.old == pytest.approx(90)
