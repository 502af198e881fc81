"""What expressions of a function stand for; what they read of the request is noted."""

import ast
from collections.abc import Iterator
from typing import Any

from serving_lab.inventory.source.calls import callee
from serving_lab.inventory.source.context import Context
from serving_lab.inventory.source.project import Function, dotted
from serving_lab.inventory.source.replies import arguments
from serving_lab.inventory.source.request_values import (
    Constant,
    Later,
    Listed,
    Read,
    Value,
    is_request,
    literal,
    part_of,
)
from serving_lab.inventory.source.tree import ITEMS, Node, shown

_MOST_ROUNDS = 40
"""Constants that a loop is followed for."""
_CONVERSIONS = {"int": "integer", "float": "number", "str": "string", "Decimal": "number", "bool": "boolean"}
_SAME = frozenset(
    {
        "dict",
        "list",
        "tuple",
        "sorted",
        "set",
        "array",
        "asarray",
        "copy",
        "to_dict",
        "DataFrame",
        "reshape",
        "strip",
        "lower",
        "upper",
        "items",
        "values",
        "tolist",
        "astype",
        "cast",
    }
)
_OF_TEXT = frozenset({"strip", "lower", "upper", "split", "startswith", "endswith", "isdigit", "encode"})
_LISTS = frozenset({"array", "asarray", "list"})
CONDITIONS = (ast.Compare, ast.BoolOp, ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.BinOp, ast.UnaryOp)
"""Expressions that are asked later, under the name that they are given."""


