"""gunicorn's worker with threads, whose threads only ever get whole requests.

In gunicorn's own, a thread waits for the rest of a request, and the loop that accepts and dispatches waits for clients
to close: as many silent or slow clients as there are threads, or one that does not close, hold up everybody else.
Here connections wait in the loop's selector: for a request, for the rest of its body, and for their end.
"""

import io
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from gunicorn.config import Config
from gunicorn.http.body import LengthReader
from gunicorn.http.errors import NoMoreData
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import Unreader
from gunicorn.workers.gthread import TConn, ThreadWorker

from serving_core.service import Service

_RECEIVE_BYTES = 1 << 16
# How long a client may take to read the last answer and to close its side (RFC 9112, 9.6).
_CLOSE_SECONDS = 2.0
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_INCOMPLETE = object()


class Worker(ThreadWorker):
    """Waits for requests in one thread and answers them in the others."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - gunicorn's own signature
        super().__init__(*args, **kwargs)
        self._service: Service = self.app.service  # type: ignore[attr-defined] # of the service's own application
        self._closing: dict[socket.socket, float] = {}

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection; until its first request arrives, it is idle like one that is kept."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        conn = _Connection(self.cfg, client, address, listener.getsockname(), self._service, self._close)
        conn.set_timeout()
        self.keepalived_conns.append(conn)
        self.poller.register(client, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def handle(self, conn: "_Connection") -> Any:  # type: ignore[override]  # noqa: ANN401 - `_INCOMPLETE` or gunicorn's
        """Answer a request if all of it has arrived; runs in a thread."""
        if not conn.parser.has_arrived():
            return _INCOMPLETE
        conn.wait_for_body(False)
        return super().handle(conn)

    def finish_request(self, conn: "_Connection", fs: "Future[Any]") -> None:  # type: ignore[override]
        """Wait for the next request, for the rest of this one, or for the client's end; runs in the loop."""
        if fs.exception() or fs.result() is not _INCOMPLETE:
            super().finish_request(conn, fs)
            return
        conn.wait_for_body(conn.parser.has_head())
        conn.sock.setblocking(False)
        conn.set_timeout()
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def murder_pending(self) -> None:
        """Give up clients that take too long: to send a request, or to close."""
        super().murder_pending()
        now = time.monotonic()
        for client in [client for client, deadline in self._closing.items() if deadline <= now]:
            self._closed(client)

    def _keepalive_after(self, conn: "_Connection", keepalive: bool) -> bool:
        """Whether the connection can be kept: what the application left of the body is in memory."""
        return keepalive and bool(conn.parser.finish_body())  # type: ignore[func-returns-value] # wrong stub

    def _close(self, client: socket.socket) -> None:
        """Close this side and read on until the client closes: unread data would make the kernel drop the answer."""
        try:
            client.shutdown(socket.SHUT_WR)
        except OSError:  # the client is gone
            client.close()
            return
        client.setblocking(False)
        self.nr_conns += 1
        self._closing[client] = time.monotonic() + _CLOSE_SECONDS
        self.poller.register(client, selectors.EVENT_READ, self._on_closing_readable)

    def _on_closing_readable(self, client: socket.socket) -> None:
        try:
            ended = not client.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            ended = True
        if ended:
            self._closed(client)

    def _closed(self, client: socket.socket) -> None:
        del self._closing[client]
        self.poller.unregister(client)
        client.close()
        self.nr_conns -= 1


