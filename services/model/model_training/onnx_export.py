"""Writes fitted trees as an ONNX graph in float64.

skl2onnx supports only float32 tree ensembles, so the one node is built here: operator `TreeEnsemble` of ai.onnx.ml
opset 5 (https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html), which takes float64 thresholds and leaves.
"""

import numpy as np
import onnx
from model_artifact.metadata import ModelKind
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree._tree import Tree

from model_training.estimators import Regressor

INPUT, OUTPUT = "features", "prediction"
_LEAF = -1  # scikit-learn's mark for "no child"
_BRANCH_LEQ = 0
_SUM = 1
# The oldest intermediate representation that supports ai.onnx.ml 5; every later runtime loads it.
_IR_VERSION, _OPSET, _ML_OPSET = 10, 21, 5


def export(regressor: Regressor, name: ModelKind) -> bytes:
    """Serialize the trees; input `features` (rows, features) float64, output `prediction` (rows, 1) float64.

    scikit-learn rounds its input to float32 before it compares it; callers of the graph must do the same.
    """
    nodes = _Nodes()
    if isinstance(regressor, RandomForestRegressor):
        for tree in regressor.estimators_:
            nodes.add(tree.tree_, weight=1.0 / len(regressor.estimators_))
    else:
        # Boosting adds to what it predicts without any tree: the mean of the targets.
        nodes.add_constant(float(regressor.init_.constant_[0, 0]))
        for tree in regressor.estimators_[:, 0]:
            nodes.add(tree.tree_, weight=regressor.learning_rate)
    graph = helper.make_graph(
        [nodes.to_onnx()],
        name,
        [helper.make_tensor_value_info(INPUT, TensorProto.DOUBLE, [None, regressor.n_features_in_])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.DOUBLE, [None, 1])],
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
    model = helper.make_model(graph, producer_name="model_training", opset_imports=opsets, ir_version=_IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


class _Nodes:
    """The flat arrays of a TreeEnsemble node: branches and leaves of all trees, numbered consecutively."""

    def __init__(self) -> None:
        self.roots: list[int] = []
        self.features: list[int] = []
        self.thresholds: list[float] = []
        self.true_ids: list[int] = []
        self.true_leafs: list[int] = []
        self.false_ids: list[int] = []
        self.false_leafs: list[int] = []
        self.weights: list[float] = []

    def add(self, tree: Tree, weight: float) -> None:
        """Append one tree, with its leaves weighted by `weight`."""
        is_leaf: NDArray[np.bool_] = tree.children_left == _LEAF
        if is_leaf[0]:
            self.add_constant(float(tree.value[0, 0, 0] * weight))
            return
        number = np.where(
            is_leaf, np.cumsum(is_leaf) - 1 + len(self.weights), np.cumsum(~is_leaf) - 1 + len(self.features)
        )
        branches = np.flatnonzero(~is_leaf)
        left, right = tree.children_left[branches], tree.children_right[branches]
        self.roots.append(int(number[0]))
        self.features += tree.feature[branches].tolist()
        self.thresholds += tree.threshold[branches].tolist()
        self.true_ids += number[left].tolist()
        self.true_leafs += is_leaf[left].astype(int).tolist()
        self.false_ids += number[right].tolist()
        self.false_leafs += is_leaf[right].astype(int).tolist()
        self.weights += (tree.value[is_leaf, 0, 0] * weight).tolist()

    def add_constant(self, value: float) -> None:
        """Append a tree that has the same leaf on both sides: the operator has no tree without a branch."""
        self.roots.append(len(self.features))
        self.features.append(0)
        self.thresholds.append(0.0)
        self.true_ids.append(len(self.weights))
        self.false_ids.append(len(self.weights) + 1)
        self.true_leafs.append(1)
        self.false_leafs.append(1)
        self.weights += [value, value]

    def to_onnx(self) -> onnx.NodeProto:
        return helper.make_node(
            "TreeEnsemble",
            [INPUT],
            [OUTPUT],
            domain="ai.onnx.ml",
            n_targets=1,
            aggregate_function=_SUM,
            post_transform=0,
            tree_roots=self.roots,
            nodes_featureids=self.features,
            nodes_modes=numpy_helper.from_array(np.full(len(self.features), _BRANCH_LEQ, np.uint8), "nodes_modes"),
            nodes_splits=numpy_helper.from_array(np.array(self.thresholds, np.float64), "nodes_splits"),
            nodes_truenodeids=self.true_ids,
            nodes_trueleafs=self.true_leafs,
            nodes_falsenodeids=self.false_ids,
            nodes_falseleafs=self.false_leafs,
            leaf_targetids=[0] * len(self.weights),
            leaf_weights=numpy_helper.from_array(np.array(self.weights, np.float64), "leaf_weights"),
        )
