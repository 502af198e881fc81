"""Generators that run elsewhere, and are reached over the network: `lab generator --listen`."""

import hmac
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from serving_lab.errors import LabError
from serving_lab.generator import session
from serving_lab.generator.link import Link, LinkLostError
from serving_lab.generator.session import GREETING_BYTES, GREETING_SECONDS, WRONG_SECRET, Hello, Proof, Refused, Welcome
from serving_lab.text import host_port

MOST_PROCESSES = 64
_WHERE = "a number of processes on this host, or HOST:PORT,HOST:PORT"
_WHAT_IT_IS = "it must be `lab generator --listen`, with TLS where --generator-ca is given and without it else"


@dataclass(frozen=True)
class Remote:
    """A generator that listens."""

    host: str
    port: int
    secret: bytes
    tls: ssl.SSLContext | None
    """None: it is on this machine, and the connection is plain."""

    @property
    def name(self) -> str:
        """Its address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def open(self) -> Link:
        """Connect, and prove each other's secret.

        Raises:
            LinkLostError: it does not answer, is something else, or refuses; the text says which.
        """
        stream = self._connected()
        try:
            return self._greeted(stream)
        except LinkLostError as error:
            stream.close()
            raise LinkLostError(error.name, error.why, error.hint or _WHAT_IT_IS) from error

    def _connected(self) -> socket.socket:
        try:
            stream = socket.create_connection((self.host, self.port), timeout=GREETING_SECONDS)
        except OSError as error:
            why = f"cannot be reached: {error.strerror or error}"
            raise LinkLostError(self.name, why, "does `lab generator --listen` run there?") from error
        try:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return self.tls.wrap_socket(stream, server_hostname=self.host) if self.tls else stream
        except ssl.SSLCertVerificationError as error:
            stream.close()
            raise LinkLostError(
                self.name,
                f"has a certificate that is not trusted: {error.verify_message}",
                "--generator-ca FILE with the certificate that signed it; its names must include the one given",
            ) from error
        except OSError as error:
            stream.close()
            raise LinkLostError(self.name, "does not speak TLS", _WHAT_IT_IS) from error

    def _greeted(self, stream: socket.socket) -> Link:
        link = Link(self.name, stream, here=False)
        hello = link.heard(Hello, Refused, within=GREETING_SECONDS, most=GREETING_BYTES)
        if isinstance(hello, Refused):
            raise self._refused(hello)
        if hello.version != session.own_version():
            why = f"is serving-lab {hello.version}, and this is {session.own_version()}"
            raise LinkLostError(self.name, why, "install the same version on both")
        numbers = (hello.number, session.number())
        link.say(Proof(numbers[1], session.mac(self.secret, "laboratory", numbers)))
        answer = link.heard(Welcome, Refused, within=GREETING_SECONDS, most=GREETING_BYTES)
        if isinstance(answer, Refused):
            raise self._refused(answer)
        if not hmac.compare_digest(answer.mac, session.mac(self.secret, "generator", numbers)):
            raise LinkLostError(self.name, "does not know the secret itself", _WHAT_IT_IS)
        link.here = bool(answer.machine) and answer.machine == session.machine()
        link.shares_loopback = link.here and answer.network == session.network()
        return link

    def _refused(self, answer: Refused) -> LinkLostError:
        wrong = answer.why == WRONG_SECRET
        hint = "--generator-secret-file here and --secret-file there must hold the same"
        return LinkLostError(self.name, f"refuses: {answer.why}", hint if wrong else "wait, or use another one")


def chosen(written: str | None, secret_file: Path | None, ca: Path | None) -> int | list[Remote] | None:
    """The generators that are asked for: so many here, or those at HOST:PORT,HOST:PORT; None: as many as suit.

    Raises:
        LabError: an address or a file is wrong, or one that is needed is missing.
    """
    if written is not None and not written.isdecimal():
        return _remotes(written.split(","), secret_file, ca)
    if secret_file or ca:
        raise LabError("--generator-secret-file and --generator-ca are for --generators HOST:PORT", hint=_WHERE)
    if written is None:
        return None
    if not 1 <= int(written) <= MOST_PROCESSES:
        raise LabError(f"--generators {written}: this is not a number from 1 to {MOST_PROCESSES}", hint=_WHERE)
    return int(written)


def _remotes(addresses: Sequence[str], secret_file: Path | None, ca: Path | None) -> list[Remote]:
    if secret_file is None:
        raise LabError("generators elsewhere want a secret", hint="--generator-secret-file FILE, as they have it")
    secret = session.read_secret("--generator-secret-file", secret_file)
    tls = _context(ca) if ca else None
    found = [Remote(*host_port.parse("--generators", each), secret, tls) for each in addresses]
    for each in found:
        if tls is None and not _is_here(each):
            raise LabError(f"{each.name} is not on this machine, so it needs TLS", hint="--generator-ca FILE")
    if len({each.name for each in found}) < len(found):
        raise LabError("two generators have the same address", hint="each once")
    return found


def _is_here(remote: Remote) -> bool:
    try:
        return session.is_loopback(remote.host)
    except OSError as error:
        raise LabError(f"{remote.host}: {error.strerror}", hint=_WHERE) from error


def _context(ca: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        why = "this is not a certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise LabError(f"--generator-ca {ca}: {why}", hint="a file in PEM format") from error
