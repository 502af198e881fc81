"""What the rows of a log prove: a drift where there is one, none only where it would have been found."""

import json
from collections.abc import Mapping

import numpy as np
import pytest
from serving_lab.model_drift import drift
from serving_lab.model_drift.drift import PREDICTIONS, Trained
from serving_lab.model_drift.result import Standing, VersionDrift
from serving_lab.predictions.populations import Numbers
from serving_lab.predictions.prediction_log import LoggedVersion, PredictionLog

NAMES = tuple(f"f{number}" for number in range(10))
TRAINING_ROWS, HELD_OUT_ROWS = 353, 89
RANDOM = np.random.default_rng(7)
TRAINED = Trained(
    version="1.0.0",
    digest="5db6" * 16,
    features={name: np.sort(RANDOM.normal(size=TRAINING_ROWS)) for name in NAMES},
    predictions=np.sort(RANDOM.normal(150, 45, HELD_OUT_ROWS)),
)


def logged(rows: Numbers, predictions: Numbers) -> LoggedVersion:
    """Rows as a log has them."""
    log = PredictionLog()
    lines = [
        {"features": row.tolist(), "prediction": prediction, "model_version": "1.0.0"}
        for row, prediction in zip(rows, predictions, strict=True)
    ]
    log.take("log", [json.dumps(line).encode() for line in lines])
    return log.versions["1.0.0"]


def compared(count: int, shifts: Mapping[int, float] | None = None, seed: int = 1, by: float = 0) -> VersionDrift:
    """Compare so many rows of the same population, but for features that are shifted, and predictions by so much."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, 10))
    for feature, shift in (shifts or {}).items():
        rows[:, feature] += shift
    return drift.compare(TRAINED, logged(rows, random.normal(150 + by, 45, count)))


def test_enough_rows_of_the_same_population_have_not_drifted() -> None:
    found = compared(300)

    assert (found.standing, found.rows) == (Standing.NONE, 300)
    assert found.rows_needed is not None
    assert found.rows_needed < 300
    assert {each.standing for each in found.columns[:-1]} == {Standing.NONE}


def test_fewer_rows_than_are_needed_prove_nothing_and_the_number_is_told() -> None:
    found = compared(100)

    assert found.standing == Standing.CANNOT_TELL
    assert f"it takes {found.rows_needed:,} different rows to tell a distance of 0.2, and the log has 100" in found.why


def test_a_feature_that_moved_is_named_and_no_other() -> None:
    found = compared(300, {3: 0.7})

    assert (found.standing, found.why) == (Standing.DRIFTED, "f3 drifted")
    assert [each.name for each in found.columns if each.standing == Standing.DRIFTED] == ["f3"]


def test_a_large_drift_shows_in_few_rows_but_not_in_a_handful() -> None:
    assert compared(60, {0: 2.0}).standing == Standing.DRIFTED

    handful = compared(drift.FEWEST - 1, {0: 9.0})
    assert handful.standing == Standing.CANNOT_TELL
    assert "nothing is concluded from fewer than 30" in handful.why


def test_predictions_are_compared_with_those_of_held_out_rows() -> None:
    found = compared(300, by=60)

    assert (found.standing, found.why) == (Standing.DRIFTED, f"{PREDICTIONS} drifted")
    assert found.columns[-1].reference_rows == HELD_OUT_ROWS


def test_a_change_that_is_sure_but_small_is_no_drift() -> None:
    large = Trained("1.0.0", "5db6" * 16, {name: RANDOM.normal(size=5000) for name in NAMES}, TRAINED.predictions)
    random = np.random.default_rng(2)
    rows = random.normal(size=(5000, 10))
    rows[:, 4] += 0.15

    found = drift.compare(large, logged(rows, random.normal(150, 45, 5000)))

    assert (found.standing, found.columns[4].standing) == (Standing.NONE, Standing.LITTLE)
    assert found.why.endswith("; f4 moved a little")


def test_a_reference_that_is_too_small_is_told() -> None:
    small = Trained("1.0.0", "5db6" * 16, {name: RANDOM.normal(size=80) for name in NAMES}, TRAINED.predictions)
    random = np.random.default_rng(3)

    found = drift.compare(small, logged(random.normal(size=(5000, 10)), random.normal(150, 45, 5000)))

    assert (found.standing, found.rows_needed) == (Standing.CANNOT_TELL, None)
    assert "the training data has 80 rows: with so few, no log can tell a distance of 0.2" in found.why


def test_false_alarms_are_as_rare_as_claimed() -> None:
    alarms = sum(compared(200, seed=seed).standing == Standing.DRIFTED for seed in range(100, 160))

    # At most 5% of 60 are expected, which is 3; 9 or more would come once in 300 times.
    assert alarms < 9


def test_values_that_were_never_seen_in_training_are_told() -> None:
    found = compared(300, {5: 50.0})

    assert found.columns[5].outside == 1
    assert found.columns[6].outside < 0.05


def test_rows_of_another_length_are_an_error() -> None:
    with pytest.raises(ValueError, match="rows of the log have 9 features, the model has 10"):
        drift.compare(TRAINED, logged(np.ones((1, 9)), np.ones(1)))
