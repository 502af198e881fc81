"""For which requests a function counts that runs before all of them: it may name those that it lets pass."""

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from serving_lab.inventory.source.calls import body_of
from serving_lab.inventory.source.project import Function


@dataclass
class Scope:
    """Endpoints and paths that are treated apart."""

    exempt: set[str] = field(default_factory=set)
    only: set[str] = field(default_factory=set)
    """Where there are any, it counts for no others."""

    def covers(self, names: Collection[str]) -> bool:
        """Whether it counts for what has these names: an endpoint and a path."""
        if self.only:
            return _has(self.only, names)
        return not _has(self.exempt, names)


def scope_of(function: Function) -> Scope:
    """What the conditions of a function say of endpoints and paths."""
    found = Scope()
    for node in body_of(function.node):
        if isinstance(node, ast.If):
            for names, positive in _compared(node.test):
                # `if path == "/a": return` lets pass, and `if path != "/a" and …` asks of all others.
                (found.exempt if _lets_pass(node.body) == positive else found.only).update(names)
    return found


def _compared(test: ast.expr, positive: bool = True) -> Iterator[tuple[set[str], bool]]:
    """Texts that something is compared with in a condition, and whether it holds for them."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            yield from _compared(inner, not positive)
        case ast.BoolOp(values=values):
            for each in values:
                yield from _compared(each, positive)
        case ast.Compare(left=left, ops=[operator], comparators=[right]) if _is_place(left):
            holds = isinstance(operator, (ast.Eq, ast.In))
            if texts := set(_texts(right)):
                yield texts, holds == positive
        case ast.Call(func=ast.Attribute(value=place, attr="startswith"), args=[prefix, *_]) if _is_place(place):
            yield {f"{text}*" for text in _texts(prefix)}, positive


def _is_place(node: ast.expr) -> bool:
    """Whether an expression is the path or the endpoint of the request."""
    return ast.unparse(node).endswith((".path", ".endpoint", ".blueprint", "['path']", "['PATH_INFO']"))


def _texts(node: ast.expr) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def _lets_pass(body: list[ast.stmt]) -> bool:
    first = body[0]
    nothing = isinstance(first, ast.Return) and (first.value is None or ast.unparse(first.value) == "None")
    awaited = isinstance(first, ast.Return) and isinstance(first.value, ast.Await)
    return nothing or awaited or isinstance(first, ast.Pass)


def _has(texts: Collection[str], names: Collection[str]) -> bool:
    return any(name == text or (text.endswith("*") and name.startswith(text[:-1])) for text in texts for name in names)
