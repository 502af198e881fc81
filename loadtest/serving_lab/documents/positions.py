"""What a place in an OpenAPI document holds: part of the description, names that people chose, or data.

A property may be called `example`, and an example may have a member `$ref`: only the place tells what they are.
"""

from enum import Enum, auto

_NAMES = frozenset(
    {
        *("$defs", "callbacks", "content", "definitions", "dependentSchemas", "dependencies", "encoding", "examples"),
        *("headers", "links", "mediaTypes", "parameters", "pathItems", "paths", "patternProperties", "properties"),
        *("requestBodies", "responses", "schemas", "securityDefinitions", "securitySchemes", "variables", "webhooks"),
        "additionalOperations",
    }
)
_DATA = frozenset({"const", "dataValue", "default", "enum", "example", "serializedValue", "value"})


class Kind(Enum):
    """What stands at a place."""

    PART = auto()
    """An object of the OpenAPI specification or of JSON Schema, whose keys mean something."""
    NAMES = auto()
    """An object whose keys are names, each of a part."""
    DATA = auto()
    """A value of the API itself."""


def below(kind: Kind, key: str, value: object) -> Kind:
    """What stands under a key of an object of this kind."""
    if kind is Kind.DATA:
        return kind
    if kind is Kind.NAMES:
        return Kind.PART
    if key in _DATA or key.startswith("x-") or (key == "examples" and not isinstance(value, dict)):
        return Kind.DATA
    return Kind.NAMES if key in _NAMES and isinstance(value, dict) else Kind.PART
