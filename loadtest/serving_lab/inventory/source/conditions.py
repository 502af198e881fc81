"""Comparisons and types in conditions, in a common form."""

import ast
from collections.abc import Iterator

_WRITTEN: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
_OPPOSITE = {
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "==": "!=",
    "!=": "==",
    "is": "is not",
    "is not": "is",
    "in": "not in",
    "not in": "in",
}
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_TYPES = {
    "list": "array",
    "tuple": "array",
    "Sequence": "array",
    "dict": "object",
    "Mapping": "object",
    "str": "string",
    "bytes": "string",
    "int": "integer",
    "float": "number",
    "Number": "number",
    "Real": "number",
    "Decimal": "number",
    "bool": "boolean",
    "NoneType": "null",
    "None": "null",
}


def parts_of(node: ast.Compare, wanted: bool) -> Iterator[tuple[ast.expr, str, ast.expr]]:
    """The single comparisons that hold where a whole one is true, or false; none where that cannot be said."""
    if not wanted and len(node.ops) > 1:
        return
    left = node.left
    for operator, right in zip(node.ops, node.comparators, strict=True):
        written = _WRITTEN[type(operator)]
        yield left, written if wanted else _OPPOSITE[written], right
        left = right


def flipped(comparison: str) -> str:
    """The comparison with its sides changed."""
    return _FLIPPED.get(comparison, comparison)


def types_named(node: ast.expr) -> list[str]:
    """The types of JSON that `int`, `(int, float)` or `int | float` stand for."""
    match node:
        case ast.Tuple(elts=items):
            return [kind for each in items for kind in types_named(each)]
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return types_named(left) + types_named(right)
        case ast.Constant(value=None):
            return ["null"]
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return [_TYPES[name]] if name in _TYPES else []
        case ast.Call(func=ast.Name(id="type"), args=[ast.Constant(value=None)]):
            return ["null"]
    return []
