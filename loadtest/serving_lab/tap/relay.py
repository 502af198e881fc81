"""The relay of WebSockets: while traffic moves over they pass through it, so that open ones can be told to come again.

The gateway says in a header which bucket the user has. The relay leaves what is open on its side until the share moves
past the bucket. Then the client gets a close frame with the code 1001, once the answers in flight are there, and comes
again to the other side. Every WebSocket that has ended is told to whoever observes, in the form of the gateway.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable

from serving_lab.api.endpoint import Endpoint
from serving_lab.gateway.config import BUCKET_HEADER, RELAY_READY_PATH
from serving_lab.gateway.observations import Slice, line
from serving_lab.tap.websocket_frames import ABNORMAL
from serving_lab.tap.websocket_mirror import MessagePair, Mirror
from serving_lab.tap.websocket_session import GONE, HEAD_SECONDS, NO_ANSWER, READ_BYTES, Direction, Service, Session

_MOST_WAITING_BYTES = 1 << 20
_LOOK_SECONDS = 0.2
_SERVICE_FAILED = frozenset({ABNORMAL, 1011, 1012, 1013, 1014})
"""Codes of close frames by which a service says that it failed."""


class Relay:
    """All WebSockets that are open, and the share by which they are on one side or the other.

    Args:
        primary: Where the primary answers.
        candidate: Where the candidate does.
        on_pair: Gets what both said, for each message of the primary; None: nothing is sent to both.
        source: The address that its connections to the services come from; None: whichever the system chooses.
    """

    def __init__(
        self,
        primary: Endpoint,
        candidate: Endpoint,
        on_pair: Callable[[MessagePair], None] | None = None,
        source: str | None = None,
    ) -> None:
        self._sides = {False: Service(primary, source), True: Service(candidate, source)}
        self._on_pair = on_pair
        self._share = 0
        self._open: set[Session] = set()
        self._observers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.dropped = 0
        """WebSockets whose messages were not all sent to both: the candidate did not take them fast enough."""

    async def serve(self, host: str, port: int) -> asyncio.Server:
        """Listen: for the gateway, and without its header for whoever steers this one."""
        return await asyncio.start_server(self._connected, host, port, limit=READ_BYTES)

    def set_share(self, basis_points: int) -> None:
        """Let buckets below this be the candidate's, and tell who is on the wrong side by now."""
        self._share = basis_points
        for session in tuple(self._open):
            if session.on_candidate is not (session.bucket < basis_points):
                session.go_away()

    def close(self) -> None:
        """Tell everybody."""
        for session in tuple(self._open):
            session.go_away()

    @property
    def open(self) -> int:
        """How many WebSockets are open."""
        return len(self._open)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            bucket = _header(head, BUCKET_HEADER.lower().encode())
            if bucket is None:
                await self._steered(head, writer)
            else:
                await self._relayed(int(bucket), head, reader, writer)
        except (*GONE, ValueError):
            writer.transport.abort()  # nothing that could be answered has arrived, or nobody is there any more
        finally:
            with contextlib.suppress(OSError):
                writer.close()

    async def _steered(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        method, target, *_ = head.split(b" ", 2)
        if target == b"/observations":
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            self._observers.add(writer)
            try:
                while not writer.transport.is_closing():
                    await asyncio.sleep(_LOOK_SECONDS)
            finally:
                self._observers.discard(writer)
            return
        known = target == RELAY_READY_PATH.encode()
        if method == b"PUT" and target.startswith(b"/share/"):
            self.set_share(int(target[len(b"/share/") :]))
            known = True
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % (b"200 OK" if known else b"404 Not Found"))
        await writer.drain()

    async def _relayed(
        self, bucket: int, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        session = Session(bucket, bucket < self._share, head, Direction(reader, writer))
        share = self._share
        self._open.add(session)
        begun = time.time()
        session.listener = mirror = self._mirror(session)
        try:
            await session.run(self._sides[session.on_candidate])
        finally:
            self._open.discard(session)
            if mirror:
                mirror.cancel()
            self._tell(_ended(session, share, begun))

    def _mirror(self, session: Session) -> Mirror | None:
        if self._on_pair is None or session.on_candidate:
            return None
        mirror = Mirror(session, self._sides[True], self._on_pair)
        task = asyncio.create_task(self._mirrored(mirror))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        mirror.cancel = task.cancel
        return mirror

    async def _mirrored(self, mirror: Mirror) -> None:
        with contextlib.suppress(*GONE):
            await mirror.run()
        self.dropped += mirror.dropped

    def _tell(self, observed: bytes) -> None:
        for observer in self._observers:
            if observer.transport.get_write_buffer_size() < _MOST_WAITING_BYTES:
                observer.write(observed)


def _header(head: bytes, name: bytes) -> bytes | None:
    for each in head.split(b"\r\n")[1:]:
        key, _, value = each.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None


def _ended(session: Session, share: int, begun: float) -> bytes:
    """What became of it, in the form of the gateway; a WebSocket that its service broke off has no status."""
    method, target, *_ = session.head.decode("latin-1").split(" ", 2)
    code = session.service.frames.close_code if session.service else None
    if session.is_websocket and code is None and not (session.ended_by_client or session.told):
        code = ABNORMAL
    failed = session.status == NO_ANSWER or (session.is_websocket and code in _SERVICE_FAILED)
    first = session.first_seconds
    return line(
        at=begun + session.seconds,
        slice_=Slice.of(session.bucket, share),
        server="candidate" if session.on_candidate else "primary",
        status=session.status,
        first_ms=None if first is None else first * 1e3,
        total_ms=session.seconds * 1e3,
        termination="SD" if failed else "--",
        method=method,
        path=target.partition("?")[0],
        bucket=session.bucket,
        websocket=session.is_websocket,
    )
