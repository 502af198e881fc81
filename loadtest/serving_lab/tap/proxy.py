"""Passes a client's bytes on to the primary and back as they are, and listens to what is said.

Each connection of a client has one of its own to the primary. So whatever HTTP means for one connection (keep-alive,
pipelining, `100 Continue`, streams, upgrades, half-closed sides) means the same through the tap, and a message that the
tap cannot read is passed on all the same.
"""

import asyncio
import contextlib
import os
import sys
from time import perf_counter
from typing import Protocol, cast

from serving_lab.api.endpoint import Endpoint
from serving_lab.tap.connecting import Connector
from serving_lab.tap.conversation import Conversation, Seen
from serving_lab.tap.counts import Counts
from serving_lab.text.phrases import visible
from serving_lab.wire.message import Ending

LINGER_SECONDS = 2.0
"""How long a side that has said its last may take to close."""


class Listener(Protocol):
    """Who wants to know what was said."""

    primary: Endpoint
    connector: Connector
    counts: Counts
    room: int
    """Bytes of a body that are kept."""

    def opened(self, link: "Link") -> int:
        """A client has connected; returns the number of its connection."""

    def closed(self, link: "Link") -> None:
        """Both sides are closed."""

    def seen(self, link: "Link", seen: Seen) -> None:
        """An exchange is over."""


