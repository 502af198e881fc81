"""What the reading of one operation's code shares, from function to function."""

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

from serving_lab.inventory.result import ErrorForm, Place
from serving_lab.inventory.source.learned import Learned
from serving_lab.inventory.source.libraries import Libraries
from serving_lab.inventory.source.project import Function, Project
from serving_lab.inventory.source.replies import Replies, caught_in
from serving_lab.inventory.source.request_values import Names, Read, Value

MOST_CALLS, DEEPEST = 400, 7
"""Calls that are followed for one operation, and how many of them in each other."""


@dataclass
class Context:
    """It is handed on."""

    project: Project
    replies: Replies
    libraries: Libraries
    follow: Callable[[Function, Names, int], Value]
    """Reads a function whose parameters stand for these values; what it returns, where that is of the request."""
    require: Callable[[Function, Names, int, bool], None]
    """The same for a function that is a condition, which must be true or false."""
    learned: Learned = field(default_factory=Learned)
    errors: list[ErrorForm | None] = field(default_factory=lambda: [None])
    """What is answered where the current condition is not kept; the last one counts."""
    present: list[Read] = field(default_factory=list)
    """Fields of which is known that the request has them."""
    calls: int = 0

    def check(self, name: str, rule: str, code: str, place: Place) -> None:
        """Note a check."""
        self.learned.note(name, rule, code, place, self.errors[-1])

    def library(self, function: Function, call: ast.expr) -> None:
        """Note what a library is told here."""
        for where, schema, code in self.libraries.asked(function, call):
            node = self.learned.at(Read(where))
            node.given = {**node.given, **schema}
            place = function.module.place(call)
            told_otherwise = call in function.node.decorator_list or not _raises(call)
            caught = "ValidationError" in caught_in(function.node).get(id(call), ())
            if where == "json" and not told_otherwise and not caught:
                self.learned.raises.append(place)
            for name, member in schema.get("properties", {}).items():
                needed = "is required" if name in schema.get("required", ()) else "may be left out"
                kind = member.get("type")
                self.check(name, f"{needed}{f', {kind}' if kind else ''}", code, place)


def _raises(call: ast.expr) -> bool:
    """Whether a library raises ValidationError here; parsers and cerberus's validators do not."""
    return isinstance(call, ast.Call) and not ast.unparse(call.func).endswith((".parse_args", "alidator.validate"))
