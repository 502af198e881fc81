"""The places of drawn values in a request: found in it, and filled with what is drawn."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal
from urllib.parse import quote

import msgspec

_NAMED = re.compile(r'"\$\{(\w+)\}"|\$\{(\w+)\}')


class Draw(msgspec.Struct, frozen=True, tag="draw"):
    """The place of a value, by its name, in a request."""

    value: str
    where: Literal["value", "text", "path", "header"]
    """As a whole JSON value; within a text, without its quotes; in the path, percent-encoded; in a header, as it is."""


Part = bytes | Draw


def in_path(path: str) -> list[Part]:
    """The parts of a path, or of a request line."""
    return list(_parts(path, lambda name, _: Draw(name, "path")))


def in_headers(lines: str) -> list[Part]:
    """The parts of header lines, or of a header's value."""
    return list(_parts(lines, lambda name, _: Draw(name, "header")))


def in_body(body: bytes) -> list[Part]:
    """The parts of a body; a name alone between quotes is a JSON value, quotes included."""
    return list(_parts(body.decode("latin-1"), lambda name, whole: Draw(name, "value" if whole else "text")))


def names(parts: Iterable[Part]) -> dict[str, int]:
    """The values that have a place here, in their order, and in how many."""
    found: dict[str, int] = {}
    for part in parts:
        if isinstance(part, Draw):
            found[part.value] = found.get(part.value, 0) + 1
    return found


def filled(parts: Iterable[Part], sent: Mapping[str, str]) -> bytes:
    """The bytes of these parts with JSON texts in the places of their values."""
    return b"".join([part if isinstance(part, bytes) else WAYS[part.where](sent[part.value]) for part in parts])


def _parts(text: str, draw: Callable[[str, bool], Draw]) -> Iterator[Part]:
    end = 0
    for found in _NAMED.finditer(text):
        whole = found[1] is not None
        place = draw(found[1] or found[2], whole)
        # Quotes are part of the place only where a whole JSON value replaces them.
        kept = whole and place.where != "value"
        yield text[end : found.start() + kept].encode("latin-1")
        yield place
        end = found.end() - kept
    yield text[end:].encode("latin-1")


def plain(text: str) -> str:
    """A JSON text as people read it: a string without quotes, anything else as it is."""
    value = json.loads(text)
    return value if isinstance(value, str) else text


def _within_text(text: str) -> bytes:
    return json.dumps(plain(text))[1:-1].encode()


def _within_path(text: str) -> bytes:
    return quote(plain(text), safe="").encode()


def _within_header(text: str) -> bytes:
    return " ".join(plain(text).splitlines()).encode()


WAYS: dict[str, Callable[[str], bytes]] = {
    "value": str.encode,
    "text": _within_text,
    "path": _within_path,
    "header": _within_header,
}
