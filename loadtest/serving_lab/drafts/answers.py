"""What is right in an answer: rules from a schema, or from what was answered."""

import json
from typing import Any

from serving_lab.api import json_path
from serving_lab.documents.examples import may_be_null, merged, type_of
from serving_lab.documents.openapi import OpenApiDocument, Operation
from serving_lab.text.tokens import is_identifier

_MOST_RULES = 12
_OF_TYPE = {"integer": "integer", "number": "number", "string": "text", "boolean": "boolean", "object": "object"}


def of_operation(document: OpenApiDocument, operation: Operation) -> tuple[tuple[int, ...], dict[str, object]]:
    """The statuses of success that a document describes, if any, and the rules for the body of the first."""
    responses = document.resolved(operation.definition.get("responses"))
    statuses = sorted(int(each) for each in responses if str(each).isdecimal() and 200 <= int(each) < 300)
    if not statuses:
        return (), {}
    response = document.resolved(next(value for key, value in responses.items() if str(key) == str(statuses[0])))
    content = response.get("content")
    media_types = content if isinstance(content, dict) else {"application/json": response}
    for name, media_type in media_types.items():
        if is_json(name) and isinstance(media_type, dict) and "schema" in media_type:
            return tuple(statuses), of_schema(document, media_type["schema"])
    return tuple(statuses), {}


def of_schema(document: OpenApiDocument, schema: object) -> dict[str, object]:
    """Rules for the members that an answer must have."""
    whole = merged(document, schema)
    kind = type_of(whole)
    if kind == "array":
        return {"$": _list(document, whole)}
    properties, required = whole.get("properties"), whole.get("required")
    if not isinstance(properties, dict) or not isinstance(required, list):
        return {"$": "object"} if kind == "object" else {}
    named = [key for key in properties if key in required][:_MOST_RULES]
    return {json_path.member("$", key): _rule(document, properties[key]) for key in named}


def of_value(value: Any) -> dict[str, object]:  # noqa: ANN401 - JSON
    """Rules that an answered JSON value keeps: its members and their types, unless identifiers are among the names."""
    if isinstance(value, dict) and not any(map(is_identifier, value)):
        return {json_path.member("$", key): _kind(member) for key, member in [*value.items()][:_MOST_RULES]}
    return {} if value is None else {"$": _kind(value)}


def of_body(media_type: str, body: bytes) -> dict[str, object]:
    """Rules that a body keeps; none where it is no JSON."""
    if not is_json(media_type):
        return {}
    try:
        return of_value(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def refined(documented: dict[str, object], answered: dict[str, object]) -> dict[str, object]:
    """What a document says, where it says anything and the answer agrees; otherwise what was answered."""
    if not documented:
        return answered
    return {path: rule for path, rule in documented.items() if path in answered or path == "$"} or answered


def is_json(media_type: str) -> bool:
    """Whether a media type is one of JSON."""
    name = media_type.partition(";")[0].strip().lower()
    return name.endswith(("/json", "+json")) or name == "*/*"


def _rule(document: OpenApiDocument, schema: object) -> object:
    whole = merged(document, schema)
    if may_be_null(whole):
        return "any"
    kind = type_of(whole)
    return _list(document, whole) if kind == "array" else _OF_TYPE.get(kind, "any")


def _list(document: OpenApiDocument, schema: Any) -> object:  # noqa: ANN401 - JSON
    items = merged(document, schema.get("items"))
    kind = _OF_TYPE.get(type_of(items))
    return {"list": kind} if kind and not may_be_null(items) else "list"


def _kind(value: Any) -> object:  # noqa: ANN401 - JSON
    match value:
        case None:
            return "any"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            kinds = {json.dumps(_kind(item)) for item in value}
            only = _kind(value[0]) if len(kinds) == 1 else None
            return {"list": only} if isinstance(only, str) and only != "any" else "list"
    return "object"
