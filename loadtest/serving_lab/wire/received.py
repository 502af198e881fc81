"""The bytes that arrive on a connection, with a deadline for all of them."""

import socket
import ssl
import time

_RECEIVE_BYTES = 65536
_SHORTEST_WAIT = 0.001


class ClosedError(OSError):
    """The service closed before it sent a byte of what was waited for."""


class BrokenOffError(OSError):
    """The service closed in the middle of what was waited for."""


class Received:
    """What arrives on a connection, read by one answer after the other."""

    def __init__(self, connection: socket.socket, wait_seconds: float) -> None:
        self._connection = connection
        self._buffer = bytearray()
        self._ended = False
        self._deadline = 0.0
        self.wait(wait_seconds)

    def wait(self, seconds: float) -> None:
        """Let what follows take so long altogether."""
        self._deadline = time.monotonic() + seconds

    def any(self) -> bool:
        """Whether at least one more byte arrives. Raises OSError: the connection broke, or nothing came in time."""
        return bool(self._buffer) or self._more()

    def line(self, limit: int) -> bytes:
        """The next line, without its end.

        Raises:
            ClosedError, BrokenOffError: the service closed before it, or within it.
            OSError: the connection broke, or the line did not come in time.
            ValueError: it is longer than the limit.
        """
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > limit:
                raise ValueError("a line without an end")
            if not self._more():
                raise BrokenOffError if self._buffer else ClosedError
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def some(self, most: int) -> bytes:
        """The bytes that come next, as many as are there; none where the service has closed.

        Raises:
            OSError: the connection broke, or nothing came in time.
        """
        if not self._buffer and not self._more():
            return b""
        taken = bytes(self._buffer[:most])
        del self._buffer[:most]
        return taken

    def surplus(self) -> bool:
        """Whether more has arrived, or does in time, than was read."""
        self._look(max(0.0, self._deadline - time.monotonic()))
        return bool(self._buffer)

    def quiet(self) -> bool:
        """Whether the service neither has sent more than was read, nor has closed."""
        self._look(0.0)
        return not self._buffer and not self._ended

    def _look(self, seconds: float) -> None:
        if self._buffer or self._ended:
            return
        self._connection.settimeout(seconds)
        try:
            self._receive()
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
            pass
        except OSError:
            self._ended = True

    def _more(self) -> bool:
        if self._ended:
            return False
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(max(left, _SHORTEST_WAIT))
        return self._receive()

    def _receive(self) -> bool:
        arrived = self._connection.recv(_RECEIVE_BYTES)
        self._buffer += arrived
        self._ended = not arrived
        return bool(arrived)
