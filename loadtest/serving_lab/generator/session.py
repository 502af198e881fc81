"""How laboratory and generator prove to each other that they know the same secret, without sending it.

The generator says a random number, the laboratory answers with its own and with HMAC-SHA256 of both, and the generator
does the same. Each side's begins with its role, so that neither can send back what the other one said.
"""

import hmac
import ipaddress
import secrets
import socket
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec

from serving_lab.errors import LabError

GREETING_SECONDS = 5.0
"""From the connection to the last word of the greeting, for TLS and again for the proofs."""
GREETING_BYTES = 1024
"""Of any of its messages, at most."""
WRONG_SECRET = "this is another secret"  # noqa: S105 - it says that one is wrong
FEWEST_SECRET_BYTES = 16
_MACHINE = Path("/proc/sys/kernel/random/boot_id")
_NETWORK = Path("/proc/self/ns/net")


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The generator's first word."""

    version: str
    """Of the package; commands and rules are the same code on both sides only where it is the same."""
    number: bytes


class Proof(msgspec.Struct, frozen=True, tag="proof"):
    """That the laboratory knows the secret."""

    number: bytes
    mac: bytes


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """That the generator knows it too, and takes commands now."""

    mac: bytes
    machine: str
    """What tells its machine from others until that is started anew; empty: unknown."""
    network: str
    """What tells its 127.0.0.1 from others on that machine, which containers have; empty: unknown."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """That it takes none."""

    why: str


def own_version() -> str:
    """The version of this package."""
    return version("serving-lab")


def number() -> bytes:
    """A random number that was never said before."""
    return secrets.token_bytes(32)


def mac(secret: bytes, role: Literal["laboratory", "generator"], numbers: tuple[bytes, bytes]) -> bytes:
    """What proves that a side knows the secret; numbers of the generator and of the laboratory."""
    return hmac.digest(secret, b"serving-lab generator " + role.encode() + b"".join(numbers), "sha256")


def read_secret(option: str, path: Path) -> bytes:
    """The secret in a file, without the space around it.

    Raises:
        LabError: the file cannot be read, or holds too little; the text names the option.
    """
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise LabError(f"{option} {path}: {error.strerror}", hint="openssl rand -hex 32 > FILE makes one") from error
    if len(secret) < FEWEST_SECRET_BYTES:
        raise LabError(
            f"{option} {path}: a secret has {FEWEST_SECRET_BYTES} bytes at least, this one {len(secret)}",
            hint="openssl rand -hex 32 > FILE makes one",
        )
    return secret


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone, whatever its name says.

    Raises:
        OSError: there is no such host.
    """
    found = {str(address[0]) for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    return all(ipaddress.ip_address(each.partition("%")[0]).is_loopback for each in found)


def machine() -> str:
    """What tells this machine from others; containers on it have the same. Empty: unknown."""
    try:
        return _MACHINE.read_text().strip()
    except OSError:
        return ""


def network() -> str:
    """What tells the 127.0.0.1 of this process from others on its machine. Empty: unknown."""
    try:
        return str(_NETWORK.readlink())
    except OSError:
        return ""
