"""HTTP/1.1 responses read from a connection."""

import http.client
import io
import socket
from typing import Self

from serving_lab.wire.message import Answer


class KeptOpen(io.BufferedReader):
    """A connection's incoming bytes, read by one response after the other: none of them closes the connection."""

    def __init__(self, received: io.BufferedReader) -> None:
        super().__init__(received.detach())

    def makefile(self, _mode: str) -> Self:
        """Itself: a response asks for something to read from."""
        return self

    def close(self) -> None:
        """Leave it open for the next response."""


def read_answer(received: socket.socket | KeptOpen, method: str) -> tuple[Answer, bool]:
    """The next answer on a connection, and whether it lets the connection be kept.

    Args:
        received: the connection, or what is read from it.
        method: the request's method, because an answer to HEAD has no body.

    Raises:
        OSError: the connection broke, or nothing came in time.
        http.client.HTTPException: what came is no whole HTTP response.
        ValueError: what came is no HTTP response.
    """
    response = http.client.HTTPResponse(received, method=method)  # type: ignore[arg-type]
    response.begin()
    headers = tuple((name.lower(), value) for name, value in response.getheaders())
    try:
        body = response.read()
    except (MemoryError, OverflowError) as error:  # it announces more than there can ever be
        raise http.client.IncompleteRead(b"") from error
    return Answer(response.status, headers, body), not response.will_close
