"""A corpus drafted from an inventory: for each body one good request, and one for each rule that it breaks."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from serving_lab.drafts.draft import DraftedRequest
from serving_lab.inventory.result import Operation, Schema
from serving_lab.text.phrases import visible
from serving_lab.text.yaml_text import comment, entry

_OTHERS: Mapping[str, Any] = {
    "string": 7,
    "integer": "text",
    "number": "text",
    "boolean": "text",
    "array": "text",
    "object": "text",
}
_MOST_ITEMS, _LONGEST = 1000, 10_000
_DEEPEST = 3


def corpus(requests: Sequence[DraftedRequest], operations: Sequence[Operation], title: str) -> str | None:
    """The file; None: there is nothing in it."""
    by_label = {each.label: each for each in operations}
    lines: list[str] = []
    for request in requests:
        operation = by_label.get(request.operation)
        for name, form in _requests(request, operation):
            # One line each, but for long bodies.
            lines += [
                f"  - name: {_quoted(name)}",
                *(line for key, value in form.items() for line in entry(key, value, 2)),
            ]
    if not lines:
        return None
    head = [
        *comment(f"Requests to {visible(title)}, drafted by lab inventory from the rules that its code keeps.", 0),
        *comment("Draft: look at the values, which are made up; docs/guide.md explains the format.", 0),
    ]
    return "\n".join([*head, "requests:", *lines]) + "\n"


def _requests(request: DraftedRequest, operation: Operation | None) -> Iterator[tuple[str, dict[str, Any]]]:
    call = request.call
    base: dict[str, Any] = {**({"method": call.method} if call.method != "GET" else {}), "path": call.path}
    if call.headers:
        base["headers"] = dict(call.headers)
    body: dict[str, Any] = {call.body.kind: call.body.value} if call.body else {}
    yield f"{request.operation}: as drafted", base | body
    if request.signed_in:
        yield f"{request.operation}: nobody is signed in", {**base, **body, "signed_in": False}
    if operation is None or operation.body is None or call.body is None or call.body.kind not in {"json", "form"}:
        return
    kind, value = call.body.kind, call.body.value
    for what, broken in _broken(value, operation.body.schema, "", 0):
        if len(str(broken)) > _LONGEST:
            continue
        if kind == "form":
            broken = {name: str(member) for name, member in broken.items()} if isinstance(broken, dict) else broken
            if not isinstance(broken, dict):
                continue
        yield f"{request.operation}: {what}", {**base, kind: broken}
    if kind == "json":
        yield f"{request.operation}: no object", {**base, "json": []}
        json_headers = {**base.get("headers", {}), "Content-Type": "application/json"}
        yield f"{request.operation}: broken JSON", {**base, "headers": json_headers, "text": "{"}


def _broken(value: Any, schema: Schema, name: str, depth: int) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - JSON
    """Values that break one rule each, with which."""
    if depth and isinstance(value, dict) is False:
        yield from _broken_alone(value, schema, name)
    if isinstance(value, list) and value and depth < _DEEPEST and isinstance(schema.get("items"), dict):
        for what, item in _broken(value[0], schema["items"], f"{name}[]", depth + 1):
            yield what, [item, *value[1:]]
    if not isinstance(value, dict):
        return
    required = schema.get("required", ())
    properties = schema.get("properties")
    for key, member in properties.items() if isinstance(properties, dict) else ():
        if key not in value or not isinstance(member, dict) or depth > _DEEPEST:
            continue
        field = f"{name}.{key}" if name else str(key)
        if key in required:
            yield f"{field} is missing", {other: each for other, each in value.items() if other != key}
            yield f"{field} is null", {**value, key: None}
        for what, other in _broken(value[key], member, field, depth + 1):
            yield what, {**value, key: other}


def _broken_alone(value: Any, schema: Schema, name: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - JSON
    kind = schema.get("type")
    if isinstance(kind, str) and kind in _OTHERS:
        yield f"{name} is of another type", _OTHERS[kind]
    least, most = schema.get("minItems"), schema.get("maxItems")
    if isinstance(value, list):
        if isinstance(least, int) and least > 0:
            yield f"{name} has {least - 1} items", copy.deepcopy(value[: least - 1])
        if isinstance(most, int) and value and most < _MOST_ITEMS:
            yield f"{name} has {most + 1} items", [value[0]] * (most + 1)
    least, most = schema.get("minLength"), schema.get("maxLength")
    if isinstance(value, str):
        if isinstance(least, int) and least > 0:
            yield f"{name} has {least - 1} characters", "x" * (least - 1)
        if isinstance(most, int) and most < _MOST_ITEMS:
            yield f"{name} has {most + 1} characters", "x" * (most + 1)
    for key, step in (("minimum", -1), ("exclusiveMinimum", 0), ("maximum", 1), ("exclusiveMaximum", 0)):
        bound = schema.get(key)
        if isinstance(bound, (int, float)) and not isinstance(bound, bool):
            yield f"{name} is {bound + step}", bound + step
    if isinstance(schema.get("enum"), list):
        yield f"{name} is none of its choices", "none-of-these"
    if "pattern" in schema:
        yield f"{name} does not match", " "


def _quoted(text: str) -> str:
    return (
        '"'
        + "".join(sign if sign.isprintable() else "?" for sign in text).replace("\\", "\\\\").replace('"', '\\"')
        + '"'
    )
