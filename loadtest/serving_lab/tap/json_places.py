"""Where the values are in a JSON text, so that some can be replaced and all else stays as it was written."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+|"', re.DOTALL)
BROKEN = "\0"
"""Ends the path of what breaks off."""
Path = tuple[str, ...]
"""Keys, in their spelling between the quotes, and `*` for any index."""


class Place(NamedTuple):
    """A string, a number, or another value that has no values in it."""

    path: Path
    begin: int
    end: int


def places(text: str) -> Iterator[Place]:
    """The values of a text, and at last the place where it breaks off within a string; what is no JSON gives little."""
    path: list[str] = []
    in_object: list[bool] = []
    key = False
    for found in _TOKENS.finditer(text):
        sign = found[0]
        if sign in {"{", "["}:
            key = sign == "{"
            in_object.append(key)
            path.append("*")
        elif sign in {"}", "]"}:
            if in_object:
                in_object.pop()
                path.pop()
            key = False
        elif sign == ",":
            key = bool(in_object) and in_object[-1]
        elif sign == '"':
            yield Place((*path, BROKEN), found.start(), len(text))
            return
        elif sign != ":":
            if key:
                path[-1], key = sign.strip('"'), False
            else:
                yield Place(tuple(path), found.start(), found.end())
