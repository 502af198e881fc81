"""HTTP/1.1 responses read from a connection, as they are: nothing is mended, and nothing is read for ever."""

import re
from dataclasses import dataclass

from serving_lab.api.request import Header
from serving_lab.wire.message import Answer
from serving_lab.wire.received import BrokenOffError, ClosedError, Received

_LONGEST_HEAD_BYTES = 1 << 20
_MOST_INTERIM = 100
_STATUS_LINE = re.compile(rb"HTTP/(?P<version>\d\.\d) +(?P<status>[1-9]\d\d)(?: .*)?")
_CHUNK = re.compile(rb"[ \t]*([0-9a-fA-F]+)[ \t]*(?:;.*)?")
_LENGTH = re.compile(r"\d{1,18}")
MOST_BYTES = 16 << 20
"""How much is read of any body."""
_SWITCHING, _FIRST_FINAL = 101, 200
_BODILESS = frozenset({101, 204, 304})
_STREAMS = (
    "text/event-stream",
    "multipart/x-mixed-replace",
    "application/x-ndjson",
    "application/jsonl",
    "application/json-seq",
    "application/stream+json",
)
"""Media types of answers that are not meant to end."""


class NotHttpError(ValueError):
    """What came is no HTTP response."""


@dataclass(frozen=True)
class Patience:
    """How much of an answer is waited for, and read."""

    head_seconds: float
    """How long its head may take."""
    body_seconds: float
    """How long its body may take after that."""
    stream_seconds: float = 1.0
    """How long is read of an answer whose media type says that it is not meant to end."""
    most_bytes: int = MOST_BYTES
    """How much of a body is read."""


def read_answer(received: Received, method: str, patience: Patience) -> tuple[Answer, bool]:
    """The next answer on a connection, and whether it lets the connection be kept.

    Interim answers (1xx) are read past. Of a body that does not end, what has come is the body, and the answer is cut.

    Args:
        received: what arrives.
        method: the request's method, because an answer to HEAD has no body.
        patience: how much is waited for.

    Raises:
        ClosedError: the service closed without an answer.
        OSError: the connection broke, or the head did not come in time.
        NotHttpError: what came is no HTTP response.
    """
    for _ in range(_MOST_INTERIM):
        received.wait(patience.head_seconds)
        status, keeps, headers = _head(received)
        if status >= _FIRST_FINAL or status == _SWITCHING:
            break
    else:
        raise NotHttpError("nothing but interim answers")
    answer = Answer(status, headers, b"")
    keeps = _is_kept(keeps, answer.header("connection"))
    if method == "HEAD" or status in _BODILESS:
        return answer, keeps and status != _SWITCHING
    is_stream = (answer.header("content-type") or "").partition(";")[0].strip().lower() in _STREAMS
    received.wait(patience.stream_seconds if is_stream else patience.body_seconds)
    body = _Body(received, patience.most_bytes)
    coding, length = answer.header("transfer-encoding"), _length(headers)
    try:
        if coding is not None and coding.lower().rpartition(",")[2].strip() == "chunked":
            body.read_chunks()
        elif length is not None:
            body.read(length)
        else:
            keeps = False
            body.read_to_the_end()
    except (TimeoutError, _FullError):
        return Answer(status, headers, bytes(body.content), cut=True), False
    return Answer(status, headers, bytes(body.content)), keeps


def _head(received: Received) -> tuple[int, bool, tuple[Header, ...]]:
    line = _STATUS_LINE.fullmatch(received.line(_LONGEST_HEAD_BYTES))
    if not line:
        raise NotHttpError("no status line")
    headers: list[Header] = []
    length = 0
    while text := _line_within(received).decode("latin-1"):
        length += len(text)
        if length > _LONGEST_HEAD_BYTES:
            raise NotHttpError("a head without an end")
        if text[0] in " \t" and headers:
            name, value = headers[-1]
            headers[-1] = name, f"{value} {text.strip()}"
            continue
        name, _, value = text.partition(":")
        headers.append((name.strip().lower(), value.strip()))
    return int(line["status"]), line["version"] >= b"1.1", tuple(headers)


def _line_within(received: Received) -> bytes:
    """The next line of an answer that has begun."""
    try:
        return received.line(_LONGEST_HEAD_BYTES)
    except ClosedError:
        raise BrokenOffError from None


def _is_kept(by_default: bool, connection: str | None) -> bool:
    options = {option.strip() for option in (connection or "").lower().split(",")}
    return "close" not in options and (by_default or "keep-alive" in options)


def _length(headers: tuple[Header, ...]) -> int | None:
    """What the head says of the body's length; None where that is nothing, or no number."""
    said = {value for name, value in headers if name == "content-length"}
    number = said.pop() if len(said) == 1 else ""
    return int(number) if _LENGTH.fullmatch(number) else None


class _FullError(Exception):
    """As much of the body was read as is read of any."""


class _Body:
    def __init__(self, received: Received, most_bytes: int) -> None:
        self.content = bytearray()
        self._received = received
        self._most_bytes = most_bytes

    def read(self, length: int) -> None:
        left = length
        while left:
            arrived = self._received.some(min(left, self._room))
            if not arrived:
                raise BrokenOffError
            self.content += arrived
            left -= len(arrived)

    def read_to_the_end(self) -> None:
        while arrived := self._received.some(self._room):
            self.content += arrived

    def read_chunks(self) -> None:
        while length := self._chunk_length():
            self.read(length)
            if self._line():
                raise NotHttpError("a chunk that is longer than it says")
        while self._line():
            pass

    def _chunk_length(self) -> int:
        found = _CHUNK.fullmatch(self._line())
        if not found:
            raise NotHttpError("a chunk without a length")
        return int(found[1], 16)

    def _line(self) -> bytes:
        return _line_within(self._received)

    @property
    def _room(self) -> int:
        room = self._most_bytes - len(self.content)
        if room <= 0:
            raise _FullError
        return room
