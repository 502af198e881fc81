"""Paths of routes as templates: every framework writes parameters in its own way."""

import re
from collections.abc import Mapping

from serving_lab.inventory.importing import Converter
from serving_lab.inventory.result import Parameter, Schema

_ANGLES = re.compile(r"<(?:(?P<converter>[A-Za-z_]\w*)(?:\((?P<arguments>[^)]*)\))?:)?(?P<name>[A-Za-z_]\w*)>")
_REVERSED = re.compile(r"<(?P<name>[A-Za-z_]\w*)(?::(?P<converter>\w+)(?::(?P<arguments>[^>]*))?)?>")
_BRACES = re.compile(r"\{(?P<name>[A-Za-z_]\w*)(?::(?P<converter>\w+)(?:\((?P<arguments>[^)]*)\))?)?\}")
_GROUPS = re.compile(r"\(\?P<(?P<name>\w+)>(?P<arguments>(?:[^()\\]|\\.|\([^()]*\))*)\)")
_WRITTEN = {"flask": _ANGLES, "bottle": _REVERSED, "django": _ANGLES}
_SCHEMAS: dict[str, Schema] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "decimal": {"type": "number"},
    "uuid": {"type": "string", "format": "uuid"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "slug": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
}
_OF_CLASSES = {
    "IntegerConverter": "int",
    "FloatConverter": "float",
    "UUIDConverter": "uuid",
    "PathConverter": "path",
    "UnicodeConverter": "string",
    "AnyConverter": "any",
}


def template(path: str, syntax: str, converters: Mapping[str, Converter]) -> tuple[str, list[Parameter]]:
    """The path with its parameters in braces, and what the parameters are.

    Args:
        path: as the framework has it.
        syntax: the framework's way to write parameters.
        converters: by parameter, where the framework told them.
    """
    parameters: list[Parameter] = []

    def found(match: re.Match[str]) -> str:
        parts = match.groupdict()
        name = parts["name"]
        known = converters.get(name)
        kind = _OF_CLASSES.get(known.converter, known.converter) if known else parts.get("converter") or ""
        schema: Schema = dict(_SCHEMAS.get(kind, {"type": "string"}))
        if kind == "int" and syntax == "flask":
            schema["minimum"] = 0
        if known and known.minimum is not None:
            schema["minimum"] = known.minimum
        if known and known.maximum is not None:
            schema["maximum"] = known.maximum
        if kind == "any" and parts.get("arguments"):
            schema["enum"] = [each.strip().strip("'\"") for each in parts["arguments"].split(",")]
        if kind not in {"", "string", "str", "default"}:
            schema["x-converter"] = kind
        parameters.append(Parameter(name=name, where="path", required=True, schema=schema))
        return f"{{{name}}}"

    whole = path
    if syntax == "django" and ("(?P<" in path or "^" in path or "$" in path):
        whole = _GROUPS.sub(found, whole)
        whole = re.sub(r"\\([./-])", r"\1", whole.replace("^", "").replace("$", "").replace("\\Z", ""))
    else:
        whole = _WRITTEN.get(syntax, _BRACES).sub(found, whole)
    return (whole if whole.startswith("/") else f"/{whole}"), parameters
