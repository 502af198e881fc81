"""Small models on disk, as training writes them, and changed ones whose digests agree all the same."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import onnx
from model_artifact.metadata import ModelKind
from model_training.artifact import write_artifact
from model_training.estimators import Data, Parameter, load_data, train

TRAINED_ON = date(2026, 1, 31)
SMALL: Mapping[str, Parameter] = {"n_estimators": 3, "max_depth": 3}


def write_model(
    directory: Path,
    *,
    kind: ModelKind = "random_forest",
    version: str = "1.0.0",
    seed: int = 1,
    parameters: Mapping[str, Parameter] = SMALL,
    data: Data | None = None,
) -> Path:
    """Train a model, by default a small one, and write its files; another seed makes another model."""
    write_artifact(train(kind, data, seed=seed, parameters=parameters), directory, TRAINED_ON, version)
    return directory


def shuffled_data() -> Data:
    """The data set with each row's target given to another: what is trained on it predicts badly."""
    data = load_data()
    return Data(data.feature_names, data.rows, np.random.default_rng(1).permutation(data.targets))


def change_graph(directory: Path, graph: onnx.ModelProto | bytes) -> None:
    """Put another graph in its place, with the digest that it has."""
    content = graph if isinstance(graph, bytes) else graph.SerializeToString()
    (directory / "model.onnx").write_bytes(content)
    change_metadata(directory, sha256=hashlib.sha256(content).hexdigest())


def change_golden(directory: Path, golden: Mapping[str, object]) -> None:
    """Put other golden rows in their place, with the digest that they have."""
    content = json.dumps(golden).encode()
    (directory / "golden.json").write_bytes(content)
    digests = json.loads((directory / "model.json").read_text())["files"]
    change_metadata(directory, files=digests | {"golden.json": hashlib.sha256(content).hexdigest()})


def change_metadata(directory: Path, **changes: object) -> None:
    """Change what model.json says; None removes it."""
    metadata = json.loads((directory / "model.json").read_text()) | changes
    kept = {key: value for key, value in metadata.items() if value is not None}
    (directory / "model.json").write_text(json.dumps(kept))
