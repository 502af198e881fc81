"""Requests from an OpenAPI document: one for each operation, from its examples, or made up from its schemas."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from serving_lab.api.request import Header
from serving_lab.documents.examples import Examples
from serving_lab.documents.openapi import OpenApiDocument, Operation
from serving_lab.drafts import answers
from serving_lab.drafts.draft import Body, Call, DraftedRequest, too_deep

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_MOST_NAMED = 5
_SENDERS_HEADERS = frozenset({"accept", "authorization", "content-length", "content-type", "cookie", "host"})


def drafted(document: OpenApiDocument) -> Iterator[DraftedRequest]:
    """A request for each operation that one can be made for."""
    for operation in document.operations:
        if operation.method != "HEAD" and not operation.left_out:
            yield _drafted(document, operation)


def security_of(document: OpenApiDocument, operation: Operation) -> list[dict[str, Any]]:
    """The security requirements of an operation; empty: nobody need sign in."""
    given = operation.definition.get("security", document.content.get("security"))
    required = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    return [] if {} in required else required


def call_of(document: OpenApiDocument, operation: Operation) -> tuple[Call, tuple[str, ...]]:
    """The request, and what a person has to look at in it."""
    examples = Examples(document)
    to_do: list[str] = []
    body, media_type = _body(document, operation, examples, to_do)
    headers = list(_headers(operation, examples))
    if body and body.kind == "text":
        headers.append(("Content-Type", media_type))
    call = Call(operation.method, _path(operation, examples), tuple(headers), body)
    if examples.made_up:
        named = list(dict.fromkeys(examples.made_up))
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        to_do.append(f"made up, the document has no example: {', '.join(named[:_MOST_NAMED])}{more}")
    return call, tuple(to_do)


def _drafted(document: OpenApiDocument, operation: Operation) -> DraftedRequest:
    call, to_do = call_of(document, operation)
    statuses, rules = answers.of_operation(document, operation)
    return DraftedRequest(
        template=operation.template,
        call=call,
        statuses=statuses,
        rules=rules,
        signed_in=bool(security_of(document, operation)),
        to_do=to_do,
    )


def _path(operation: Operation, examples: Examples) -> str:
    path, query = operation.template, []
    for parameter in operation.parameters:
        name, place = str(parameter.get("name")), parameter.get("in")
        if place == "path":
            path = path.replace(f"{{{name}}}", _quoted(_as_text(examples.of_holder(parameter, name))))
        elif place == "query" and parameter.get("required"):
            value = examples.of_holder(parameter, name)
            query += [f"{_quoted(name)}={_quoted(_as_text(each))}" for each in _each(value)]
    path = quote(path.replace("{", "").replace("}", ""), safe="/%:@!$&'()*+,;=-._~", errors="replace")
    return f"{path}?{'&'.join(query)}" if query else path


def _headers(operation: Operation, examples: Examples) -> Iterator[Header]:
    for parameter in operation.parameters:
        name = str(parameter.get("name"))
        if parameter.get("in") == "header" and parameter.get("required") and name.lower() not in _SENDERS_HEADERS:
            value = _as_text(examples.of_holder(parameter, name))
            yield (
                name,
                "".join(sign for sign in value if sign.isprintable()).encode("utf-8", "replace").decode("latin-1"),
            )


def _body(
    document: OpenApiDocument, operation: Operation, examples: Examples, to_do: list[str]
) -> tuple[Body | None, str]:
    content = document.resolved(operation.definition.get("requestBody")).get("content")
    if not isinstance(content, dict) or not content:
        return _body_of_version_2(operation, examples)
    name = next((each for each in content if answers.is_json(each)), _FORM if _FORM in content else next(iter(content)))
    holder = document.resolved(content[name])
    value = examples.of_holder(holder, "the body")
    if too_deep(value):
        to_do.append("its example is nested too deeply: write a body")
        return None, name
    if answers.is_json(name):
        return Body("json", value), name
    if name == _FORM and isinstance(value, dict):
        return Body("form", _fields(value)), name
    if isinstance(value, str) and not name.startswith("multipart/"):
        return Body("text", value), name
    to_do.append(f"its body is of type {name}: write it as text")
    return None, name


def _body_of_version_2(operation: Operation, examples: Examples) -> tuple[Body | None, str]:
    """Swagger 2.0 has the body among the parameters."""
    fields = {}
    for parameter in operation.parameters:
        name = str(parameter.get("name"))
        if parameter.get("in") == "body":
            return Body("json", examples.of_holder(parameter, "the body")), _JSON
        if parameter.get("in") == "formData" and parameter.get("required") and parameter.get("type") != "file":
            fields[name] = examples.of_holder(parameter, name)
    return (Body("form", _fields(fields)), _FORM) if fields else (None, "")


def _fields(value: Mapping[str, Any]) -> dict[str, str]:
    return {name: _as_text(field) for name, field in value.items()}


def _each(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(_as_text, value)) if isinstance(value, list) else str(value)


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")
