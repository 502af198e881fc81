"""Servers on sockets that treat each of their connections as a test says."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from serving_lab.api.endpoint import Endpoint
from serving_lab.wire.connection import Client

Talk = Callable[[socket.socket], object]
"""What a server does with one connection."""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextlib.contextmanager
def server(*talks: Talk) -> Iterator[Client]:
    """Run a server that treats its first connection as the first talk says, and so on, and yield a client of it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for talk in talks:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with contextlib.closing(Client(Endpoint.parse(f"http://127.0.0.1:{listener.getsockname()[1]}"), 0.5)) as client:
            yield client
    finally:
        listener.close()


def says(*answers: bytes, then_wait: bool = True) -> Talk:
    def talk(connection: socket.socket) -> None:
        for answer in answers:
            connection.recv(65536)
            connection.sendall(answer)
        if then_wait:
            connection.recv(65536)

    return talk
