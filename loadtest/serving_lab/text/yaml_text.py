"""YAML as a person would write it: short values on one line, quotes where they are needed."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

WIDTH = 120
_PLAIN = re.compile(r"[A-Za-z_/$][\w./$-]*", re.ASCII)
_RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_STEP = "  "


def flow(value: Any) -> str:  # noqa: ANN401 - JSON
    """A JSON value on one line."""
    match value:
        case dict():
            return f"{{{', '.join(f'{scalar(str(key))}: {flow(member)}' for key, member in value.items())}}}"
        case list() | tuple():
            return f"[{', '.join(map(flow, value))}]"
        case str():
            return scalar(value)
    return json.dumps(value)


def scalar(text: str) -> str:
    """A text, in quotes where it needs them."""
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    return "".join(
        sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in json.dumps(text, ensure_ascii=False)
    )


def entry(key: str, value: Any, indent: int) -> Iterator[str]:  # noqa: ANN401 - JSON
    """The lines of a key with its value: on one line if there is room, else a line for each member."""
    begins = f"{_STEP * indent}{scalar(key)}:"
    line = f"{begins} {flow(value)}"
    if len(line) <= WIDTH or not value or not isinstance(value, (dict, list)):
        yield line
    elif isinstance(value, dict):
        yield begins
        for name, member in value.items():
            yield from entry(str(name), member, indent + 1)
    else:
        yield f"{begins} ["
        yield from (f"{_STEP * (indent + 1)}{line}" for line in _filled(value, WIDTH - 2 * (indent + 1)))
        yield f"{_STEP * indent}]"


def comment(text: str, indent: int) -> Iterator[str]:
    """The lines of a comment."""
    begins = f"{_STEP * indent}# "
    line = begins
    for word in text.split():
        if len(line) + len(word) > WIDTH and line != begins:
            yield line.rstrip()
            line = f"{begins}  "
        line += f"{word} "
    yield line.rstrip()


def block(key: str, members: Mapping[str, Any], indent: int = 0) -> Iterator[str]:
    """The lines of a mapping, a member after the other."""
    yield f"{_STEP * indent}{scalar(key)}:"
    for name, member in members.items():
        yield from entry(name, member, indent + 1)


def _filled(items: list[Any], width: int) -> Iterator[str]:
    """The items of a list, as many in each line as there is room for."""
    line = ""
    for item in items:
        written = f"{flow(item)},"
        if line and len(line) + len(written) + 1 > width:
            yield line
            line = ""
        line = f"{line} {written}" if line else written
    yield line
