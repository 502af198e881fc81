"""What is sent to both services, and what came back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

Header = tuple[str, str]
"""Name and value as latin-1 text, so that any byte can be written."""

_REQUEST_LINE = re.compile(rb"^([!-~]+) (\S+) HTTP/1\.[01]\r?$", re.MULTILINE)
_LENGTHLESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_CHUNK_BYTES = 8192


@dataclass(frozen=True)
class Request:
    """A well-formed request. `${name}` in target, headers and body stands for a variable of the service it goes to."""

    method: str
    target: str
    """Path and query below the service's base URL, as latin-1 text."""
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    chunked: bool = False

    def with_headers(self, *headers: Header) -> "Request":
        """Return the same request with further headers."""
        return replace(self, headers=(*self.headers, *headers))

    def header(self, name: str) -> str | None:
        """Return the value of the first header of this name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def encode(self, host: str, prefix: str = "") -> bytes:
        """Return the bytes that are sent; Host and Content-Length are added where they are not given.

        Args:
            host: what Host says.
            prefix: the path of the service's base URL.
        """
        given = {name.lower() for name, _ in self.headers}
        headers = list(self.headers)
        if "host" not in given:
            headers.insert(0, ("Host", host))
        if self.chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        elif "content-length" not in given and (self.body or self.method not in _LENGTHLESS_METHODS):
            headers.append(("Content-Length", str(len(self.body))))
        head = "\r\n".join(
            [f"{self.method} {prefix}{self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        )
        return head.encode("latin-1", "replace") + b"\r\n\r\n" + (_chunks(self.body) if self.chunked else self.body)


@dataclass(frozen=True)
class RawRequest:
    """Bytes below the level of a client library, sent on a connection of their own; `${name}` as in `Request`.

    All answers that arrive are read: until the service closes, or is silent.
    """

    content: bytes
    half_close: bool = False
    """Whether the client says that it sends no more, once it has sent all."""

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """Method and target of each request in it, in order, as far as they can be told."""
        return tuple(
            (method.decode(), target.decode("latin-1")) for method, target in _REQUEST_LINE.findall(self.content)
        )


class Source(StrEnum):
    """Where a request comes from."""

    CORPUS = "corpus"
    SEQUENCE = "sequence"
    RAW = "raw"
    SURFACE = "surface"
    GENERATED = "generated"
    RECORDED = "recorded"


@dataclass(frozen=True)
class Case:
    """One request with its name, alone or as a step of a sequence."""

    source: Source
    name: str
    request: Request | RawRequest
    save: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Variables that later steps use, each with the JSON path of the answer it is read from."""
    since: Mapping[str, str] = field(default_factory=dict, hash=False)
    """JSON paths of counters, each with the variable of its earlier value: what is compared is by how much it grew."""


Sequence = tuple[Case, ...]
"""Steps that make sense in this order alone; a request that needs no other is a sequence of one."""


class Ending(StrEnum):
    """How an exchange left the connection."""

    KEPT = "kept open"
    CLOSED = "closed"
    RESET = "reset"
    TIMED_OUT = "timed out"
    REFUSED = "no connection"
    NOT_HTTP = "answered, but not in HTTP"


@dataclass(frozen=True)
class Answer:
    """One response as it arrived."""

    status: int
    headers: tuple[Header, ...]
    """In their order, names in lower case."""
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the header's value, several joined by a comma; None where there is none."""
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None


@dataclass(frozen=True)
class Exchange:
    """All answers to one case (one, but for raw requests) and what became of the connection."""

    answers: tuple[Answer, ...]
    ending: Ending


def _chunks(body: bytes) -> bytes:
    parts = [body[start : start + _CHUNK_BYTES] for start in range(0, len(body), _CHUNK_BYTES)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@lru_cache(maxsize=1024)
def _request_lines(content: bytes) -> tuple[tuple[str, str], ...]:
    return tuple((method.decode(), target.decode("latin-1")) for method, target in _REQUEST_LINE.findall(content))
