"""What stands for the exercise's model: ten features in, a number out, as fast as a model can be."""

import math
from collections.abc import Sequence

VERSION = "1.0.0"
INFORMATION = {
    "version": VERSION,
    "input_features": 10,
    "model_type": "RandomForestRegressor",
    "training_date": "2024-01-15",
}


def predict(rows: Sequence[Sequence[object]]) -> list[float]:
    """A prediction for each row; like a model's own check, it raises ValueError for what is no row of ten numbers."""
    return [_predict(row) for row in rows]


def _predict(row: Sequence[object]) -> float:
    if len(row) != 10:
        raise ValueError(f"X has {len(row)} features, but RandomForestRegressor is expecting 10 features as input.")
    numbers = [float(value) for value in row]  # type: ignore[arg-type]  # whatever a body has
    if not all(map(math.isfinite, numbers)):
        raise ValueError("Input X contains NaN or infinity.")
    return round(150.0 + sum(math.tanh(number / 100) * place for place, number in enumerate(numbers, 1)), 6)
