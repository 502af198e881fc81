"""What a graph may be, checked before anything runs it: one tree ensemble from ten doubles to one.

An allow-list: what the exporter does not write, no service runs. So there are no loops or other subgraphs, no
functions, no other operators, no initializers, and no files outside. Field numbers are those of
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from model_artifact import FEATURES
from model_artifact.files import MAX_GRAPH_BYTES
from model_artifact.trees import Ensemble, Size, check_trees
from model_artifact.wire import Field, Kind, Message, Schema, parse, refused

_MODEL: Schema = {
    1: Field("ir_version", Kind.INTEGER),
    2: Field("producer_name", Kind.BYTES),
    3: Field("producer_version", Kind.BYTES),
    4: Field("domain", Kind.BYTES),
    5: Field("model_version", Kind.INTEGER),
    6: Field("doc_string", Kind.BYTES),
    7: Field("graph", Kind.BYTES),
    8: Field("opset_import", Kind.BYTES, repeated=True),
}
_OPSET: Schema = {1: Field("domain", Kind.BYTES), 2: Field("version", Kind.INTEGER)}
_GRAPH: Schema = {
    1: Field("node", Kind.BYTES, repeated=True),
    2: Field("name", Kind.BYTES),
    10: Field("doc_string", Kind.BYTES),
    11: Field("input", Kind.BYTES, repeated=True),
    12: Field("output", Kind.BYTES, repeated=True),
}
_NODE: Schema = {
    1: Field("input", Kind.BYTES, repeated=True),
    2: Field("output", Kind.BYTES, repeated=True),
    3: Field("name", Kind.BYTES),
    4: Field("op_type", Kind.BYTES),
    5: Field("attribute", Kind.BYTES, repeated=True),
    6: Field("doc_string", Kind.BYTES),
    7: Field("domain", Kind.BYTES),
}
_ATTRIBUTE: Schema = {
    1: Field("name", Kind.BYTES),
    3: Field("i", Kind.INTEGER),
    5: Field("t", Kind.BYTES),
    8: Field("ints", Kind.INTEGER, repeated=True),
    13: Field("doc_string", Kind.BYTES),
    20: Field("type", Kind.INTEGER),
}
_TENSOR: Schema = {
    1: Field("dims", Kind.INTEGER, repeated=True),
    2: Field("data_type", Kind.INTEGER),
    8: Field("name", Kind.BYTES),
    9: Field("raw_data", Kind.BYTES),
    12: Field("doc_string", Kind.BYTES),
}
_VALUE_INFO: Schema = {1: Field("name", Kind.BYTES), 2: Field("type", Kind.BYTES), 3: Field("doc_string", Kind.BYTES)}
_TYPE: Schema = {1: Field("tensor_type", Kind.BYTES), 6: Field("denotation", Kind.BYTES)}
_TENSOR_TYPE: Schema = {1: Field("elem_type", Kind.INTEGER), 2: Field("shape", Kind.BYTES)}
_SHAPE: Schema = {1: Field("dim", Kind.BYTES, repeated=True)}
_DIMENSION: Schema = {
    1: Field("dim_value", Kind.INTEGER),
    2: Field("dim_param", Kind.BYTES),
    3: Field("denotation", Kind.BYTES),
}
_IR_VERSIONS = range(10, 14)
_OPSETS = {"": range(21, 27), "ai.onnx.ml": range(5, 6)}
_OPERATOR = ("ai.onnx.ml", "TreeEnsemble")
_UINT8, _DOUBLE = 2, 11
_SIZES = {_UINT8: 1, _DOUBLE: 8}
_INT, _TENSOR_ATTRIBUTE, _INTS = 2, 4, 7
_NUMBERS = ("n_targets", "aggregate_function", "post_transform")
_LISTS = (
    "tree_roots",
    "nodes_featureids",
    "nodes_truenodeids",
    "nodes_trueleafs",
    "nodes_falsenodeids",
    "nodes_falseleafs",
    "leaf_targetids",
)
_TENSORS = {"nodes_modes": _UINT8, "nodes_splits": _DOUBLE, "leaf_weights": _DOUBLE}
_TYPES = dict.fromkeys(_NUMBERS, _INT) | dict.fromkeys(_LISTS, _INTS) | dict.fromkeys(_TENSORS, _TENSOR_ATTRIBUTE)
_SUM, _NO_TRANSFORM = 1, 0


def check_structure(graph: bytes) -> Size:
    """Check that a graph is one that services run, without running it.

    Raises:
        ArtifactError: it is not, with the first thing that is not allowed.
    """
    if len(graph) > MAX_GRAPH_BYTES:
        raise refused("the graph", f"has more than {MAX_GRAPH_BYTES} bytes")
    return check_trees(read_ensemble(graph))


def read_ensemble(graph: bytes) -> Ensemble:
    """The arrays of the one operator that a graph has; whether they are trees is not checked.

    Raises:
        ArtifactError: the graph has anything else.
    """
    model = parse(memoryview(graph), _MODEL, "the graph's file")
    _check_versions(model)
    content = parse(model.content("graph"), _GRAPH, "the graph")
    node = _the_one(content, "node", _NODE)
    operator = (node.text("domain"), node.text("op_type"))
    if operator != _OPERATOR:
        raise refused(
            "the graph", f"has the operator {operator[0] or 'ai.onnx'}.{operator[1]}, which is not allowed"[:200]
        )
    for role, size in {"input": FEATURES, "output": 1}.items():
        value = _the_one(content, role, _VALUE_INFO)
        _check_type(value, role, size)
        if node.texts(role) != [value.text("name")]:
            raise refused("its operator", f"does not have the graph's {role} as its {role}")
    return _ensemble(node)


def _check_versions(model: Message) -> None:
    if model.integer("ir_version") not in _IR_VERSIONS:
        raise refused("the graph's file", f"has the format {model.integer('ir_version')}, which is not allowed")
    opsets = [parse(entry, _OPSET, "an opset") for entry in model.bytes.get("opset_import", [])]
    if len({opset.text("domain") for opset in opsets}) != len(opsets):
        raise refused("the graph's file", "names an opset twice")
    for opset in opsets:
        if opset.integer("version") not in _OPSETS.get(opset.text("domain"), ()):
            name = f"{opset.text('domain') or 'ai.onnx'} {opset.integer('version')}"
            raise refused("the graph's file", f"needs the opset {name}, which is not allowed")


def _the_one(graph: Message, name: str, schema: Schema) -> Message:
    found = graph.bytes.get(name, [])
    if len(found) != 1:
        raise refused("the graph", f"has {len(found)} of {name}, expected one")
    return parse(found[0], schema, f"the {name}")


def _check_type(value: Message, role: str, size: int) -> None:
    """Check that it is a matrix of doubles with any number of rows, and so many columns."""
    where = f"the {role}"
    tensor = parse(parse(value.content("type"), _TYPE, where).content("tensor_type"), _TENSOR_TYPE, where)
    dimensions = [
        parse(entry, _DIMENSION, where) for entry in parse(tensor.content("shape"), _SHAPE, where).bytes.get("dim", [])
    ]
    if tensor.integer("elem_type") != _DOUBLE:
        raise refused(where, f"has elements of type {tensor.integer('elem_type')}, expected doubles ({_DOUBLE})")
    sizes = [dimension.integer("dim_value") if dimension.has("dim_value") else None for dimension in dimensions]
    if sizes != [None, size] or any(entry.has("dim_param") for entry in dimensions[1:]):
        raise refused(where, f"has the shape {sizes}, expected {[None, size]}")


def _ensemble(node: Message) -> Ensemble:
    attributes: dict[str, Message] = {}
    for entry in node.bytes.get("attribute", []):
        attribute = parse(entry, _ATTRIBUTE, "an attribute")
        name = attribute.text("name")
        if name in attributes or name not in _TYPES or attribute.integer("type") != _TYPES[name]:
            raise refused("its operator", f"has the attribute {name!r} twice, or it is not allowed")
        attributes[name] = attribute
    if missing := _TYPES.keys() - attributes.keys():
        raise refused("its operator", f"has no attribute {min(missing)}")
    expected = {"n_targets": 1, "aggregate_function": _SUM, "post_transform": _NO_TRANSFORM}
    for name, value in expected.items():
        if attributes[name].integer("i") != value:
            raise refused("its operator", f"has {name} {attributes[name].integer('i')}, expected {value}")
    lists = {name: attributes[name].integers.get("ints", []) for name in _LISTS}
    tensors = {name: _tensor(attributes[name], name, data_type) for name, data_type in _TENSORS.items()}
    return Ensemble(
        roots=lists["tree_roots"],
        features=lists["nodes_featureids"],
        modes=tensors["nodes_modes"],
        thresholds=memoryview(tensors["nodes_splits"]).cast("d"),
        children=(lists["nodes_truenodeids"], lists["nodes_falsenodeids"]),
        leads_to_leaf=(lists["nodes_trueleafs"], lists["nodes_falseleafs"]),
        targets=lists["leaf_targetids"],
        weights=memoryview(tensors["leaf_weights"]).cast("d"),
    )


def _tensor(attribute: Message, name: str, data_type: int) -> bytes:
    """The bytes of a tensor of one dimension, which are in it and as many as it says."""
    tensor = parse(attribute.content("t"), _TENSOR, name)
    if tensor.integer("data_type") != data_type:
        raise refused(name, f"has elements of type {tensor.integer('data_type')}, expected {data_type}")
    dimensions, content = tensor.integers.get("dims", []), tensor.content("raw_data")
    if len(dimensions) != 1 or dimensions[0] * _SIZES[data_type] != len(content):
        raise refused(name, f"says that its shape is {dimensions}, and has {len(content)} bytes")
    return bytes(content)
