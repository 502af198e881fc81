"""An OpenAPI document drafted from an inventory: the old service never had one."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from serving_lab.inventory.result import Access, Body, Operation, Schema

_MEDIA_TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data",
    "other": "application/octet-stream",
}
_SESSION_COOKIE = "session"
"""What Flask calls its cookie unless it is told otherwise."""


def document(operations: Sequence[Operation], title: str) -> dict[str, Any]:
    """The document.

    Args:
        operations: those of the inventory; WebSockets have no place in such a document.
        title: what the service is called.
    """
    schemes: dict[str, Any] = {}
    items: dict[str, dict[str, Any]] = {}
    for each in operations:
        if each.method.isupper() and each.method != "WEBSOCKET":
            items.setdefault(each.path, {})[each.method.lower()] = _operation(each, schemes)
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": "draft",
            "description": "Draft by lab inventory: check it against the service.",
        },
        "paths": items,
    }
    if schemes:
        found["components"] = {"securitySchemes": schemes}
    return found


def _operation(operation: Operation, schemes: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if operation.summary:
        found["summary"] = operation.summary
    if operation.group:
        found["tags"] = [operation.group]
    security = []
    for each in operation.access:
        if named := _scheme(each):
            schemes[named[0]] = named[1]
            security.append(named[0])
    if security:
        found["security"] = [{security[0]: []}]
    parameters = [
        {
            "name": each.name,
            "in": each.where,
            "required": each.required or each.where == "path",
            "schema": clean(each.schema),
        }
        for each in operation.parameters
    ]
    if parameters:
        found["parameters"] = parameters
    if operation.body is not None:
        found["requestBody"] = _body(operation.body)
    responses: dict[str, Any] = {}
    for answer in operation.answers:
        responses[str(answer.status)] = _response(answer.status, clean(answer.schema))
    for error in operation.errors:
        if error.status is not None and str(error.status) not in responses:
            schema = _schema_of(error.body) if isinstance(error.body, dict) else {}
            responses[str(error.status)] = _response(error.status, schema)
    found["responses"] = dict(sorted(responses.items())) or {"default": {"description": "not known"}}
    return found


def _body(body: Body) -> dict[str, Any]:
    schema = clean(body.schema)
    media: dict[str, Any] = {"schema": schema}
    examples = schema.pop("examples", None)
    if isinstance(examples, list) and examples:
        media["example"] = examples[0]
    return {"required": body.required, "content": {_MEDIA_TYPES[body.kind]: media}}


def _response(status: int, schema: Schema) -> dict[str, Any]:
    known = status in {each.value for each in HTTPStatus}
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase if known else str(status)}
    if schema:
        described["content"] = {"application/json": {"schema": schema}}
    return described


def _scheme(access: Access) -> tuple[str, dict[str, Any]] | None:
    match access.kind:
        case "bearer":
            return "bearer", {"type": "http", "scheme": "bearer"}
        case "basic":
            return "basic", {"type": "http", "scheme": "basic"}
        case "api key":
            in_query = access.name.startswith("?")
            name = access.name.strip("?=") if in_query else access.name
            return ("key" if name.startswith("@") else name), {
                "type": "apiKey",
                "in": "query" if in_query else "header",
                "name": "X-API-Key" if name.startswith("@") else name,
            }
        case "cookie":
            return access.name, {"type": "apiKey", "in": "cookie", "name": access.name}
        case "session":
            return _SESSION_COOKIE, {"type": "apiKey", "in": "cookie", "name": _SESSION_COOKIE}
    return None


def clean(schema: Mapping[str, Any]) -> Schema:
    """The schema without what is only for people."""
    found: Schema = {}
    for key, value in schema.items():
        if key.startswith("x-"):
            continue
        if key == "properties" and isinstance(value, dict):
            found[key] = {name: clean(member) for name, member in value.items()}
        elif isinstance(value, dict):
            found[key] = clean(value)
        else:
            found[key] = value
    return found


def _schema_of(body: Mapping[str, Any]) -> Schema:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return {
        "type": "object",
        "properties": {
            name: {"type": kinds[type(value)]} if type(value) in kinds and value != "…" else {}
            for name, value in body.items()
        },
        "required": list(body),
    }
