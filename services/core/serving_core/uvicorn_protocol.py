"""uvicorn's HTTP protocol, for services that offer no upgrade, or one at some requests only.

Clients may offer to continue in another protocol with any request, body included (`curl --http2` and Java's client do).
A server that does not take the offer answers as if it were not there (RFC 9110, 7.8). httptools, however, always stops
behind the head of such a request: it takes the rest for data of the other protocol, and uvicorn drops that.

uvicorn sends the head of an answer before its body: two system calls and two packets where one does. ASGI has servers
wait for a part of the body before they send anything.

When a client resets its connection, uvloop closes it at once, and says so a moment later. An answer that comes in
between is nobody's fault, and nothing to log.

When the service stops, uvicorn closes connections whose request it has not read to the end of its head. Here they are
answered.
"""

import asyncio
from typing import Any

from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class HttpProtocol(HttpToolsProtocol):
    """Ignores offers of an upgrade that is not taken, and answers in one piece, if need be to nobody."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own signature
        super().__init__(*args, **kwargs)
        self.parser = _Parser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does

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
        if self.declines_upgrade():
            return
        before = self.cycle
        super().on_headers_complete()
        if self.cycle and self.cycle is not before:
            answer = _Answer(self.transport, has_body=self.scope["method"] != "HEAD")
            self.cycle.transport = answer  # type: ignore[assignment] # what a cycle uses of it is there

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

    def _unsupported_upgrade_warning(self) -> None:
        """Do not warn of CONNECT."""


class _Answer:
    """The transport of one answer: keeps the head until a part of the body is there; drops all once it is closed."""

    def __init__(self, transport: asyncio.Transport, *, has_body: bool) -> None:
        self._transport = transport
        self._head: bytes | None = None
        self._begins = has_body
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if self._begins and data != _CONTINUE:
            self._begins = False
            self._head = data
            return
        if self._head is not None:
            data = self._head + data
            self._head = None
        if not self.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close the connection; an answer that breaks off here may have no more than its head."""
        if self._head is not None:
            self.write(b"")
        self._transport.close()


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
