"""Paths of a document with examples in the places of their parameters."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from serving_lab.documents.openapi import Operation

_EXAMPLES: Mapping[str, object] = {"integer": 1, "number": 1, "boolean": "true", "array": 1}


def filled(operation: Operation) -> str:
    """The operation's path with an example for each of its parameters."""
    path = operation.template
    for parameter in operation.parameters:
        if parameter.get("in") == "path":
            path = path.replace(f"{{{parameter.get('name')}}}", quoted(example(parameter)))
    return quoted(path.replace("{", "").replace("}", ""), safe="/%:@!$&'()*+,;=-._~")


def quoted(text: str, safe: str = "") -> str:
    """The text percent-encoded; a document in JSON may have escapes of half a character."""
    return quote(text, safe=safe, errors="surrogatepass")


def example(parameter: Mapping[str, Any]) -> str:
    """A value that the document gives, or one of the type that it asks for."""
    schema = parameter.get("schema", parameter)
    schema = schema if isinstance(schema, Mapping) else {}
    examples = schema.get("examples")
    enum = schema.get("enum")
    given = (
        parameter.get("example"),
        schema.get("example"),
        schema.get("default"),
        *(examples if isinstance(examples, list) else ()),
        *(enum if isinstance(enum, list) else ()),
        schema.get("minimum"),
    )
    kind = schema.get("type")
    value = next(
        (each for each in given if each is not None), _EXAMPLES.get(kind if isinstance(kind, str) else "", "1")
    )
    return str(value).lower() if isinstance(value, bool) else str(value)
