"""Steers the relay of WebSockets that is part of `lab tap`, and hears what became of each."""

import contextlib
import http.client
import socket
from collections.abc import Iterator

from serving_lab.errors import LabError
from serving_lab.gateway.observations import Observation, parsed

_TIMEOUT_SECONDS = 5.0
_READ_BYTES = 1 << 16


class RelayControl:
    """A relay, by its address."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port

    def set_share(self, basis_points: int) -> None:
        """Let buckets below this be the candidate's.

        Raises:
            LabError: the relay does not answer.
        """
        connection = http.client.HTTPConnection(*self._address, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("PUT", f"/share/{basis_points}")
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise LabError(f"the relay of WebSockets does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise LabError(f"the relay of WebSockets answers {answer.status} to a share of {basis_points}")

    def observe(self) -> Iterator[Observation]:
        """Each WebSocket as it ends, until the relay does.

        Raises:
            LabError: the relay does not answer.
        """
        host, port = self._address
        try:
            connection = socket.create_connection(self._address, _TIMEOUT_SECONDS)
            connection.sendall(f"GET /observations HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            connection.settimeout(None)
        except OSError as error:
            raise LabError(f"the relay of WebSockets does not answer: {error}") from error
        return _observations(connection)


def _observations(connection: socket.socket) -> Iterator[Observation]:
    def chunks() -> Iterator[bytes]:
        with connection, contextlib.suppress(OSError):
            while chunk := connection.recv(_READ_BYTES):
                yield chunk

    return parsed(chunks())
