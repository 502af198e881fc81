"""Reads what a function asks of its request: which fields, of which types, within which bounds."""

import ast
from collections.abc import Callable

from serving_lab.inventory.result import ErrorForm
from serving_lab.inventory.source.context import DEEPEST, MOST_CALLS, Context
from serving_lab.inventory.source.expressions import CONDITIONS
from serving_lab.inventory.source.learned import Learned
from serving_lab.inventory.source.libraries import Libraries
from serving_lab.inventory.source.project import Function, Project
from serving_lab.inventory.source.refusals import refusal
from serving_lab.inventory.source.replies import Replies
from serving_lab.inventory.source.request_values import Later, Names, Read, Value
from serving_lab.inventory.source.requirements import Requirements


class Validation:
    """Follows a request through the functions of a project."""

    def __init__(self, project: Project, replies: Replies) -> None:
        self._context = Context(project, replies, Libraries(project), self.follow, self._require)
        self._seen: set[tuple[int, str]] = set()

    @property
    def learned(self) -> Learned:
        """What was learned until now."""
        return self._context.learned

    def follow(self, function: Function, given: Names | None = None, depth: int = 0) -> Value:
        """Read a function whose parameters stand for these values; what it returns, where that is of the request."""
        names: dict[str, Value] = dict(given or {})
        key = (id(function.node), repr(sorted((name, str(value)) for name, value in names.items())))
        if depth > DEEPEST or self._context.calls > MOST_CALLS or key in self._seen:
            return None
        self._seen.add(key)
        self._context.calls += 1
        for decorator in function.node.decorator_list:
            self._context.library(function, decorator)
        walk = _Statements(self._context, function, names, depth)
        walk.statements(function.node.body)
        return walk.returned

    def _require(self, function: Function, given: Names, depth: int, wanted: bool) -> None:
        """Read a function that is a condition, and note what follows from its being true or false."""
        walk = _Statements(self._context, function, dict(given), depth)
        walk.statements(function.node.body)
        if isinstance(walk.returned, Later):
            walk.require(walk.returned.node, wanted)


class _Statements(Requirements):
    """The statements of one function, in their order."""

    returned: Value = None

    def statements(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.If():
                self._if(node)
            case ast.For() | ast.AsyncFor():
                self._loop(node.target, node.iter, node.body)
                self.statements(node.orelse)
            case ast.While():
                self.value(node.test)
                self.statements(node.body)
            case ast.Try():
                self._try(node)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self.value(item.context_expr)
                self.statements(node.body)
            case ast.Assert(test=test):
                self.require(test, True)
            case ast.Assign(targets=targets, value=value):
                found = self._named(value)
                for target in targets:
                    self._bind(target, found, value)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self._bind(target, self._named(value), value)
            case ast.Return(value=value) if value is not None:
                found = self.value(value)
                if isinstance(found, Read):
                    self.returned = found
                elif self._depth and self.returned is None and isinstance(value, CONDITIONS):
                    self.returned = Later(value)
            case ast.Match(subject=subject, cases=cases):
                self.value(subject)
                for case in cases:
                    self.statements(case.body)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.value(child)

    def _if(self, node: ast.If) -> None:
        self._visit_condition(node.test)
        refused = self._refusal(node.body)
        if refused:
            self._with_error(refused[0], lambda: self.require(node.test, False))
            self._quietly(node.body)
            self.statements(node.orelse)
            return
        if node.orelse and (refused := self._refusal(node.orelse)) and not isinstance(node.orelse[0], ast.If):
            self._with_error(refused[0], lambda: self.require(node.test, True))
            self._quietly(node.orelse)
            self.statements(node.body)
            return
        present = list(self._named_as_present(node.test))
        for read in present:
            self._learned(read).optional = True
        self._context.present += present
        self.statements(node.body)
        del self._context.present[len(self._context.present) - len(present) :]
        self.statements(node.orelse)

    def _quietly(self, body: list[ast.stmt]) -> None:
        """Statements that only say what is wrong: what they read is asked of nobody."""
        for statement in body:
            if isinstance(statement, ast.If):
                self._statement(statement)

    def _try(self, node: ast.Try) -> None:
        refused: ErrorForm | None = None
        for handler in node.handlers:
            found = self._refusal(handler.body)
            caught = ast.unparse(handler.type) if handler.type else "Exception"
            if found and found[0] and (found[0].status is None or found[0].status < 500) and "Error" in caught:
                refused = refused or found[0]
        self._with_error(refused, lambda: self.statements(node.body))
        for handler in node.handlers:
            self.statements(handler.body)
        self.statements(node.orelse)
        self.statements(node.finalbody)

    def _loop(self, target: ast.expr, iterated: ast.expr, body: list[ast.stmt]) -> None:
        for bound in self._rounds(target, iterated):
            self.names |= bound
            self.statements(body)

    def _refusal(self, body: list[ast.stmt]) -> tuple[ErrorForm | None] | None:
        return refusal(self._context, self.function, self._depth, body)

    def _with_error(self, error: ErrorForm | None, work: Callable[[], None]) -> None:
        self._context.errors.append(error if error is not None else self._context.errors[-1])
        work()
        self._context.errors.pop()
