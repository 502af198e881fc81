"""Writes the artifact that the services load, after verifying its predictions against scikit-learn."""

import hashlib
import json
from datetime import date
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from model_training import onnx_export
from model_training.forest import DATASET, SEED, TrainedForest

MODEL_VERSION = "1.0.0"
TOLERANCE = 1e-9
"""Largest allowed relative difference between a prediction of the export and of scikit-learn."""
RANDOM_ROWS = 10_000
INPUT_RANGE = (-1000.0, 1000.0)


class ExportMismatchError(Exception):
    """The predictions of the exported graph differ from those of scikit-learn."""


def write_artifact(forest: TrainedForest, directory: Path, training_date: date) -> dict[str, object]:
    """Write `model.onnx` and `model.json` into `directory` and return the metadata.

    Raises:
        ExportMismatchError: the graph differs from scikit-learn by more than TOLERANCE; nothing is written.
    """
    graph = onnx_export.export(forest.regressor)
    largest_difference = verify(graph, forest)
    metadata: dict[str, object] = {
        "version": MODEL_VERSION,
        "model_type": "random_forest",
        "input_features": len(forest.feature_names),
        "feature_names": forest.feature_names,
        "dataset": DATASET,
        "training_date": training_date.isoformat(),
        "metrics": forest.metrics | {"largest_export_difference": largest_difference},
        "format": "onnx",
        "sha256": hashlib.sha256(graph).hexdigest(),
    }
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "model.onnx").write_bytes(graph)
    (directory / "model.json").write_text(json.dumps(metadata, indent=2) + "\n")
    return metadata


def verify(graph: bytes, forest: TrainedForest) -> float:
    """Compare with scikit-learn on all real rows, 10,000 over the input range and 10,000 near the real ones.

    Returns the largest relative difference.

    Raises:
        ExportMismatchError: it is above TOLERANCE.
    """
    random_rows = np.random.default_rng(SEED).uniform(*INPUT_RANGE, (RANDOM_ROWS, len(forest.feature_names)))
    near_rows = forest.rows[np.arange(RANDOM_ROWS) % len(forest.rows)] * np.random.default_rng(SEED).normal(
        1.0, 0.1, (RANDOM_ROWS, len(forest.feature_names))
    )
    rows = np.concatenate([forest.rows, random_rows, near_rows])
    expected = forest.regressor.predict(rows)
    difference = float(np.max(np.abs(_run(graph, rows) - expected) / np.abs(expected)))
    if not difference <= TOLERANCE:
        raise ExportMismatchError(f"the ONNX graph differs from scikit-learn by {difference:.3g} (at most {TOLERANCE})")
    return difference


def _run(graph: bytes, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    rounded = rows.astype(np.float32).astype(np.float64)
    prediction: NDArray[np.float64] = session.run([onnx_export.OUTPUT], {onnx_export.INPUT: rounded})[0][:, 0]
    return prediction
