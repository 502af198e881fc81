"""One bad request sent to one service: what comes back, and whether it may."""

import contextlib
import re
import socket
import struct
from dataclasses import dataclass, replace

import httpx
from support.answers import Answer, comparable
from support.services import RunningService
from support.wire import TIMEOUT_SECONDS

from hostile.generated import Made

# A server that waits for the rest of a request, or for another one, is told that there is none after this time.
_QUIET_SECONDS = 0.05
_STATUS = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) ")
_INTERIM = re.compile(rb"\AHTTP/1\.1 1(?!01)\d\d [^\r]*\r\n\r\n")
# What a server itself may say of a request that it does not pass on: unknown transfer coding, version of HTTP.
_OF_SERVERS = {501, 505}
_INTERNAL_ERROR = 1011
# What a framework says of a request that it does not pass on; declared as intended (litestar_api/intended.yaml).
_OF_FRAMEWORKS = {"Invalid host header"}


@dataclass(frozen=True)
class Outcome:
    """What came back on a connection."""

    content: bytes
    answer: Answer | None
    """The first answer, if it is one of the service and not of its server: it has an X-Request-ID."""
    fault: str
    """Why it must not be; empty if it may."""

    def status(self) -> str:
        """For people: of the first answer, and whose it is."""
        if self.answer:
            return str(self.answer.status)
        final = [status.decode() for status in _STATUS.findall(self.content) if status != b"100"]
        return f"{final[0]} by its server" if final else "no answer"


def send(service: RunningService, made: Made) -> Outcome:
    """Send it on a connection of its own and read until the service closes."""
    try:
        content = _received(service, made)
    except TimeoutError:
        return Outcome(b"", None, f"the connection is still open after {TIMEOUT_SECONDS:.0f} s")
    response = _first(content)
    answer = comparable(response) if response is not None and "x-request-id" in response.headers else None
    fault = _fault(made, content, answer)
    if answer and isinstance(answer.json, dict) and answer.json.get("error", ("", ""))[1] in _OF_FRAMEWORKS:
        answer = None
    return Outcome(content, answer and _steady(answer), fault)


def _received(service: RunningService, made: Made) -> bytes:
    parts: list[bytes] = []
    is_whole = made.kind in {"request", "graphql"}
    with (
        socket.create_connection(service.address, TIMEOUT_SECONDS) as connection,
        # A server may answer before it has read everything, and close.
        contextlib.suppress(BrokenPipeError, ConnectionResetError),
    ):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(made.content)
        connection.settimeout(TIMEOUT_SECONDS if is_whole else _QUIET_SECONDS)
        while True:
            try:
                part = connection.recv(1 << 16)
            except TimeoutError:
                if connection.gettimeout() == TIMEOUT_SECONDS:
                    raise
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
                connection.settimeout(TIMEOUT_SECONDS)
                continue
            if not part:
                break
            if is_whole and not parts:
                connection.settimeout(_QUIET_SECONDS)
            parts.append(part)
    return b"".join(parts)


def _first(content: bytes) -> httpx.Response | None:
    """The first answer that is not interim; without its body if there is none, or not all."""
    while interim := _INTERIM.match(content):
        content = content[interim.end() :]
    head, end, rest = content.partition(b"\r\n\r\n")
    status = _STATUS.match(head)
    if not status or not end:
        return None
    headers = [(name, value) for name, _, value in (line.partition(b": ") for line in head.split(b"\r\n")[1:])]
    response = httpx.Response(int(status[1]), headers=headers)
    length = int(response.headers.get("Content-Length", 0))
    # An answer to HEAD has none; another answer may follow it.
    body = rest[:length] if len(rest) >= length and not _STATUS.match(rest) else b""
    return httpx.Response(int(status[1]), headers=headers, content=body)


def _fault(made: Made, content: bytes, answer: Answer | None) -> str:
    own = {answer.status} if answer else set()
    failed = sorted(own | {int(status) for status in _STATUS.findall(content)} - _OF_SERVERS)
    if failed and failed[-1] >= 500:
        return f"answered {failed[-1]}"
    if b"Internal server error" in content or b"INTERNAL_SERVER_ERROR" in content:
        return "answered with an internal error"
    if made.kind == "websocket" and content.startswith(b"HTTP/1.1 101") and _close_code(content) == _INTERNAL_ERROR:
        return "closed the WebSocket with an internal error"
    return ""


def _close_code(content: bytes) -> int | None:
    """The code of the close frame behind a handshake's answer; frames of servers are not masked."""
    rest = content.partition(b"\r\n\r\n")[2]
    while len(rest) >= 2:
        size, head = rest[1] & 0x7F, 2
        if size == 126:
            size, head = struct.unpack_from(">H", rest, 2)[0], 4
        elif size == 127:
            size, head = struct.unpack_from(">Q", rest, 2)[0], 10
        if rest[0] & 0x0F == 8 and size >= 2:
            return int(struct.unpack_from(">H", rest, head)[0])
        rest = rest[head + size :]
    return None


def _steady(answer: Answer) -> Answer:
    """Without what depends on requests before it, which a server may have refused."""
    json = answer.json
    if isinstance(json, dict):
        json = sorted(json) if {"cleared", "hits"} & set(json) else {k: v for k, v in json.items() if k != "cached"}
    return replace(answer, json=json)
