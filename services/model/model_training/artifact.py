"""Writes the artifact that services load, after verifying its predictions against scikit-learn."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
from model_artifact import FEATURES, HIGHEST, LOWEST, files
from model_artifact.metadata import Golden, HeldOut, Marginal, Metadata, Reference, Signature, Tensor
from model_artifact.session import TOLERANCE, Session, largest_difference
from model_artifact.structure import check_structure
from numpy.typing import NDArray

from model_training import onnx_export
from model_training.estimators import DATASET, SEED, Trained

MODEL_VERSION = "1.0.0"
RANDOM_ROWS = 10_000
GOLDEN_ROWS, GOLDEN_UNIFORM_ROWS, GOLDEN_CANDIDATES = 512, 64, 4000
QUANTILES = 1001


class ExportMismatchError(Exception):
    """The predictions of the exported graph differ from those of scikit-learn."""


def write_artifact(trained: Trained, directory: Path, training_date: date, version: str = MODEL_VERSION) -> Metadata:
    """Write the files of a model into `directory`, those for judging it into `evaluation` there; returns its metadata.

    Raises:
        ArtifactError: services would not run the graph; nothing is written.
        ExportMismatchError: the graph differs from scikit-learn by more than TOLERANCE; nothing is written.
    """
    graph = onnx_export.export(trained.regressor, trained.kind)
    check_structure(graph)
    difference = verify(graph, trained)
    others = {name: _json(content) for name, content in _contents(trained).items()}
    metadata = Metadata(
        version=version,
        model_type=trained.kind,
        input_features=len(trained.data.feature_names),
        feature_names=trained.data.feature_names,
        dataset=DATASET,
        training_date=training_date.isoformat(),
        metrics=trained.metrics | {"largest_export_difference": difference},
        format="onnx",
        sha256=hashlib.sha256(graph).hexdigest(),
        parameters=trained.regressor.get_params(),
        dataset_sha256=trained.data.sha256(),
        signature=Signature(
            input=Tensor(name=onnx_export.INPUT, type="float64", shape=(None, FEATURES)),
            output=Tensor(name=onnx_export.OUTPUT, type="float64", shape=(None, 1)),
        ),
        files={name: hashlib.sha256(content).hexdigest() for name, content in others.items()},
    )
    # What names the others comes last.
    for name, content in (others | {files.GRAPH: graph, files.METADATA: _json(metadata)}).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return metadata


def verify(graph: bytes, trained: Trained) -> float:
    """Compare with scikit-learn on all real rows, 10,000 over the input range and 10,000 near the real ones.

    Returns the largest relative difference.

    Raises:
        ExportMismatchError: it is above TOLERANCE.
    """
    real = trained.data.rows
    near_rows = real[np.arange(RANDOM_ROWS) % len(real)] * np.random.default_rng(SEED).normal(
        1.0, 0.1, (RANDOM_ROWS, FEATURES)
    )
    rows = np.concatenate([real, _uniform(RANDOM_ROWS), near_rows])
    difference = largest_difference(Session(graph).predict(rows), trained.regressor.predict(rows))
    if not difference <= TOLERANCE:
        raise ExportMismatchError(f"the ONNX graph differs from scikit-learn by {difference:.3g} (at most {TOLERANCE})")
    return difference


def _contents(trained: Trained) -> Mapping[str, msgspec.Struct]:
    golden = _golden_rows(trained)
    predict = trained.regressor.predict
    names, seen, held_out = trained.data.feature_names, trained.seen, trained.held_out
    return {
        files.GOLDEN: Golden(rows=golden.tolist(), predictions=predict(golden).tolist()),
        files.REFERENCE: Reference(
            features={name: _marginal(seen.rows[:, column]) for column, name in enumerate(names)},
            target=_marginal(seen.targets),
            predictions=_marginal(predict(held_out.rows)),
        ),
        files.HELD_OUT: HeldOut(rows=held_out.rows.tolist(), targets=held_out.targets.tolist()),
    }


def _golden_rows(trained: Trained) -> NDArray[np.float64]:
    """Rows of nobody, which come to as many leaves as so few can.

    Most have each feature drawn by itself from real rows; the others are from all over the input range.
    """
    generator = np.random.default_rng(SEED)
    drawn = np.column_stack([generator.choice(column, GOLDEN_CANDIDATES) for column in trained.seen.rows.T])
    leaves = np.reshape(trained.regressor.apply(drawn), (GOLDEN_CANDIDATES, -1)).astype(int)
    # From numbers within each tree to numbers through all trees.
    leaves += np.arange(leaves.shape[1]) * (leaves.max() + 1)
    reached = np.zeros(leaves.max() + 1, bool)
    chosen = []
    for _ in range(GOLDEN_ROWS - GOLDEN_UNIFORM_ROWS):
        best = int(np.argmin(reached[leaves].sum(axis=1)))
        reached[leaves[best]] = True
        chosen.append(best)
    return np.concatenate([drawn[chosen], _uniform(GOLDEN_UNIFORM_ROWS)])


def _uniform(rows: int) -> NDArray[np.float64]:
    return np.random.default_rng(SEED).uniform(LOWEST, HIGHEST, (rows, FEATURES))


def _marginal(column: NDArray[np.float64]) -> Marginal:
    quantiles = np.sort(column) if len(column) <= QUANTILES else np.quantile(column, np.linspace(0, 1, QUANTILES))
    return Marginal(rows=len(column), quantiles=quantiles.tolist())


def _json(content: msgspec.Struct) -> bytes:
    """A document for people to read, too, where it is not long."""
    text = msgspec.json.encode(content)
    return (json.dumps(json.loads(text), indent=2) + "\n").encode() if isinstance(content, Metadata) else text + b"\n"