class Link:
    """A client's connection with the one to the primary that belongs to it."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.conversation = Conversation(listener.room)
        self.client = Side(self, is_client=True)
        self.primary = Side(self, is_client=False)
        self.client.other, self.primary.other = self.primary, self.client
        self.number = 0
        self.address = ""
        self._early: list[bytes] = []
        """What the client sent before the primary had accepted."""
        self._refused: OSError | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._lingering: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """The client has connected: little of it is read until the primary has accepted."""
        transport = self.client.open_transport
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        self.number = self.listener.opened(self)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def client_sent(self, data: bytes) -> None:
        """Pass it on, then listen."""
        if self.primary.transport is not None:
            self.primary.send(data)
        elif self._connecting is not None:
            self._early.append(data)
            self.client.pause_reading()
        self.listener.counts.client_bytes += len(data)
        try:
            self.conversation.client_sent(data, perf_counter())
        except Exception as error:  # noqa: BLE001 - whatever is wrong here, traffic goes on
            self._not_understood(error)
        if self._refused is not None:
            self._refuse(self._refused)

    def primary_sent(self, data: bytes) -> None:
        """Pass it on, then listen."""
        if self.client.transport is not None:
            self.client.send(data)
        self.listener.counts.primary_bytes += len(data)
        try:
            for seen in self.conversation.server_sent(data, perf_counter()):
                self.listener.seen(self, seen)
        except Exception as error:  # noqa: BLE001 - whatever is wrong here, traffic goes on
            self._not_understood(error)

    def said_last(self, side: "Side") -> None:
        """One side sends no more; the other one may."""
        if side.other.transport is not None:
            with contextlib.suppress(OSError, NotImplementedError):
                side.other.transport.write_eof()
        if side is self.primary:
            self._over(self.conversation.server_closed(perf_counter()))
        if self._connecting is not None:
            return
        if side.other.said_last or side.other.transport is None:
            self.close()
        elif side is self.primary or not self.conversation.busy:
            self._linger()

    def lost(self, side: "Side", error: Exception | None) -> None:
        """One side is closed."""
        now = perf_counter()
        if side is self.client:
            self._over(self.conversation.client_closed(now))
        else:
            self._over(self.conversation.server_closed(now, reset=error is not None))
        if side.other.transport is not None:
            if error is not None:
                side.other.transport.abort()
            else:
                side.other.transport.close()
            return
        if self._lingering is not None:
            self._lingering.cancel()
        self.listener.closed(self)

    def close(self) -> None:
        """Send what waits, and close both sides."""
        for side in (self.client, self.primary):
            if side.transport is not None:
                side.transport.close()

    def abort(self) -> None:
        """Close both sides at once."""
        for side in (self.client, self.primary):
            if side.transport is not None:
                side.transport.abort()

    async def _connect(self) -> None:
        try:
            await self.listener.connector.connect(self.listener.primary, lambda: self.primary)
        except OSError as error:
            self._refused = error
        finally:
            self._connecting = None
        if self.client.transport is None:
            self.abort()
            return
        if self._refused is not None:
            self._refuse(self._refused)
        elif self.primary.transport is not None:
            self.primary.transport.write(b"".join(self._early))
            if self.client.said_last:
                self.said_last(self.client)
        self._early.clear()
        self.client.resume_reading()

    def _refuse(self, error: OSError) -> None:
        """Say that the primary accepts no connection, once a request has arrived that can be told so."""
        request = self.conversation.asked
        if request is None and self.conversation.unreadable is None:
            return
        why = "timed out" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
        body = f"lab tap: {self.listener.primary.url} accepts no connection: {why}\n".encode()
        head = (
            "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.listener.counts.refused += 1
        for seen in self.conversation.server_closed(perf_counter()):
            seen.ending = Ending.TIMED_OUT if isinstance(error, TimeoutError) else Ending.REFUSED
            self.listener.seen(self, seen)
        transport = self.client.open_transport
        transport.write(head.encode() + (b"" if request is not None and request.method == "HEAD" else body))
        self._refused = None
        with contextlib.suppress(OSError, NotImplementedError):
            transport.write_eof()
        self._linger()

    def _over(self, found: list[Seen]) -> None:
        for seen in found:
            self.listener.seen(self, seen)

    def _linger(self) -> None:
        """Close both sides unless they do it themselves soon: closing at once could lose what is on its way."""
        if self._lingering is None:
            self._lingering = asyncio.get_running_loop().call_later(LINGER_SECONDS, self.close)

    def _not_understood(self, error: Exception) -> None:
        self.conversation.unreadable = f"a fault of the tap: {type(error).__name__}: {error}"
        sys.stderr.write(f"warning: {visible(self.conversation.unreadable)}\n")


class Side(asyncio.Protocol):
    """One of the two connections of a link."""

    other: "Side"

    def __init__(self, link: Link, *, is_client: bool) -> None:
        self.transport: asyncio.Transport | None = None
        """None: closed, or not open yet."""
        self.said_last = False
        self._descriptor = -1
        """Of a socket without TLS."""
        self._link = link
        self._is_client = is_client
        # asyncio calls this for all that arrives.
        self.data_received = link.client_sent if is_client else link.primary_sent  # type: ignore[method-assign]

    @property
    def open_transport(self) -> asyncio.Transport:
        """The transport, which is known to be open."""
        assert self.transport is not None  # noqa: S101 - see above
        return self.transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: it is open."""
        self.transport = cast("asyncio.Transport", transport)
        if transport.get_extra_info("sslcontext") is None:
            self._descriptor = transport.get_extra_info("socket").fileno()
        if self._is_client:
            self._link.begin()

    def send(self, data: bytes) -> None:
        """Send it at once: the transport would wait for the end of the event loop's round. It only has the rest."""
        transport = self.open_transport
        if self._descriptor < 0 or transport.get_write_buffer_size() or transport.is_closing():
            transport.write(data)
            return
        try:
            written = os.write(self._descriptor, data)
        except OSError:
            written = 0  # the transport finds out what is wrong, and says so
        if written < len(data):
            transport.write(data[written:])

    def eof_received(self) -> bool:
        """asyncio: nothing more will arrive; what is sent still does."""
        self.said_last = True
        self._link.said_last(self)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: it is closed."""
        self.transport = None
        self._link.lost(self, exc)

    def pause_writing(self) -> None:
        """asyncio: it takes no more now, so that nothing more is read from the other side."""
        self.other.pause_reading()

    def resume_writing(self) -> None:
        """asyncio: it takes more again."""
        self.other.resume_reading()

    def pause_reading(self) -> None:
        """Read no more now."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()
