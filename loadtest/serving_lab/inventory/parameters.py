"""What was learned of a request, as the parameters and the body of an operation."""

from collections.abc import Sequence
from typing import Literal

from serving_lab.inventory.result import Body, Check, Parameter, Schema
from serving_lab.inventory.source.learned import Learned
from serving_lab.inventory.source.tree import Node

_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "WEBSOCKET"})
_SENDERS_HEADERS = frozenset(
    {
        *("accept", "accept-language", "authorization", "content-length", "content-type", "cookie", "host", "origin"),
        *("referer", "user-agent", "x-forwarded-for", "x-request-id"),
    }
)
_WHERE: tuple[Literal["path", "query", "header", "cookie"], ...] = ("path", "query", "header", "cookie")


def of_learned(learned: Learned, method: str) -> tuple[Body | None, list[Parameter]]:
    """The body that a request has, if any, and its parameters."""
    found = [
        Parameter(name=name, where=where, required=member.required and not member.optional, schema=member.schema(name))
        for where in _WHERE
        for name, member in learned.parts.get(where, Node()).members.items()
        if where not in {"header", "cookie"} or name.lower() not in _SENDERS_HEADERS
    ]
    query = learned.parts.get("query")
    if query and query.given:
        found += [
            Parameter(name=name, where="query", required=name in query.given.get("required", ()), schema=schema)
            for name, schema in query.given.get("properties", {}).items()
        ]
    return (None if method in _BODILESS else _body(learned)), found


def checks_of(learned: Learned, body: Body | None, found: Sequence[Parameter]) -> list[Check]:
    """The checks that are of this body and these parameters."""
    names = {f"{each.where} {each.name}" for each in found}
    return [each for each in learned.checks if body is not None or each.field in names]


def together(path: Sequence[Parameter], others: Sequence[Parameter]) -> list[Parameter]:
    """The parameters of the path, with the bounds that the code checks, and all others."""
    found = {(each.where, each.name): each for each in path}
    for each in others:
        known = found.get((each.where, each.name))
        if known is None:
            if each.where != "path":
                found[each.where, each.name] = each
            continue
        schema = {**each.schema, **known.schema}
        if known.schema == {"type": "string"} and "type" in each.schema:
            schema["type"] = each.schema["type"]
        found[each.where, each.name] = Parameter(name=each.name, where=each.where, required=True, schema=schema)
    return list(found.values())


def _body(learned: Learned) -> Body | None:
    parts = learned.parts
    if "files" in parts:
        files: dict[str, Schema] = {name: {"type": "string", "format": "binary"} for name in parts["files"].members}
        fields = parts.get("form", Node()).schema()
        schema: Schema = {"type": "object", "properties": {**files, **fields.get("properties", {})}}
        return Body(kind="multipart", schema={**schema, "required": [*files, *fields.get("required", ())]})
    if "json" in parts:
        return Body(kind="json", schema=parts["json"].schema(), required=not parts["json"].optional)
    if "form" in parts:
        return Body(kind="form", schema={"type": "object", **parts["form"].schema()})
    return Body(kind="other") if "raw" in parts else None
