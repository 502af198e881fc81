"""The result of a judgement: what both versions are, what was compared, and what follows from it."""

from enum import StrEnum
from typing import ClassVar, Literal

import msgspec

from serving_lab import exit_codes
from serving_lab.model_judge.thresholds import Thresholds
from serving_lab.results.envelope import Envelope, Format

ErrorKind = Literal["absolute", "squared"]


class Verdict(StrEnum):
    """What is to become of the new version."""

    PROMOTE = "promote"
    ASK = "ask"
    REFUSE = "refuse"


class AccuracyWord(StrEnum):
    """What held-out rows prove."""

    BETTER = "better"
    EQUIVALENT = "equivalent"
    NOT_WORSE = "not worse"
    """It may be better, and is surely not worse by more than the margin."""
    CANNOT_TELL = "cannot tell"
    WORSE = "worse"


class VersionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the model."""

    version: str
    digest: str
    """SHA-256 of model.onnx."""
    model_type: str
    dataset: str
    training_date: str
    size_bytes: int
    """Of model.onnx."""
    memory_bytes: int | None = None
    """Most that its process had in memory; None: it was not run."""


class ErrorRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of error on held-out rows, in units of the target or their square; None where rows are too few."""

    kind: ErrorKind
    rows: int
    old: float | None
    new: float | None
    difference: float | None
    """New - old: above 0 the new version is worse."""
    low: float | None
    high: float | None
    confidence: float
    """Level of the interval from `low` to `high`."""
    margin: float | None
    """What counts as no change."""
    word: AccuracyWord


class MoveRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Predictions of the same rows by both versions; moves are in standard deviations of the target."""

    name: str
    """Which rows."""
    rows: int
    shift: float
    """Mean of new - old."""
    shift_low: float
    shift_high: float
    moved: float
    """Root mean square of new - old."""
    ks: float
    """Kolmogorov-Smirnov distance of the two populations of predictions."""
    psi: float
    """Population stability index of the new predictions against the old ones."""
    edges: list[float]
    """Of the bins that are drawn, in units of the target."""
    old_shares: list[float]
    new_shares: list[float]


class SliceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Rows with a feature in a range; None: it has no end there."""

    feature: str
    at_least: float | None
    below: float | None
    rows: int
    shift: float
    """Mean of new - old, in standard deviations of the target."""
    low: float
    high: float
    held_out_rows: int
    error: float | None = None
    """Mean difference of the absolute errors, new - old, in units of the target; None: too few held-out rows."""
    error_low: float | None = None
    error_high: float | None = None


class RowRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A row whose prediction has moved far."""

    source: str
    features: list[float]
    old: float
    new: float
    target: float | None = None


class LatencyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Time of a prediction of one row, in pairs."""

    rounds: int
    calls: int
    """Predictions of each round and version, of which the median counts."""
    old_seconds: float
    """Geometric mean of the rounds."""
    new_seconds: float
    log_ratios: list[float]
    """Of each round: ln(new / old)."""
    ratio: float
    low: float
    high: float
    confidence: float


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """One of the questions that the verdict is made from."""

    name: str
    """What was looked at, such as `accuracy`."""
    standing: Verdict
    """What follows from this one alone."""
    text: str
    """What was found, and why that follows: a sentence without its full stop."""


class JudgementResult(Envelope, frozen=True, kw_only=True):
    """Everything a page is made from."""

    file_format: ClassVar[Format] = Format("serving-lab.judgement/1", command="model judge")

    schema: str = file_format.schema
    old: VersionRecord
    new: VersionRecord | None
    """None: it cannot be read."""
    verdict: Verdict
    criteria: tuple[Criterion, ...]
    """Those that decide first."""
    thresholds: Thresholds
    feature_names: tuple[str, ...] = ()
    target_deviation: float | None = None
    """Standard deviation of the target, in its units: what moves are measured in."""
    errors: tuple[ErrorRecord, ...] = ()
    moves: tuple[MoveRecord, ...] = ()
    slices: tuple[SliceRecord, ...] = ()
    """Those that moved most first."""
    worst_rows: tuple[RowRecord, ...] = ()
    latency: LatencyRecord | None = None

    @property
    def reasons(self) -> list[Criterion]:
        """Those that the verdict follows from."""
        return [each for each in self.criteria if each.standing == self.verdict]

    @property
    def exit_code(self) -> int:
        """0 promote, 1 refuse, 2 ask."""
        return {Verdict.PROMOTE: exit_codes.OK, Verdict.REFUSE: exit_codes.FOUND}.get(
            self.verdict, exit_codes.CANNOT_TELL
        )
