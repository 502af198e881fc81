"""A tap that runs beside the test, and services on plain sockets that do what a test says."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from serving_lab.api.endpoint import Endpoint
from serving_lab.recordings import tap_file
from serving_lab.recordings.tap_file import Tapped
from serving_lab.tap.counts import Counts
from serving_lab.tap.surface import Surface
from serving_lab.tap.tap import Plan, Tap

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
_SECONDS = 10


@dataclass
class Service:
    """A service that runs."""

    port: int
    connections: list[socket.socket] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    """By `answering`: all that arrived, on all connections."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it answers."""
        return Endpoint.parse(f"http://127.0.0.1:{self.port}")


Handler = Callable[[socket.socket, Service], None]


@contextlib.contextmanager
def service(handler: Handler) -> Iterator[Service]:
    """Give each connection to a handler, in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        running = Service(listening.getsockname()[1])

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    running.connections.append(connection)
                    threading.Thread(target=handle, args=(connection,), daemon=True).start()

        def handle(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                handler(connection, running)

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield running
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for connection in running.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def answering(answer: bytes = OK, before: Callable[[], object] = lambda: None) -> Handler:
    """Answer every request with the same bytes."""

    def handler(connection: socket.socket, running: Service) -> None:
        held = b""
        while data := connection.recv(65536):
            running.received += data
            held += data
            while (end := held.find(b"\r\n\r\n")) >= 0:
                head = held[:end].lower()
                _, _, length = head.partition(b"content-length:")
                size = end + 4 + int(length.split(b"\r\n")[0] or 0)
                if b"\r\ntransfer-encoding:" in head:
                    size = held.find(b"\r\n0\r\n\r\n") + 7
                if size < end or len(held) < size:
                    break
                held = held[size:]
                before()
                connection.sendall(answer)

    return handler


@dataclass
class RunningTap:
    """A tap that runs."""

    port: int
    counts: Counts
    record: Path
    _end: Callable[[], None]
    _ended: bool = False

    def connect(self) -> socket.socket:
        """A client's connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=_SECONDS)

    def ask(self, request: bytes = GET, expected: bytes = OK) -> None:
        """Send a request on a connection of its own, and compare its answer."""
        ask(self.port, request, expected)

    def end(self) -> None:
        """Let it end as a signal does."""
        if not self._ended:
            self._ended = True
            self._end()

    def recorded(self) -> list[Tapped]:
        """End it, and read what it recorded."""
        self.end()
        return list(tap_file.read(self.record))


@contextlib.contextmanager
def tapping(
    primary: Endpoint,
    directory: Path,
    candidate: Endpoint | None = None,
    surface: Surface | None = None,
    *,
    queue: int = 1000,
    again: float = 0.0,
    most_bytes: int | None = None,
    body_bytes: int = 1 << 20,
) -> Iterator[RunningTap]:
    """Run a tap in a thread."""
    record = directory / "live.tap"
    surface = surface or Surface()
    plan = Plan(primary, candidate, "127.0.0.1", 0, record, surface, queue, most_bytes, body_bytes, again)
    started, made = threading.Event(), []
    loop = uvloop.new_event_loop()
    ending = asyncio.Event()

    async def main() -> None:
        tap = Tap(plan)
        _, port = await tap.listen()
        made.append((tap, port))
        started.set()
        await ending.wait()
        await tap.close(drain_seconds=2)

    thread = threading.Thread(target=lambda: asyncio.Runner(loop_factory=lambda: loop).run(main()), daemon=True)
    thread.start()
    assert started.wait(_SECONDS)

    def end() -> None:
        loop.call_soon_threadsafe(ending.set)
        thread.join(_SECONDS)
        assert not thread.is_alive()

    running = RunningTap(made[0][1], made[0][0].counts, record, end)
    try:
        yield running
    finally:
        running.end()


def ask(port: int, request: bytes = GET, expected: bytes = OK) -> None:
    """Send a request on a connection of its own, and compare its answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as client:
        client.sendall(request)
        assert exactly(client, len(expected)) == expected


def exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes, or all that come before the other side closes."""
    received = b""
    while len(received) < size and (data := connection.recv(size - len(received))):
        received += data
    return received


def to_the_end(connection: socket.socket) -> bytes:
    """All bytes until the other side closes."""
    received = b""
    while data := connection.recv(65536):
        received += data
    return received
