"""What is learned of the request of one operation, while its code is read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from serving_lab.inventory.result import Check, ErrorForm, Place
from serving_lab.inventory.source.request_values import Read
from serving_lab.inventory.source.tree import Node

_SAYING = ("message", "error", "detail", "reason", "msg", "description")
_LONGEST = 160


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

    def note(self, field_name: str, rule: str, code: str, place: Place, error: ErrorForm | None) -> None:
        """Note a check, once for each place."""
        said = None
        if error is not None:
            words = (error.status, _said_in(error.body))
            said = " ".join(str(each) for each in words if each is not None) or None
        check = Check(field=field_name, rule=rule, code=" ".join(code.split())[:_LONGEST], place=place, error=said)
        if not any((each.field, each.rule, each.place) == (field_name, rule, place) for each in self.checks):
            self.checks.append(check)


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
