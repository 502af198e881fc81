"""Example values for what an OpenAPI document describes: those that it gives, and where it gives none, made-up ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from serving_lab.documents.openapi import OpenApiDocument

_DEEPEST = 12
_MOST_ITEMS = 100
_OF_FORMAT: Mapping[str, str] = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "someone@example.org",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.org/",
    "url": "https://example.org/",
    "hostname": "example.org",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "dGV4dA==",
}

Schema = Mapping[str, Any]


@dataclass
class Examples:
    """Makes examples, and keeps in mind what was made up."""

    document: OpenApiDocument
    made_up: list[str] = field(default_factory=list)
    """Names of what has no example in the document."""

    def of_holder(self, holder: Schema, name: str) -> Any:  # noqa: ANN401 - JSON
        """An example for a media type, a parameter or a header: its own, or one of its schema."""
        if "example" in holder:
            return holder["example"]
        for each in _members(holder.get("examples")):
            example = self.document.resolved(each)
            if "value" in example:
                return example["value"]
            if "dataValue" in example:
                return example["dataValue"]
        return self.of_schema(holder.get("schema", holder), name)

    def of_schema(self, schema: object, name: str, depth: int = 0) -> Any:  # noqa: ANN401 - JSON
        """An example for a schema; `name` is what is told where it is made up."""
        whole = merged(self.document, schema)
        found = _given(whole)
        if found is not None:
            return found[0]
        kind = type_of(whole)
        if depth >= _DEEPEST:
            self.made_up.append(name)
            return {"object": {}, "array": []}.get(kind)
        if kind == "object":
            return self._object(whole, name, depth)
        if kind == "array":
            items = whole.get("items", {})
            count = min(_MOST_ITEMS, max(1, _whole(whole.get("minItems")) or 0))
            most = _whole(whole.get("maxItems"))
            return [self.of_schema(items, name, depth + 1)] * (count if most is None else min(count, most))
        self.made_up.append(name)
        return _scalar(kind, whole)

    def _object(self, schema: Schema, name: str, depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        if not isinstance(properties, dict):
            return {}
        required = schema.get("required")
        wanted = [key for key in properties if isinstance(required, list) and key in required]
        wanted = wanted or [key for key in properties if not merged(self.document, properties[key]).get("readOnly")]
        if depth and not isinstance(required, list):
            wanted = wanted[:_DEEPEST] if depth == 1 else []
        return {
            key: self.of_schema(properties[key], key if depth == 0 else f"{name}.{key}", depth + 1) for key in wanted
        }


def merged(document: OpenApiDocument, schema: object, depth: int = 0) -> Schema:
    """The schema with its references followed, the parts of `allOf` put together, and the first choice chosen."""
    found = dict(document.resolved(schema))
    if depth > _DEEPEST:
        return found
    for part in _list(found.pop("allOf", None)):
        other = merged(document, part, depth + 1)
        properties = {**_dict(found.get("properties")), **_dict(other.get("properties"))}
        required = [*_list(found.get("required")), *_list(other.get("required"))]
        found = {**other, **found, "properties": properties} if properties else {**other, **found}
        if required:
            found["required"] = required
    for key in ("anyOf", "oneOf"):
        choices = [merged(document, each, depth + 1) for each in _list(found.pop(key, None))]
        chosen = next((each for each in choices if each.get("type") != "null"), None)
        if chosen is not None:
            found = {**chosen, **found, "nullable": found.get("nullable", len(choices) > 1 and _has_null(choices))}
    return found


_MEANT = {"int": "integer", "long": "integer", "float": "number", "double": "number", "bool": "boolean"}
"""Types that are none, as documents written by hand have them."""


def type_of(schema: Schema) -> str:
    """The type of a merged schema; of several the first that is not null."""
    kind = schema.get("type")
    kinds = [kind] if isinstance(kind, str) else [each for each in _list(kind) if isinstance(each, str)]
    named = next((each for each in kinds if each != "null"), "")
    return _MEANT.get(named, named) or ("object" if "properties" in schema else "array" if "items" in schema else "")


def may_be_null(schema: Schema) -> bool:
    """Whether null is a value of a merged schema."""
    return bool(schema.get("nullable")) or "null" in _list(schema.get("type")) or schema.get("type") == "null"


def _has_null(choices: list[Schema]) -> bool:
    return any(each.get("type") == "null" for each in choices)


def _given(schema: Schema) -> tuple[Any] | None:
    """What a schema itself gives for an example."""
    for key in ("example", "default", "const"):
        if schema.get(key) is not None:
            return (schema[key],)
    for key in ("examples", "enum"):
        for each in _members(schema.get(key)):
            return (each,)
    return None


def _scalar(kind: str, schema: Schema) -> Any:  # noqa: ANN401 - JSON
    if kind in {"integer", "number"}:
        return _number(kind, schema)
    if kind == "boolean":
        return True
    return None if kind == "null" else _text(schema)


def _number(kind: str, schema: Schema) -> int | float:
    """1 where that is allowed, else what is nearest to it; also with the bounds of OpenAPI 3.0, which are flags."""
    step = 1 if kind == "integer" else 0.5
    low, high = _numeric(schema.get("minimum")), _numeric(schema.get("maximum"))
    over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and over is True:
        low += step
    if high is not None and under is True:
        high -= step
    if (above := _numeric(over)) is not None:
        low = above + step
    if (below := _numeric(under)) is not None:
        high = below - step
    value: int | float = 1
    multiple = _numeric(schema.get("multipleOf"))
    if multiple:
        value = multiple
    if high is not None and value > high:
        value = high
    if low is not None and value < low:
        value = low
    return int(value) if kind == "integer" or float(value).is_integer() else value


def _text(schema: Schema) -> str:
    text = _OF_FORMAT.get(str(schema.get("format")), "text")
    least, most = _whole(schema.get("minLength")) or 0, _whole(schema.get("maxLength"))
    text = text.ljust(min(least, 1000), "x")
    return text if most is None else text[: max(most, 0)]


def _members(value: object) -> Iterator[Any]:
    if isinstance(value, (list, dict)):
        yield from value.values() if isinstance(value, dict) else value


def _numeric(value: object) -> int | float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
