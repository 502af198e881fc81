"""HTTP as the proxy reads it: requests and answers, parsed as far as they can be."""

import contextlib
import json
import re
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Self

Header = tuple[str, str]
Json = Any

_STATUS_LINE = re.compile(rb"HTTP/\d\.\d ([1-9]\d\d) ?(.*)\r\n")
_REQUEST_LINE = re.compile(rb"(?:\r\n)*(\S+) (\S+) HTTP/\d\.\d\r\n")
_SIZE = re.compile(rb"[0-9A-Fa-f]+ *(;|\r\n)")
_BODILESS = frozenset({204, 304})


@dataclass(frozen=True)
class Request:
    """A request that the service answers."""

    method: str
    target: str
    headers: tuple[Header, ...]
    pipelined: bool
    """Whether it was sent before the one ahead of it was answered."""
    body: bytearray = field(default_factory=bytearray)
    """All of it; empty where the service answers before that has arrived."""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def operation(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"

    def header(self, name: str) -> str | None:
        return _header(self.headers, name)

    def json(self) -> Json:
        """The body's value; None where it is no JSON."""
        with contextlib.suppress(ValueError):
            return json.loads(self.body)
        return None


@dataclass(frozen=True)
class Answer:
    """An answer of the service, before it is passed on."""

    status: int
    reason: str
    headers: tuple[Header, ...]
    body: bytes
    delay_seconds: float = 0.0
    close: bool = False
    """Whether the connection is closed after it."""
    reset: bool = False
    """Whether the connection is reset in its place."""

    def header(self, name: str) -> str | None:
        return _header(self.headers, name)

    def with_header(self, name: str, value: str) -> Self:
        """The same with this header, in the place of one of its name where there is one."""
        if self.header(name) is None:
            return replace(self, headers=(*self.headers, (name, value)))
        headers = ((key, value if key.lower() == name.lower() else old) for key, old in self.headers)
        return replace(self, headers=tuple(headers))

    def without_header(self, name: str) -> Self:
        return replace(self, headers=tuple(header for header in self.headers if header[0].lower() != name.lower()))

    def with_body(self, body: bytes) -> Self:
        """The same with another body and its length."""
        return (
            replace(self, body=body).without_header("Transfer-Encoding").with_header("Content-Length", str(len(body)))
        )

    def json(self) -> Json:
        """The body's value; None where it is no JSON."""
        with contextlib.suppress(ValueError):
            return json.loads(self.body)
        return None

    def with_json(self, value: Json) -> Self:
        return self.with_body(json.dumps(value, separators=(",", ":")).encode())

    def encode(self, method: str) -> bytes:
        """The bytes that answer a request of this method."""
        head = [f"HTTP/1.1 {self.status} {self.reason}", *(f"{name}: {value}" for name, value in self.headers)]
        chunked = self.header("Transfer-Encoding") is not None
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(self.body), self.body) if chunked else self.body
        return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + (body if method != "HEAD" else b"")


class Requests:
    """Reads along what a client sends."""

    def __init__(self) -> None:
        self.waiting: deque[Request] = deque()
        """Those without an answer yet, in order."""
        self._unread = bytearray()
        self._reading = self._read()
        next(self._reading)

    def feed(self, sent: bytes) -> None:
        self._unread += sent
        # What is no HTTP ends the reading.
        with contextlib.suppress(StopIteration):
            next(self._reading)

    def _read(self) -> Iterator[None]:
        """Read requests for as long as they can be told; yields where more must come."""
        while True:
            head = yield from self._until(b"\r\n\r\n")
            if not (line := _REQUEST_LINE.match(head)):
                return
            target, headers = line[2].decode("latin-1"), _parse_headers(head[line.end() :])
            request = Request(line[1].decode("latin-1"), target, headers, bool(self.waiting))
            self.waiting.append(request)
            length = request.header("Content-Length") or "0"
            if (request.header("Transfer-Encoding") or "").lower() == "chunked":
                yield from self._chunks(request.body)
            elif length.isdecimal():
                request.body.extend((yield from self._take(int(length))))
            else:
                return

    def _chunks(self, body: bytearray) -> Generator[None, None, None]:
        while _SIZE.match(line := (yield from self._until(b"\r\n"))) and (size := int(line.split(b";")[0], 16)):
            body.extend((yield from self._take(size + 2))[:size])
        while (yield from self._until(b"\r\n")) != b"\r\n":
            """A trailer."""

    def _until(self, end: bytes) -> Generator[None, None, bytes]:
        while (found := self._unread.find(end)) < 0:
            yield
        return (yield from self._take(found + len(end)))

    def _take(self, size: int) -> Generator[None, None, bytes]:
        while len(self._unread) < size:
            yield
        taken = bytes(self._unread[:size])
        del self._unread[:size]
        return taken


def read_head(received: BinaryIO) -> bytes:
    """Return all up to the empty line; what there is where the service ends before."""
    lines = bytearray()
    while line := received.readline():
        lines += line
        if line in {b"\r\n", b"\n"}:
            break
    return bytes(lines)


def read_answer(head: bytes, received: BinaryIO, request: Request | None) -> tuple[Answer | None, bytes]:
    """Return the answer and its bytes; None and the bytes read so far where it is not whole or no HTTP."""
    if not (line := _STATUS_LINE.match(head)) or not head.endswith(b"\r\n\r\n"):
        return None, head
    status = int(line[1])
    answer = Answer(status, line[2].decode("latin-1"), _parse_headers(head[line.end() :]), b"")
    if status < 200 or status in _BODILESS or (request and request.method == "HEAD"):
        return answer, head
    if "chunked" in (answer.header("Transfer-Encoding") or ""):
        coded, body = _read_chunks(received)
        return replace(answer, body=body), head + coded
    length = answer.header("Content-Length")
    body = received.read(-1 if length is None else int(length))
    whole = length is None or len(body) == int(length)
    return replace(answer, body=body) if whole else None, head + body


def _read_chunks(received: BinaryIO) -> tuple[bytes, bytes]:
    coded, body = bytearray(), bytearray()
    while line := received.readline():
        coded += line
        size = int(line.split(b";")[0], 16)
        chunk = received.read(size + 2)
        coded += chunk
        body += chunk[:size]
        if size == 0:
            break
    return bytes(coded), bytes(body)


def _parse_headers(lines: bytes) -> tuple[Header, ...]:
    fields = (line.partition(":") for line in lines.decode("latin-1").split("\r\n") if line)
    return tuple((name, value.strip()) for name, _, value in fields)


def _header(headers: tuple[Header, ...], name: str) -> str | None:
    return next((value for key, value in headers if key.lower() == name.lower()), None)
