"""Whether answers agree: the same request has the same answer, at the paths that say so."""

import math
from typing import NamedTuple

import msgspec

TOLERANCE = 1e-9
"""Relative, between numbers: the last digits of a sum depend on its order."""


class AgreeForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At which path answers agree, as it stands in a file."""

    path: str
    of: str | None = None
    """The value of the request that the answer belongs to, item by item where both are lists; all it is sent with."""
    as_: str | None = msgspec.field(default=None, name="as")
    """Answers of the same name agree across requests; else those to the request of this name."""
    per: str | None = None
    """The path of what may change the answer, such as the version of a model."""


class Agree(NamedTuple):
    """At which path answers agree."""

    path: str
    of: tuple[str, ...]
    """Values of the request, by name: where they are the same, the answer is."""
    name: str
    """Of what agrees."""
    per: str | None = None
    each: bool = False
    """Whether value and answer are lists that belong together item by item."""


def agree(value: object, other: object) -> bool:
    """Whether two values are the same, numbers within `TOLERANCE`."""
    match value, other:
        case (bool(), _) | (_, bool()):
            return value is other
        case (int() | float(), int() | float()):
            return math.isclose(value, other, rel_tol=TOLERANCE)
        case list(), list():
            return len(value) == len(other) and all(map(agree, value, other))
        case dict(), dict():
            return value.keys() == other.keys() and all(agree(value[key], other[key]) for key in value)
    return value == other
