"""Paths of values in a JSON document, such as `$.rows[0].id`."""

import json
import re
from typing import Any

_STEP = re.compile(r"""\.(?P<key>\w+)|\[(?P<index>\d+|"(?:[^"\\]|\\.)*")\]""")
_MEMBER = re.compile(r"""(?:\.(?P<key>\w+)|\[(?P<quoted>"(?:[^"\\]|\\.)*")\])$""")
_PATH = re.compile(rf"\$(?:{_STEP.pattern.replace('?P<key>', '?:').replace('?P<index>', '?:')})*")


def member(where: str, key: str) -> str:
    """The path of an object's member."""
    return f"{where}.{key}" if key.isidentifier() else f"{where}[{json.dumps(key)}]"


def member_of(where: str) -> tuple[str, str] | None:
    """The path of the object and the key, if the path is one of a member; indices may be `[*]`."""
    found = _MEMBER.search(where)
    if not found or not where.startswith("$"):
        return None
    return where[: found.start()], found["key"] or json.loads(found["quoted"])


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
