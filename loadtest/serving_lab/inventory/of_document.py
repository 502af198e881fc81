"""The inventory of a service from its OpenAPI document."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from serving_lab.documents.examples import merged
from serving_lab.documents.openapi import OpenApiDocument
from serving_lab.documents.openapi import Operation as Described
from serving_lab.drafts.answers import is_json
from serving_lab.drafts.of_document import security_of
from serving_lab.inventory.found import Found
from serving_lab.inventory.result import Access, Answer, Body, Check, ErrorForm, Operation, Parameter, Schema

_DEEPEST = 6
_FORM, _MULTIPART = "application/x-www-form-urlencoded", "multipart/"
_PLACES = {"path", "query", "header", "cookie"}


def of_document(document: OpenApiDocument) -> Found:
    """What a document says of a service."""
    unread = [f"{label}: {why.why}" for label, why in document.left_out]
    unread.append("a document does not say what blocks, what is kept in memory, or how errors come about")
    return Found([_operation(document, each) for each in document.operations if each.method != "HEAD"], unread=unread)


def completed(operations: Sequence[Operation], content: Mapping[str, Any], prefix: str) -> list[Operation]:
    """Operations with what the application's own document says of them: it knows their types best."""
    document = OpenApiDocument.of(content, prefix)
    described = {each.label: each for each in (_operation(document, one) for one in document.operations)}
    found = []
    for each in operations:
        known = described.get(each.label)
        if known is None:
            found.append(each)
            continue
        own = {(parameter.where, parameter.name) for parameter in known.parameters}
        found.append(
            msgspec.structs.replace(
                each,
                parameters=known.parameters
                + [one for one in each.parameters if (one.where, one.name) not in own and one.where != "query"],
                body=known.body or each.body,
                checks=[
                    *known.checks,
                    *(one for one in each.checks if one.field not in {known_one.field for known_one in known.checks}),
                ],
                answers=known.answers or each.answers,
                errors=[
                    *each.errors,
                    *(one for one in known.errors if one.status not in {other.status for other in each.errors}),
                ],
                access=each.access or known.access,
                summary=each.summary or known.summary,
            )
        )
    return found


def plain(document: OpenApiDocument, schema: object, depth: int = 0) -> Schema:
    """A schema without references and choices, as deep as people read it."""
    whole = dict(merged(document, schema))
    if depth > _DEEPEST:
        return {key: value for key, value in whole.items() if key in {"type", "format"}}
    if isinstance(properties := whole.get("properties"), dict):
        whole["properties"] = {name: plain(document, member, depth + 1) for name, member in properties.items()}
    if isinstance(whole.get("items"), dict):
        whole["items"] = plain(document, whole["items"], depth + 1)
    if whole.pop("nullable", False) and isinstance(whole.get("type"), str):
        whole["type"] = [whole["type"], "null"]
    for key in ("title", "$defs", "discriminator", "xml"):
        whole.pop(key, None)
    return whole


def checks_of(schema: Schema, name: str = "", *, depth: int = 0) -> Iterator[Check]:
    """What a schema asks for, in words."""
    properties = schema.get("properties")
    for key, member in properties.items() if isinstance(properties, dict) and depth < _DEEPEST else ():
        if not isinstance(member, dict):
            continue
        field = f"{name}.{key}" if name else str(key)
        words = [*(["is required"] if key in schema.get("required", ()) else []), *_words(member)]
        if words:
            yield Check(field=field, rule=", ".join(words), code="schema")
        yield from checks_of(member, field, depth=depth + 1)
        if isinstance(member.get("items"), dict):
            yield from checks_of(member["items"], f"{field}[]", depth=depth + 1)


def _words(schema: Schema) -> Iterator[str]:
    kind = schema.get("type")
    if isinstance(kind, str):
        yield kind
    elif isinstance(kind, list):
        yield " or ".join(map(str, kind))
    if isinstance(schema.get("enum"), list):
        yield f"one of {', '.join(repr(each) for each in schema['enum'][:8])}"
    for key, word in (
        ("minimum", "at least {}"),
        ("exclusiveMinimum", "above {}"),
        ("maximum", "at most {}"),
        ("exclusiveMaximum", "below {}"),
        ("minLength", "at least {} characters"),
        ("maxLength", "at most {} characters"),
        ("minItems", "at least {} items"),
        ("maxItems", "at most {} items"),
        ("pattern", "matches {}"),
        ("format", "{}"),
    ):
        if key in schema:
            yield word.format(schema[key])


