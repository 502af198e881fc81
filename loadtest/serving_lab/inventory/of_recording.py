"""The inventory of a service from recorded traffic: what was sent and answered, by operation."""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl

from serving_lab.documents.operations import Operations, decoded_path
from serving_lab.drafts.answers import is_json
from serving_lab.drafts.credentials import Hidden, lets_in
from serving_lab.drafts.of_recording import body_of, checkable, note_secrets, parsed
from serving_lab.inventory.found import Found
from serving_lab.inventory.of_document import checks_of
from serving_lab.inventory.result import Access, Answer, Body, ErrorForm, Operation, Parameter, Schema
from serving_lab.recordings.path_templates import path_templates
from serving_lab.recordings.recording import Chosen
from serving_lab.text.tokens import is_identifier

_MOST_SAMPLES = 200
_DEEPEST = 8


def of_recording(chosen: Sequence[Chosen], notes: Sequence[str]) -> Found:
    """What recorded requests and their answers show of a service."""
    wanted = checkable(chosen)
    hidden = Hidden()
    note_secrets(wanted, hidden)
    operations = Operations(path_templates(decoded_path(each.request.target) for each in wanted))
    by_label: dict[str, list[Chosen]] = {}
    for each in wanted:
        by_label.setdefault(operations.label(each.request.method, each.request.target), []).append(each)
    found = [
        _operation(label, each, hidden)
        for label, each in sorted(by_label.items(), key=lambda item: item[0].partition(" ")[2])
    ]
    told = "only what was recorded is known: operations, fields and errors that nobody asked for are missing"
    return Found(found, unread=[*notes, told])


def of_values(values: Iterable[Any]) -> Schema:
    """A schema that all of these JSON values keep; what all objects have is required."""
    return _of_values(list(values)[:_MOST_SAMPLES], 0)


def _of_values(values: list[Any], depth: int) -> Schema:
    kinds = {_kind(value) for value in values}
    nullable = "null" in kinds
    kinds.discard("null")
    if kinds == {"integer", "number"}:
        kinds = {"number"}
    if len(kinds) != 1 or depth > _DEEPEST:
        return {}
    kind = kinds.pop()
    found: Schema = {"type": [kind, "null"] if nullable else kind}
    if kind == "object":
        objects = [value for value in values if isinstance(value, dict)]
        names = list(dict.fromkeys(name for value in objects for name in value))
        if any(map(is_identifier, names)):
            return found
        found["properties"] = {
            name: _of_values([value[name] for value in objects if name in value], depth + 1) for name in names
        }
        found["required"] = [name for name in names if all(name in value for value in objects)]
    elif kind == "array":
        lists = [value for value in values if isinstance(value, list)]
        items = [item for value in lists for item in value][:_MOST_SAMPLES]
        found["items"] = _of_values(items, depth + 1) if items else {}
        lengths = {len(value) for value in lists}
        if len(lengths) == 1 and len(lists) >= 3 and items:
            found["minItems"] = found["maxItems"] = lengths.pop()
    return found


def _kind(value: Any) -> str:  # noqa: ANN401 - JSON
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")


def _operation(label: str, sent: Sequence[Chosen], hidden: Hidden) -> Operation:
    method, _, path = label.partition(" ")
    body = _body([each for each in sent if _succeeded(each)] or sent, hidden)
    parameters = [Parameter(name=name, where="path", required=True, schema={"type": "string"}) for name in _names(path)]
    queries = [dict(parse_qsl(each.request.target.partition("?")[2], keep_blank_values=True)) for each in sent]
    for name in dict.fromkeys(name for query in queries for name in query):
        values = [query[name] for query in queries if name in query]
        kind = "integer" if all(value.lstrip("-").isdecimal() for value in values) else "string"
        schema: Schema = {
            "type": kind,
            "examples": [hidden.member(name, values[0])] if kind == "string" else [int(values[0])],
        }
        parameters.append(
            Parameter(name=name, where="query", required=all(name in query for query in queries), schema=schema)
        )
    answers: dict[int, list[Any]] = {}
    errors: dict[tuple[int, str], ErrorForm] = {}
    for each in sent:
        answer = each.recorded.answer
        if answer is None or not answer.status:
            continue
        value = parsed(answer.body) if is_json(answer.media_type) else None
        if answer.status < 400:
            answers.setdefault(answer.status, []).append(value)
        else:
            shown = hidden.json(value) if value is not None else None
            key = (answer.status, json.dumps(shown, default=str)[:200])
            errors.setdefault(key, ErrorForm(status=answer.status, body=shown, how="recorded"))
    return Operation(
        method=method,
        path=path,
        endpoint="",
        parameters=parameters,
        body=body,
        access=list(_access(sent)),
        checks=list(checks_of(body.schema)) if body else [],
        answers=[
            Answer(status=status, schema=_of_values([value for value in values if value is not None], 0))
            for status, values in sorted(answers.items())
        ],
        errors=list(errors.values()),
    )


def _body(sent: Sequence[Chosen], hidden: Hidden) -> Body | None:
    bodies = [body for each in sent if (body := body_of(each.request, hidden.json)) is not None]
    if not bodies:
        return None
    kind = bodies[0].kind
    if kind not in {"json", "form"}:
        return Body(kind="other")
    values = [body.value for body in bodies if body.kind == kind]
    schema = of_values(values)
    schema["examples"] = [values[0]]
    return Body(kind=kind, schema=schema)


def _access(sent: Sequence[Chosen]) -> list[Access]:
    found: dict[str, Access] = {}
    for each in sent:
        if auth := each.recorded.auth:
            kind = {"basic": "basic", "apikey": "api key"}.get(auth.kind, "bearer")
            name = (f"?{auth.name}=" if auth.in_query else auth.name) or "Authorization"
            found.setdefault(name.lower(), Access(kind=kind, name=name, through="recording"))  # type: ignore[arg-type]
        for pair in each.recorded.request.headers:
            lower = pair.name.lower()
            if lower == "authorization":
                scheme = "basic" if pair.value.lower().startswith("basic") else "bearer"
                found.setdefault(lower, Access(kind=scheme, name="Authorization", through="recording"))  # type: ignore[arg-type]
            elif lower == "cookie":
                for part in pair.value.split(";"):
                    name = part.strip().partition("=")[0]
                    if "sess" in name.lower() or lets_in(name):
                        found.setdefault(name.lower(), Access(kind="cookie", name=name, through="recording"))
            elif lets_in(pair.name):
                found.setdefault(lower, Access(kind="api key", name=pair.name, through="recording"))
    return list(found.values())


def _succeeded(each: Chosen) -> bool:
    return each.recorded.answer is None or each.recorded.answer.succeeded


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{") and part.endswith("}")]
