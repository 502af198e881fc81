"""gunicorn's worker with threads, in which no client holds up another one.

In gunicorn's own, a thread waits for what a client has not sent or read yet, and the loop that accepts and dispatches
waits for clients to close: as many silent or slow clients as there are threads, or one that does not close, stop
everybody else. Here a connection without a request waits in the loop's selector, from the start and until the client
closes, and a thread that must wait for its client is replaced meanwhile. Parsing and answering stay gunicorn's.
When others have taken over, connections without a request are passed on to them.
"""

import errno
import select
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from gunicorn.config import Config
from gunicorn.workers.gthread import TConn, ThreadWorker

from serving_core.runtime.handover import Handover
from serving_core.service import Service

# Each has a thread. What has arrived as a whole is still answered when as many requests are unfinished.
_MOST_WAITING = 1000
# How long a client may take to read the last answer and to close its side (RFC 9112, 9.6).
_CLOSE_SECONDS = 2.0
_RECEIVE_BYTES = 1 << 16


class Worker(ThreadWorker):
    """Accepts and dispatches in one thread, answers in others."""

    tpool: "Threads"  # type: ignore[assignment] # what gunicorn uses of it is there

    def init_process(self) -> None:
        """Look each setting up once: gunicorn does for each request, in a dozen places."""
        vars(self.cfg).update({name: setting.get() for name, setting in self.cfg.settings.items()})
        self._service: Service = self.app.service  # type: ignore[attr-defined] # server.py's application has one
        self.sockets = [*self.sockets, self._service.handover]  # to gunicorn it is a listener
        super().init_process()

    def get_thread_pool(self) -> "Threads":  # type: ignore[override]
        """Threads that are replaced while they wait."""
        return Threads(self.cfg.threads)

    def accept(self, listener: socket.socket | Handover) -> None:
        """Accept a connection; until its first request arrives, it is idle like one that is kept."""
        try:
            accepted, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        client = PatientSocket(accepted, self.tpool, self.cfg.keepalive)
        conn = _Connection(self.cfg, client, address, client.getsockname(), self._await_end)
        conn.data_ready = True  # whenever a thread gets it
        conn.set_timeout()
        self.nr_conns += 1
        self.keepalived_conns.append(conn)
        self.poller.register(client, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def murder_keepalived(self, force: bool = False) -> None:
        """Close connections that are idle for too long; called after each wait."""
        if not self.alive and self._service.lifecycle.is_replaced:
            self._pass_on()
        super().murder_keepalived(force)  # type: ignore[call-arg] # newer than the types

    def _pass_on(self) -> None:
        """Pass on all connections that are between two requests, as far as there is room."""
        while self.keepalived_conns and self._service.handover.give(self.keepalived_conns[0].sock.fileno()):
            conn = self.keepalived_conns.popleft()
            self.poller.unregister(conn.sock)
            self.nr_conns -= 1
            conn.close()

    def _await_end(self, conn: "_Connection") -> None:
        """Read on until the client closes, too: unread data would make the kernel drop the answer."""
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + _CLOSE_SECONDS
        self.nr_conns += 1
        self.pending_conns.append(conn)  # gunicorn closes them when their time is over
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_closing_readable, conn))

    def _on_closing_readable(self, conn: "_Connection", client: socket.socket) -> None:
        try:
            if client.recv(_RECEIVE_BYTES):
                return
        except BlockingIOError:
            return
        except OSError:  # reset
            pass
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        self.nr_conns -= 1
        conn.close()


class _Connection(TConn):
    """A connection that can close without a wait."""

    def __init__(
        self,
        cfg: Config,
        sock: "PatientSocket",
        client: Any,  # noqa: ANN401 - depends on the family
        server: Any,  # noqa: ANN401
        await_end: "Callable[[_Connection], None]",
    ) -> None:
        super().__init__(cfg, sock, client, server)
        self._await_end = await_end

    def close(self, graceful: bool = False) -> None:
        """Close it; gracefully is called in the loop only."""
        if graceful:
            try:
                self.sock.shutdown(socket.SHUT_WR)
            except OSError:  # the client is gone
                pass
            else:
                self._await_end(self)
                return
        super().close()


