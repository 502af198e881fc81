"""Model files that cannot be used are refused when they are read, in one line that says which and why."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper
from serving_core.bounds import FEATURES
from serving_core.model.predictor import Predictor
from serving_core.runtime.lifecycle import StartupError


def write_sum(directory: Path, features: int = FEATURES) -> None:
    """A model that adds its features, with metadata that says ten."""
    graph = helper.make_graph(
        [helper.make_node("ReduceSum", ["input"], ["prediction"], keepdims=1)],
        "sum",
        [helper.make_tensor_value_info("input", TensorProto.DOUBLE, [None, features])],
        [helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, [None, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(directory / "model.onnx"))
    write_metadata(directory)


def write_metadata(directory: Path, **changes: object) -> None:
    graph = (directory / "model.onnx").read_bytes()
    metadata = {
        "version": "1",
        "model_type": "random_forest",
        "input_features": FEATURES,
        "feature_names": [f"feature {number}" for number in range(FEATURES)],
        "dataset": "none",
        "training_date": "2025-01-01T00:00:00Z",
        "metrics": {},
        "format": "onnx",
        "sha256": hashlib.sha256(graph).hexdigest(),
    }
    kept = {key: value for key, value in (metadata | changes).items() if value is not None}
    (directory / "model.json").write_text(json.dumps(kept))


def no_graph(directory: Path) -> None:
    (directory / "model.onnx").unlink()


def no_metadata(directory: Path) -> None:
    (directory / "model.json").unlink()


def truncated_graph(directory: Path) -> None:
    graph = (directory / "model.onnx").read_bytes()
    (directory / "model.onnx").write_bytes(graph[: len(graph) // 2])


def one_bit_changed(directory: Path) -> None:
    graph = bytearray((directory / "model.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (directory / "model.onnx").write_bytes(graph)


def metadata_that_is_no_json(directory: Path) -> None:
    (directory / "model.json").write_text("{")


def metadata_without_digest(directory: Path) -> None:
    write_metadata(directory, sha256=None)


def metadata_of_nine_features(directory: Path) -> None:
    write_metadata(directory, input_features=9)


def no_onnx(directory: Path) -> None:
    (directory / "model.onnx").write_bytes(b"not a graph")
    write_metadata(directory)


def graph_of_nine_features(directory: Path) -> None:
    write_sum(directory, features=9)


def test_what_is_right_is_used(tmp_path: Path) -> None:
    write_sum(tmp_path)

    assert Predictor(str(tmp_path)).predict([[1.5] * FEATURES]) == [15.0]


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"^model: cannot read .*/nowhere/model.onnx: No such file or directory; "):
        Predictor(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (no_graph, "cannot read"),
        (no_metadata, "cannot read"),
        (truncated_graph, "is damaged"),
        (one_bit_changed, "is damaged"),
        (metadata_that_is_no_json, "is not valid metadata of a model"),
        (metadata_without_digest, "is not valid metadata of a model"),
        (metadata_of_nine_features, "takes 9 features, expected 10"),
        (no_onnx, "cannot load"),
        (graph_of_nine_features, "takes tensor(double)"),
    ],
    ids=lambda given: given.__name__.replace("_", " ") if callable(given) else "",
)
def test_what_is_not_is_refused_in_one_line(tmp_path: Path, spoil: Callable[[Path], None], says: str) -> None:
    write_sum(tmp_path)
    spoil(tmp_path)

    with pytest.raises(StartupError) as refused:
        Predictor(str(tmp_path))

    text = str(refused.value)
    assert text.startswith("model: ")
    assert says in text
    assert "\n" not in text
