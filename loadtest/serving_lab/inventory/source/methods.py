"""A view as it is for one method: many answer several, and ask `request.method` which it is."""

import ast
import copy
from dataclasses import replace

from serving_lab.inventory.source.project import Function, FunctionNode, Project, dotted
from serving_lab.inventory.source.request_values import literal


def for_method(project: Project, function: Function, method: str) -> Function:
    """The function without the branches that are for other methods; the same one where it does not ask."""
    if not any(isinstance(node, ast.Compare) and _asks_method(node) for node in ast.walk(function.node)):
        return function
    node = _OneMethod(project, function, method).visit(copy.deepcopy(function.node))
    return replace(function, node=node) if isinstance(node, FunctionNode) else function


class _OneMethod(ast.NodeTransformer):
    def __init__(self, project: Project, function: Function, method: str) -> None:
        self._project = project
        self._function = function
        self._method = method

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        answered = self._is_method(node.test)
        if answered is None:
            return self.generic_visit(node)
        kept = node.body if answered else node.orelse
        # A block may not become empty.
        statements: list[ast.stmt] = [ast.copy_location(ast.Pass(), node)] if not kept else list(kept)
        found: list[ast.stmt] = []
        for statement in statements:
            changed = self.visit(statement)
            found += changed if isinstance(changed, list) else [changed]
        return found

    def _is_method(self, node: ast.expr) -> bool | None:
        """Whether a condition that asks for the method alone holds; None: it asks for something else."""
        if not isinstance(node, ast.Compare) or not _asks_method(node):
            return None
        known = literal(self._project, self._function, node.comparators[0])
        if known is None:
            return None
        values = known.value if isinstance(known.value, (list, tuple)) else [known.value]
        found = self._method in values
        return found if isinstance(node.ops[0], (ast.Eq, ast.In)) else not found


def _asks_method(node: ast.Compare) -> bool:
    return len(node.ops) == 1 and (dotted(node.left) or "").endswith(("request.method", "req.method"))
