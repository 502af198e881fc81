"""One kept HTTP/1.1 connection, on which a request follows the answer to the one before."""

import asyncio
import time
from typing import Protocol, cast

import httptools

from lab.generator.drawing import Ready

CLOSED = "the connection was closed before the answer"
NOT_HTTP = "the answer is not HTTP"


class Owner(Protocol):
    """Who uses connections."""

    def answered(self, connection: "Connection", when: float, wrong: str | None) -> None:
        """The request on this connection came to its end at this time of `time.perf_counter`."""

    def lost(self, connection: "Connection") -> None:
        """The connection is closed; what was on it has been reported as wrong before."""


class Connection(asyncio.Protocol):
    """Sends one request at a time, and tells its owner how each ended."""

    def __init__(self, owner: Owner) -> None:
        self.request: Ready | None = None
        """What waits for its answer."""
        self.due = 0.0
        self.sent = 0.0
        """Of the request, as times of `time.perf_counter`."""
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._received = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is open."""
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: Ready, due: float | None = None) -> None:
        """Send a request; without a time at which it was due, that is now."""
        assert self._transport is not None  # noqa: S101 - an owner sends on connections that are made
        self.request = request
        self.sent = time.perf_counter()
        self.due = self.sent if due is None else due
        self._transport.write(request.content)

    def abort(self, wrong: str) -> None:
        """Give up what waits for its answer, and the connection."""
        self._end_with_connection(time.perf_counter(), wrong)

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes have arrived."""
        self._received = time.perf_counter()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.abort(NOT_HTTP)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own signature
        """asyncio: the connection is closed, by whichever side."""
        self._transport = None
        self._end(time.perf_counter(), CLOSED)
        self._owner.lost(self)

    def on_message_begin(self) -> None:
        """httptools: an answer begins."""
        self._body.clear()

    def on_body(self, body: bytes) -> None:
        """httptools: a part of an answer's body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """httptools: an answer is complete."""
        status = self._parser.get_status_code()
        if self.request is None or status < 200:
            return
        keep = self._parser.should_keep_alive()
        parts = self._body
        wrong = self.request.checker.wrong(status, parts[0] if len(parts) == 1 else b"".join(parts))
        if keep:
            self._end(self._received, wrong)
        else:
            self._end_with_connection(self._received, wrong)

    @property
    def usable(self) -> bool:
        """Whether a request can be sent on it."""
        return self._transport is not None and self.request is None

    def _end(self, when: float, wrong: str | None) -> None:
        if self.request is not None:
            self._owner.answered(self, when, wrong)

    def _end_with_connection(self, when: float, wrong: str | None) -> None:
        # First it is marked as gone: the owner must not send on it any more.
        transport, self._transport = self._transport, None
        self._end(when, wrong)
        if transport is not None:
            transport.abort()
