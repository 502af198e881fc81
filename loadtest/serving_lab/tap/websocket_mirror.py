"""The messages of one client, sent to the candidate too, and what both services say to them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from serving_lab.tap.websocket_frames import Message
from serving_lab.tap.websocket_session import READ_BYTES, SWITCHING, Direction, Service, Session, head_of

_MOST_WAITING_BYTES = 1 << 20


@dataclass(frozen=True)
class MessagePair:
    """What both services said after the same messages of one client."""

    connection: int
    """A number of the WebSocket."""
    head: bytes
    """Of the request that opened it."""
    number: int
    """Which of their messages it is, from 0."""
    asked: Message | None
    """The client's message of the same number; None where it has sent fewer."""
    primary: Message
    candidate: Message
    seconds: tuple[float, float]
    """When each came, after the WebSocket was opened."""


class Mirror:
    """The same messages of a client, sent to the candidate too."""

    def __init__(self, session: Session, service: Service, on_pair: Callable[[MessagePair], None]) -> None:
        self._session, self._service, self._on_pair = session, service, on_pair
        self._waiting: bytearray | None = bytearray()
        """What the client sent before the candidate had taken the WebSocket."""
        self._begun = asyncio.Event()
        self._candidate: Direction | None = None
        self._asked: list[Message] = []
        self._said: tuple[list[tuple[Message, float]], list[tuple[Message, float]]] = ([], [])
        self._paired = 0
        self.dropped = False
        self.cancel: Callable[[], object] = lambda: None

    def opened(self, *, taken: bool) -> None:
        """Open it at the candidate too, where the primary has taken it."""
        if taken:
            self._begun.set()
        else:
            self.cancel()

    async def run(self) -> None:
        """Wait until the primary has taken it, open it at the candidate, and collect what that says."""
        await self._begun.wait()
        candidate = await self._service.opened(self._session.head)
        try:
            answer = await head_of(candidate.reader)
            if int(answer.split(b" ", 2)[1]) != SWITCHING:
                return
            candidate.writer.write(bytes(self._waiting or b""))
            self._waiting, self._candidate = None, candidate
            while data := await candidate.reader.read(READ_BYTES):
                for _ in candidate.frames.pieces(data):
                    pass
                self._note(1, candidate.frames.taken())
        finally:
            self._candidate = None
            candidate.writer.transport.abort()

    def said_by_client(self, messages: list[Message], data: bytes) -> None:
        """Send the same to the candidate."""
        self._asked += messages
        writer = self._candidate.writer if self._candidate else None
        waiting = writer.transport.get_write_buffer_size() if writer else len(self._waiting or b"")
        if waiting > _MOST_WAITING_BYTES:
            self.dropped = True
            self.cancel()
        elif writer:
            writer.write(data)
        elif self._waiting is not None:
            self._waiting += data

    def said_by_primary(self, messages: list[Message]) -> None:
        """Remember it until the candidate has said as much."""
        self._note(0, messages)

    def _note(self, side: int, messages: list[Message]) -> None:
        now = time.monotonic() - self._session.opened
        self._said[side].extend((message, now) for message in messages)
        while self._paired < min(map(len, self._said)):
            (primary, first), (candidate, second) = (said[self._paired] for said in self._said)
            asked = self._asked[self._paired] if self._paired < len(self._asked) else None
            self._on_pair(
                MessagePair(
                    id(self._session), self._session.head, self._paired, asked, primary, candidate, (first, second)
                )
            )
            self._paired += 1