class _Connection(TConn):
    """A connection whose requests are parsed from memory."""

    parser: "_Parser"

    def __init__(
        self,
        cfg: Config,
        sock: socket.socket,
        client: Any,  # noqa: ANN401 - depends on the family
        server: Any,  # noqa: ANN401
        service: Service,
        close: Callable[[socket.socket], None],
    ) -> None:
        super().__init__(cfg, sock, client, server)
        self.parser = _Parser(cfg, sock, client, service.settings.max_body_bytes)
        self._requests_in_progress = service.metrics.requests_in_progress
        self._waits_for_body = False
        self.data_ready = True  # whenever a thread gets it
        self._close = close

    def wait_for_body(self, waits: bool) -> None:
        """Count a request as in progress while its body arrives; the application counts it once it gets it."""
        if waits != self._waits_for_body:
            self._requests_in_progress.inc(1 if waits else -1)
            self._waits_for_body = waits

    def close(self, graceful: bool = False) -> None:
        """Close it; if an answer was sent, let the client read it."""
        self.wait_for_body(False)
        if graceful and not self.parser.unreader.ended:
            self._close(self.sock)
        else:
            super().close()


class _Parser(RequestParser):
    """Gives a request once all of it has arrived, or as much as is ever needed of it."""

    unreader: "_Arrived"

    def __init__(self, cfg: Config, sock: socket.socket, client: Any, max_body_bytes: int) -> None:  # noqa: ANN401
        super().__init__(cfg, [], client)
        self.unreader = _Arrived(sock)
        self._sock = sock
        self._max_body_bytes = max_body_bytes
        self._request: Request | None = None
        self._failure: Exception | None = None

    def has_head(self) -> bool:
        """Whether a request has begun whose body has not arrived."""
        return self._request is not None

    def has_arrived(self) -> bool:
        """Receive what is there, without waiting; whether the next request can be answered, or refused."""
        while not (self.unreader.has_data() and self._is_whole()):
            try:
                if not self.unreader.receive():
                    return False
            except OSError as error:  # the connection is broken
                self._failure = error
                return True
        return True

    def __next__(self) -> Request:
        """The request that has arrived."""
        if self._failure:
            raise self._failure
        request, self._request = self._request, None
        assert request  # noqa: S101 - asked for only once it has arrived
        return request

    def _is_whole(self) -> bool:
        if self._request is None:
            start = self.unreader.buf.getvalue()
            try:
                self._request = super().__next__()
            except _IncompleteError:
                self.unreader.buf = io.BytesIO(start)
                return False
            except Exception as error:  # noqa: BLE001 - raised again, in the thread that answers it
                self._failure = error
                return True
        if self._has_body(self._request):
            return True
        if self._request._expected_100_continue:  # type: ignore[attr-defined] # not in the stubs
            self._sock.send(_CONTINUE)
            self._request._expected_100_continue = False  # type: ignore[attr-defined]
        return False

    def _has_body(self, request: Request) -> bool:
        """Whether the body has arrived, or is broken or too large; it stays unread."""
        start = self.unreader.buf.getvalue()
        assert request.body  # noqa: S101 - every request that was parsed has one
        reader = request.body.reader
        if isinstance(reader, LengthReader):
            return self.unreader.ended or reader.length > self._max_body_bytes or len(start) >= reader.length
        try:
            request.body.read(self._max_body_bytes + 1)
        except _IncompleteError:
            return False
        except Exception:  # noqa: BLE001, S110 - comes again when the application reads it
            pass
        finally:
            self.unreader.buf = io.BytesIO(start)
            request.set_body_reader()
        return True


class _IncompleteError(NoMoreData):
    """More is needed than what has arrived."""


class _Arrived(Unreader):
    """What has arrived on a connection and was not parsed yet; reading beyond it raises, instead of waiting."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._sock = sock
        self.ended = False
        """Whether the client will send no more."""

    def has_data(self) -> bool:
        """Whether there is anything to parse; the end counts."""
        return self.ended or bool(self.buf.getbuffer().nbytes)

    def receive(self) -> bool:
        """Take what has arrived; false if nothing has."""
        try:
            data = self._sock.recv(_RECEIVE_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        self.ended = not data
        self.buf.seek(0, io.SEEK_END)
        self.buf.write(data)
        return True

    def chunk(self, size_hint: int | None = None) -> bytes:  # noqa: ARG002 - gunicorn's own signature
        """Nothing more: the end, or not yet."""
        if self.ended:
            return b""
        raise _IncompleteError
