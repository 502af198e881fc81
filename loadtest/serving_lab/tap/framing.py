"""Where HTTP/1 messages begin and end in the bytes that pass by, in one direction of a connection. No I/O here."""

import re
from collections.abc import Callable, Iterator
from enum import Enum, auto

from serving_lab.api.request import Header

LONGEST_HEAD_BYTES = 131_072
_LINE, _BLANK = b"\r\n", b"\r\n\r\n"
_LONGEST_LINE_BYTES = 8192
"""Of a chunk's length with its extensions, and of a trailer."""
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection", b"upgrade"})
_LONGEST_FRAMING_NAME = max(map(len, _FRAMING))
_REMEMBERED = 10_000
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) (HTTP/1\.[01])")
_STATUS_LINE = re.compile(rb"(HTTP/1\.[01]) (\d{3})(?: [^\r\n]*)?")
_NUMBER = re.compile(rb"\d{1,18}")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
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

    def keep(self, data: bytes) -> None:
        """Take a part of the body."""
        self.body_bytes += len(data)
        if self.room:
            kept = data if len(data) <= self.room else data[: self.room]
            self.room -= len(kept)
            self.parts.append(kept)


class _State(Enum):
    HEAD = auto()
    LENGTH = auto()
    CHUNK_LENGTH = auto()
    CHUNK = auto()
    CHUNK_END = auto()
    TRAILERS = auto()
    TO_THE_END = auto()


class Reader:
    """Finds the messages of one direction.

    Args:
        begin: What makes a message of its head, or None of an interim answer; see `request` and `answer`.
    """

    def __init__(self, begin: Callable[[bytes, float], tuple[Message, int | None] | None]) -> None:
        self._begin = begin
        self._state = _State.HEAD
        self._held = b""
        self._begun = 0.0
        self._left = 0
        self.message: Message | None = None
        """The one whose body is passing by."""

    @property
    def idle(self) -> bool:
        """Whether nothing of a message has passed by since the last one ended."""
        return self._state is _State.HEAD and not self._held

    def feed(self, data: bytes, now: float) -> Iterator[Message]:
        """Read on, one message after the other; what follows the last one that is taken is left for `rest`.

        Raises:
            UnreadableError: this is not HTTP/1.
        """
        if self._held:
            data, self._held = self._held + data, b""
        else:
            self._begun = now
        at, size = 0, len(data)
        while at < size:
            at = self._step(data, at)
            if at < 0:
                return
            if self._state is _State.HEAD and self.message is not None:
                message, self.message = self.message, None
                message.ended = now
                self._held, self._begun = data[at:], now
                yield message
                data, self._held = self._held, b""
                at, size = 0, len(data)

    def rest(self) -> bytes:
        """What has passed by behind the last message that was taken; it is forgotten here."""
        rest, self._held = self._held, b""
        return rest

    def end(self, now: float) -> Message | None:
        """The connection has ended in this direction: the message that lasted until then."""
        message = self.message
        if message is None or self._state is not _State.TO_THE_END:
            return None
        message.ended, self.message, self._state = now, None, _State.HEAD
        return message

    def _step(self, data: bytes, at: int) -> int:
        """Read what comes next, and return where it ends; -1: more of it must pass by first."""
        state = self._state
        if state is _State.HEAD:
            return self._head(data, at)
        assert self.message is not None  # noqa: S101 - all other states are of a message
        if state is _State.LENGTH or state is _State.CHUNK:
            part = data if not at and len(data) <= self._left else data[at : at + self._left]
            self.message.keep(part)
            self._left -= len(part)
            if not self._left:
                self._state = _State.HEAD if state is _State.LENGTH else _State.CHUNK_END
            return at + len(part)
        if state is _State.TO_THE_END:
            self.message.keep(data[at:])
            return len(data)
        return self._line(data, at)

    def _head(self, data: bytes, at: int) -> int:
        while data.startswith(_LINE, at):
            at += len(_LINE)
        end = data.find(_BLANK, at)
        if end < 0:
            self._held = data[at:]
            if len(self._held) > LONGEST_HEAD_BYTES:
                raise UnreadableError("a head without an end")
            return -1
        found = self._begin(data[at:end], self._begun)
        end += len(_BLANK)
        if found is None:
            return end
        self.message, length = found
        if self.message.chunked:
            self._state = _State.CHUNK_LENGTH
        elif length is None:
            self._state = _State.TO_THE_END
        elif length:
            self._state, self._left = _State.LENGTH, length
        return end

    def _line(self, data: bytes, at: int) -> int:
        """A line between chunks."""
        end = data.find(_LINE, at)
        if end < 0:
            self._held = data[at:]
            if len(self._held) > _LONGEST_LINE_BYTES:
                raise UnreadableError("a chunk without a length")
            return -1
        line = data[at:end]
        if self._state is _State.CHUNK_LENGTH:
            found = _CHUNK.fullmatch(line)
            if not found:
                raise UnreadableError("a chunk without a length")
            self._left = int(found[1], 16)
            self._state = _State.CHUNK if self._left else _State.TRAILERS
        elif self._state is _State.CHUNK_END:
            if line:
                raise UnreadableError("a chunk that is longer than it says")
            self._state = _State.CHUNK_LENGTH
        elif not line:
            self._state = _State.HEAD
        return end + len(_LINE)


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
