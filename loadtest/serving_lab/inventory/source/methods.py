"""A view as it is for one method: many answer several, and ask `request.method` which it is."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import replace

from serving_lab.inventory.source.project import Function, FunctionNode, Project, dotted
from serving_lab.inventory.source.request_values import literal


def for_method(project: Project, function: Function, method: str) -> Function:
    """The function without the branches that are for other methods; the same one where it does not ask."""
    if not any(_asks_method(node) for node in ast.walk(function.node)):
        return function
    node = _OneMethod(project, function, method).visit(copy.deepcopy(function.node))
    if not isinstance(node, FunctionNode):
        return function
    for each in ast.walk(node):
        for name in ("body", "orelse", "finalbody"):
            statements = getattr(each, name, None)
            if isinstance(statements, list):
                setattr(each, name, list(_reached(statements)))
    return replace(function, node=node)


def _reached(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a block up to the one that leaves it."""
    for statement in statements:
        yield statement
        if isinstance(statement, (ast.Return, ast.Raise)):
            return


class _OneMethod(ast.NodeTransformer):
    def __init__(self, project: Project, function: Function, method: str) -> None:
        self._project = project
        self._function = function
        self._method = method

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        answered = self._is_method(node.test)
        if answered is None:
            return self.generic_visit(node)
        return self._visited(node.body if answered else node.orelse, node)

    def visit_Match(self, node: ast.Match) -> ast.AST | list[ast.stmt]:
        if not _is_method(node.subject):
            return self.generic_visit(node)
        for case in node.cases:
            patterns = case.pattern.patterns if isinstance(case.pattern, ast.MatchOr) else [case.pattern]
            values = [each.value for each in patterns if isinstance(each, ast.MatchValue)]
            named = {each.value for each in values if isinstance(each, ast.Constant)}
            if self._method in named or any(isinstance(each, ast.MatchAs) for each in patterns):
                return self._visited(case.body, node)
        return self._visited([], node)

    def _visited(self, kept: list[ast.stmt], node: ast.stmt) -> list[ast.stmt]:
        # A block may not become empty.
        statements: list[ast.stmt] = list(kept) or [ast.copy_location(ast.Pass(), node)]
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


def _asks_method(node: ast.AST) -> bool:
    if isinstance(node, ast.Match):
        return _is_method(node.subject)
    return isinstance(node, ast.Compare) and len(node.ops) == 1 and _is_method(node.left)


def _is_method(node: ast.expr) -> bool:
    return (dotted(node) or "").endswith(("request.method", "req.method"))
