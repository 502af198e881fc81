"""The result of a rollout: every stage, what was proven in it, and every decision with its reason."""

from enum import StrEnum
from typing import ClassVar

import msgspec

from serving_lab import exit_codes
from serving_lab.results.envelope import Envelope, Format
from serving_lab.rollout.judge import Criterion, Outcome


class Ending(StrEnum):
    """How a rollout ended."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"
    CANNOT_TELL = "cannot tell"
    REFUSED = "refused"
    """A person did not approve."""
    INTERRUPTED = "interrupted"


class SideRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one side's requests in a stage."""

    requests: int
    failed: int
    users: int
    """Buckets of users."""
    p50_ms: float | None = None
    p99_ms: float | None = None


class LookRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One judgement."""

    seconds: float
    """Since the stage began."""
    outcome: Outcome
    why: str
    criteria: list[Criterion]
    candidate: SideRecord
    control: SideRecord


class StageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One stage."""

    name: str
    share: int
    """Basis points of the users."""
    started: str
    """UTC, ISO 8601."""
    seconds: float = 0.0
    outcome: Outcome = Outcome.HOLD
    why: str = ""
    observed_share: float | None = None
    """Of the requests seen, that of the candidate."""
    before: bool = False
    """Whether the control is of the stage before, because all traffic goes to the candidate."""
    looks: list[LookRecord] = []


class CauseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A difference between answers to the same request."""

    operation: str
    what: str
    count: int
    primary: str | None
    candidate: str | None
    proven: bool
    """Whether it is the candidate's, as far as can be told."""
    unsteady: bool
    """Whether the primary was seen to differ from itself there: then nothing is said of the candidate."""


class MirrorRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was compared of mirrored requests."""

    compared: dict[str, int] = {}
    """Requests by operation."""
    declared: int = 0
    """Requests that differed only as is intended."""
    moves: list[str] = []
    """How far values moved that are meant to."""
    causes: list[CauseRecord] = []
    never_succeeded: list[str] = []
    """Operations that the primary never answered with 2xx meanwhile."""
    never_mirrored: list[str] = []
    """Operations of which no request was sent to both, because it may not be repeated."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log."""

    at: str
    """UTC, ISO 8601."""
    stage: str
    what: str
    why: str = ""


class RolloutResult(Envelope, frozen=True, kw_only=True):
    """Everything a page is made from."""

    file_format: ClassVar[Format] = Format("serving-lab.rollout/1", command="rollout")

    schema: str = file_format.schema
    primary: str
    candidate: str
    model: str | None = None
    """The version of the model that the candidate served, where that is what was rolled out."""
    ending: Ending
    why: str
    share: int
    """Basis points of the users whom the candidate serves at the end."""
    stages: list[StageRecord]
    decisions: list[Decision]
    mirror: MirrorRecord | None = None
    rollback_seconds: float | None = None
    """From the decision to the end of the last request at the candidate; None: it was not rolled back."""
    ended_sessions: int = 0
    """Requests and WebSockets at the candidate that were broken off for that."""

    @property
    def exit_code(self) -> int:
        """0 promoted, 1 rolled back, 2 could not tell, 130 interrupted."""
        return {
            Ending.PROMOTED: exit_codes.OK,
            Ending.ROLLED_BACK: exit_codes.FOUND,
            Ending.INTERRUPTED: exit_codes.INTERRUPTED,
        }.get(self.ending, exit_codes.CANNOT_TELL)
