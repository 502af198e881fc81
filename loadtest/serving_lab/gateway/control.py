"""The gateway's runtime socket: who gets which share of the requests, and what became of them."""

import contextlib
import csv
import io
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from serving_lab.errors import LabError
from serving_lab.gateway.config import BUCKETS, CANDIDATE_MAP, FRONTEND, NEXT, RING, SHARE_MAP
from serving_lab.gateway.observations import Observation, parsed

_TIMEOUT_SECONDS = 5.0
_READ_BYTES = 1 << 16
_POLL_SECONDS = 0.05
_HINT = "is the lab up, and the gateway with it? make ps"


@dataclass(frozen=True)
class ServerState:
    """How the gateway sees one server of a backend."""

    backend: str
    name: str
    address: str
    """Where the gateway reaches it, as host:port; empty while its name stands for no address."""
    status: str
    """Such as UP, DOWN, MAINT; a transition has its count behind it, as HAProxy writes it."""
    sessions: int
    """Requests at it right now."""
    requests: int
    """That went to it since the gateway started."""

    @property
    def up(self) -> bool:
        """Whether it gets requests."""
        return self.status.startswith("UP")

    @property
    def disabled(self) -> bool:
        """Whether somebody has said that it gets none, ready or not."""
        return self.status == "MAINT"


