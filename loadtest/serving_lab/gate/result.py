"""The result of a gate: one file, from which line, table, summary, JUnit and SARIF files are made."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import msgspec

from serving_lab.bench.result import BenchResult
from serving_lab.footprint.result import FootprintResult
from serving_lab.parity.result import ParityResult
from serving_lab.results.envelope import Envelope, Format

PartName = Literal["contract", "parity", "footprint", "bench"]
PARTS: tuple[PartName, ...] = ("contract", "parity", "footprint", "bench")
Outcome = Literal["passed", "failed", "cannot tell"]
CheckOutcome = Literal["passed", "failed", "cannot tell", "not judged"]
"""What is not judged changes nothing: nobody asked for it, and too little was seen of it."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was judged: a cause of differences, a verdict on a metric, or that a part gave no answer."""

    part: PartName
    name: str
    outcome: CheckOutcome
    why: str
    operation: str | None = None
    """Of a difference: `METHOD /path`."""
    conditions: list[str] = []
    """Which `--fail-if` it meets, the second time too where it was measured again."""


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A part that was asked for and gave no result."""

    part: PartName
    why: str


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A test of the contract that head fails."""

    test: str
    why: str


class ContractResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the tests of the contract say of head."""

    tests: int
    """How many came to an end."""
    complete: bool
    """Whether all did; those that failed, a second time too."""
    broken: list[Broken]
    once: list[Broken]
    """What only the first run saw: it passes."""


@dataclass
class Found:
    """What the parts found of one service; None: nothing."""

    contract: ContractResult | None = None
    parity: ParityResult | None = None
    footprint: FootprintResult | None = None
    bench: BenchResult | None = None
    confirmation: BenchResult | None = None
    """Of the scenarios in which bench met a condition: measured again, on fresh instances."""
    missing: list[Missing] = field(default_factory=list)
    """The parts that were asked for and gave no result."""

    @property
    def any(self) -> bool:
        """Whether there is any result."""
        return any((self.contract, self.parity, self.footprint, self.bench))


class Gated(msgspec.Struct, frozen=True, kw_only=True):
    """One service, head against base; or the contract, head against what it promises."""

    name: str
    base: str
    """What stood for it, such as a URL, a command, or a revision."""
    head: str
    sentence: str
    outcome: Outcome
    checks: list[Check]
    missing: list[Missing]
    contract: ContractResult | None = None
    parity: ParityResult | None
    bench: BenchResult | None
    confirmation: BenchResult | None
    footprint: FootprintResult | None


class GateResult(Envelope, frozen=True, kw_only=True):
    """Everything that was found."""

    file_format: ClassVar[Format] = Format("serving-lab.gate/1", command="gate")

    schema: str = file_format.schema
    outcome: Outcome
    sentence: str
    """The verdict in one line."""
    budget_seconds: float
    """What was given to everything together."""
    fail_if: list[str]
    """The conditions under which it fails, besides different answers."""
    services: list[Gated]
