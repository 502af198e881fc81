"""uvicorn's HTTP protocol, for services that offer no upgrade, or one at some requests only.

Clients may offer to continue in another protocol with any request, body included (`curl --http2` and Java's client do).
A server that does not take the offer answers as if it were not there (RFC 9110, 7.8). httptools, however, always stops
behind the head of such a request: it takes the rest for data of the other protocol, and uvicorn drops that.

uvicorn sends the head of an answer, then its body, then the application counts what it has answered. Here all that an
application writes leaves together once it has ended, or waits: in one system call and one packet, and counted.

When a client resets its connection, uvloop closes it at once, and says so a moment later. An answer that comes in
between is nobody's fault, and nothing to log.

When the service stops, uvicorn closes connections whose request it has not read to the end of its head. Here they are
answered.
"""

import asyncio
from typing import Any

from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Of an answer, before it leaves although the application goes on: what the client does not read must stop it.
_MOST_HELD_BYTES = 1 << 16


class HttpProtocol(HttpToolsProtocol):
    """Ignores offers of an upgrade that is not taken, and answers in one piece, if need be to nobody."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own signature
        super().__init__(*args, **kwargs)
        self.parser = _Parser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._application = self.app
        self.app = self._answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin a connection."""
        self._answers = _Answers(transport, self.loop)
        super().connection_made(self._answers)  # type: ignore[arg-type] # it has what is used of a transport

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over; whoever speaks WebSocket writes in pieces of its own."""
        self.transport = self._answers.released()
        super().handle_websocket_upgrade()

    def declines_upgrade(self) -> bool:
        """Whether the current request offers an upgrade that is not taken; CONNECT needs no offer."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT" and not self._should_upgrade()

    def head_without_offer(self) -> bytes:
        """The head of the current request, as if it offered no upgrade."""
        line = self.parser.get_method() + b" " + self.url + b" HTTP/" + self.parser.get_http_version().encode()
        kept = (name + b": " + value for name, value in self.headers if name != b"upgrade")
        return b"\r\n".join((line, *kept, b"", b""))

    def on_headers_complete(self) -> None:
        """Start to answer, unless the head is about to come again without its offer."""
        if not self.declines_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Complete a request; one with an offer ends with its head."""
        if not self.declines_upgrade():
            super().on_message_complete()

    def shutdown(self) -> None:
        """Close the connection after the answer to the request that has begun, at once if none has."""
        if not self._is_within_head():
            super().shutdown()

    def is_idle(self) -> bool:
        """Whether it is between two requests: nothing of the next one has been read, and all answers are sent."""
        answered = self.cycle is None or (self.cycle.response_complete and not self.cycle.more_body)
        sent = self.transport.get_write_buffer_size() == 0 and not self.transport.is_closing()
        return answered and sent and not self.pipeline and not self._is_within_head()

    def _is_within_head(self) -> bool:
        """Whether a request has begun whose head is not complete; each request has a scope of its own."""
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    async def _answer(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        try:
            await self._application(scope, receive, send)
        finally:
            self._answers.flush()

    def _unsupported_upgrade_warning(self) -> None:
        """Do not warn of CONNECT."""


class _Answers:
    """A transport that holds what is written until its loop goes on, and drops it when it is closed."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._call_soon = loop.call_soon
        self._held: list[bytes] = []
        self._held_bytes = 0
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not data:
            return
        if not self._held:
            self._call_soon(self.flush)
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > _MOST_HELD_BYTES:
            self.flush()

    def get_write_buffer_size(self) -> int:
        return self._held_bytes + self._transport.get_write_buffer_size()

    def flush(self) -> None:
        """Write what is held."""
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            self._held_bytes = 0
            if not self.is_closing():
                self._transport.write(data)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def released(self) -> asyncio.Transport:
        """The transport itself, when nothing is held any more."""
        self.flush()
        return self._transport


class _Parser(HttpRequestParser):
    """Continues behind the head of a request whose offer is not taken."""

    def __init__(self, protocol: HttpProtocol) -> None:
        super().__init__(protocol)
        self._protocol = protocol

    def feed_data(self, data: bytes) -> None:  # type: ignore[override] # uvicorn has bytes only
        """Parse what arrived."""
        while True:
            try:
                return super().feed_data(data)
            except HttpParserUpgrade as stop:
                if not self._protocol.declines_upgrade():
                    raise
                data = self._protocol.head_without_offer() + data[stop.args[0] :]
