"""One WebSocket that passes by: opened at a service, passed on in both directions, ended on request."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Protocol

from serving_lab.api.endpoint import Endpoint
from serving_lab.gateway.config import BUCKET_HEADER
from serving_lab.tap.websocket_frames import GOING_AWAY, Frames, Message, close_frame

READ_BYTES = 1 << 16
HEAD_SECONDS = 30.0
SWITCHING, NO_ANSWER = 101, -1
GONE = (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
"""What tells that the other side is not there, or does not speak HTTP."""
_ANSWER_SECONDS = 1.0
"""How long a client waits for answers in flight before it is told to go."""
_GOODBYE_SECONDS = 5.0
"""How long a client that was told may take to close."""
_CONNECT_SECONDS = 2.0
_LOOK_SECONDS = 0.01
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_NOT_PASSED_ON = frozenset({BUCKET_HEADER.lower().encode(), b"sec-websocket-extensions"})
"""The gateway's own header; and compression, because messages are compared."""


@dataclass(frozen=True)
class Service:
    """Where WebSockets are opened, and the address that the connections come from; None: any."""

    endpoint: Endpoint
    source: str | None

    async def opened(self, head: bytes) -> "Direction":
        """A connection to which the head of the request was sent, without what is not passed on."""
        async with asyncio.timeout(_CONNECT_SECONDS):
            where = self.endpoint.hostname, self.endpoint.port
            local = (self.source, 0) if self.source else None
            reader, writer = await asyncio.open_connection(*where, limit=READ_BYTES, local_addr=local)
        first, *lines = head[:-4].split(b"\r\n")
        passed_on = [each for each in lines if each.partition(b":")[0].strip().lower() not in _NOT_PASSED_ON]
        writer.write(b"\r\n".join([first, *passed_on]) + b"\r\n\r\n")
        return Direction(reader, writer)


@dataclass
class Direction:
    """A connection, and the frames that come from its other end."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    frames: Frames = field(default_factory=Frames)


class Listener(Protocol):
    """Who hears what is said on a WebSocket of the primary."""

    def opened(self, *, taken: bool) -> None:
        """The primary has answered the request that opens it, and has taken it or not."""

    def said_by_client(self, messages: list[Message], data: bytes) -> None:
        """The client sent these bytes, which completed these messages."""

    def said_by_primary(self, messages: list[Message]) -> None:
        """The primary completed these messages."""


class Session:
    """One WebSocket, from the request that opens it to its end."""

    def __init__(self, bucket: int, on_candidate: bool, head: bytes, client: Direction) -> None:
        self.bucket, self.on_candidate, self.head = bucket, on_candidate, head
        self.client = client
        """Its frames are those that the client sends."""
        self.service: Direction | None = None
        self.status = NO_ANSWER
        self.first_seconds: float | None = None
        self.seconds = 0.0
        self.told = False
        self._leaves = False
        self._all_said = False
        self.ended_by_client = False
        self.listener: Listener | None = None
        self.opened = 0.0

    async def run(self, service: Service) -> None:
        """Open it at a service, and pass on everything until one side ends it."""
        self.opened = time.monotonic()
        try:
            self.service = await service.opened(self.head)
            answer = await head_of(self.service.reader)
        except GONE:
            self.client.writer.write(_BAD_GATEWAY)
            self.seconds = time.monotonic() - self.opened
            return
        self.first_seconds = time.monotonic() - self.opened
        self.status = int(answer.split(b" ", 2)[1])
        self.client.writer.write(answer)
        if self.listener:
            self.listener.opened(taken=self.is_websocket)
        if self._leaves:
            self.go_away()
        up, down = asyncio.create_task(self._up(self.service)), asyncio.create_task(self._down(self.service))
        try:
            done, _ = await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            self.ended_by_client = up in done and down not in done
            # Who has not ended gets a moment to say the rest.
            await asyncio.wait({up, down}, timeout=_GOODBYE_SECONDS if self.is_websocket else None)
        finally:
            for task in (up, down):
                task.cancel()
            self.service.writer.transport.abort()
            self.seconds = time.monotonic() - self.opened

    @property
    def is_websocket(self) -> bool:
        """Whether the service has taken it."""
        return self.status == SWITCHING

    def go_away(self) -> None:
        """Tell the client to come again, once the answers in flight are there.

        A client that is still waiting for its WebSocket gets it first: it could not be told otherwise. An answer that
        opens none ends by itself.
        """
        service = self.service
        if service is None or not self.is_websocket:
            self._leaves = True
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _ANSWER_SECONDS

        def tell() -> None:
            frames, late = service.frames, loop.time() > deadline
            if self.told or self._all_said or self.client.writer.is_closing():
                return
            if frames.at_boundary and (late or frames.messages >= self.client.frames.messages):
                self.told = True
                self.client.writer.write(close_frame(GOING_AWAY))
                loop.call_later(_GOODBYE_SECONDS, self.client.writer.transport.abort)
            else:
                loop.call_later(_LOOK_SECONDS, tell)

        tell()

    async def _up(self, service: Direction) -> None:
        while data := await self.client.reader.read(READ_BYTES):
            if self.is_websocket:
                for _ in self.client.frames.pieces(data):
                    pass
                if self.listener:
                    self.listener.said_by_client(self.client.frames.taken(), data)
            service.writer.write(data)
            await service.writer.drain()
        if service.writer.can_write_eof():
            service.writer.write_eof()

    async def _down(self, service: Direction) -> None:
        while data := await service.reader.read(READ_BYTES):
            if not self.is_websocket:
                self.client.writer.write(data)
            else:
                for piece in service.frames.pieces(data):
                    if not self.told:
                        self.client.writer.write(piece)
                if self.listener:
                    self.listener.said_by_primary(service.frames.taken())
            await self.client.writer.drain()
        self._all_said = True
        if not self.client.writer.is_closing() and self.client.writer.can_write_eof():
            self.client.writer.write_eof()


async def head_of(reader: asyncio.StreamReader) -> bytes:
    """The head of an answer. Raises one of `GONE` where none comes."""
    async with asyncio.timeout(HEAD_SECONDS):
        return await reader.readuntil(b"\r\n\r\n")