class PatientSocket(socket.socket):
    """A blocking socket whose thread is replaced while it waits, and which waits only so long."""

    def __init__(self, accepted: socket.socket, threads: "Threads", patience_seconds: float) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        super().setblocking(False)
        self._threads = threads
        self._patience_seconds = self._timeout = patience_seconds

    def setblocking(self, flag: bool, /) -> None:
        """Choose between waiting as long as usual and not at all."""
        self._timeout = self._patience_seconds if flag else 0.0

    def settimeout(self, value: float | None, /) -> None:
        """Choose how long to wait."""
        self._timeout = self._patience_seconds if value is None else value

    def gettimeout(self) -> float:
        """How long it waits."""
        return self._timeout

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Receive what is there, or what comes next."""
        while True:
            try:
                return super().recv(bufsize, flags)
            except BlockingIOError:
                self._wait(select.POLLIN)

    def send(self, data: bytes | memoryview, flags: int = 0, /) -> int:  # type: ignore[override] # no Buffer in 3.11
        """Send as much as there is room for."""
        while True:
            try:
                return super().send(data, flags)
            except BlockingIOError:
                self._wait(select.POLLOUT)

    def sendall(self, data: bytes | memoryview, flags: int = 0, /) -> None:  # type: ignore[override]
        """Send all of it."""
        rest = memoryview(data)
        while rest:
            rest = rest[self.send(rest, flags) :]

    def _wait(self, event: int) -> None:
        """Wait for the client.

        Raises:
            BlockingIOError: it is not to wait.
            ConnectionResetError: the client takes too long, or too many do.
        """
        if not self._timeout:
            raise BlockingIOError
        poller = select.poll()
        poller.register(self, event)
        with self._threads.replaced():
            if not poller.poll(self._timeout * 1000):
                raise ConnectionResetError(errno.ECONNRESET, "the client takes too long")


class Threads:
    """Runs functions in a number of threads, not counting those that wait for a client."""

    def __init__(self, count: int) -> None:
        self._tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = Lock()
        self._count, self._running, self._waiting = count, 0, 0
        for _ in range(count):
            self._start()

    def submit(self, function: Callable[..., Any], /, *args: Any) -> "Future[Any]":  # noqa: ANN401 - any function
        """Run a function when a thread is free."""
        future: Future[Any] = Future()
        self._tasks.put(partial(_settle, future, function, args))
        return future

    @contextmanager
    def replaced(self) -> Iterator[None]:
        """Let another thread run while this one waits.

        Raises:
            ConnectionResetError: there can be no more threads.
        """
        with self._lock:
            if self._waiting == _MOST_WAITING:
                raise ConnectionResetError(errno.ECONNRESET, "too many clients take too long")
            if self._running <= self._count:
                try:
                    self._start()
                except RuntimeError as error:  # of the system, or of the container
                    raise ConnectionResetError(errno.ECONNRESET, "no more threads") from error
            self._running -= 1
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._running += 1
                self._waiting -= 1

    def shutdown(self, wait: bool = True) -> None:
        """Nothing: threads end with the process."""

    def _start(self) -> None:
        Thread(target=self._run, daemon=True).start()
        self._running += 1

    def _run(self) -> None:
        while not self._is_one_too_many():
            self._tasks.get()()

    def _is_one_too_many(self) -> bool:
        """Whether this thread is to end. Some remain: to start one for each wait would take longer than most waits."""
        if self._running <= 2 * self._count:
            return False
        with self._lock:
            too_many = self._running > 2 * self._count
            self._running -= too_many
        return too_many


def _settle(future: "Future[Any]", function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        result = function(*args)
    except BaseException as error:  # noqa: BLE001 - the loop looks at it
        future.set_exception(error)
    else:
        future.set_result(result)
