"""Sends copies of requests to another service, over kept connections and by a bounded queue."""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import cast

from serving_lab.api.endpoint import Endpoint
from serving_lab.tap.connecting import Connector
from serving_lab.tap.conversation import Conversation, Seen
from serving_lab.tap.heads import Message
from serving_lab.wire.connection import TIMEOUT_SECONDS
from serving_lab.wire.message import Ending

_EXPECT = re.compile(rb"\r\nexpect[ \t]*:[^\r\n]*", re.IGNORECASE)
_LOOK_SECONDS = 1.0
_MOST_WAITING_BYTES = 64 << 20
"""Of bodies, however few requests they belong to."""


@dataclass(slots=True)
class Copy:
    """A request that is sent once more."""

    request: Message
    done: Callable[[Seen], None]
    """Is told what was answered."""
    sent_again: bool = False


class Mirror:
    """Sends copies to one service.

    Args:
        endpoint: Where it answers.
        connector: Makes its connections.
        connections: How many are kept at most.
        most_waiting: How many copies may wait for a free one.
        room: How many bytes of a body are kept.
    """

    def __init__(
        self, endpoint: Endpoint, connector: Connector, connections: int, most_waiting: int, room: int
    ) -> None:
        self._connector = connector
        self.endpoint = endpoint
        self.room = room
        self._most_connections = connections
        self._most_waiting = most_waiting
        self._waiting: deque[Copy] = deque()
        self._waiting_bytes = 0
        self._free: list[_Connection] = []
        self._all: set[_Connection] = set()
        self._opening = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many copies wait."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether copies wait, or their answers are due."""
        return bool(self._waiting or self._opening) or len(self._free) < len(self._all)

    def offer(self, copy: Copy) -> bool:
        """Send a copy, now or soon; False where too many wait already."""
        if self._free:
            self._free.pop().send(copy)
            return True
        if len(self._waiting) >= self._most_waiting or self._waiting_bytes > _MOST_WAITING_BYTES:
            return False
        self._waiting.append(copy)
        self._waiting_bytes += copy.request.body_bytes
        self._open()
        return True

    def close(self) -> None:
        """Give up what waits, and close all connections."""
        self._waiting.clear()
        self._waiting_bytes = 0
        if self._watching:
            self._watching.cancel()
        for connection in list(self._all):
            connection.close()

    def free(self, connection: "_Connection") -> None:
        """A connection has its answer."""
        if self._waiting:
            connection.send(self._next())
        else:
            self._free.append(connection)

    def lost(self, connection: "_Connection", unanswered: Copy | None) -> None:
        """A connection is closed; its copy is sent once more where the service closed an idle connection."""
        self._all.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        if unanswered is not None:
            unanswered.sent_again = True
            self._waiting.appendleft(unanswered)
            self._waiting_bytes += unanswered.request.body_bytes
        if self._waiting:
            self._open()

    def _next(self) -> Copy:
        copy = self._waiting.popleft()
        self._waiting_bytes -= copy.request.body_bytes
        return copy

    def _open(self) -> None:
        if len(self._all) + self._opening < self._most_connections and self._opening < len(self._waiting):
            self._opening += 1
            task = asyncio.get_running_loop().create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if self._watching is None:
            self._watching = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._watch)

    async def _connect(self) -> None:
        try:
            connection = await self._connector.connect(self.endpoint, lambda: _Connection(self))
        except OSError as error:
            self._opening -= 1
            ending = Ending.TIMED_OUT if isinstance(error, TimeoutError) else Ending.REFUSED
            if not self._all:
                # Nothing would ever take up what waits.
                while self._waiting:
                    self._failed(self._next(), ending)
            return
        self._opening -= 1
        self._all.add(connection)
        self.free(connection)

    def _failed(self, copy: Copy, ending: Ending) -> None:
        copy.done(Seen(0, copy.request, None, copy.request.begun, ending))

    def _watch(self) -> None:
        now = perf_counter()
        for connection in list(self._all):
            connection.look(now)
        self._watching = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._watch) if self._all else None


class _Connection(asyncio.Protocol):
    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._conversation = Conversation(mirror.room)
        self._copy: Copy | None = None
        self._sent = 0.0
        self._used = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, copy: Copy) -> None:
        assert self._transport is not None  # noqa: S101 - it is used once it is open
        self._copy, self._sent = copy, perf_counter()
        self._transport.write(encoded(copy.request))
        self._conversation.sends(copy.request.again(self._sent))

    def data_received(self, data: bytes) -> None:
        for seen in self._conversation.server_sent(data, perf_counter()):
            self._done(seen)
        if self._conversation.unreadable is not None and self._copy:
            self._done(Seen(0, self._copy.request, None, perf_counter(), Ending.NOT_HTTP))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        copy = self._copy
        idle = copy is not None and self._used and not copy.sent_again and not self._conversation.answering
        if not idle:
            for seen in self._conversation.server_closed(perf_counter(), reset=exc is not None):
                self._done(seen)
        self._mirror.lost(self, copy if idle else None)

    def look(self, now: float) -> None:
        """Give up an answer that does not come."""
        if self._copy and now - self._sent > TIMEOUT_SECONDS:
            self._done(Seen(0, self._copy.request, None, now, Ending.TIMED_OUT))
            self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _done(self, seen: Seen) -> None:
        copy, self._copy, self._used = self._copy, None, True
        if copy is None:
            return
        copy.done(seen)
        if self._transport is None:
            return
        if seen.ending is Ending.KEPT:
            self._mirror.free(self)
        else:
            self.close()


def encoded(request: Message) -> bytes:
    """The bytes of a request whose body was kept: chunks are one, and nothing waits for `100 Continue`."""
    body = request.body
    if request.chunked:
        body = (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    return _EXPECT.sub(b"", request.head) + b"\r\n\r\n" + body
