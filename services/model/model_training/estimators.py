"""Fits the model on scikit-learn's bundled diabetes data."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from model_artifact.metadata import ModelKind
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

DATASET = "scikit-learn diabetes (442 patients, unscaled)"
SEED = 20240229
HELD_OUT_SHARE = 0.2
Regressor: TypeAlias = RandomForestRegressor | GradientBoostingRegressor
Parameter = bool | int | float | str | None
_PARAMETERS: Mapping[ModelKind, Mapping[str, Parameter]] = {
    "random_forest": {"n_estimators": 100},
    # It learns slowly, each time from some of the rows: on so few it generalizes better than with the defaults.
    "gradient_boosting": {"n_estimators": 200, "learning_rate": 0.03, "max_depth": 3, "subsample": 0.5},
}
"""Of each kind, where they are not scikit-learn's own."""


@dataclass(frozen=True)
class Data:
    """Rows with their targets."""

    feature_names: tuple[str, ...]
    rows: NDArray[np.float64]
    """Shape (rows, features), in the units of the data set."""
    targets: NDArray[np.float64]
    """Shape (rows,)."""

    def sha256(self) -> str:
        """Of all numbers, as little-endian doubles: rows first, then targets."""
        return hashlib.sha256(self.rows.astype("<f8").tobytes() + self.targets.astype("<f8").tobytes()).hexdigest()


@dataclass(frozen=True)
class Trained:
    """A fitted estimator, the data that it has and has not seen, and its quality on the latter."""

    kind: ModelKind
    regressor: Regressor
    data: Data
    seen: Data
    held_out: Data
    metrics: dict[str, float]
    """R2 (no unit), mean absolute error and root mean squared error (units of the target) on the held-out rows."""


def load_data() -> Data:
    """The diabetes data: 442 rows of 10 features, unscaled."""
    data = load_diabetes(scaled=False)
    return Data(tuple(data.feature_names), data.data, data.target)


def train(
    kind: ModelKind, data: Data | None = None, *, seed: int = SEED, parameters: Mapping[str, Parameter] | None = None
) -> Trained:
    """Fit an estimator on four fifths of the data and score it on the rest; equal arguments give the same bits.

    Args:
        kind: its family.
        data: what it learns from, by default the diabetes data.
        seed: of what is random in its fit; the rows are split the same way with any.
        parameters: of the estimator, instead of its kind's own.
    """
    data = data or load_data()
    train_rows, held_out_rows, train_targets, held_out_targets = train_test_split(
        data.rows, data.targets, test_size=HELD_OUT_SHARE, random_state=SEED
    )
    make: Callable[..., Regressor] = RandomForestRegressor if kind == "random_forest" else GradientBoostingRegressor
    regressor = make(**{**_PARAMETERS[kind], **(parameters or {})}, random_state=seed).fit(train_rows, train_targets)
    predicted = regressor.predict(held_out_rows)
    return Trained(
        kind=kind,
        regressor=regressor,
        data=data,
        seen=Data(data.feature_names, train_rows, train_targets),
        held_out=Data(data.feature_names, held_out_rows, held_out_targets),
        metrics={
            "r2": float(r2_score(held_out_targets, predicted)),
            "mae": float(mean_absolute_error(held_out_targets, predicted)),
            "rmse": float(root_mean_squared_error(held_out_targets, predicted)),
            "held_out_rows": len(held_out_rows),
        },
    )
