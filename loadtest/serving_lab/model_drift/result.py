"""The result of `lab model drift`: by version of the model, how far each feature has moved, and what can be told."""

from enum import StrEnum
from typing import ClassVar

import msgspec

from serving_lab import exit_codes
from serving_lab.results.envelope import Envelope, Format


class Standing(StrEnum):
    """What the rows of a log prove."""

    DRIFTED = "drifted"
    LITTLE = "moved a little"
    """Surely, but by so little that nobody need care."""
    NONE = "no drift"
    """A change of the size that was asked for would have been found."""
    CANNOT_TELL = "cannot tell"


class ColumnDrift(msgspec.Struct, frozen=True, kw_only=True):
    """A feature, or the predictions."""

    name: str
    standing: Standing
    reference_rows: int
    ks: float
    """Kolmogorov-Smirnov distance, from 0 to 1."""
    p: float
    """Of the test, corrected for all columns of the version (Holm)."""
    psi: float
    psi_by_chance: float
    """The PSI to expect without any drift, so few rows as there are."""
    detectable: float
    """Smallest distance that so many rows find four times out of five."""
    outside: float
    """Share of the log's values that lie outside of all that was seen in training."""
    edges: list[float]
    """Inner edges of the bins."""
    reference_shares: list[float]
    log_shares: list[float]


class VersionDrift(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that one version answered."""

    version: str
    digest: str | None
    """SHA-256 of its model.onnx; None: no artifact of this version is known, so there is nothing to compare with."""
    standing: Standing
    why: str
    """A sentence without its full stop."""
    rows: int
    """Different ones."""
    repeated: int
    first: str
    last: str
    """Times of its first and last line: UTC, ISO 8601; empty: the log does not say."""
    rows_needed: int | None = None
    """To tell a distance of the size that was asked for; None: no number does."""
    columns: list[ColumnDrift]
    """Features, then the predictions."""


class DriftResult(Envelope, frozen=True, kw_only=True):
    """Everything a page is made from."""

    file_format: ClassVar[Format] = Format("serving-lab.drift/1", command="model drift")

    schema: str = file_format.schema
    log: list[str]
    """Files that were read."""
    damaged: int
    other: int
    """Lines that are no predictions."""
    tell: float
    """The Kolmogorov-Smirnov distance that was to be told."""
    alpha: float
    models: list[VersionDrift]

    @property
    def standing(self) -> Standing:
        """What holds for all versions together: the worst."""
        found = {each.standing for each in self.models}
        return next((each for each in (Standing.DRIFTED, Standing.CANNOT_TELL) if each in found), Standing.NONE)

    @property
    def exit_code(self) -> int:
        """0 no drift, 1 drifted, 2 cannot tell."""
        return {Standing.NONE: exit_codes.OK, Standing.DRIFTED: exit_codes.FOUND}.get(
            self.standing, exit_codes.CANNOT_TELL
        )
