"""What an operation answers, put together from every answer that its code has."""

import ast
from collections.abc import Iterable, Iterator, Sequence

from serving_lab.inventory.result import Answer, ErrorForm, Schema
from serving_lab.inventory.source.calls import body_of
from serving_lab.inventory.source.project import Function, dotted
from serving_lab.inventory.source.replies import Reply, caught_in

_ERRORS_FROM = 400


def answers(replies: Iterable[Reply]) -> list[Answer]:
    """The right answers, one for each status, with what all of that status have."""
    found: dict[int, list[Reply]] = {}
    for each in replies:
        if each.status is not None and each.status < _ERRORS_FROM:
            found.setdefault(each.status, []).append(each)
    return [
        Answer(status=status, schema=_common([each.schema for each in same]), place=same[0].place)
        for status, same in sorted(found.items())
    ]


def errors(replies: Iterable[Reply]) -> list[ErrorForm]:
    """The answers that say what went wrong, each once."""
    found = [each.error() for each in replies if each.is_error]
    return list({repr(each): each for each in found}.values())


def of_framework(framework: str | None, functions: Iterable[Function]) -> Iterator[ErrorForm]:
    """What Flask answers by itself to a body that it cannot read."""
    if framework not in {"flask", "quart"}:
        return
    for function in functions:
        caught = caught_in(function.node)
        for node in body_of(function.node):
            if _reads_strictly(node) and "HTTPException" not in caught.get(id(node), ()):
                place = function.module.place(node)
                yield ErrorForm(status=400, how="the framework, to broken JSON", place=place)
                yield ErrorForm(status=415, how="the framework, to another content type", place=place)
                return


def _reads_strictly(node: ast.AST) -> bool:
    """Whether JSON is read in the way that refuses what is none."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get_json":
        given = {each.arg for each in node.keywords if not isinstance(each.value, ast.Constant) or each.value.value}
        return not given & {"silent", "force"} and not node.args
    return isinstance(node, ast.Attribute) and (dotted(node) or "").endswith("request.json")


def _common(schemas: Sequence[Schema]) -> Schema:
    """What all of these have."""
    if not schemas or any(each.get("type") != "object" for each in schemas):
        return schemas[0] if schemas and all(each == schemas[0] for each in schemas) else {}
    properties: dict[str, Schema] = {}
    for each in schemas:
        for name, member in each.get("properties", {}).items():
            known = properties.get(name, member)
            properties[name] = member if known in (member, {}) else known if not member else {}
    required = [name for name in properties if all(name in each.get("required", ()) for each in schemas)]
    found: Schema = {"type": "object"}
    if properties:
        found["properties"] = properties
    return {**found, "required": required} if required else found
