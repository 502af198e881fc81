"""What the gateway says of each request: one line of JSON, read while it is written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import msgspec

_SECOND_US = 1e6
_NORMALLY, _BY_CLIENT = "-", frozenset("Cc")
"""What ended an exchange, in HAProxy's first letter."""
_NO_ANSWER = -1


class Slice(StrEnum):
    """Which part of the users a request belongs to."""

    CANDIDATE = "candidate"
    CONTROL = "control"
    PRIMARY = "primary"

    @classmethod
    def of(cls, bucket: int, share: int) -> "Slice":
        """The slice of a bucket at a share in basis points, as the gateway tells it."""
        if bucket < share:
            return cls.CANDIDATE
        return cls.CONTROL if bucket < 2 * share else cls.PRIMARY


@dataclass(frozen=True)
class Observation:
    """One request that went through the gateway."""

    at: float
    """When its answer had ended, in seconds since 1970."""
    slice: Slice
    server: str
    """Who answered; `<NOSRV>` where nobody could."""
    status: int
    """-1 where there was no answer."""
    first_ms: float | None
    """From its head to that of its answer; None where no server answered."""
    total_ms: float
    """From its head to the end of its answer."""
    termination: str
    """HAProxy's two letters for how it ended; `--` is a normal end."""
    method: str
    path: str
    bucket: int
    """Of its user, 0 to 9,999; -1 where the request could not be read."""
    retries: int
    """Further attempts to reach a server."""
    moved: bool
    """Whether another server of its backend was tried than the one that was preferred."""
    websocket: bool
    backend: str
    """The service that was to answer."""

    @property
    def failed(self) -> bool:
        """Whether the service is to blame for no right answer: none, 5xx, or one that broke off."""
        if self.termination[:1] in _BY_CLIENT:
            return False
        return self.status == _NO_ANSWER or self.status >= 500 or self.termination[:1] != _NORMALLY


class _Line(msgspec.Struct, frozen=True):
    at: int
    slice: str
    backend: str
    server: str
    status: int
    first_us: int
    total_us: int
    termination: str
    retries: str
    method: str
    path: str
    bucket: int
    upgrade: str


_DECODER = msgspec.json.Decoder(_Line)
_SLICES = frozenset(map(str, Slice))


def parse(line: bytes) -> Observation | None:
    """One line of the gateway's ring; None for what is none, such as a change of a server's state."""
    start = line.find(b"{")
    if start < 0:
        return None
    try:
        seen = _DECODER.decode(line[start:])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if seen.slice not in _SLICES:
        return None  # a request that could not be read: it reached no service
    return Observation(
        at=seen.at / _SECOND_US,
        slice=Slice(seen.slice),
        server=seen.server,
        status=seen.status,
        first_ms=seen.first_us / 1e3 if seen.first_us >= 0 else None,
        total_ms=seen.total_us / 1e3,
        termination=seen.termination,
        method=seen.method,
        path=seen.path,
        bucket=seen.bucket,
        retries=int(seen.retries.lstrip("+") or 0),
        moved=seen.retries.startswith("+"),
        websocket=seen.upgrade == "websocket",
        backend=seen.backend,
    )


def line(
    *,
    at: float,
    slice_: Slice,
    server: str,
    status: int,
    first_ms: float | None,
    total_ms: float,
    termination: str,
    method: str,
    path: str,
    bucket: int,
    websocket: bool,
) -> bytes:
    """An observation by somebody else than the gateway, in its form; the arguments are the attributes of one."""
    seen = _Line(
        at=round(at * _SECOND_US),
        slice=slice_,
        backend=server,
        server=server,
        status=status,
        first_us=-1 if first_ms is None else round(first_ms * 1e3),
        total_us=round(total_ms * 1e3),
        termination=termination,
        retries="0",
        method=method,
        path=path,
        bucket=bucket,
        upgrade="websocket" if websocket else "",
    )
    return msgspec.json.encode(seen) + b"\n"


def parsed(chunks: Iterable[bytes]) -> Iterator[Observation]:
    """The observations in a stream of bytes that is cut anywhere."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if seen := parse(line):
                yield seen
