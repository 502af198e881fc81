"""A model that cannot be used is refused at start, in one line; what makes one so is the subject of tests/artifact."""

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from serving_core.bounds import FEATURES
from serving_core.model.predictor import Predictor, load_predictor
from serving_core.runtime.lifecycle import StartupError
from support.artifacts import change_golden, change_graph, change_metadata, write_model


def no_golden_rows(directory: Path) -> None:
    (directory / "golden.json").unlink()


def truncated_graph(directory: Path) -> None:
    graph = (directory / "model.onnx").read_bytes()
    (directory / "model.onnx").write_bytes(graph[: len(graph) // 2])


def metadata_of_nine_features(directory: Path) -> None:
    change_metadata(directory, input_features=9)


def another_operator(directory: Path) -> None:
    model = onnx.load(str(directory / "model.onnx"))
    model.graph.node[0].op_type = "TreeEnsembleRegressor"
    change_graph(directory, model)


def other_answers(directory: Path) -> None:
    change_golden(directory, {"rows": [[0.0] * FEATURES], "predictions": [1.0]})


def test_what_is_right_is_used(tmp_path: Path) -> None:
    predictor = Predictor(write_model(tmp_path))

    [value] = predictor.predict([[1.5] * FEATURES])
    assert 25 < value < 346
    assert predictor.info.version == "1.0.0"


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"^model: cannot read .*/nowhere/model.onnx: No such file or directory; "):
        load_predictor(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (no_golden_rows, "cannot read"),
        (truncated_graph, "is damaged"),
        (metadata_of_nine_features, "takes 9 features, expected 10"),
        (another_operator, "which is not allowed"),
        (other_answers, "differ from scikit-learn's"),
    ],
    ids=lambda given: given.__name__.replace("_", " ") if callable(given) else "",
)
def test_what_is_not_is_refused_in_one_line(tmp_path: Path, spoil: Callable[[Path], None], says: str) -> None:
    spoil(write_model(tmp_path))

    with pytest.raises(StartupError) as refused:
        load_predictor(str(tmp_path))

    text = str(refused.value)
    assert text.startswith("model: ")
    assert says in text
    assert f"hint: train-model --output {tmp_path}" in text
    assert "\n" not in text
