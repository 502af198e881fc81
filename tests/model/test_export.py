"""The model artifact: reproducible, and checked before it is written."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from model_training import artifact, onnx_export
from model_training.forest import TrainedForest, train

TRAIN_MODEL = Path(sys.executable).with_name("train-model")


@pytest.fixture(scope="module")
def forest() -> TrainedForest:
    return train()


def test_the_same_input_gives_the_same_bytes(forest: TrainedForest) -> None:
    assert onnx_export.export(train().regressor) == onnx_export.export(forest.regressor)


def test_the_artifact_says_where_it_comes_from(forest: TrainedForest, tmp_path: Path) -> None:
    artifact.write_artifact(forest, tmp_path, date(2026, 1, 31))
    metadata = json.loads((tmp_path / "model.json").read_text())
    assert metadata["training_date"] == "2026-01-31"
    assert metadata["feature_names"] == ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
    assert metadata["metrics"]["held_out_rows"] == 89
    assert metadata["metrics"]["largest_export_difference"] <= artifact.TOLERANCE


def test_a_graph_that_predicts_otherwise_is_not_written(
    forest: TrainedForest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = forest.regressor.estimators_[42].tree_
    leaf = int(np.argmax(tree.n_node_samples * (tree.children_left == -1)))
    honest = tree.value[leaf, 0, 0]
    tree.value[leaf, 0, 0] = honest * 1.00001
    wrong = onnx_export.export(forest.regressor)
    tree.value[leaf, 0, 0] = honest
    monkeypatch.setattr(onnx_export, "export", lambda _: wrong)
    with pytest.raises(artifact.ExportMismatchError, match="differs from scikit-learn"):
        artifact.write_artifact(forest, tmp_path, date(2026, 1, 31))
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_date_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [TRAIN_MODEL, "--output", tmp_path],
        env=os.environ | {"SOURCE_DATE_EPOCH": "yesterday"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "train-model: SOURCE_DATE_EPOCH is not a number of seconds: 'yesterday'\n"
    assert list(tmp_path.iterdir()) == []
