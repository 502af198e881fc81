"""What is sent to a service and what comes back: plain values, without a socket."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from serving_lab.api.request import Header

_REQUEST_LINE = re.compile(rb"^([!-~]+) (\S+) HTTP/1\.[01]\r?$", re.MULTILINE)


@dataclass(frozen=True)
class RawRequest:
    """Bytes below the level of a client library, sent on a connection of their own; `${name}` as in `Request`.

    All answers that arrive are read: until the service closes, or is silent.
    """

    content: bytes
    half_close: bool = False
    """Whether the client ends its side of the connection once it has sent everything."""

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """Method and target of each request in it, in order, as far as they can be recognized."""
        return tuple(
            (method.decode(), target.decode("latin-1")) for method, target in _REQUEST_LINE.findall(self.content)
        )


class Ending(StrEnum):
    """How an exchange left the connection."""

    KEPT = "kept open"
    CLOSED = "closed"
    RESET = "reset"
    TIMED_OUT = "timed out"
    REFUSED = "no connection"
    NOT_HTTP = "answered, but not in HTTP"
    UNFINISHED = "still answering"
    """The answer did not end in time, or is longer than is read of any."""
    SURPLUS = "more bytes than announced"
    """There came more than the answer had, such as a body in answer to HEAD."""


@dataclass(frozen=True)
class Answer:
    """One response as it arrived."""

    status: int
    headers: tuple[Header, ...]
    """In their order, names in lower case."""
    body: bytes
    cut: bool = False
    """Whether the body goes on behind this: it did not end in time, or is very large."""

    def header(self, name: str) -> str | None:
        """The value of the header with this lower-case name, repeated ones joined by a comma; None without any."""
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None


@dataclass(frozen=True)
class Exchange:
    """All answers to one request (one, except for raw requests) and what became of the connection."""

    answers: tuple[Answer, ...]
    ending: Ending
    answered: datetime | None = field(default=None, compare=False)
    """When it was over, with a time zone; None where nobody noted it."""
