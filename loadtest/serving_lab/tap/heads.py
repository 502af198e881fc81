"""Requests and answers of HTTP/1 from the bytes of their heads, and how long their bodies are. No I/O here."""

import re
from collections.abc import Iterator

from serving_lab.api.request import Header

_LINE = b"\r\n"
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection", b"upgrade"})
_LONGEST_FRAMING_NAME = max(map(len, _FRAMING))
_REMEMBERED = 10_000
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) (HTTP/1\.[01])")
_STATUS_LINE = re.compile(rb"(HTTP/1\.[01]) (\d{3})(?: [^\r\n]*)?")
_NUMBER = re.compile(rb"\d{1,18}")
_FIRST_FINAL, _SWITCHING = 200, 101
_BODILESS = frozenset({204, 304})


class UnreadableError(ValueError):
    """What passes by is not HTTP/1, or so that its end cannot be known."""


class Message:
    """A request or an answer, from its head on."""

    __slots__ = (
        "begun",
        "body_bytes",
        "chunked",
        "ended",
        "head",
        "keeps",
        "method",
        "parts",
        "room",
        "status",
        "target",
        "upgrades",
        "version",
    )

    def __init__(self, head: bytes, begun: float, room: int) -> None:
        self.head = head
        """Its lines, without the last line's end."""
        self.begun = begun
        """When its first byte passed by; in the clock of who feeds."""
        self.ended: float | None = None
        """When its last byte did; None: it goes on."""
        self.room = room
        """How many more bytes of its body are kept."""
        self.parts: list[bytes] = []
        self.body_bytes = 0
        self.chunked = False
        self.keeps = True
        """Whether the connection is kept after it, as far as its sender says."""
        self.upgrades = False
        self.method = self.target = self.version = ""
        """Of a request, as latin-1 text; an answer only has the version."""
        self.status = 0
        """Of an answer."""

    @property
    def body(self) -> bytes:
        """What was kept of the body, without chunks."""
        return self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)

    @property
    def cut(self) -> bool:
        """Whether not all of its body was kept, or has passed by."""
        return self.ended is None or self.body_bytes > sum(map(len, self.parts))

    @property
    def headers(self) -> tuple[Header, ...]:
        """Names and values in their order, as latin-1 text."""
        return tuple(_headers(self.head))

    def again(self, when: float) -> "Message":
        """The same request, sent once more at this time."""
        copy = Message(self.head, when, 0)
        copy.ended, copy.parts, copy.body_bytes, copy.chunked = when, self.parts, self.body_bytes, self.chunked
        copy.method, copy.target, copy.version = self.method, self.target, self.version
        copy.keeps, copy.upgrades = self.keeps, self.upgrades
        return copy

    def keep(self, data: bytes) -> None:
        """Take a part of the body."""
        self.body_bytes += len(data)
        if self.room:
            kept = data if len(data) <= self.room else data[: self.room]
            self.room -= len(kept)
            self.parts.append(kept)


def request(head: bytes, begun: float, room: int) -> tuple[Message, int | None]:
    """A request, and how long its body is unless that is in chunks.

    Raises:
        UnreadableError: it is none.
    """
    lines = head.split(_LINE)
    line = _REQUEST_LINE.fullmatch(lines[0])
    if not line:
        raise UnreadableError("no request line")
    method, target, version = line.groups()
    message = Message(head, begun, room)
    message.method, message.target, message.version = method.decode(), target.decode("latin-1"), version.decode()
    return message, _framed(message, lines) or 0


def answer(head: bytes, begun: float, room: int, method: str) -> tuple[Message, int | None] | None:
    """An answer to a request of this method, and how long its body is (None: until the end); None: an interim one.

    Raises:
        UnreadableError: it is none.
    """
    lines = head.split(_LINE)
    line = _STATUS_LINE.fullmatch(lines[0])
    if not line:
        raise UnreadableError("no status line")
    status = int(line[2])
    if status < _FIRST_FINAL and status != _SWITCHING:
        return None
    message = Message(head, begun, room)
    message.version, message.status = line[1].decode(), status
    length = _framed(message, lines)
    if method == "HEAD" or status in _BODILESS or status == _SWITCHING:
        message.chunked = False
        return message, 0
    if length is None and not message.chunked:
        message.keeps = False
    return message, length


def _framed(message: Message, lines: list[bytes]) -> int | None:
    """Read what the head says of how the message ends, and return the length of its body; None: it does not say."""
    length: int | None = None
    message.keeps = message.version == "HTTP/1.1"
    for line in lines:
        found = _known[line] if line in _known else _framing(line)
        if found is None:
            continue
        name, value = found
        if name == b"content-length":
            if not _NUMBER.fullmatch(value) or (length is not None and int(value) != length):
                raise UnreadableError("a length that is no number")
            length = int(value)
        elif name == b"transfer-encoding":
            message.chunked = value.lower().rpartition(b",")[2].strip() == b"chunked"
        elif name == b"upgrade":
            message.upgrades = True
        else:
            options = {option.strip() for option in value.lower().split(b",")}
            message.keeps = b"close" not in options and (message.keeps or b"keep-alive" in options)
    return None if message.chunked else length


_known: dict[bytes, tuple[bytes, bytes] | None] = {}
"""Lines of heads: most come again and again."""


def _framing(line: bytes) -> tuple[bytes, bytes] | None:
    """Name in lower case and value of a header that says how a message ends; None of any other line."""
    name, colon, value = line.partition(b":")
    lower = name.strip().lower() if len(name) <= _LONGEST_FRAMING_NAME + 1 else b""
    found = (lower, value.strip()) if colon and lower in _FRAMING else None
    if len(_known) >= _REMEMBERED:
        _known.clear()
    _known[line] = found
    return found


def _headers(head: bytes) -> Iterator[Header]:
    for line in head.decode("latin-1").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        yield name.strip(), value.strip()
