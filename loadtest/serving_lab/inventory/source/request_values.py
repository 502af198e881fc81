"""Which part of a request an expression reads: `request.get_json()["features"]` is `features` of the JSON body."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving_lab.inventory.source.project import Function, Project, dotted
from serving_lab.inventory.source.tree import Path

PARTS = {
    "json": "json",
    "json_body": "json",
    "media": "json",
    "form": "form",
    "POST": "form",
    "forms": "form",
    "args": "query",
    "GET": "query",
    "query": "query",
    "query_params": "query",
    "values": "query",
    "params": "query",
    "files": "files",
    "FILES": "files",
    "headers": "header",
    "cookies": "cookie",
    "COOKIES": "cookie",
    "path_params": "path",
    "view_args": "path",
    "data": "raw",
    "body": "raw",
    "stream": "raw",
}
"""Attributes of a request in Flask, Django, Starlette, Bottle and Falcon, each with the part that it is."""
_READS = {
    "get_json": "json",
    "json": "json",
    "get_media": "json",
    "form": "form",
    "get_data": "raw",
    "body": "raw",
    "read": "raw",
}
_DEEPEST = 20
_REQUESTS = frozenset({"request", "req"})


@dataclass(frozen=True)
class Read:
    """A part of a request."""

    where: str
    """`json`, `form`, `query`, `header`, `cookie`, `files`, `path`, `raw`."""
    path: Path = ()


@dataclass(frozen=True)
class Constant:
    """A value that stands in the code."""

    value: Any


@dataclass(frozen=True)
class Later:
    """A condition or a list that was given a name, to be asked later."""

    node: ast.expr


@dataclass(frozen=True)
class Listed:
    """A list with one part of a request in it, as models take their rows: `[features]`."""

    item: Read


Value = Read | Constant | Later | Listed | None
Names = Mapping[str, Value]


def is_request(project: Project, function: Function, node: ast.expr) -> bool:
    """Whether an expression is the request itself."""
    name = dotted(node)
    if name is None:
        return False
    last = name.rpartition(".")[2]
    if last in _REQUESTS:
        return True
    return project.meaning(function.module, name) in {"flask.request", "quart.request", "bottle.request"}


def part_of(project: Project, function: Function, node: ast.expr) -> Read | None:
    """The part of the request that an expression is as a whole."""
    match node:
        case ast.Await(value=inner):
            return part_of(project, function, inner)
        case ast.Call(func=ast.Attribute(value=inner, attr=attr)) if attr in _READS:
            if is_request(project, function, inner) or (attr == "read" and part_of(project, function, inner)):
                return Read(_READS[attr])
        case ast.Attribute(value=inner, attr=attr) if attr in PARTS and is_request(project, function, inner):
            return Read(PARTS[attr])
    return None


def literal(project: Project, function: Function, node: ast.expr, depth: int = 0) -> Constant | None:
    """The value of an expression that is the same for every request."""
    if depth > _DEEPEST:
        return None
    if isinstance(node, (ast.Name, ast.Attribute)):
        name = dotted(node)
        if name is None or name.partition(".")[0] in function.local:
            return None
        found = project.meaning(function.module, name)
        return literal(project, function, found, depth + 1) if isinstance(found, ast.expr) else None
    if isinstance(node, ast.Call) and dotted(node.func) in {"frozenset", "set", "tuple", "list", "range", "sorted"}:
        inner = [literal(project, function, each, depth + 1) for each in node.args]
        if dotted(node.func) == "range" and all(each and isinstance(each.value, int) for each in inner) and inner:
            numbers = range(*(each.value for each in inner if each))
            return Constant(list(numbers)) if len(numbers) <= 1000 else None
        return inner[0] if len(inner) == 1 else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"keys", "values"}:
        whole = literal(project, function, node.func.value, depth + 1)
        if whole and isinstance(whole.value, dict):
            return Constant(list(whole.value if node.func.attr == "keys" else whole.value.values()))
        return None
    if isinstance(node, ast.Dict):
        keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
        values = [literal(project, function, value, depth + 1) for value in node.values]
        if len(keys) == len(values):
            return Constant({key: value.value if value else None for key, value in zip(keys, values, strict=True)})
        return None
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        items = [literal(project, function, each, depth + 1) for each in node.elts]
        return Constant([each.value for each in items if each]) if all(items) else None
    try:
        return Constant(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
