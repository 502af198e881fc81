"""A proxy before a service that changes one thing, and passes every other byte as it came.

Requests go on as their bytes arrive, odd ones and half closes too, while a parser reads along, so that a mutation knows
which request an answer belongs to. What no parser understands is passed untouched.
"""

import contextlib
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

from parity.mutants.http import Answer, Request, Requests, read_answer, read_head

_RECEIVE_BYTES = 65536
_ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close() a reset."""

Mutation = Callable[[Request, Answer], Answer | None]
"""Returns the answer to pass on in the place of this one; None loses it."""
Rewrite = Callable[[bytes], bytes]
"""Returns the bytes to send to the service in the place of these; a request's head arrives in one piece."""


@contextlib.contextmanager
def proxied(
    service: tuple[str, int],
    mutation: Mutation = lambda _, answer: answer,
    rewrite: Rewrite = lambda sent: sent,
) -> Iterator[str]:
    """Run the proxy before the service at this address and yield its base URL."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(service) as upstream:
                upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _Connection(self.request, upstream, mutation, rewrite).run()

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            host, port = server.server_address[:2]
            yield f"http://{host!s}:{port}"
        finally:
            server.shutdown()
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


class _Connection:
    """A client's connection and the one to the service that belongs to it."""

    def __init__(self, client: socket.socket, upstream: socket.socket, mutation: Mutation, rewrite: Rewrite) -> None:
        self._client = client
        self._upstream = upstream
        self._mutation = mutation
        self._rewrite = rewrite
        self._requests = Requests()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self) -> None:
        """Pass both ways until the service has closed, a mutation has it so, or a side is reset."""
        sending = threading.Thread(target=self._pass_requests, daemon=True)
        sending.start()
        with contextlib.suppress(OSError), self._upstream.makefile("rb") as received:
            try:
                self._pass_answers(received)
                self._client.shutdown(socket.SHUT_WR)
            except OSError:
                self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                # Whoever receives on a socket holds it open: it is woken before the socket is closed.
                self._client.shutdown(socket.SHUT_RD)
            self._upstream.shutdown(socket.SHUT_RDWR)
        sending.join()
        self._client.close()

    def _pass_requests(self) -> None:
        """Pass what the client sends, until it ends its side; what the service takes no more is read all the same.

        A client that is not read would be reset, and lose the answer that it was to have.
        """
        with contextlib.suppress(ConnectionResetError):
            while sent := self._client.recv(_RECEIVE_BYTES):
                self._requests.feed(sent)
                with contextlib.suppress(OSError):
                    self._upstream.sendall(self._rewrite(sent))
        with contextlib.suppress(OSError):
            self._upstream.shutdown(socket.SHUT_WR)

    def _pass_answers(self, received: BinaryIO) -> None:
        """Pass the answers until there are no more."""
        while head := read_head(received):
            expected = self._requests.waiting[0] if self._requests.waiting else None
            answer, content = read_answer(head, received, expected)
            if answer is None or expected is None or answer.status == 101:
                self._client.sendall(content)
                while content := received.read1(_RECEIVE_BYTES):  # type: ignore[attr-defined]
                    self._client.sendall(content)
                return
            if answer.status < 200:
                self._client.sendall(content)
                continue
            request = self._requests.waiting.popleft()
            mutated = self._mutation(request, answer)
            if mutated is None:
                continue
            time.sleep(mutated.delay_seconds)
            if mutated.reset:
                raise ConnectionResetError
            if mutated.close:
                self._upstream.shutdown(socket.SHUT_RDWR)
            self._client.sendall(content if mutated == answer else mutated.encode(request.method))
            if mutated.close:
                return
