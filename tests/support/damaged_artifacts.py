"""Artifacts that no service may use. Where a graph is changed, model.json has the digest of the change."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from model_artifact.errors import Reason
from numpy.typing import NDArray
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from support.artifacts import change_golden, change_graph, change_metadata


@dataclass(frozen=True)
class Damage:
    """How a directory that `write_model` wrote is spoiled, and why it is refused then."""

    spoil: Callable[[Path], None]
    reason: Reason
    says: str


def file_missing(directory: Path) -> None:
    (directory / "model.onnx").unlink()


def pipe_in_its_place(directory: Path) -> None:
    (directory / "golden.json").unlink()
    os.mkfifo(directory / "golden.json")


def truncated(directory: Path) -> None:
    graph = (directory / "model.onnx").read_bytes()
    (directory / "model.onnx").write_bytes(graph[: len(graph) // 2])


def one_bit_changed(directory: Path) -> None:
    graph = bytearray((directory / "model.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (directory / "model.onnx").write_bytes(graph)


def other_golden_file(directory: Path) -> None:
    (directory / "golden.json").write_text("{}")


def metadata_without_end(directory: Path) -> None:
    (directory / "model.json").write_text('{"metrics": ' + "[" * 1_000_000)


def metadata_of_another_kind(directory: Path) -> None:
    change_metadata(directory, model_type="linear")


def version_that_is_no_label(directory: Path) -> None:
    change_metadata(directory, version="1.0\n\x1b[31m")


def nine_features_in_metadata(directory: Path) -> None:
    change_metadata(directory, input_features=9)


def truncated_with_digest(directory: Path) -> None:
    graph = (directory / "model.onnx").read_bytes()
    change_graph(directory, graph[: len(graph) // 2])


def not_a_graph(directory: Path) -> None:
    change_graph(directory, b"not a graph")


def huge_file(directory: Path) -> None:
    with (directory / "model.onnx").open("r+b") as file:
        file.truncate(10 << 30)  # with holes: it takes no room


def number_without_end(directory: Path) -> None:
    change_graph(directory, b"\x08" + b"\xff" * 100_000)


def deep_nesting(directory: Path) -> None:
    graph = b""
    for _ in range(2_000):
        graph = b"\x0b" + graph + b"\x0c"  # groups within groups, as of field 1
    change_graph(directory, graph)


def millions_of_parts(directory: Path) -> None:
    change_graph(directory, onnx.load(directory / "model.onnx").SerializeToString() + b"\x42\x00" * 3_000_000)


def second_graph(directory: Path) -> None:
    graph = (directory / "model.onnx").read_bytes()
    change_graph(directory, graph + onnx.ModelProto(graph=onnx.GraphProto(name="other")).SerializeToString())


def external_data(model: onnx.ModelProto) -> None:
    splits = attribute(model, "nodes_splits").t
    splits.ClearField("raw_data")
    splits.data_location = TensorProto.EXTERNAL
    splits.external_data.add(key="location", value="../../../../etc/passwd")


def external_initializer(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer.add(name="weights", data_type=TensorProto.DOUBLE, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def operator_of_another_domain(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.example"


def opset_of_another_domain(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.example", 1))


def newer_opset(model: onnx.ModelProto) -> None:
    model.opset_import[1].version = 6


def sizes_that_lie(model: onnx.ModelProto) -> None:
    attribute(model, "leaf_weights").t.dims[:] = [10 << 30]


def sizes_that_overflow(model: onnx.ModelProto) -> None:
    attribute(model, "leaf_weights").t.dims[:] = [1 << 61]


def large_initializer(model: onnx.ModelProto) -> None:
    model.graph.initializer.add(name="large", data_type=TensorProto.DOUBLE, dims=[10 << 30])


def large_constant(model: onnx.ModelProto) -> None:
    shape = numpy_helper.from_array(np.array([1 << 31], np.int64), "shape")
    model.graph.node.append(helper.make_node("ConstantOfShape", ["shape"], ["large"]))
    model.graph.initializer.append(shape)


def loop(model: onnx.ModelProto) -> None:
    _wrap(model, "Loop")


def branching(model: onnx.ModelProto) -> None:
    _wrap(model, "If")


def scan(model: onnx.ModelProto) -> None:
    _wrap(model, "Scan")


def deep_subgraphs(model: onnx.ModelProto) -> None:
    for _ in range(20):
        _wrap(model, "If")


def _wrap(model: onnx.ModelProto, operator: str) -> None:
    """Put the graph into one operator of a graph around it."""
    inner = onnx.GraphProto()
    inner.CopyFrom(model.graph)
    model.graph.node[0].CopyFrom(helper.make_node(operator, ["features"], ["prediction"], body=inner))


def function(model: onnx.ModelProto) -> None:
    model.functions.add(name="TreeEnsemble", domain="ai.onnx.ml")


def training_graph(model: onnx.ModelProto) -> None:
    model.training_info.add()


def sparse_initializer(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.add(dims=[1 << 40])


def eight_features(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 8


def single_precision(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT


def one_row_only(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def two_outputs(model: onnx.ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("other", TensorProto.DOUBLE, [None, 1]))


def millions_of_outputs(model: onnx.ModelProto) -> None:
    attribute(model, "n_targets").i = 1 << 30


def way_back_to_the_root(model: onnx.ModelProto) -> None:
    attribute(model, "nodes_trueleafs").ints[0] = 0
    attribute(model, "nodes_truenodeids").ints[0] = 0


def branch_that_is_not_there(model: onnx.ModelProto) -> None:
    attribute(model, "nodes_truenodeids").ints[0] = 1 << 40


def feature_that_is_not_there(model: onnx.ModelProto) -> None:
    attribute(model, "nodes_featureids").ints[0] = 1_000_000


def lists_of_different_lengths(model: onnx.ModelProto) -> None:
    attribute(model, "nodes_falseleafs").ints.pop()


def leaf_that_is_no_number(model: onnx.ModelProto) -> None:
    tensor = attribute(model, "leaf_weights").t
    weights = numpy_helper.to_array(tensor).copy()
    weights[0] = np.nan
    tensor.CopyFrom(numpy_helper.from_array(weights, "leaf_weights"))


def trees_without_end(model: onnx.ModelProto) -> None:
    """One tree that is a chain of 100,000 branches."""
    count = 100_000
    for name, values in {
        "tree_roots": [0],
        "nodes_featureids": [0] * count,
        "nodes_truenodeids": range(count),
        "nodes_trueleafs": [1] * count,
        "nodes_falsenodeids": [*range(1, count), count],
        "nodes_falseleafs": [0] * (count - 1) + [1],
        "leaf_targetids": [0] * (count + 1),
    }.items():
        attribute(model, name).ints[:] = values
    arrays: dict[str, NDArray[Any]] = {
        "nodes_modes": np.zeros(count, np.uint8),
        "nodes_splits": np.zeros(count),
        "leaf_weights": np.zeros(count + 1),
    }
    for name, array in arrays.items():
        attribute(model, name).t.CopyFrom(numpy_helper.from_array(array, name))


def higher_leaves(model: onnx.ModelProto) -> None:
    tensor = attribute(model, "leaf_weights").t
    weights = numpy_helper.to_array(tensor) * 1.000001
    tensor.CopyFrom(numpy_helper.from_array(weights, "leaf_weights"))


def other_golden_answers(directory: Path) -> None:
    change_golden(directory, {"rows": [[0.0] * 10], "predictions": [1.0]})


def attribute(model: onnx.ModelProto, name: str) -> AttributeProto:
    """An attribute of the one operator."""
    found: AttributeProto
    [found] = [each for each in model.graph.node[0].attribute if each.name == name]
    return found


_FILES: Mapping[Callable[[Path], None], tuple[Reason, str]] = {
    file_missing: (Reason.MISSING, "cannot read"),
    pipe_in_its_place: (Reason.MISSING, "it is not a file"),
    truncated: (Reason.DIGEST, "model.onnx is damaged"),
    one_bit_changed: (Reason.DIGEST, "model.onnx is damaged"),
    other_golden_file: (Reason.DIGEST, "golden.json is damaged"),
    metadata_without_end: (Reason.METADATA, "model.json is not valid"),
    metadata_of_another_kind: (Reason.METADATA, "Invalid enum value 'linear'"),
    version_that_is_no_label: (Reason.METADATA, "$.version"),
    nine_features_in_metadata: (Reason.METADATA, "takes 9 features, expected 10"),
    huge_file: (Reason.STRUCTURE, "has more than 67108864 bytes"),
    truncated_with_digest: (Reason.STRUCTURE, "bytes, and has"),
    not_a_graph: (Reason.STRUCTURE, "not allowed"),
    number_without_end: (Reason.STRUCTURE, "a number without end"),
    deep_nesting: (Reason.STRUCTURE, "of wire type 3"),
    millions_of_parts: (Reason.STRUCTURE, "has more than 1000 of opset_import"),
    second_graph: (Reason.STRUCTURE, "has graph more than once"),
    other_golden_answers: (Reason.GOLDEN, "differ from scikit-learn's"),
}
_GRAPHS: Mapping[Callable[[onnx.ModelProto], None], tuple[Reason, str]] = {
    external_data: (Reason.STRUCTURE, "nodes_splits has field 13"),
    external_initializer: (Reason.STRUCTURE, "the graph has field 5"),
    operator_of_another_domain: (Reason.STRUCTURE, "the operator com.example.TreeEnsemble"),
    opset_of_another_domain: (Reason.STRUCTURE, "the opset com.example 1"),
    newer_opset: (Reason.STRUCTURE, "the opset ai.onnx.ml 6"),
    sizes_that_lie: (Reason.STRUCTURE, "says that its shape is [10737418240]"),
    sizes_that_overflow: (Reason.STRUCTURE, "says that its shape is [2305843009213693952]"),
    large_initializer: (Reason.STRUCTURE, "the graph has field 5"),
    large_constant: (Reason.STRUCTURE, "the graph has field 5"),
    loop: (Reason.STRUCTURE, "ai.onnx.Loop"),
    branching: (Reason.STRUCTURE, "ai.onnx.If"),
    scan: (Reason.STRUCTURE, "ai.onnx.Scan"),
    deep_subgraphs: (Reason.STRUCTURE, "ai.onnx.If"),
    function: (Reason.STRUCTURE, "has field 25"),
    training_graph: (Reason.STRUCTURE, "has field 20"),
    sparse_initializer: (Reason.STRUCTURE, "has field 15"),
    eight_features: (Reason.STRUCTURE, "the input has the shape [None, 8]"),
    single_precision: (Reason.STRUCTURE, "the input has elements of type 1"),
    one_row_only: (Reason.STRUCTURE, "the input has the shape [1, 10]"),
    two_outputs: (Reason.STRUCTURE, "has 2 of output, expected one"),
    millions_of_outputs: (Reason.STRUCTURE, "n_targets 1073741824, expected 1"),
    way_back_to_the_root: (Reason.STRUCTURE, "in two ways"),
    branch_that_is_not_there: (Reason.STRUCTURE, "which is not there"),
    feature_that_is_not_there: (Reason.STRUCTURE, "a feature outside of 0 to 9"),
    lists_of_different_lengths: (Reason.STRUCTURE, "different lengths"),
    leaf_that_is_no_number: (Reason.STRUCTURE, "not a finite number"),
    trees_without_end: (Reason.STRUCTURE, "deeper than 500"),
    higher_leaves: (Reason.GOLDEN, "differ from scikit-learn's"),
}


def _damages() -> Mapping[str, Damage]:
    damages = {spoil.__name__: Damage(spoil, *refusal) for spoil, refusal in _FILES.items()}
    for change, refusal in _GRAPHS.items():

        def spoil(directory: Path, change: Callable[[onnx.ModelProto], None] = change) -> None:
            model = onnx.load(directory / "model.onnx")
            change(model)
            change_graph(directory, model)

        damages[change.__name__] = Damage(spoil, *refusal)
    return damages


DAMAGES = _damages()
"""By name."""
