"""One kept HTTP/1.1 connection, on which a request follows the answer to the one before."""

import asyncio
import os
from collections.abc import Callable
from time import perf_counter
from typing import Protocol, cast

import httptools

from serving_lab.generator.drawing import Ready

CLOSED = "the connection was closed before the answer"
NOT_HTTP = "the answer is not HTTP"
IDLE_SECONDS = 0.5
"""A target that closes idle connections lets them be at least that long: shorter keep-alive times are not in use."""


class Owner(Protocol):
    """Who uses connections."""

    def answered(self, connection: "Connection", when: float, wrong: str | None) -> None:
        """The request on this connection ended at this time of `time.perf_counter`."""

    def lost(self, connection: "Connection") -> None:
        """The connection is closed; a request that it still has is to be sent again, others were reported as wrong."""


class Connection(asyncio.Protocol):
    """Sends one request at a time, and tells its owner how each ended."""

    __slots__ = (
        "_body",
        "_descriptor",
        "_owner",
        "_parser",
        "_received",
        "_transport",
        "_write",
        "due",
        "on_body",
        "open",
        "request",
        "sent",
    )

    def __init__(self, owner: Owner) -> None:
        self.request: Ready | None = None
        """What waits for its answer."""
        self.due = 0.0
        self.sent = 0.0
        """Of the request, as times of `time.perf_counter`."""
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self.open = False
        """Whether requests can be sent on it."""
        self._body: list[bytes] = []
        self.on_body = self._body.append
        """httptools: a part of an answer's body."""
        self._parser = httptools.HttpResponseParser(self)
        self._received = 0.0
        self._descriptor = -1
        self._write: Callable[[bytes], None] = self._write_at_once

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is open."""
        self._transport = cast("asyncio.Transport", transport)
        self._descriptor = self._transport.get_extra_info("socket").fileno()
        plain = self._transport.get_extra_info("sslcontext") is None
        self._write = self._write_at_once if plain else self._transport.write
        self.open = True

    def send(self, request: Ready, due: float | None = None) -> None:
        """Send a request; without a time at which it was due, that is now."""
        self.request = request
        self.sent = perf_counter()
        self.due = self.sent if due is None else due
        self._write(request.content)

    def abort(self, wrong: str) -> None:
        """Give up what waits for its answer, and the connection."""
        self._end_with_connection(perf_counter(), wrong)

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes have arrived."""
        self._received = perf_counter()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.abort(NOT_HTTP)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own signature
        """asyncio: the connection is closed, by whichever side."""
        self.open = False
        if not self._was_idle():
            self._end(perf_counter(), CLOSED)
        self._owner.lost(self)

    def on_message_complete(self) -> None:
        """httptools: an answer is complete."""
        request, parts = self.request, self._body
        status = self._parser.get_status_code()
        if request is None or status < 200:
            return
        wrong = request.checker.wrong(status, parts[0] if len(parts) == 1 else b"".join(parts))
        parts.clear()
        if self._parser.should_keep_alive():
            self._owner.answered(self, self._received, wrong)
        else:
            self._end_with_connection(self._received, wrong)

    def _write_at_once(self, content: bytes) -> None:
        """Write without the transport, which would wait for the end of the event loop's round; it only has the rest."""
        assert self._transport is not None  # noqa: S101 - it is written to when it is made
        try:
            written = os.write(self._descriptor, content)
        except OSError:
            written = 0  # the transport finds out what is wrong, and says so
        if written < len(content):
            self._transport.write(content[written:])

    def _was_idle(self) -> bool:
        """Whether the target closed an idle connection while a request was on its way: keep-alive's race.

        Every client on kept connections meets it, and sends the request again (RFC 9112, section 9.3.1).
        """
        return self.request is not None and 0 < self._received <= self.sent - IDLE_SECONDS

    def _end(self, when: float, wrong: str | None) -> None:
        if self.request is not None:
            self._owner.answered(self, when, wrong)

    def _end_with_connection(self, when: float, wrong: str | None) -> None:
        # First it is marked as gone: the owner must not send on it any more.
        self.open = False
        self._end(when, wrong)
        self.close()
