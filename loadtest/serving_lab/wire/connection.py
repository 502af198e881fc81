"""HTTP on sockets: requests are sent as they are, and what becomes of the connection is part of the answer."""

import contextlib
import http.client
import io
import select
import socket
from collections.abc import Iterator
from typing import Self

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.wire.message import Answer, Ending, Exchange, RawRequest

TIMEOUT_SECONDS = 10.0
RAW_TIMEOUT_SECONDS = 2.0
"""How long the first answer to a raw request may take: many are never complete, so that nothing answers them."""
QUIET_SECONDS = 0.2
"""How long a service is listened to that has answered all raw requests of a connection, and keeps it."""


class Client:
    """Sends to one service: requests over a connection that is kept, raw ones over one of their own."""

    def __init__(self, endpoint: Endpoint, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.endpoint = endpoint
        self._timeout_seconds = timeout_seconds
        self._kept: _Connection | None = None

    def send(self, request: Request | RawRequest) -> Exchange:
        """Send the request and return what came of it. Its variables are filled in by now.

        Raises:
            OSError: no connection can be made.
        """
        if isinstance(request, RawRequest):
            return self._send_raw(request)
        content = request.encode(self.endpoint.host, self.endpoint.prefix)
        reused = self._kept is not None and self._kept.quiet()
        if not reused:
            self.close()
        exchange = self._exchange(content, request.method)
        if reused and not exchange.answers and exchange.ending in {Ending.CLOSED, Ending.RESET}:
            # A kept connection that is closed just now says nothing about the request.
            exchange = self._exchange(content, request.method)
        return exchange

    def _exchange(self, content: bytes, method: str) -> Exchange:
        self._kept = self._kept or _Connection(self.endpoint, self._timeout_seconds)
        exchange = self._kept.exchange(content, method)
        if exchange.ending is not Ending.KEPT:
            self.close()
        return exchange

    def _send_raw(self, request: RawRequest) -> Exchange:
        with contextlib.closing(_Connection(self.endpoint, RAW_TIMEOUT_SECONDS)) as connection:
            return connection.conversation(request)

    def close(self) -> None:
        """Close the connection that is kept."""
        if self._kept:
            self._kept.close()
            self._kept = None


class _Connection:
    """One connection, from which answers are read in turn."""

    def __init__(self, endpoint: Endpoint, timeout_seconds: float) -> None:
        self._socket = endpoint.connect(timeout_seconds)
        self._received = _KeptOpen(self._socket.makefile("rb"))
        self._lost = False
        """Whether the service ended the connection while it was sent to."""

    def quiet(self) -> bool:
        """Whether the connection waits for a request: neither closed by the service nor with unread bytes on it."""
        readable, _, _ = select.select([self._socket], [], [], 0)
        return not readable

    def close(self) -> None:
        """Close it."""
        self._received.detach().close()
        self._socket.close()

    def exchange(self, content: bytes, method: str) -> Exchange:
        """Send one request and read its answer; whether the connection is kept is what the answer says."""
        self._send(content)
        with _ending() as ending:
            answer, kept = self._read_answer(method)
            return Exchange((answer,), Ending.KEPT if kept and not self._lost else Ending.CLOSED)
        return Exchange((), ending.value)

    def conversation(self, request: RawRequest) -> Exchange:
        """Send raw bytes and read all that is answered; whether the connection is kept is seen."""
        self._send(request.content)
        if request.half_close:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
        methods = [method for method, _ in request.lines]
        answers: list[Answer] = []
        with _ending() as ending:
            while self._received.peek(1):
                answer, kept = self._read_answer(methods[len(answers)] if len(answers) < len(methods) else "GET")
                answers.append(answer)
                # Who announces the end, or owes more answers, is given the time for it.
                done = kept and len(answers) >= len(methods)
                self._socket.settimeout(QUIET_SECONDS if done else RAW_TIMEOUT_SECONDS)
            return Exchange(tuple(answers), Ending.CLOSED)
        kept_open = ending.value is Ending.TIMED_OUT and answers
        return Exchange(tuple(answers), Ending.KEPT if kept_open else ending.value)

    def _send(self, content: bytes) -> None:
        try:
            self._socket.sendall(content)
        except (BrokenPipeError, ConnectionResetError):
            # A service may answer before it has read everything, and close: then the answer is what counts.
            self._lost = True

    def _read_answer(self, method: str) -> tuple[Answer, bool]:
        response = http.client.HTTPResponse(self._received, method=method)  # type: ignore[arg-type]
        response.begin()
        headers = tuple((name.lower(), value) for name, value in response.getheaders())
        return Answer(response.status, headers, response.read()), not response.will_close


class _KeptOpen(io.BufferedReader):
    """A connection's incoming bytes, handed to one response after the other: none of them closes it."""

    def __init__(self, received: io.BufferedReader) -> None:
        super().__init__(received.detach())

    def makefile(self, _mode: str) -> Self:
        return self

    def close(self) -> None:
        """Leave it open for the next response."""


class _Ending:
    value = Ending.CLOSED


@contextlib.contextmanager
def _ending() -> Iterator[_Ending]:
    """Note how a connection ended on which no whole answer could be read."""
    ending = _Ending()
    try:
        yield ending
    except TimeoutError:
        ending.value = Ending.TIMED_OUT
    except http.client.RemoteDisconnected:
        ending.value = Ending.CLOSED
    except (http.client.IncompleteRead, ConnectionError):
        ending.value = Ending.RESET
    except (http.client.HTTPException, ValueError):
        ending.value = Ending.NOT_HTTP
    except OSError:
        ending.value = Ending.RESET
