"""The records of an explanation: which functions were looked at, and by how much their CPU time differs.

Times are CPU seconds for one request, unless a name says otherwise.
"""

from typing import Literal

import msgspec

Kind = Literal["own", "inclusive", "package"]
"""Of a time: a function's own, with what it calls, or the own times of all functions of a package."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The CPU time of one function or package, of a candidate against the baseline."""

    kind: Kind
    name: str
    """Of the function, with its class where the profiler knows it; of the package."""
    file: str
    """Relative to the folder that its package lies in; empty for a package."""
    line: int | None
    """Where the function begins, in the candidate if it has it; None for a package."""
    baseline: float
    candidate: float
    """Means over pairs; 0 where a side does not have it."""
    low: float | None
    """Ends of the interval of candidate - baseline: all intervals hold together. None: too few pairs."""
    high: float | None

    @property
    def difference(self) -> float:
        """How much more the candidate takes."""
        return self.candidate - self.baseline

    @property
    def differs(self) -> bool:
        """Whether its interval says that there is a difference."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    @property
    def place(self) -> str:
        """Where the function begins, such as `flask/app.py:1529`; empty for a package."""
        return f"{self.file}:{self.line}" if self.line else self.file


class Flames(msgspec.Struct, frozen=True, kw_only=True):
    """The stacks of both sides as one tree, in which each node lies after its parent."""

    names: list[str]
    """Functions with their places, to which nodes refer by position."""
    name: list[int]
    parent: list[int]
    """By position; -1 is the root."""
    baseline: list[float]
    """Own time of each node."""
    candidate: list[float]


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate against the baseline."""

    candidate: str
    pairs: int
    """Those in which both could be sampled."""
    changes: list[Change]
    """All that was looked at, the largest differences first."""
    flames: Flames

    @property
    def functions(self) -> list[Change]:
        """Functions whose own time differs, the largest difference first."""
        return self.named("own")

    def named(self, kind: Kind) -> list[Change]:
        """Return what differs of a kind, the largest difference first."""
        return [each for each in self.changes if each.kind == kind and each.differs]


class Sampled(msgspec.Struct, frozen=True, kw_only=True):
    """How a target fared while it was sampled."""

    target: str
    samples: int
    profiler_cpu: float
    """Cores that the profiler used."""
    cpu_ratio: float | None
    """CPU time for a request, sampled / not; medians over arms. None: not measured without."""
    throughput_ratio: float | None
    """Answers a second, likewise; None in an open loop, too."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What explains the CPU time of a scenario: extra pairs, which no verdict counts."""

    seconds: float
    """How long the extra pairs took."""
    arm_seconds: float
    confidence: float
    """With which all intervals of a candidate hold together."""
    sampled: list[Sampled]
    candidates: list[Explained]
    missing: str | None
    """Why there is no explanation; None: there is one."""
