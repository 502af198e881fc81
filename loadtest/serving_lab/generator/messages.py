"""What the laboratory says to a process of the generator, and what it says back: frames over its standard streams."""

import struct
from typing import IO, Literal

import msgspec

from serving_lab.api.places import Part
from serving_lab.api.values import Value

_LENGTH = struct.Struct(">I")
LENGTH_BYTES = _LENGTH.size
"""Of what says the length of a frame, before it."""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A request with places for values."""

    name: str
    weight: float
    method: str
    head: list[Part]
    """Request line and headers without Content-Length, each line ended."""
    body: list[Part]
    has_length: bool
    """Whether Content-Length is added."""
    statuses: list[int]
    """What a right answer has."""
    rules: bytes
    """JSON: what a right answer's body holds, by JSON path; see `serving_lab.api.rules`."""
    only: bool = False
    """Whether a right answer's body has no other fields."""


class Closed(msgspec.Struct, frozen=True, tag="closed"):
    """Every connection sends its next request as soon as it has its answer."""


class Open(msgspec.Struct, frozen=True, tag="open"):
    """Requests are due at times that do not depend on the answers."""

    rate: float
    """Requests/s of this process."""
    arrivals: Literal["poisson", "constant"] = "poisson"
    burstiness: float = 1.0
    """Of random arrivals: the variance of the gaps by the square of their mean; 1 is Poisson."""
    part: int = 0
    parts: int = 1
    """Of bursty arrivals each process draws those of all, with the seed of the first, and takes every so manieth."""


class RunCommand(msgspec.Struct, frozen=True, kw_only=True, tag="run"):
    """One stretch of load on one target."""

    host: str
    port: int
    tls: bool
    templates: list[Template]
    values: dict[str, Value]
    seed: int
    """What is drawn and when it arrives; equal seeds send the same requests."""
    connections: int
    loop: Closed | Open
    lead_in_seconds: float
    """Load that is not measured, before what is."""
    seconds: float
    timeout_seconds: float
    """How long an answer may take."""
    fastest: float | None = None
    """Requests/s that a closed loop sends at most: no more are drawn, which takes time. None: unknown."""


class AskClock(msgspec.Struct, frozen=True, tag="ask-clock"):
    """Say what time it is."""


class Go(msgspec.Struct, frozen=True, tag="go"):
    """Start what was prepared."""

    at: float
    """When, by the `time.perf_counter` of the process."""


class ClockReply(msgspec.Struct, frozen=True, tag="clock"):
    """What time it is."""

    now: float
    """By the `time.perf_counter` of the process."""


class Built(msgspec.Struct, frozen=True, tag="built"):
    """The requests are drawn and the connections open: ready to go."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The run cannot be made."""

    why: str


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """What came of a run. Arrays are of native doubles, seconds since the measured part began, one entry a request.

    Only requests of the measured part are in them: in an open loop those due in it, in a closed one those answered
    in it.
    """

    due: memoryview
    sent: memoryview
    answered: memoryview
    templates: memoryview
    """Unsigned bytes: which template each request was made from."""
    wrong: dict[str, int]
    """Requests of the measured part without a right answer: what was wrong, and how often."""
    sent_again: int
    """Requests of the measured part that met a connection which the target was closing because it had been idle."""
    planned: int
    """Requests due in the measured part; in a closed loop, those that ended in it."""
    all_answered: int
    """Answers with the lead-in and what came after the end."""
    seconds: float
    """How long the measured part took."""
    cpu_seconds: float
    """Of the process, over the measured part."""
    all_cpu_seconds: float
    """Of the process, since it was started."""
    waited_seconds: float
    """Ready to run but without a processor, throttled time included, over the measured part."""
    lags: memoryview
    """Open loop: how late each request was taken up, in seconds, as doubles."""
    late: float
    """How much later than at the time of `Go` it began, in seconds."""


Command = RunCommand | AskClock | Go
Reply = Built | Failed | ClockReply | Done


def frame(message: msgspec.Struct) -> bytes:
    """A message with its length before it."""
    content = msgspec.msgpack.encode(message)
    return _LENGTH.pack(len(content)) + content


def length_of(head: bytes | bytearray) -> int:
    """How long the frame is that so begins."""
    length: int = _LENGTH.unpack(head)[0]
    return length


def write(stream: IO[bytes], message: Command | Reply) -> None:
    """Send a message. Raises OSError where the other side is gone."""
    stream.write(frame(message))
    stream.flush()


def read_command(stream: IO[bytes]) -> Command | None:
    """The next command; None where the laboratory is gone."""
    head = stream.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    length = length_of(head)
    content = stream.read(length)
    return msgspec.msgpack.decode(content, type=Command) if len(content) == length else None
