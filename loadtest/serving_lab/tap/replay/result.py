"""What a replay found: one file. Times are in seconds."""

from typing import ClassVar

import msgspec

from serving_lab.results.envelope import Envelope, Format


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """How long answers took, from the request's first byte to the answer's last."""

    p50: float
    p99: float


class OperationReplay(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an operation."""

    operation: str
    sent: int
    same_status: int
    recorded: Latency
    replayed: Latency | None
    """None: nothing was answered."""


class Differing(msgspec.Struct, frozen=True, kw_only=True):
    """Answers whose status is not the recorded one."""

    operation: str
    recorded: int
    replayed: int
    """0: no answer."""
    count: int
    example: str
    """Method and target of the first one, as recorded."""


class ReplayResult(Envelope, frozen=True, kw_only=True):
    """A replay."""

    file_format: ClassVar[Format] = Format("serving-lab.replay/1", "replay")

    schema: str = file_format.schema
    recording: str
    target: str
    pace: float | None
    """How many times as fast as recorded; None: each request as soon as the one before is answered."""
    sessions: int
    sent: int
    unanswered: int
    left_out: dict[str, int]
    """Exchanges that were not sent, by the reason."""
    late: Latency | None
    """How late requests were sent; None: they had no time of their own."""
    operations: list[OperationReplay]
    differing: list[Differing]
