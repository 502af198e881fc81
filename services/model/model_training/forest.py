"""Fits the model: a random forest on scikit-learn's bundled diabetes data."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

DATASET = "scikit-learn diabetes (442 patients, unscaled)"
SEED = 20240229
TREES = 100
HELD_OUT_SHARE = 0.2


@dataclass(frozen=True)
class TrainedForest:
    """A fitted forest, its training data and its quality on held-out data."""

    regressor: RandomForestRegressor
    feature_names: tuple[str, ...]
    rows: NDArray[np.float64]
    """All real rows, shape (442, 10), in the units of the data set."""
    metrics: dict[str, float]
    """R2 (no unit), mean absolute error and root mean squared error (units of the target) on the held-out rows."""


def train() -> TrainedForest:
    """Fit the forest on four fifths of the data and score it on the rest; every call gives the same bits."""
    data = load_diabetes(scaled=False)
    train_rows, held_out_rows, train_targets, held_out_targets = train_test_split(
        data.data, data.target, test_size=HELD_OUT_SHARE, random_state=SEED
    )
    regressor = RandomForestRegressor(n_estimators=TREES, random_state=SEED).fit(train_rows, train_targets)
    predicted = regressor.predict(held_out_rows)
    return TrainedForest(
        regressor=regressor,
        feature_names=tuple(data.feature_names),
        rows=data.data,
        metrics={
            "r2": float(r2_score(held_out_targets, predicted)),
            "mae": float(mean_absolute_error(held_out_targets, predicted)),
            "rmse": float(root_mean_squared_error(held_out_targets, predicted)),
            "held_out_rows": len(held_out_rows),
        },
    )
