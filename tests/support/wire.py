"""HTTP byte by byte: requests that no well-behaved client library would send, one new connection each."""

import contextlib
import socket
from dataclasses import dataclass, replace

import httpx
from serving_lab.wire.received import Received
from serving_lab.wire.response import Patience, read_answer

from support.services import RunningService

JSON_TYPE = (("Content-Type", "application/json"),)
LIMIT_BYTES = 1_048_576
TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class Request:
    """A request as it goes over the wire; `signed_in` adds a valid token, a body brings its Content-Length.

    It closes its connection, unless it has a Connection header of its own.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str | bytes], ...] = JSON_TYPE
    body: bytes = b""
    signed_in: bool = True
    chunked: bool = False

    def with_headers(self, *headers: tuple[str, str | bytes]) -> "Request":
        """Return the same request with further headers."""
        return replace(self, headers=(*self.headers, *headers))


def send(service: RunningService, request: Request, token: str = "") -> httpx.Response:
    """Send the request on a connection of its own and return the answer, unread bytes and all."""
    with socket.create_connection(service.address, timeout=TIMEOUT_SECONDS) as connection:
        # A server may answer before it has read everything, and close: then the answer is what counts.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(encode(request, service, token))
        return read_response(connection, request.method)


def encode(request: Request, service: RunningService, token: str = "") -> bytes:
    """Return the bytes of the request."""
    host, port = service.address
    given = {name.lower() for name, _ in request.headers}
    defaults = [("Host", f"{host}:{port}"), ("Connection", "close")]
    headers = [*(default for default in defaults if default[0].lower() not in given), *request.headers]
    if request.signed_in and token:
        headers.append(("Authorization", f"Bearer {token}"))
    if request.chunked:
        headers.append(("Transfer-Encoding", "chunked"))
    elif "content-length" not in given and (request.body or request.method not in {"GET", "HEAD", "OPTIONS"}):
        headers.append(("Content-Length", str(len(request.body))))
    head = [f"{request.method} {request.target} HTTP/1.1".encode("latin-1")]
    head += [name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()) for name, value in headers]
    body = chunks(request.body) if request.chunked else request.body
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def chunks(body: bytes, size: int = 8192) -> bytes:
    """Return the body in chunked transfer coding."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def read_response(connection: socket.socket, method: str = "POST") -> httpx.Response:
    """Return the answer that arrives on the connection."""
    [response] = read_responses(connection, method)
    return response


def read_responses(connection: socket.socket, *methods: str) -> list[httpx.Response]:
    """Return the answers that arrive on the connection, as many as there are methods of requests."""
    received = Received(connection, TIMEOUT_SECONDS)
    patience = Patience(TIMEOUT_SECONDS, TIMEOUT_SECONDS)
    answers = [read_answer(received, method, patience)[0] for method in methods]
    return [httpx.Response(each.status, headers=list(each.headers), content=each.body) for each in answers]
