"""Where a service answers."""

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from serving_lab.errors import LabError
from serving_lab.text.phrases import address

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Endpoint:
    """Where a service answers."""

    scheme: str
    hostname: str
    port: int
    prefix: str
    """What every path begins with; empty, or a path without a slash at its end."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """The endpoint of a base URL.

        Raises:
            LabError: it is not a valid base URL.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise _invalid(url, str(error)) from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise _invalid(url, "it must begin with http:// or https:// and name a host")
        if parts.query or parts.fragment or parts.username:
            raise _invalid(url, "it must not have a query, a fragment or a user")
        if not parts.path.isprintable() or " " in parts.path:
            raise _invalid(url, "spaces and control characters in its path must be percent-encoded")
        try:
            parts.hostname.encode("idna")
        except UnicodeError as error:
            raise _invalid(url, f"{parts.hostname!r} is not a host name: {error}") from None
        return cls(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], parts.path.rstrip("/"))

    @property
    def host(self) -> str:
        """What the Host header says."""
        name = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL."""
        return f"{self.scheme}://{self.host}{self.prefix}"

    def is_at(self, other: "Endpoint") -> bool:
        """Whether both are one address, however this machine and letter case are written."""
        return _place(self) == _place(other)

    def connect(self, timeout_seconds: float) -> socket.socket:
        """Return a new connection."""
        connection = socket.create_connection((self.hostname, self.port), timeout=timeout_seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.scheme == "https":
            return ssl.create_default_context().wrap_socket(connection, server_hostname=self.hostname)
        return connection


def _place(endpoint: Endpoint) -> tuple[str, int, str]:
    name = endpoint.hostname.lower().rstrip(".")
    try:
        here = ipaddress.ip_address(name).is_loopback
    except ValueError:
        here = name == "localhost" or name.endswith(".localhost")
    return "localhost" if here else name, endpoint.port, endpoint.prefix


def _invalid(url: str, why: str) -> LabError:
    return LabError(f"{address(url)!r} is not a valid base URL: {why}", hint="for example http://127.0.0.1:5000")
