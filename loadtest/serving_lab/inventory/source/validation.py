"""Reads what a function asks of its request: which fields, of which types, within which bounds."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from serving_lab.inventory.result import Check, ErrorForm, Place
from serving_lab.inventory.source.calls import callee
from serving_lab.inventory.source.conditions import flipped, parts_of, types_named
from serving_lab.inventory.source.libraries import Libraries
from serving_lab.inventory.source.project import Function, Project, dotted
from serving_lab.inventory.source.replies import Replies, arguments
from serving_lab.inventory.source.request_values import (
    Constant,
    Later,
    Listed,
    Names,
    Read,
    Value,
    is_request,
    literal,
    part_of,
)
from serving_lab.inventory.source.tree import ITEMS, Node, shown

_DEEPEST = 7
_MOST_CALLS = 400
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
_ERROR_NAMES = ("err", "missing", "invalid", "problem", "fail", "message")
_SAYING = ("message", "error", "detail", "reason", "msg", "description")
_CONDITIONS = (ast.Compare, ast.BoolOp, ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.BinOp, ast.UnaryOp)


@dataclass
class Learned:
    """What was learned of the request of one operation."""

    parts: dict[str, Node] = field(default_factory=dict)
    """By the part of the request: `json`, `form`, `query`, …"""
    checks: list[Check] = field(default_factory=list)
    raises: list[Place] = field(default_factory=list)
    """Where a library raises ValidationError, as Pydantic, marshmallow and jsonschema all call it."""

    def at(self, read: Read) -> Node:
        """What is known of a part of the request."""
        return self.parts.setdefault(read.where, Node()).at(read.path)


class Validation:
    """Follows a request through the functions of a project."""

    def __init__(self, project: Project, replies: Replies) -> None:
        self._project = project
        self._replies = replies
        self._libraries = Libraries(project)
        self.learned = Learned()
        self._seen: set[tuple[int, str]] = set()
        self._calls = 0
        self._error: list[ErrorForm | None] = [None]
        self._present: list[Read] = []

    def follow(self, function: Function, given: Names | None = None, depth: int = 0) -> Value:
        """Read a function whose parameters stand for these values; what it returns, where that is of the request."""
        names: dict[str, Value] = dict(given or {})
        key = (id(function.node), repr(sorted((name, str(value)) for name, value in names.items())))
        if depth > _DEEPEST or self._calls > _MOST_CALLS or key in self._seen:
            return None
        self._seen.add(key)
        self._calls += 1
        walk = _Walk(self, function, names, depth)
        for decorator in function.node.decorator_list:
            self._library(walk, decorator)
        walk.statements(function.node.body)
        return walk.returned

    def _library(self, walk: "_Walk", call: ast.expr) -> None:
        for where, schema, code in self._libraries.asked(walk.function, call):
            read = Read(where)
            self.learned.at(read).given = {**self.learned.at(read).given, **schema}
            place = walk.function.module.place(call)
            if where == "json" and call not in walk.function.node.decorator_list and _raises(call):
                self.learned.raises.append(place)
            for name, member in schema.get("properties", {}).items():
                needed = "is required" if name in schema.get("required", ()) else "may be left out"
                kind = member.get("type")
                self._check(name, f"{needed}{f', {kind}' if kind else ''}", code, place)

    def _check(self, name: str, rule: str, code: str, place: Place) -> None:
        error = self._error[-1]
        said = None
        if error is not None:
            text = _said_in(error.body)
            said = " ".join(str(each) for each in (error.status, text) if each is not None) or None
        check = Check(field=name, rule=rule, code=" ".join(code.split())[:160], place=place, error=said)
        if not any((each.field, each.rule, each.place) == (name, rule, place) for each in self.learned.checks):
            self.learned.checks.append(check)


class _Walk:
    """One function, with what its names stand for."""

    def __init__(self, validation: Validation, function: Function, names: dict[str, Value], depth: int) -> None:
        self._validation = validation
        self._project = validation._project
        self.function = function
        self.names = names
        self._depth = depth
        self.returned: Value = None

    # Statements.

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
                elif self._depth and self.returned is None and isinstance(value, _CONDITIONS):
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
        self._validation._present += present
        self.statements(node.body)
        del self._validation._present[len(self._validation._present) - len(present) :]
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
        if found is None and (isinstance(value, _CONDITIONS) or _is_condition_call(value)):
            return Later(value)
        return found

    # Expressions.

    def value(self, node: ast.expr | None) -> Value:
        """What an expression stands for; what it reads of the request is noted."""
        if node is None:
            return None
        if part := part_of(self._project, self.function, node):
            self._validation.learned.at(part)
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
        if required and not known and child not in self._validation._present:
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
        self._validation._library(self, node)
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
        found = self._validation.follow(inner_function, given, self._depth + 1)
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
        kind = _kind_of(known.value)
        if kind in {"integer", "number", "boolean", "string"}:
            learned.bounds.setdefault("default", known.value)
            if child.where == "json" and not learned.kinds:
                learned.is_a("number" if kind == "integer" else kind)

    # Conditions: what a request must keep so that a condition is true, or false.

    def _visit_condition(self, node: ast.expr) -> None:
        for each in ast.walk(node):
            if isinstance(each, ast.Call) and not part_of(self._project, self.function, each):
                function = each.func
                if isinstance(function, ast.Attribute) and isinstance(self.value(function.value), Read):
                    self.value(each)
            elif isinstance(each, ast.NamedExpr):
                self.value(each)

    def require(self, node: ast.expr, wanted: bool) -> None:
        """Note what follows from a condition being true, or false, for every request that is accepted."""
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                self.require(inner, not wanted)
            case ast.BoolOp(op=operator, values=values):
                self._both(values, wanted, all_of=isinstance(operator, ast.And) == wanted)
            case ast.Compare():
                for left, comparison, right in parts_of(node, wanted):
                    self._compare(node, left, comparison, right)
            case ast.Call():
                self._require_call(node, wanted)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                if not wanted:
                    self._none_of(node)
            case ast.BinOp(op=ast.Sub(), left=left, right=right) if not wanted:
                self._all_of_set(left, right, node)
            case ast.NamedExpr(value=inner):
                self.value(node)
                self.require(inner, wanted)
            case _:
                self._truth(node, wanted)

    def _both(self, values: list[ast.expr], wanted: bool, *, all_of: bool) -> None:
        if all_of:
            for each in values:
                self.require(each, wanted)
            return
        # Not all of them together: where the others only ask whether the field is there, the last one counts.
        rest = []
        before = len(self._validation._present)
        for each in values:
            if not self._asks_presence(each, wanted):
                rest.append(each)
                continue
            for read in self._named_as_present(each if not wanted else ast.UnaryOp(ast.Not(), each)):
                learned = self._learned(read)
                learned.optional = learned.optional or not learned.required
                self._validation._present.append(read)
                if any(isinstance(part, ast.Constant) and part.value is None for part in ast.walk(each)):
                    learned.nullable = True
        if len(rest) == 1:
            self.require(rest[0], wanted)
        elif not rest and values:
            self.require(values[-1], wanted)
        elif rest and all(_same_types(each) for each in rest):
            for each in rest:
                self.require(each, wanted)
        del self._validation._present[before:]

    def _asks_presence(self, node: ast.expr, wanted: bool) -> bool:
        plain = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else node
        if isinstance(plain, ast.Compare) and len(plain.ops) == 1:
            right = plain.comparators[0]
            if isinstance(plain.ops[0], (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)):
                return isinstance(right, ast.Constant) and right.value is None
            if isinstance(plain.ops[0], (ast.In, ast.NotIn)):
                return isinstance(self.value(plain.left), Constant)
            return False
        if isinstance(plain, ast.Call):
            if dotted(plain.func) == "isinstance" and not wanted:
                self.require(plain, True)
                return True
            return False
        return isinstance(plain, (ast.Name, ast.Subscript, ast.Attribute)) and isinstance(self.value(plain), Read)

    def _named_as_present(self, node: ast.expr) -> Iterator[Read]:
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                for each in values:
                    yield from self._named_as_present(each)
            case ast.Compare(left=left, ops=[ast.In()], comparators=[right]):
                key, whole = self.value(left), self.value(right)
                if isinstance(key, Constant) and isinstance(key.value, str) and isinstance(whole, Read):
                    yield Read(whole.where, (*whole.path, key.value))
            case ast.Compare(left=left, ops=[ast.IsNot() | ast.NotEq()], comparators=[ast.Constant(value=None)]):
                found = self.value(left)
                if isinstance(found, Read) and found.path:
                    yield found
            case ast.Call(func=ast.Attribute(attr="get")) | ast.Name() | ast.NamedExpr():
                found = self.value(node)
                if isinstance(found, Read) and found.path:
                    yield found

    def _compare(self, node: ast.expr, left: ast.expr, comparison: str, right: ast.expr) -> None:
        a, b = self._measured(left), self._measured(right)
        if not isinstance(a[0], Read) and isinstance(b[0], Read) and comparison not in {"in", "not in"}:
            a, b, comparison = b, a, flipped(comparison)
        (value, length), (other, _) = a, b
        if comparison in {"in", "not in"}:
            self._membership(node, value, comparison, other)
        elif length and isinstance(value, Read) and isinstance(other, Constant) and isinstance(other.value, int):
            self._length(value, comparison, other.value, node)
        elif isinstance(value, Read) and isinstance(other, Constant):
            if isinstance(other.value, (list, tuple)) and comparison in {">=", ">", "=="}:
                self._all_required(other.value, value, node)
            self._against(value, comparison, other.value, node)
        if isinstance(left, ast.Call) and dotted(left.func) == "type" and left.args and comparison in {"is", "=="}:
            found = self.value(left.args[0])
            for kind in types_named(right):
                if isinstance(found, Read):
                    self._typed(found, kind, node)

    def _measured(self, node: ast.expr) -> tuple[Value, bool]:
        """The value, and whether its length is meant."""
        if isinstance(node, ast.Call) and dotted(node.func) == "len" and node.args:
            return self.value(node.args[0]), True
        if isinstance(node, ast.Call) and dotted(node.func) == "set" and node.args:
            return self.value(node.args[0]), False
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "keys":
            return self.value(node.func.value), False
        return self.value(node), False

    def _membership(self, node: ast.expr, value: Value, comparison: str, other: Value) -> None:
        if isinstance(value, Constant) and isinstance(value.value, str) and isinstance(other, Read):
            child = Read("json" if other.where == "raw" else other.where, (*other.path, value.value))
            if comparison == "in":
                learned = self._learned(child)
                if not learned.optional or learned.required:
                    learned.required = True
                    self._check(child, "is required", node)
                    learned.optional = False
                else:
                    learned.required, learned.optional = True, False
                    self._check(child, "is required", node)
        elif isinstance(value, Read) and value.path and isinstance(other, Constant) and comparison == "in":
            choices = list(other.value) if isinstance(other.value, (list, tuple, set, dict)) else []
            if choices and all(isinstance(each, (str, int, float, bool)) for each in choices):
                learned = self._learned(value)
                learned.bounds["enum"] = choices
                if not learned.kinds:
                    learned.is_a(_kind_of(choices[0]))
                self._check(value, f"is one of {', '.join(map(repr, choices[:8]))}", node)

    def _length(self, value: Read, comparison: str, number: int, node: ast.expr) -> None:
        learned = self._learned(value)
        unit = (
            "characters"
            if learned.kinds[:1] == ["string"]
            else "items"
            if "array" in learned.kinds or learned.items
            else ""
        )
        what = f" {unit}" if unit else " in length"
        if comparison == "==":
            learned.least = learned.most = number
            self._check(value, f"has {number}{what}", node)
        elif comparison in {">=", ">"} or (comparison == "!=" and number == 0):
            learned.least = max(learned.least or 0, number + (comparison in {">", "!="}))
            self._check(value, f"has at least {learned.least}{what}", node)
        elif comparison in {"<=", "<"}:
            most = number - (comparison == "<")
            learned.most = most if learned.most is None else min(learned.most, most)
            self._check(value, f"has at most {most}{what}", node)

    def _against(self, value: Read, comparison: str, other: Any, node: ast.expr) -> None:  # noqa: ANN401 - a literal
        learned = self._learned(value)
        if other is None:
            if comparison in {"is not", "!="}:
                self._needed(value, node, "is required")
            return
        if not value.path:
            return
        if isinstance(other, (int, float)) and not isinstance(other, bool):
            keyword = {">=": "minimum", ">": "exclusiveMinimum", "<=": "maximum", "<": "exclusiveMaximum"}.get(
                comparison
            )
            if keyword:
                learned.bounds[keyword] = other
                if not learned.kinds:
                    learned.is_a("number")
                self._check(value, f"is {comparison} {other}", node)
        if (
            comparison == "=="
            and isinstance(other, (str, int, float, bool))
            and value.where not in {"header", "cookie"}
        ):
            self._check(value, "is compared with a constant", node)
        if comparison == "!=" and other == "":
            self._needed(value, node, "is not empty")
            learned.least = max(learned.least or 0, 1)

    def _needed(self, value: Read, node: ast.expr, rule: str) -> None:
        learned = self._learned(value)
        if value not in self._validation._present:
            learned.required, learned.optional = True, False
        self._check(value, rule, node)

    def _truth(self, node: ast.expr, wanted: bool) -> None:
        found = self.value(node)
        if isinstance(found, Later):
            self.require(found.node, wanted)
        elif isinstance(found, Read) and wanted:
            self._needed(found, node, "is required, and not empty")
            if found.where == "json" and found.path:
                self._learned(found).filled = True

    def _require_call(self, node: ast.Call, wanted: bool) -> None:
        function = node.func
        name = dotted(function) or (function.attr if isinstance(function, ast.Attribute) else "")
        last = name.rpartition(".")[2]
        if name == "isinstance" and len(node.args) == 2:
            found = self.value(node.args[0])
            if isinstance(found, Read) and wanted:
                kinds = types_named(node.args[1])
                for kind in kinds:
                    if kind != "integer" or "number" not in kinds:
                        self._typed(found, kind, node)
        elif name in {"all", "any"} and node.args and isinstance(node.args[0], (ast.GeneratorExp, ast.ListComp)):
            if wanted == (name == "all"):
                self._each_of(node.args[0], wanted)
        elif last in {"match", "fullmatch", "search"} and wanted:
            self._pattern(node, last)
        elif isinstance(function, ast.Attribute) and last in {
            "isdigit",
            "isdecimal",
            "isnumeric",
            "isalnum",
            "isalpha",
        }:
            found = self.value(function.value)
            if isinstance(found, Read) and wanted:
                pattern = {"isalnum": "^[A-Za-z0-9]+$", "isalpha": "^[A-Za-z]+$"}.get(last, "^[0-9]+$")
                self._learned(found).bounds["pattern"] = pattern
                self._check(found, f"matches {pattern}", node)
        elif isinstance(function, ast.Attribute) and last in {"issubset", "difference"} and node.args:
            self._all_of_set(function.value, node.args[0], node)
        else:
            inner = callee(self._project, self.function, node)
            if inner is None:
                self._truth(node, wanted)
                return
            given = {each: self.value(value) for each, value in arguments(inner, node).items()}
            walk_names = {key: value for key, value in given.items() if value is not None}
            if self._depth < _DEEPEST and self._validation._calls < _MOST_CALLS:
                self._validation._calls += 1
                walk = _Walk(self._validation, inner, dict(walk_names), self._depth + 1)
                walk.statements(inner.node.body)
                if isinstance(walk.returned, Later):
                    walk.require(walk.returned.node, wanted)

    def _each_of(self, node: ast.GeneratorExp | ast.ListComp, wanted: bool) -> None:
        generator = node.generators[0]
        for bound in self._rounds(generator.target, generator.iter):
            self.names |= bound
            self.require(node.elt, wanted)

    def _none_of(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        """A list of what is wrong, which must be empty."""
        generator = node.generators[0]
        for bound in self._rounds(generator.target, generator.iter):
            self.names |= bound
            conditions = generator.ifs
            if conditions:
                whole = conditions[0] if len(conditions) == 1 else ast.BoolOp(ast.And(), list(conditions))
                self.require(ast.copy_location(whole, node), False)

    def _all_of_set(self, left: ast.expr, right: ast.expr, node: ast.expr) -> None:
        names, (whole, _) = self.value(left), self._measured(right)
        if names is None:
            names = literal(self._project, self.function, left)
        if isinstance(names, Constant) and isinstance(whole, Read):
            self._all_required(names.value, whole, node)

    def _all_required(self, names: Any, whole: Read, node: ast.expr) -> None:  # noqa: ANN401 - a literal
        for name in names if isinstance(names, (list, tuple, set, dict)) else ():
            if isinstance(name, str):
                self._needed(Read(whole.where, (*whole.path, name)), node, "is required")

    def _pattern(self, node: ast.Call, how: str) -> None:
        function = node.func
        subject, pattern = (node.args[1], self.value(node.args[0])) if len(node.args) > 1 else (None, None)
        if subject is None and isinstance(function, ast.Attribute) and node.args:
            subject = node.args[0]
            compiled = self._project.meaning(self.function.module, dotted(function.value) or "")
            if isinstance(compiled, ast.Call) and compiled.args:
                pattern = literal(self._project, self.function, compiled.args[0])
        found = self.value(subject)
        if isinstance(found, Read) and isinstance(pattern, Constant) and isinstance(pattern.value, str):
            text = pattern.value
            text = (
                f"^(?:{text})$"
                if how == "fullmatch"
                else text
                if how == "search" or text.startswith("^")
                else f"^(?:{text})"
            )
            learned = self._learned(found)
            learned.bounds["pattern"] = text
            learned.is_a("string")
            self._check(found, f"matches {pattern.value}", node)

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

    # What refuses a request.

    def _refusal(self, body: list[ast.stmt]) -> tuple[ErrorForm | None] | None:
        """Whether statements refuse a request, and how they say so."""
        for statement in body:
            found = self._refuses(statement)
            if found:
                return found
        return None

    def _refuses(self, node: ast.stmt) -> tuple[ErrorForm | None] | None:
        replies = self._validation._replies
        match node:
            case ast.Raise(exc=raised):
                reply = replies.of_raise(self.function, raised, {}) if raised is not None else None
                return (reply.error() if reply else None,)
            case ast.Return(value=value):
                return self._refuses_by_returning(value)
            case ast.Expr(value=ast.Call() as call):
                reply = replies.of_abort(self.function, call, {})
                if reply:
                    return (reply.error(),)
                written = ast.unparse(call.func)
                last = written.rpartition(".")[2]
                if last in {"append", "add", "extend", "setdefault", "update"} and _says_error(written):
                    return (None,)
                if last in {"flash", "add_error", "fail"} or last.startswith(("raise_", "abort")):
                    return (_said(call),)
            case ast.Assign(targets=targets, value=value):
                if any(_says_error(ast.unparse(target)) for target in targets) and not _is_nothing(value):
                    text = value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
                    return (ErrorForm(status=None, body=text, how="assign"),)
        return None

    def _refuses_by_returning(self, value: ast.expr | None) -> tuple[ErrorForm | None] | None:
        if self._depth:
            first = value.elts[0] if isinstance(value, ast.Tuple) and value.elts else value
            if isinstance(first, ast.Constant) and (first.value is False or isinstance(first.value, str)):
                text = first.value if isinstance(first.value, str) else None
                if text is None and isinstance(value, ast.Tuple) and len(value.elts) > 1:
                    second = value.elts[1]
                    text = second.value if isinstance(second, ast.Constant) and isinstance(second.value, str) else None
                return (ErrorForm(status=None, body=text, how="return"),)
        if value is None:
            return None
        found = list(self._validation._replies.of_return(self.function, value, {}))
        if found and all(each.status is not None and each.status >= 400 for each in found):
            return (found[0].error(),)
        body = found[0].body if found else None
        if isinstance(body, dict) and "error" in body and len(body) <= 3:
            return (found[0].error(),)
        return None

    def _with_error(self, error: ErrorForm | None, work: Any) -> None:  # noqa: ANN401 - a function
        self._validation._error.append(error if error is not None else self._validation._error[-1])
        work()
        self._validation._error.pop()

    def _learned(self, read: Read) -> Node:
        return self._validation.learned.at(read)

    def _check(self, read: Read, rule: str, node: ast.expr) -> None:
        name = shown(read.path)
        if read.where not in {"json", "raw"}:
            name = f"{read.where} {name}".strip()
        self._validation._check(name, rule, ast.unparse(node), self.function.module.place(node))


def _said_in(body: Any) -> str | None:  # noqa: ANN401 - JSON
    """What the form of an error says in words: under a name that is usual for it, else its longest text."""
    named = body if isinstance(body, dict) else {}
    usual = next((named[key] for key in _SAYING if isinstance(named.get(key), str)), None)
    return usual or max(_texts(body), key=len, default=None)


def _texts(body: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(body, str):
        yield body
    elif isinstance(body, dict):
        for value in body.values():
            yield from _texts(value)


def _raises(call: ast.expr) -> bool:
    """Whether a library raises ValidationError here; parsers and cerberus's validators do not."""
    return isinstance(call, ast.Call) and not ast.unparse(call.func).endswith((".parse_args", "alidator.validate"))


def _unpacked(target: ast.expr, value: Any) -> Iterator[tuple[str, Value]]:  # noqa: ANN401 - a literal
    if isinstance(target, ast.Name):
        yield target.id, Constant(value)
    elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (list, tuple)):
        for each, member in zip(target.elts, value, strict=False):
            yield from _unpacked(each, member)


def _kind_of(value: Any) -> str:  # noqa: ANN401 - a literal
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "string")


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


def _same_types(node: ast.expr) -> bool:
    plain = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(plain, ast.Call) and dotted(plain.func) == "isinstance"


def _says_error(written: str) -> bool:
    return any(name in written.lower() for name in _ERROR_NAMES)


def _is_nothing(value: ast.expr) -> bool:
    return (isinstance(value, ast.Constant) and not value.value) or (
        isinstance(value, (ast.List, ast.Dict)) and not (value.elts if isinstance(value, ast.List) else value.keys)
    )


def _said(call: ast.Call) -> ErrorForm | None:
    text = next(
        (each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)), None
    )
    return ErrorForm(status=None, body=text, how=ast.unparse(call.func)) if text else None
