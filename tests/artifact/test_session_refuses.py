"""What runs a graph refuses one that takes or gives something else, or answers wrongly."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from model_artifact import FEATURES, files
from model_artifact.errors import ArtifactError, Reason
from model_artifact.session import Session, check_golden
from numpy.typing import NDArray
from onnx import TensorProto, helper


class WrongAlone(Session):
    """Answers wrongly to a row by itself."""

    wrong = 0.0

    def predict(self, rows: Sequence[Sequence[float]] | NDArray[np.float64]) -> list[float]:
        return [self.wrong] if len(rows) == 1 else super().predict(rows)


@pytest.mark.parametrize("wrong", [0.0, float("nan"), float("inf")])
def test_a_wrong_answer_to_one_row_by_itself_is_found(small: Path, wrong: float) -> None:
    artifact = files.read(small)
    session = WrongAlone(artifact.graph)
    session.wrong = wrong

    with pytest.raises(ArtifactError, match="differ from scikit-learn's") as refused:
        check_golden(session, artifact.golden)

    assert refused.value.reason is Reason.GOLDEN


@pytest.mark.parametrize(
    ("columns", "kind", "says"),
    [
        (FEATURES - 1, TensorProto.DOUBLE, r"takes tensor\(double\) .*9\], expected rows of 10 doubles"),
        (FEATURES, TensorProto.FLOAT, r"takes tensor\(float\) .*10\], expected rows of 10 doubles"),
    ],
)
def test_a_graph_with_another_input_is_not_loaded(columns: int, kind: int, says: str) -> None:
    with pytest.raises(ArtifactError, match=says):
        Session(sum_of(columns, kind))


def test_a_graph_with_another_output_is_not_loaded() -> None:
    with pytest.raises(ArtifactError, match="expected a double for each row"):
        Session(sum_of(FEATURES, TensorProto.DOUBLE, outputs=2))


def test_what_is_no_graph_is_not_loaded() -> None:
    with pytest.raises(ArtifactError, match="cannot load the graph"):
        Session(b"not a graph")


def sum_of(columns: int, kind: int, outputs: int = 1) -> bytes:
    """A graph that adds the numbers of a row, once for each output."""
    names = [f"sum {number}" for number in range(outputs)]
    graph = helper.make_graph(
        [helper.make_node("ReduceSum", ["row", "axis"], [name], keepdims=1) for name in names],
        "sum",
        [helper.make_tensor_value_info("row", kind, [None, columns])],
        [helper.make_tensor_value_info(name, kind, [None, 1]) for name in names],
        [helper.make_tensor("axis", TensorProto.INT64, [1], [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
