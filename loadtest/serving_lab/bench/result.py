"""The result of a measurement: one file, from which table and reports are made. `SCHEMA` changes with its form.

Times are in seconds and rates in requests a second, unless a name says otherwise.
"""

from pathlib import Path
from typing import Literal

import msgspec

from serving_lab.errors import LabError
from serving_lab.experiment.records import (
    Arm,
    Comparison,
    Condition,
    Distribution,
    Loop,
    Machine,
    Target,
    Verification,
    WarmUp,
)

SCHEMA: Literal["lab.bench/1"] = "lab.bench/1"


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One load, and what it showed."""

    name: str
    title: str
    loop: Loop
    connections: dict[str, int]
    """By target."""
    rate: float | None
    """Planned requests/s in an open loop."""
    arrivals: Literal["poisson", "constant"] | None
    """How requests were spread in an open loop; None in a closed one."""
    requests: dict[str, float]
    """Names and their shares."""
    objective: str | None
    """What a knee holds to, in words."""
    arm_seconds: float
    pairs_planned: int
    warm_ups: list[WarmUp]
    arms: list[Arm]
    distributions: dict[str, Distribution]
    comparisons: list[Comparison]
    refused: list[str]
    """Why nothing is concluded from it; empty: it counts."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a report is made from."""

    schema: str = SCHEMA
    started: str
    """UTC, ISO 8601."""
    seconds: float
    partial: bool
    """Whether it was interrupted."""
    seed: int
    revision: str | None
    """Commit of the checkout it was made in, with `+` where files were changed since; None outside of one."""
    margin: float
    """What counts as equivalent, as a share."""
    targets: list[Target]
    conditions: list[Condition]
    withheld: list[str]
    """Why no verdict is given although there are measurements, such as unequal conditions."""
    machine: Machine
    verification: Verification
    scenarios: list[Scenario]
    warnings: list[str]
    versions: dict[str, str]
    """Of the lab, and of what it measured with."""

    @property
    def baseline(self) -> Target:
        """What the others are compared with."""
        return self.targets[0]

    @property
    def comparisons(self) -> list[tuple[Scenario, Comparison]]:
        """Every verdict with its scenario."""
        return [(scenario, comparison) for scenario in self.scenarios for comparison in scenario.comparisons]

    def write(self, path: Path) -> None:
        """Write the result as JSON.

        Raises:
            LabError: the file cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")
        except OSError as error:
            raise LabError(f"{path}: {error.strerror}", hint="--output FILE") from error

    @classmethod
    def read(cls, path: Path) -> "Result":
        """Return the result of a file.

        Raises:
            LabError: it cannot be read, or is no result of this schema.
        """
        try:
            result = msgspec.json.decode(path.read_bytes(), type=cls)
        except OSError as error:
            raise LabError(f"{path}: {error.strerror}", hint="make bench writes one") from error
        except msgspec.DecodeError as error:
            raise LabError(f"{path} is no result of lab bench: {error}", hint="make bench writes one") from error
        if result.schema != SCHEMA:
            raise LabError(f"{path} has the schema {result.schema!r}, and this lab reads {SCHEMA!r}")
        return result
