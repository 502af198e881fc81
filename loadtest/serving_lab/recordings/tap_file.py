"""The recording that `lab tap` writes: live traffic, one record an exchange, readable up to where it breaks off.

A file is the line `serving-lab.tap/1` and then frames: four bytes with the length of what follows, big-endian, and so
many bytes of MessagePack. Each is an array that begins with its kind: one `head`, then `exchange`s in the order in
which they were complete, and at last one `end`, unless the tap was killed. Fields are in the order in which the types
below have them. Secrets and personal data are pseudonyms, the same one for the same value all through the file.
"""

import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec
from serving_lab.api.request import Header, Request
from serving_lab.errors import LabError
from serving_lab.recordings.recorded_request import HOP_BY_HOP
from serving_lab.wire.message import Answer, Ending, Exchange

MAGIC = b"serving-lab.tap/1\n"
WEBSOCKET = "WEBSOCKET"
"""What stands for the method where the request is a message on a WebSocket, and the answers are messages too."""
_LENGTH = struct.Struct(">I")
_LOOK_SECONDS = 0.05
_MOST_FRAME_BYTES = 1 << 30
_FRAMING = HOP_BY_HOP | {"host", "content-length", "expect"}


class Head(msgspec.Struct, frozen=True, array_like=True, tag="head"):
    """What was recorded."""

    started: float
    """Unix seconds."""
    primary: str
    """Its base URL."""
    candidate: str | None = None
    """Base URL of the service to which repeatable requests were sent too."""


class TappedRequest(msgspec.Struct, frozen=True, array_like=True):
    """A request as it arrived."""

    method: str
    target: str
    """Path and query, as latin-1 text."""
    version: str
    """`HTTP/1.1`"""
    headers: tuple[Header, ...]
    """In their order and spelling, as latin-1 text."""
    body: bytes
    """Without chunks, and unpacked (gzip)."""
    body_bytes: int
    """How long it was on its way, without chunks."""
    cut: bool = False
    """Whether `body` is not all of it."""

    @property
    def request(self) -> Request:
        """The request that can be sent again, without what was for one connection, and with its pseudonyms."""
        named = {name for key, value in self.headers if key.lower() == "connection" for name in _options(value)}
        left_out = _FRAMING | named | {"content-encoding"}
        headers = tuple((name, value) for name, value in self.headers if name.lower() not in left_out)
        return Request(self.method, self.target, headers, self.body)


class Side(msgspec.Struct, frozen=True, array_like=True):
    """What one service answered to it."""

    status: int
    """0: it did not answer."""
    headers: tuple[Header, ...]
    """In their order and spelling, as latin-1 text."""
    body: bytes
    """Without chunks, and unpacked."""
    body_bytes: int
    """How long it was on its way, without chunks."""
    cut: bool
    """Whether `body` is not all of it."""
    first_byte_seconds: float
    """From the request's first byte to the answer's; of no answer, until that was known."""
    seconds: float
    """From the request's first byte to the answer's last."""
    ending: Ending
    """What became of the connection."""

    @property
    def exchange(self) -> Exchange:
        """The same as other parts of the lab have it."""
        if not self.status:
            return Exchange((), self.ending)
        headers = tuple((name.lower(), value) for name, value in self.headers)
        return Exchange((Answer(self.status, headers, self.body, self.cut),), self.ending)


class Tapped(msgspec.Struct, frozen=True, array_like=True, tag="exchange"):
    """One exchange."""

    connection: int
    """A number of the client's connection."""
    session: str
    """A pseudonym of who sent it: the token's user, else the token or the cookie, else the address."""
    number: int
    """Which of its connection's requests it is, from 0."""
    at: float
    """When its first byte arrived, in Unix seconds."""
    request: TappedRequest
    primary: Side
    candidate: Side | None = None
    """What the second service answered to the same request, which was sent to it afterwards."""
    again: Side | None = None
    """What the primary answered when it was sent the same request once more: what varies by itself."""
    bytes_up: int = 0
    """Of a connection that was switched to another protocol (status 101): bytes of the client afterwards."""
    bytes_down: int = 0
    """Likewise, of the service."""


class End(msgspec.Struct, frozen=True, array_like=True, tag="end"):
    """The tap ended as it should."""

    recorded: int
    dropped: int
    """Exchanges that are missing: they could not be written as fast as they came, or the file was full."""


Record = Head | Tapped | End
_encoder = msgspec.msgpack.Encoder()
_decoder: "msgspec.msgpack.Decoder[Record]" = msgspec.msgpack.Decoder(Record)


def frame(record: Record) -> bytes:
    """A record as it stands in a file."""
    content = _encoder.encode(record)
    return _LENGTH.pack(len(content)) + content


def is_tap_file(path: Path) -> bool:
    """Whether a file begins as a recording of `lab tap` does."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read(path: Path) -> Iterator[Tapped]:
    """The exchanges of a file that is complete, or as complete as it gets.

    Raises:
        LabError: it cannot be read, or is no recording of `lab tap`.
    """
    with _opened(path) as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            raise _not_one(path)
        while (record := _next(path, stream)) is not None:
            if isinstance(record, Tapped):
                yield record


def read_head(path: Path) -> Head:
    """What a file says was recorded.

    Raises:
        LabError: it cannot be read, or is no recording of `lab tap`.
    """
    with _opened(path) as stream:
        record = _next(path, stream) if stream.read(len(MAGIC)) == MAGIC else None
    if not isinstance(record, Head):
        raise _not_one(path)
    return record


def follow(path: Path, stopped: Callable[[], bool], look_seconds: float = _LOOK_SECONDS) -> Iterator[Tapped]:
    """The exchanges of a file as it grows, until the tap ends or this is stopped.

    Args:
        path: The file; it may not exist yet.
        stopped: Whether to go no further than what there is.
        look_seconds: How often to look for more.

    Raises:
        LabError: it cannot be read, or is no recording of `lab tap`.
    """
    while not (path.exists() and path.stat().st_size >= len(MAGIC)):
        if stopped():
            return
        time.sleep(look_seconds)
    with _opened(path) as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            raise _not_one(path)
        while True:
            last = stopped()  # asked first: what was written before it said so is read
            while (record := _next(path, stream)) is not None:
                if isinstance(record, End):
                    return
                if isinstance(record, Tapped):
                    yield record
            if last:
                return
            time.sleep(look_seconds)


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}", hint="lab tap --record FILE writes one") from error


def _next(path: Path, stream: IO[bytes]) -> Record | None:
    """The next record; None where the file ends, or ends within it: then what there is of it is read again later."""
    begin = stream.tell()
    head = stream.read(_LENGTH.size)
    length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
    content = stream.read(length) if length <= _MOST_FRAME_BYTES else b""
    if len(head) < _LENGTH.size or len(content) < length:
        stream.seek(begin)
        return None
    try:
        return _decoder.decode(content)
    except msgspec.DecodeError as error:
        raise LabError(f"{path} is damaged at byte {begin:,}: {error}", hint="record again") from error


def _options(value: str) -> Iterator[str]:
    return (name.strip().lower() for name in value.split(","))


def _not_one(path: Path) -> LabError:
    return LabError(f"{path} is not a recording of lab tap", hint="lab tap --record FILE writes one")