class Expressions:
    """The expressions of one function, with what its names stand for."""

    def __init__(self, context: Context, function: Function, names: dict[str, Value], depth: int) -> None:
        self._context = context
        self._project = context.project
        self.function = function
        self.names = names
        self._depth = depth

    def value(self, node: ast.expr | None) -> Value:
        """What an expression stands for; what it reads of the request is noted."""
        if node is None:
            return None
        if part := part_of(self._project, self.function, node):
            self._context.learned.at(part)
            return part
        match node:
            case ast.Name(id=name):
                return self.names[name] if name in self.names else literal(self._project, self.function, node)
            case ast.Constant(value=value):
                return Constant(value)
            case ast.Await(value=inner) | ast.Starred(value=inner):
                return self.value(inner)
            case ast.NamedExpr(target=target, value=inner):
                found = self._named(inner)
                self._bind(target, found, inner)
                return found
            case ast.BoolOp(values=values):
                every = [self.value(each) for each in values]
                return next((each for each in every if isinstance(each, Read)), None)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.value(test)
                first, second = self.value(body), self.value(orelse)
                return first if isinstance(first, Read) else second if isinstance(second, Read) else None
            case ast.Subscript(value=inner, slice=key):
                return self._subscript(node, inner, key)
            case ast.Attribute(value=inner):
                before = self.value(inner)
                if isinstance(before, Read) and before.where == "files":
                    return before
                return literal(self._project, self.function, node) if before is None else None
            case ast.Call():
                return self._call(node)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return self._comprehension(node)
            case ast.Lambda():
                return None
            case ast.List(elts=[only]) if isinstance(found := self.value(only), Read):
                return Listed(found)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
        return (
            literal(self._project, self.function, node)
            if isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.Dict))
            else None
        )

    def _rounds(self, target: ast.expr, iterated: ast.expr) -> Iterator[dict[str, Value]]:
        """What the names of a loop stand for: once for a list of the request, once for each of some constants."""
        inner, first = iterated, target
        call = dotted(iterated.func) if isinstance(iterated, ast.Call) else None
        if call == "enumerate" and isinstance(iterated, ast.Call) and iterated.args:
            inner = iterated.args[0]
            first = target.elts[1] if isinstance(target, ast.Tuple) and len(target.elts) > 1 else target
        if call == "zip" and isinstance(iterated, ast.Call) and isinstance(target, ast.Tuple):
            bound: dict[str, Value] = {}
            for name, each in zip(target.elts, iterated.args, strict=False):
                value = self.value(each)
                if isinstance(name, ast.Name):
                    bound[name.id] = self._item(value)
            yield bound
            return
        known = literal(self._project, self.function, inner)
        named = self.names.get(inner.id) if isinstance(inner, ast.Name) else None
        known = named if isinstance(named, Constant) else known
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "items":
            whole = literal(self._project, self.function, inner.func.value)
            known = Constant(list(whole.value.items())) if whole and isinstance(whole.value, dict) else known
        if known is not None and isinstance(known.value, (list, tuple, set, dict)):
            for each in list(known.value)[:_MOST_ROUNDS]:
                yield dict(_unpacked(first, each))
            return
        value = self.value(inner)
        yield {first.id: self._item(value)} if isinstance(first, ast.Name) else {}

    def _item(self, value: Value) -> Value:
        if isinstance(value, Listed):
            return value.item
        if isinstance(value, Read) and value.where in {"json", "form"}:
            self._learned(value).at((ITEMS,))
            return Read(value.where, (*value.path, ITEMS))
        return None

    def _bind(self, target: ast.expr, found: Value, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.names[target.id] = found
        elif isinstance(target, (ast.Tuple, ast.List)):
            values = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
            for position, each in enumerate(target.elts):
                if isinstance(each, ast.Name):
                    self.names[each.id] = self._named(values[position]) if position < len(values) else None

    def _named(self, value: ast.expr) -> Value:
        found = self.value(value)
        if found is None and (isinstance(value, CONDITIONS) or _is_condition_call(value)):
            return Later(value)
        return found

    def _subscript(self, node: ast.Subscript, inner: ast.expr, key: ast.expr) -> Value:
        before = self.value(inner)
        name = self.value(key)
        if not isinstance(before, Read):
            return None
        if isinstance(name, Constant) and isinstance(name.value, str):
            return self._child(before, name.value, required=True, node=node)
        if isinstance(key, ast.Slice):
            return before
        return self._item(before)

    def _child(self, before: Read, name: str, *, required: bool, node: ast.expr) -> Read:
        where = "json" if before.where == "raw" else before.where
        child = Read(where, (*before.path, name))
        field_node = self._learned(child)
        known = field_node.optional or field_node.required
        if required and not known and child not in self._context.present:
            field_node.required = True
            self._check(child, "is required", node)
        return child

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Value:
        generator = node.generators[0]
        whole = self.value(generator.iter)
        for bound in self._rounds(generator.target, generator.iter):
            self.names |= bound
            for condition in generator.ifs:
                self._visit_condition(condition)
            self.value(node.elt)
        return whole if isinstance(whole, (Read, Listed)) else None

    def _call(self, node: ast.Call) -> Value:
        function = node.func
        name = dotted(function) or (function.attr if isinstance(function, ast.Attribute) else "")
        last = name.rpartition(".")[2]
        if last in {"loads", "load"} and node.args:
            inner = self.value(node.args[0])
            if isinstance(inner, Read) and inner.where == "raw":
                return Read("json")
        self._context.library(self.function, node)
        if isinstance(function, ast.Attribute):
            if last.startswith("get_param") and is_request(self._project, self.function, function.value):
                return self._method(node, "get_param", Read("query"))
            before = self.value(function.value)
            if isinstance(before, Read):
                return self._method(node, function.attr, before)
        values = [self.value(each) for each in node.args] + [self.value(each.value) for each in node.keywords]
        first = values[0] if values else None
        if isinstance(first, Read) and last in _CONVERSIONS and len(node.args) == 1:
            is_known = {"integer", "number"} & set(self._learned(first).kinds)
            if not is_known and (last not in {"str", "bool"} or first.where != "json"):
                self._typed(first, _CONVERSIONS[last], node)
            return first
        if isinstance(first, Read) and last in _SAME:
            if last in _LISTS and first.path:
                self._learned(first).is_a("array")
            return first
        if isinstance(first, Listed) and last in _SAME:
            return first
        inner_function = callee(self._project, self.function, node)
        if inner_function is None:
            return literal(self._project, self.function, node)
        given = {each: self.value(value) for each, value in arguments(inner_function, node).items()}
        found = self._context.follow(inner_function, given, self._depth + 1)
        return found if isinstance(found, Read) else None

    def _method(self, node: ast.Call, attr: str, before: Read) -> Value:
        for each in node.args[1:]:
            self.value(each)
        key = self.value(node.args[0]) if node.args else None
        if attr in {"get", "pop", "getlist", "getone", "getall", "get_param"} and isinstance(key, Constant):
            if not isinstance(key.value, str):
                return None
            child = self._child(before, key.value, required=False, node=node)
            learned = self._learned(child)
            learned.optional = learned.optional or (attr in {"get", "pop"} and len(node.args) > 1)
            if attr in {"getlist", "getall"}:
                learned.is_a("array")
            kind = next((dotted(each.value) for each in node.keywords if each.arg == "type"), None)
            default = next((each.value for each in node.keywords if each.arg == "default"), None)
            default = default or (node.args[1] if len(node.args) > 1 else None)
            self._default(child, default)
            if kind in _CONVERSIONS:
                self._typed(child, _CONVERSIONS[str(kind)], node)
            return child
        if attr in {"save", "read", "filename"} and before.where == "files":
            return before
        if attr in _OF_TEXT and before.path:
            self._learned(before).is_a("string")
        return before if attr in _SAME else None

    def _default(self, child: Read, default: ast.expr | None) -> None:
        known = literal(self._project, self.function, default) if default is not None else None
        if known is None or known.value is None or known.value == "":
            return
        learned = self._learned(child)
        learned.optional = True
        kind = kind_of(known.value)
        if kind in {"integer", "number", "boolean", "string"}:
            learned.bounds.setdefault("default", known.value)
            if child.where == "json" and not learned.kinds:
                learned.is_a("number" if kind == "integer" else kind)

    def _visit_condition(self, node: ast.expr) -> None:
        for each in ast.walk(node):
            if isinstance(each, ast.Call) and not part_of(self._project, self.function, each):
                function = each.func
                if isinstance(function, ast.Attribute) and isinstance(self.value(function.value), Read):
                    self.value(each)
            elif isinstance(each, ast.NamedExpr):
                self.value(each)

    def _typed(self, value: Read, kind: str, node: ast.expr) -> None:
        learned = self._learned(value)
        if kind == "null":
            learned.nullable = True
            return
        if value.where not in {"json", "path"} and kind == "string":
            return
        learned.is_a(kind)
        words = {
            "array": "a list",
            "object": "an object",
            "integer": "an integer",
            "string": "a text",
            "number": "a number",
            "boolean": "true or false",
        }
        self._check(value, f"is {words.get(kind, kind)}", node)

    def _learned(self, read: Read) -> Node:
        return self._context.learned.at(read)

    def _check(self, read: Read, rule: str, node: ast.expr) -> None:
        name = shown(read.path)
        if read.where not in {"json", "raw"}:
            name = f"{read.where} {name}".strip()
        self._context.check(name, rule, ast.unparse(node), self.function.module.place(node))


def kind_of(value: Any) -> str:  # noqa: ANN401 - a literal
    """The type of JSON that a value of the code has."""
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "string")


def _unpacked(target: ast.expr, value: Any) -> Iterator[tuple[str, Value]]:  # noqa: ANN401 - a literal
    if isinstance(target, ast.Name):
        yield target.id, Constant(value)
    elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (list, tuple)):
        for each, member in zip(target.elts, value, strict=False):
            yield from _unpacked(each, member)


def _is_condition_call(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and (dotted(node.func) or "").rpartition(".")[2] in {
        "all",
        "any",
        "isinstance",
        "match",
        "fullmatch",
        "search",
        "difference",
        "issubset",
    }
