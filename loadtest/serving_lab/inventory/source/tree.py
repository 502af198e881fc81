"""What is learned of a request's fields, put together into a JSON Schema."""

from dataclasses import dataclass, field
from typing import Any

from serving_lab.inventory.result import Schema

ITEMS = "[]"
"""The step of a path that leads to the items of a list."""
Path = tuple[str, ...]
_OF_LENGTH = {"string": ("minLength", "maxLength"), "object": ("minProperties", "maxProperties")}


@dataclass
class Node:
    """A field, or the whole of a body."""

    kinds: list[str] = field(default_factory=list)
    required: bool = False
    optional: bool = False
    """Whether the code also does without it."""
    nullable: bool = False
    least: int | None = None
    most: int | None = None
    """Lengths, of whatever it is."""
    filled: bool = False
    """Whether the code refuses what Python calls false: of what has a length, the empty one."""
    bounds: dict[str, Any] = field(default_factory=dict)
    """Keywords of JSON Schema."""
    given: Schema = field(default_factory=dict)
    """What a library's schema says of it."""
    members: "dict[str, Node]" = field(default_factory=dict)
    items: "Node | None" = None

    def at(self, path: Path) -> "Node":
        """The node that a path leads to, made where there is none."""
        node = self
        for step in path:
            if step == ITEMS:
                node.items = node.items or Node()
                node = node.items
            else:
                node = node.members.setdefault(step, Node())
        return node

    def is_a(self, kind: str) -> None:
        """Note a type; the narrower of two numbers does not count where both are allowed."""
        if kind not in self.kinds:
            self.kinds.append(kind)

    @property
    def used(self) -> bool:
        """Whether anything is known of it."""
        return bool(self.kinds or self.members or self.items or self.bounds or self.given or self.required)

    def schema(self, name: str = "") -> Schema:
        """All of it."""
        kinds = ["number"] if {"integer", "number"} <= set(self.kinds) else list(self.kinds)
        kind = self._kind(kinds, name)
        found: Schema = dict(self.given)
        if kind == "object":
            found = self._object(found)
        elif kind == "array":
            items = self.items.schema() if self.items else {}
            found = {"type": "array", "items": found.get("items") or items, **found}
        elif kind:
            found.setdefault("type", kind)
        low, high = _OF_LENGTH.get(str(found.get("type", "array")), ("minItems", "maxItems"))
        if self.least is not None:
            found.setdefault(low, self.least)
        elif self.filled and found.get("type") in {"string", "array", "object"}:
            found.setdefault(low, 1)
        if self.most is not None:
            found.setdefault(high, self.most)
        found |= {key: value for key, value in self.bounds.items() if key not in found}
        if self.nullable and isinstance(found.get("type"), str):
            found["type"] = [found["type"], "null"]
        return found

    def _kind(self, kinds: list[str], name: str) -> str | None:
        if "type" in self.given:
            return str(self.given["type"])
        if self.members:
            return "object"
        if self.items:
            return "array"
        if kinds:
            return kinds[0]
        if {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} & set(self.bounds):
            return "number"
        if "pattern" in self.bounds:
            return "string"
        if self.least is not None or self.most is not None:
            # Only its length is looked at: a plural is a list more often than not.
            return "array" if (self.least or self.most or 0) > 1 and name.endswith("s") else "string"
        return None

    def _object(self, given: Schema) -> Schema:
        properties = dict(given.get("properties", {}))
        for name, member in self.members.items():
            properties[name] = member.schema(name) | properties.get(name, {})
        required = list(given.get("required", []))
        required += [
            name
            for name, member in self.members.items()
            if member.required and not member.optional and name not in required
        ]
        found = {**given, "type": "object"}
        if properties:
            found["properties"] = properties
        if required:
            found["required"] = required
        return found


def shown(path: Path) -> str:
    """A path as people read it: `samples[].name`."""
    return ".".join(path).replace(f".{ITEMS}", ITEMS)
