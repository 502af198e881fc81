"""Paths of values in a JSON document, such as `$.rows[0].id`."""

import json
import re
from collections.abc import Iterator
from typing import Any

_STEP = re.compile(r"""\.(?P<key>\w+)|\[(?P<index>\d+|"(?:[^"\\]|\\.)*")\]""")
_PATH = re.compile(rf"\$(?:{_STEP.pattern.replace('?P<key>', '?:').replace('?P<index>', '?:')})*")


def places(document: Any, where: str = "$") -> Iterator[str]:  # noqa: ANN401
    """The path of each value that is neither an object nor an array, with `[*]` for any index."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from places(value, member(where, key))
    elif isinstance(document, list):
        for value in document:
            yield from places(value, f"{where}[*]")
    else:
        yield where


def member(where: str, key: str) -> str:
    """The path of an object's member."""
    return f"{where}.{key}" if key.isidentifier() else f"{where}[{json.dumps(key)}]"


def steps(path: str) -> list[str | int]:
    """The keys and indices of a JSON path such as `$.rows[0].id` or `$["odd key"]`.

    Raises:
        ValueError: it is not a path.
    """
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} is not a JSON path such as $.token or $.rows[0].id")
    return [found["key"] or json.loads(found["index"]) for found in _STEP.finditer(path)]


def value_at(document: Any, path: str) -> Any:  # noqa: ANN401
    """The value at a JSON path.

    Raises:
        LookupError: there is nothing there.
    """
    for step in steps(path):
        match document, step:
            case dict(), str():
                document = document[step]
            case list(), int():
                document = document[step]
            case _:
                raise LookupError(path)
    return document
