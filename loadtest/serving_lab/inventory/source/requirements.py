"""What a request must keep so that a condition is true, or false."""

import ast
import re
from collections.abc import Iterator
from typing import Any

from serving_lab.inventory.source.calls import callee
from serving_lab.inventory.source.conditions import flipped, parts_of, types_named
from serving_lab.inventory.source.context import DEEPEST, MOST_CALLS
from serving_lab.inventory.source.expressions import Expressions, kind_of
from serving_lab.inventory.source.project import dotted
from serving_lab.inventory.source.replies import arguments
from serving_lab.inventory.source.request_values import Constant, Later, Read, Value, literal
from serving_lab.text.phrases import counted

_NAME = re.compile(r"\w")


class Requirements(Expressions):
    """The conditions of one function."""

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
        before = len(self._context.present)
        for each in values:
            if not self._asks_presence(each, wanted):
                rest.append(each)
                continue
            for read in self._named_as_present(each if not wanted else ast.UnaryOp(ast.Not(), each)):
                learned = self._learned(read)
                learned.optional = learned.optional or not learned.required
                self._context.present.append(read)
                if any(isinstance(part, ast.Constant) and part.value is None for part in ast.walk(each)):
                    learned.nullable = True
        if len(rest) == 1:
            self.require(rest[0], wanted)
        elif not rest and values:
            self.require(values[-1], wanted)
        elif rest and all(_same_types(each) for each in rest):
            for each in rest:
                self.require(each, wanted)
        del self._context.present[before:]

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
            whole = self._learned(other)
            if other.path and ("string" in whole.kinds or not _NAME.search(value.value)):
                if comparison == "in":
                    whole.is_a("string")
                    whole.bounds["pattern"] = re.escape(value.value)
                    self._check(other, f"contains {value.value!r}", node)
                return
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
                    learned.is_a(kind_of(choices[0]))
                self._check(value, f"is one of {', '.join(map(repr, choices[:8]))}", node)

    def _length(self, value: Read, comparison: str, number: int, node: ast.expr) -> None:
        learned = self._learned(value)

        def long(length: int) -> str:
            if learned.kinds[:1] == ["string"]:
                return counted(length, "character")
            return counted(length, "item") if "array" in learned.kinds or learned.items else counted(length, "element")

        if comparison == "==":
            learned.least = learned.most = number
            self._check(value, f"has {long(number)}", node)
        elif comparison in {">=", ">"} or (comparison == "!=" and number == 0):
            learned.least = max(learned.least or 0, number + (comparison in {">", "!="}))
            self._check(value, f"has at least {long(learned.least)}", node)
        elif comparison in {"<=", "<"}:
            most = number - (comparison == "<")
            learned.most = most if learned.most is None else min(learned.most, most)
            self._check(value, f"has at most {long(most)}", node)

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
        if value not in self._context.present:
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
            if self._depth < DEEPEST and self._context.calls < MOST_CALLS:
                self._context.calls += 1
                self._context.require(inner, given, self._depth + 1, wanted)

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


def _same_types(node: ast.expr) -> bool:
    plain = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(plain, ast.Call) and dotted(plain.func) == "isinstance"
