"""A client that sends requests as they are written, and reports what became of the connection."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.wire.message import Answer, Ending, Exchange, RawRequest
from serving_lab.wire.received import ClosedError, Received
from serving_lab.wire.response import Patience, read_answer

TIMEOUT_SECONDS = 10.0
"""How long to wait for a connection, and for each read."""
RAW_TIMEOUT_SECONDS = 2.0
"""How long the first answer to a raw request may take: many are never complete, and nothing answers those."""
QUIET_SECONDS = 0.2
"""How long to listen for more once a service has answered: all raw requests of a connection that it keeps open, or
a request after which it says that it closes."""
_BODILESS_QUIET_SECONDS = 0.02
"""How long to listen for a body where there must be none."""
_ENDLESS_SECONDS = 1.0
"""How long is read of an answer to what did not end in time before."""


class Client:
    """Sends to one service: requests over one kept connection, raw requests over a connection each.

    Ordinary requests share the kept connection and must come from one thread; raw requests may come from several.
    """

    def __init__(self, endpoint: Endpoint, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.endpoint = endpoint
        self._timeout_seconds = timeout_seconds
        self._kept: _Connection | None = None
        self._endless: set[tuple[str, str]] = set()
        """Methods and paths whose answers did not end in time."""

    def send(self, request: Request | RawRequest) -> Exchange:
        """Send a request, whose variables are already filled in, and read what comes back.

        What goes wrong once there is a connection is part of the exchange: its ending tells it.

        Raises:
            OSError: no connection can be made.
        """
        return self._send_raw(request) if isinstance(request, RawRequest) else self.begin(request)()()

    def begin(self, request: Request) -> Callable[[], Callable[[], Exchange]]:
        """Send a request as `send` does; before anything else is sent, call what is returned to read the answer.

        Call what that returns for the exchange. Only this waits for more than was announced, and counts from the
        answer: who reads the answers of two services first waits for both at once.

        Raises:
            OSError: no connection can be made; what the answer's reading returns may raise it too.
        """
        content = request.encode(self.endpoint.host, self.endpoint.prefix)
        reused = self._kept is not None and self._kept.quiet()
        if not reused:
            self.close()
        connection = self._connected()
        connection.send(content)
        return lambda: self._read(connection, request, content, reused=reused)

    def _read(
        self, connection: "_Connection", request: Request, content: bytes, *, reused: bool
    ) -> Callable[[], Exchange]:
        path = request.method, request.target.partition("?")[0]
        body_seconds = _ENDLESS_SECONDS if path in self._endless else self._timeout_seconds
        patience = Patience(self._timeout_seconds, body_seconds)
        answered = connection.read(request.method, patience)

        def whole() -> Exchange:
            used, exchange = connection, answered
            if reused and not exchange.answers and exchange.ending in {Ending.CLOSED, Ending.RESET}:
                # The service closed the idle connection at this moment: that is no answer to the request.
                self.close()
                used = self._connected()
                used.send(content)
                exchange = used.read(request.method, patience)
            exchange = used.listened(exchange)
            if exchange.ending is Ending.UNFINISHED:
                self._endless.add(path)
            if exchange.ending is not Ending.KEPT:
                self.close()
            return exchange

        return whole

    def _connected(self) -> "_Connection":
        self._kept = self._kept or _Connection(self.endpoint, self._timeout_seconds)
        return self._kept

    def _send_raw(self, request: RawRequest) -> Exchange:
        with contextlib.closing(_Connection(self.endpoint, RAW_TIMEOUT_SECONDS)) as connection:
            return connection.conversation(request)

    def close(self) -> None:
        """Close the connection that is kept."""
        if self._kept:
            self._kept.close()
            self._kept = None


class _Connection:
    """One connection, from which answers are read one after the other."""

    def __init__(self, endpoint: Endpoint, timeout_seconds: float) -> None:
        self._socket = endpoint.connect(timeout_seconds)
        self._timeout_seconds = timeout_seconds
        self._received = Received(self._socket, timeout_seconds)
        self._lost = False
        """Whether the service ended the connection while it was sent to."""

    def quiet(self) -> bool:
        """Whether the connection waits for a request: neither closed by the service nor with unread bytes on it."""
        return self._received.quiet()

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def read(self, method: str, patience: Patience) -> Exchange:
        """Read the answer to a request that was sent; it says whether the connection is kept. `listened` follows."""
        with _ending() as ending:
            answer, kept = read_answer(self._received, method, patience)
            if answer.cut:
                return Exchange((answer,), Ending.UNFINISHED)
            bodiless = not answer.body and (method == "HEAD" or answer.header("transfer-encoding") is None)
            # A service that announced the end gets the time for it: what it sends before that is on its way.
            self._received.wait(QUIET_SECONDS if not kept else _BODILESS_QUIET_SECONDS if bodiless else 0.0)
            return Exchange((answer,), Ending.KEPT if kept and not self._lost else Ending.CLOSED)
        return Exchange((), ending.value)

    def listened(self, exchange: Exchange) -> Exchange:
        """What was read, once it has been waited for more than was announced."""
        if exchange.ending in {Ending.KEPT, Ending.CLOSED} and exchange.answers and self._received.surplus():
            return replace(exchange, ending=Ending.SURPLUS)
        return exchange

    def conversation(self, request: RawRequest) -> Exchange:
        """Send raw bytes and read all answers; waiting shows whether the connection is kept."""
        self.send(request.content)
        if request.half_close:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
        methods = [method for method, _ in request.lines]
        answers: list[Answer] = []
        patience = Patience(RAW_TIMEOUT_SECONDS, TIMEOUT_SECONDS)
        self._received.wait(RAW_TIMEOUT_SECONDS)
        with _ending() as ending:
            while self._received.any():
                method = methods[len(answers)] if len(answers) < len(methods) else "GET"
                answer, kept = read_answer(self._received, method, patience)
                answers.append(answer)
                if answer.cut:
                    return Exchange(tuple(answers), Ending.UNFINISHED)
                # A service that announced the end, or owes more answers, gets the time for it.
                done = kept and len(answers) >= len(methods)
                self._received.wait(QUIET_SECONDS if done else RAW_TIMEOUT_SECONDS)
            return Exchange(tuple(answers), Ending.CLOSED)
        kept_open = ending.value is Ending.TIMED_OUT and answers
        return Exchange(tuple(answers), Ending.KEPT if kept_open else ending.value)

    def send(self, content: bytes) -> None:
        """Send these bytes."""
        self._socket.settimeout(self._timeout_seconds)
        try:
            self._socket.sendall(content)
        except (BrokenPipeError, ConnectionResetError):
            # A service may answer and close before it has read everything: then the answer counts.
            self._lost = True


class _Ending:
    value = Ending.CLOSED


@contextlib.contextmanager
def _ending() -> Iterator[_Ending]:
    """Record how a connection ended when no whole answer could be read from it."""
    ending = _Ending()
    try:
        yield ending
    except TimeoutError:
        ending.value = Ending.TIMED_OUT
    except ClosedError:
        ending.value = Ending.CLOSED
    except ValueError:
        ending.value = Ending.NOT_HTTP
    except OSError:
        ending.value = Ending.RESET