def _operation(document: OpenApiDocument, described: Described) -> Operation:
    definition = described.definition
    body = _body(document, described)
    parameters = [
        Parameter(
            name=str(each.get("name")),
            where=each["in"],
            required=bool(each.get("required")),
            schema=plain(
                document,
                each.get("schema")
                or {key: value for key, value in each.items() if key in {"type", "enum", "minimum", "maximum"}},
            ),
        )
        for each in described.parameters
        if each.get("in") in _PLACES
    ]
    checks = list(checks_of(body.schema)) if body else []
    for each in parameters:
        words = [*(["is required"] if each.required and each.where != "path" else []), *_words(each.schema)]
        if words:
            checks.append(Check(field=f"{each.where} {each.name}", rule=", ".join(words), code="schema"))
    answers, errors = _answers(document, described)
    tags = definition.get("tags")
    return Operation(
        method=described.method,
        path=described.template,
        endpoint=str(definition.get("operationId") or ""),
        summary=str(definition.get("summary") or "").partition("\n")[0],
        group=str(tags[0]) if isinstance(tags, list) and tags else None,
        parameters=parameters,
        body=body,
        access=list(_access(document, described)),
        checks=checks,
        answers=answers,
        errors=errors,
    )


def _body(document: OpenApiDocument, described: Described) -> Body | None:
    holder = document.resolved(described.definition.get("requestBody"))
    content = holder.get("content")
    for name, media_type in content.items() if isinstance(content, dict) else ():
        schema = plain(document, document.resolved(media_type).get("schema"))
        required = bool(holder.get("required", True))
        if is_json(name):
            return Body(kind="json", schema=schema, required=required)
        kind = "form" if name == _FORM else "multipart" if name.startswith(_MULTIPART) else "other"
        return Body(kind=kind, schema=schema, required=required)  # type: ignore[arg-type]
    fields: dict[str, Schema] = {}
    for parameter in described.parameters:
        if parameter.get("in") == "body":
            return Body(kind="json", schema=plain(document, parameter.get("schema")))
        if parameter.get("in") == "formData":
            fields[str(parameter.get("name"))] = {"type": parameter.get("type", "string")}
    return Body(kind="form", schema={"type": "object", "properties": fields}) if fields else None


def _answers(document: OpenApiDocument, described: Described) -> tuple[list[Answer], list[ErrorForm]]:
    answers, errors = [], []
    for status, response in document.resolved(described.definition.get("responses")).items():
        found = document.resolved(response)
        content = found.get("content")
        schema: Schema = {}
        for name, media_type in content.items() if isinstance(content, dict) else ():
            if is_json(name):
                schema = plain(document, document.resolved(media_type).get("schema"))
                break
        else:
            if isinstance(found.get("schema"), dict):
                schema = plain(document, found["schema"])
        if str(status).isdecimal() and int(status) < 400:
            answers.append(Answer(status=int(status), schema=schema))
        else:
            shape = _shape(schema) if schema else None
            errors.append(
                ErrorForm(status=int(status) if str(status).isdecimal() else None, body=shape, how="document")
            )
    return answers, errors


def _shape(schema: Schema, depth: int = 0) -> Any:  # noqa: ANN401 - JSON
    properties = schema.get("properties")
    if isinstance(properties, dict) and depth < 3:
        return {name: _shape(member, depth + 1) for name, member in properties.items() if isinstance(member, dict)}
    return "…"


def _access(document: OpenApiDocument, described: Described) -> Iterator[Access]:
    components = document.resolved(document.content.get("components"))
    schemes = document.resolved(components.get("securitySchemes") or document.content.get("securityDefinitions"))
    for requirement in security_of(document, described):
        for name in requirement:
            scheme = document.resolved(schemes.get(name))
            kind, http = str(scheme.get("type")), str(scheme.get("scheme")).lower()
            if kind == "apiKey":
                where, key = scheme.get("in"), str(scheme.get("name"))
                shown = f"?{key}=" if where == "query" else key
                yield Access(kind="cookie" if where == "cookie" else "api key", name=shown, through="document")
            elif kind == "basic" or http == "basic":
                yield Access(kind="basic", name="Authorization", through="document")
            elif kind in {"http", "oauth2", "openIdConnect"}:
                yield Access(kind="bearer", name="Authorization", through="document")
            else:
                yield Access(kind="other", name=name, through="document")