class Control:
    """A client of the runtime socket, one connection a command.

    Every method raises LabError if the gateway does not answer or refuses.
    """

    def __init__(self, address: str) -> None:
        """Take the address: `unix:/path` or `tcp:host:port`."""
        self.address = address

    def share(self) -> int:
        """The share of the candidate, in basis points."""
        return int(self._value(SHARE_MAP, "share"))

    def set_share(self, basis_points: int) -> None:
        """Let buckets below this go to the candidate, from the next request on."""
        if not 0 <= basis_points <= BUCKETS:
            raise ValueError(f"a share is from 0 to {BUCKETS} basis points, not {basis_points}")
        self._set(SHARE_MAP, "share", str(basis_points))

    def candidate(self) -> str:
        """The service that the share goes to."""
        return self._value(CANDIDATE_MAP, "candidate")

    def choose(self, candidate: str) -> None:
        """Let the share go to this service.

        Raises:
            LabError: the gateway does not know it.
        """
        known = {server.backend for server in self.servers()}
        if candidate not in known:
            raise LabError(
                f"the gateway does not know the service {candidate}", hint=f"it knows {', '.join(sorted(known))}"
            )
        self._set(CANDIDATE_MAP, "candidate", candidate)

    def servers(self) -> list[ServerState]:
        """Every server of every backend."""
        return [
            ServerState(row["# pxname"], row["svname"], row["addr"], row["status"], int(row["scur"]), int(row["stot"]))
            for row in self._statistics()
            if row["svname"] not in {"FRONTEND", "BACKEND"}
        ]

    def server(self, backend: str, name: str) -> ServerState:
        """One of them."""
        for state in self.servers():
            if (state.backend, state.name) == (backend, name):
                return state
        raise LabError(f"the gateway has no server {backend}/{name}", hint="make up starts it with all services")

    def requests(self) -> int:
        """How many requests clients have sent to the gateway since it started."""
        return next(int(row["req_tot"]) for row in self._statistics() if row["# pxname"] == FRONTEND)

    def enable(self, backend: str, name: str) -> None:
        """Let a server get requests, as soon as it is ready."""
        self._silent(f"set server {backend}/{name} state ready")

    def disable(self, backend: str, name: str) -> None:
        """Let a server get no further requests; those in flight go on."""
        self._silent(f"set server {backend}/{name} state maint")

    def bring_in(self, service: str, host: str, port: int, timeout_seconds: float = 10.0) -> None:
        """Let a second instance of a service answer in its place.

        Raises:
            LabError: the gateway does not find it ready in time.
        """
        self.bring_in_server(service, f"{service}{NEXT}", host, port, timeout_seconds)

    def bring_in_server(self, service: str, name: str, host: str, port: int, timeout_seconds: float = 10.0) -> None:
        """Let one of the servers that a service's backend keeps for such a use answer in its place.

        Raises:
            LabError: there is none of this name, or the gateway does not find it ready in time.
        """
        self.disable(service, name)
        answer = self._ask(f"set server {service}/{name} addr {host} port {port}")
        if "No such" in answer:
            raise LabError(f"the gateway has no server {service}/{name}: {answer}", hint=_HINT)
        try:
            self._enable_checked(service, name, timeout_seconds)
        except LabError:
            self.disable(service, name)
            raise

    def bring_back(self, service: str, address: str | None = None, timeout_seconds: float = 10.0) -> None:
        """Let the first instance of a service answer again, which was disabled while a second one did.

        Args:
            service: Its name.
            address: Where it is now, as host:port, if that may have changed: the gateway has to notice first.
            timeout_seconds: How long that and its being ready may take.

        Raises:
            LabError: the gateway does not find it ready in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while address and (found := self.server(service, service).address) != address:
            if time.monotonic() > deadline:
                raise LabError(
                    f"the gateway looks for {service} at {found or 'no address'}, not at {address}", hint=_HINT
                )
            time.sleep(_POLL_SECONDS)
        if self.server(service, service).status.startswith("MAINT"):
            self._enable_checked(service, service, timeout_seconds)
        else:
            self.wait_until_up(service, service, timeout_seconds)

    def _enable_checked(self, backend: str, name: str, timeout_seconds: float) -> None:
        # HAProxy takes a server that comes out of maintenance for ready until a check fails.
        self._silent(f"set server {backend}/{name} state ready; set server {backend}/{name} health down")
        self.wait_until_up(backend, name, timeout_seconds)

    def wait_until_up(self, backend: str, name: str, timeout_seconds: float = 10.0) -> None:
        """Wait until a server gets requests.

        Raises:
            LabError: it does not, in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while not (state := self.server(backend, name)).up:
            if time.monotonic() > deadline:
                raise LabError(f"the gateway does not find {backend}/{name} ready: {state.status}", hint="make logs")
            time.sleep(_POLL_SECONDS)

    def wait_until_idle(self, backend: str, name: str, timeout_seconds: float) -> int:
        """Wait until no request is at a server; how many still are, after that time."""
        deadline = time.monotonic() + timeout_seconds
        while (left := self.server(backend, name).sessions) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return left

    def end_sessions(self, backend: str, name: str) -> None:
        """Break off what is still at a server, such as WebSockets."""
        self._silent(f"shutdown sessions server {backend}/{name}")

    def observe(self) -> "Observing":
        """What becomes of each request from now on.

        Raises:
            LabError: the gateway does not answer.
        """
        return Observing(self._connected(f"show events {RING} -w -n\n", None))

    def _value(self, map_name: str, key: str) -> str:
        answer = self._ask(f"get map {self._map(map_name)} {key}")
        for part in answer.split(", "):
            name, _, value = part.partition("=")
            if name == "value":
                return value.strip('"\n ')
        raise LabError(f"the gateway does not say its {key}: {answer.strip()}", hint=_HINT)

    def _set(self, map_name: str, key: str, value: str) -> None:
        self._silent(f"set map {self._map(map_name)} {key} {value}")

    def _map(self, name: str) -> str:
        for line in self._ask("show map").splitlines():
            path = line.partition("(")[2].partition(")")[0]
            if path.rpartition("/")[2] == name:
                return path
        raise LabError(f"the gateway has no map {name}", hint="make restart SERVICE=gateway")

    def _statistics(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self._ask("show stat"))))

    def _silent(self, command: str) -> None:
        """Send a command that has no answer when it succeeds."""
        if answer := self._ask(command).strip():
            raise LabError(f"the gateway refuses `{command}`: {answer}", hint=_HINT)

    def _ask(self, command: str) -> str:
        with contextlib.closing(self._connected(f"{command}\n", _TIMEOUT_SECONDS)) as connection:
            try:
                return b"".join(_chunks(connection)).decode("utf-8", "replace")
            except OSError as error:
                raise self._silence(error) from error

    def _connected(self, command: str, timeout_seconds: float | None) -> socket.socket:
        kind, _, where = self.address.partition(":")
        connection: socket.socket | None = None
        try:
            if kind == "unix":
                connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                connection.settimeout(_TIMEOUT_SECONDS)
                connection.connect(where)
            else:
                host, _, port = where.rpartition(":")
                connection = socket.create_connection((host, int(port)), _TIMEOUT_SECONDS)
            connection.sendall(command.encode())
            connection.settimeout(timeout_seconds)
        except OSError as error:
            if connection:
                connection.close()
            raise self._silence(error) from error
        return connection

    def _silence(self, error: OSError) -> LabError:
        return LabError(f"the gateway does not answer at {self.address}: {error.strerror or error}", hint=_HINT)


class Observing:
    """The observations of one reader; iterate over it, and close it from anywhere to end that."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def __iter__(self) -> Iterator[Observation]:
        """Each request as it ends. It stops when the gateway ends or the reader is closed."""
        with contextlib.suppress(OSError):
            yield from parsed(_chunks(self._connection))

    def close(self) -> None:
        """End the iteration, also one in another thread."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _chunks(connection: socket.socket) -> Iterator[bytes]:
    while chunk := connection.recv(_READ_BYTES):
        yield chunk
