"""The result of a comparison: one file, from which table and report are made."""

from typing import ClassVar, Literal

import msgspec

from serving_lab import exit_codes
from serving_lab.results.envelope import Decoded, Envelope, Format
from serving_lab.text.phrases import visible


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest request that showed it, and what each side said."""

    case: str
    """The request's name."""
    primary_command: str
    """A line for a shell that sends it to the primary."""
    candidate_command: str
    primary_answer: str
    """Status line, headers and body, as text; cut where it is long."""
    candidate_answer: str


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A difference at one operation."""

    operation: str
    primary: str | None
    candidate: str | None
    count: int
    compared: int
    repeated: int
    reproduced: int
    example: Example
    """The smallest request of this operation that showed it."""


class CauseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Differences that are one: same kind, same place, same values except for the numbers in them."""

    kind: str
    where: str
    primary: str | None
    candidate: str | None
    operations: dict[str, int]
    """`METHOD /path` and how many differing requests each had."""
    count: int
    """Requests that showed it."""
    compared: int
    """Requests to the same operations, differing or not."""
    relative: float | None
    """For numbers: the largest distance, as a share of the larger number."""
    repeated: int
    """How often the smallest example was sent again."""
    reproduced: int
    """How often it showed the difference again."""
    follows: list[str]
    """What else differs because of it."""
    after: str = ""
    """The operation of an earlier difference from which this one follows: the services were in different states."""
    after_proven: bool = False
    """Whether this one did not show once both were in the same state again; if not, it may follow."""
    varies: bool = False
    """Whether the two values were not the same in all requests that showed it, or are secrets."""
    example: Example
    """At the operation that showed it most often."""
    places: list[Place] = []
    """The operations that showed it most often, each with its own example."""

    @property
    def difference(self) -> str:
        """What differs and where, each word once."""
        return differs(self.kind, self.where)


def differs(kind: str, where: str) -> str:
    """Return what differs and where, each word once."""
    name = where.removeprefix(f"{kind.split(' ')[0]} ")
    return visible(kind if name in {kind, f"header {kind.replace(' ', '-')}"} else f"{kind}: {name}")


class Intended(msgspec.Struct, frozen=True, kw_only=True):
    """A declared difference and whether it occurred."""

    reason: str
    request: str
    kind: str
    where: str
    count: int
    tried: int
    """Requests within its scope; tried > 0 and count 0 is stale, unless the declaration is for every operation."""

    @property
    def stale(self) -> bool:
        """Whether what it declares no longer occurs."""
        return self.tried > 0 and self.count == 0 and not self.wide

    @property
    def wide(self) -> bool:
        """Whether it is for every operation: then nobody looked for it in particular."""
        return set(self.request) <= set("*?[]!/ ")


class NoiseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A field in which the primary differs from itself: compared by its form, not by its value."""

    request: str
    """`METHOD /path status`, or `any` for headers."""
    where: str
    forms: list[str]
    """Such as: ISO 8601 time, UUID, decimal number."""
    example: str
    late: bool
    """Whether it was found while comparing, not while learning."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What was compared of one operation."""

    request: str
    count: int
    differing: int
    """Requests with an undeclared difference."""
    detectable_rate: float
    """A difference that occurs at least as often as this share would have been seen with 95% probability."""
    primary_statuses: dict[str, int] = {}
    """How often each status came."""
    candidate_statuses: dict[str, int] = {}


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two services."""

    url: str
    server: str | None
    """What its Server header says."""
    preparation: list[str] = []
    """Lines for a shell that come before the commands of this side: they set its variables, and clear its caches."""


def _from_version_1(document: Decoded) -> Decoded:
    return document


class ParityResult(Envelope, frozen=True, kw_only=True):
    """Everything a report is made from."""

    file_format: ClassVar[Format] = Format(
        "serving-lab.parity/2", command="parity", earlier={"lab.parity/1": _from_version_1}
    )

    schema: str = file_format.schema
    verdict: Literal["same", "different", "cannot tell"]
    why: str
    """The verdict in a sentence."""
    repeat: int
    primary: Side
    candidate: Side
    second_primary: Side | None
    """The instance that the primary was compared with to learn the noise; None: itself."""
    sources: dict[str, int]
    """Requests compared, by where they came from."""
    causes: list[CauseRecord]
    unsteady: list[CauseRecord]
    """Differences that the primary also has with itself, other than in values: nothing can be said about those."""
    intended: list[Intended]
    noise: list[NoiseRecord]
    operations: list[Sent]
    detectable_rate: float
    """As in `Sent`, for a difference that any request may show."""

    unsuccessful: list[str] = msgspec.field(default_factory=list)
    """Operations that the primary never answered with 2xx: of those only errors were compared."""

    @property
    def requests(self) -> int:
        """How many requests were compared."""
        return sum(self.sources.values())

    @property
    def exit_code(self) -> int:
        """0 same, 1 different, 2 could not tell."""
        return {"same": exit_codes.OK, "different": exit_codes.FOUND, "cannot tell": exit_codes.CANNOT_TELL}[
            self.verdict
        ]
