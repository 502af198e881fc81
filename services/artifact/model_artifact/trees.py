"""Whether the arrays of a TreeEnsemble are trees.

The operator: https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html. A runtime that trusts these arrays reads
outside of its memory, or never comes to a leaf.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from model_artifact import FEATURES
from model_artifact.wire import refused

MAX_DEPTH = 500
"""Of a tree; ONNX Runtime's loader calls itself once for each."""
_BRANCH_LEQ = 0
_WHERE = "its trees"


@dataclass(frozen=True)
class Ensemble:
    """All trees; branches and leaves are numbered from 0, each through all trees."""

    roots: Sequence[int]
    """A branch for each tree."""
    features: Sequence[int]
    """For each branch the number of the row that it compares, as the arrays of branches below."""
    modes: Sequence[int]
    thresholds: Sequence[float]
    children: tuple[Sequence[int], Sequence[int]]
    """Where the number is at most the threshold, and where it is not."""
    leads_to_leaf: tuple[Sequence[int], Sequence[int]]
    targets: Sequence[int]
    """For each leaf which output it adds to."""
    weights: Sequence[float]


@dataclass(frozen=True)
class Size:
    """How large the trees are."""

    trees: int
    branches: int
    leaves: int
    depth: int
    """Branches on the longest way from a root to a leaf."""


def check_trees(ensemble: Ensemble) -> Size:
    """Check that every branch and every leaf is in one tree, once, and that numbers are numbers.

    Raises:
        ArtifactError: they are not.
    """
    branches, leaves = len(ensemble.features), len(ensemble.weights)
    of_branches = (ensemble.modes, ensemble.thresholds, *ensemble.children, *ensemble.leads_to_leaf)
    if any(len(array) != branches for array in of_branches) or len(ensemble.targets) != leaves:
        raise refused(_WHERE, "have arrays of different lengths")
    _check_all(ensemble.features, 0, FEATURES - 1, "a feature")
    _check_all(ensemble.modes, _BRANCH_LEQ, _BRANCH_LEQ, "a comparison")
    _check_all(ensemble.targets, 0, 0, "a target")
    for array in ensemble.leads_to_leaf:
        _check_all(array, 0, 1, "the mark of a leaf")
    if not all(map(math.isfinite, ensemble.thresholds)) or not all(map(math.isfinite, ensemble.weights)):
        raise refused(_WHERE, "have a threshold or a leaf that is not a finite number")
    return Size(len(ensemble.roots), branches, leaves, _depth(ensemble))


def _check_all(array: Sequence[int], lowest: int, highest: int, what: str) -> None:
    if len(array) > 0 and not lowest <= min(array) <= max(array) <= highest:
        raise refused(_WHERE, f"have {what} outside of {lowest} to {highest}")


def _depth(ensemble: Ensemble) -> int:
    """Walk all trees, level by level."""
    branches, leaves = len(ensemble.features), len(ensemble.weights)
    seen_branches, seen_leaves = bytearray(branches), bytearray(leaves)
    depth = 0
    level = ensemble.roots
    _visit(level, seen_branches)
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise refused(_WHERE, f"are deeper than {MAX_DEPTH}")
        below: list[int] = []
        for children, leads_to_leaf in zip(ensemble.children, ensemble.leads_to_leaf, strict=True):
            below += [children[branch] for branch in level if not leads_to_leaf[branch]]
            _visit([children[branch] for branch in level if leads_to_leaf[branch]], seen_leaves)
        _visit(below, seen_branches)
        level = below
    if depth == 0 or not all(seen_branches) or not all(seen_leaves):
        raise refused(_WHERE, "are none, or have a branch or a leaf that no root leads to")
    return depth


def _visit(numbers: Sequence[int], seen: bytearray) -> None:
    for number in numbers:
        if not 0 <= number < len(seen):
            raise refused(_WHERE, f"lead to branch or leaf {number}, which is not there")
        if seen[number]:
            raise refused(_WHERE, f"lead to branch or leaf {number} in two ways")
        seen[number] = 1
