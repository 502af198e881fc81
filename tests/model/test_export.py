"""The model artifact: reproducible, and checked before it is written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from model_artifact.metadata import ModelKind
from model_artifact.session import TOLERANCE
from model_training import artifact, onnx_export
from model_training.estimators import Trained, train
from support.artifacts import TRAINED_ON

TRAIN_MODEL = Path(sys.executable).with_name("train-model")


@pytest.fixture(scope="module", params=["random_forest", "gradient_boosting"])
def kind(request: pytest.FixtureRequest) -> ModelKind:
    name: ModelKind = request.param
    return name


@pytest.fixture(scope="module")
def trained(kind: ModelKind) -> Trained:
    return train(kind)


def test_the_same_input_gives_the_same_bytes(kind: ModelKind, trained: Trained, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"

    artifact.write_artifact(trained, one, TRAINED_ON)
    artifact.write_artifact(train(kind), other, TRAINED_ON)

    names = {path.relative_to(one) for path in one.rglob("*.*")}
    assert len(names) == 5
    assert {name: (one / name).read_bytes() for name in names} == {name: (other / name).read_bytes() for name in names}


def test_the_artifact_says_where_it_comes_from(kind: ModelKind, trained: Trained, tmp_path: Path) -> None:
    artifact.write_artifact(trained, tmp_path, TRAINED_ON, "2.5.0")

    metadata = json.loads((tmp_path / "model.json").read_text())
    assert (metadata["model_type"], metadata["version"]) == (kind, "2.5.0")
    assert metadata["training_date"] == "2026-01-31"
    assert metadata["feature_names"] == ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
    assert metadata["metrics"]["held_out_rows"] == 89
    assert metadata["metrics"]["largest_export_difference"] <= TOLERANCE
    assert metadata["parameters"]["random_state"] == trained.regressor.random_state
    assert metadata["dataset_sha256"] == trained.data.sha256()


def test_both_kinds_are_better_than_the_mean(trained: Trained) -> None:
    assert trained.metrics["r2"] > 0.35


def test_a_tree_of_one_leaf_is_exported_too() -> None:
    constant = train("random_forest", parameters={"n_estimators": 2, "min_samples_leaf": 353})

    assert artifact.verify(onnx_export.export(constant.regressor, "random_forest"), constant) <= TOLERANCE


def test_a_graph_that_predicts_otherwise_is_not_written(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = np.ravel(trained.regressor.estimators_)[42].tree_
    leaf = int(np.argmax(tree.n_node_samples * (tree.children_left == -1)))
    honest = tree.value[leaf, 0, 0]
    tree.value[leaf, 0, 0] = honest * 1.001
    wrong = onnx_export.export(trained.regressor, trained.kind)
    tree.value[leaf, 0, 0] = honest
    monkeypatch.setattr(onnx_export, "export", lambda *_: wrong)

    with pytest.raises(artifact.ExportMismatchError, match="differs from scikit-learn"):
        artifact.write_artifact(trained, tmp_path, TRAINED_ON)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("SOURCE_DATE_EPOCH", "yesterday", "SOURCE_DATE_EPOCH is not a number of seconds: 'yesterday'"),
        (
            "MODEL_KIND",
            "forest",
            "'forest' is no kind of model; hint: set --kind or MODEL_KIND to random_forest or gradient_boosting",
        ),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path: Path, setting: str, value: str, says: str) -> None:
    done = subprocess.run(
        [TRAIN_MODEL, "--output", tmp_path],
        env=os.environ | {setting: value},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == f"train-model: {says}\n"
    assert list(tmp_path.iterdir()) == []


def test_the_setting_chooses_the_kind(tmp_path: Path) -> None:
    subprocess.run(
        [TRAIN_MODEL, "--output", tmp_path], env=os.environ | {"MODEL_KIND": "gradient_boosting"}, check=True
    )

    assert json.loads((tmp_path / "model.json").read_text())["model_type"] == "gradient_boosting"


def test_a_version_that_is_no_name_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [TRAIN_MODEL, "--output", tmp_path, "--version", "two point\no"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr == (
        "train-model: 'two point\\no' is no version; "
        "hint: up to 64 letters, digits and . _ + -, the first a letter or a digit\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_golden_rows_reach_most_leaves(trained: Trained, tmp_path: Path) -> None:
    artifact.write_artifact(trained, tmp_path, TRAINED_ON)
    rows = np.array(json.loads((tmp_path / "golden.json").read_text())["rows"])

    leaves = np.reshape(trained.regressor.apply(rows), (len(rows), -1))
    reached = sum(len(np.unique(column)) for column in leaves.T)
    assert reached > 0.8 * sum(tree.tree_.n_leaves for tree in np.ravel(trained.regressor.estimators_))
