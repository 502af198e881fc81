"""The result of a measurement: one file, from which table, report, comparison and history are made.

Times are in seconds and rates in requests a second, unless a name says otherwise.
"""

from typing import ClassVar, Literal

import msgspec

from serving_lab.experiment.records import (
    Arm,
    Comparison,
    ConditionRecord,
    Distribution,
    Loop,
    TargetRecord,
    TestbedFacts,
    Verification,
    WarmUp,
)
from serving_lab.explain.records import Explanation
from serving_lab.results.envelope import Decoded, Envelope, Format


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
    burstiness: float = 1.0
    """Of random arrivals; 1 is Poisson."""
    requests: dict[str, float]
    """Names and their shares."""
    objective: str | None
    """What a knee holds to, in words."""
    arm_seconds: float
    pairs_planned: int
    """As many as were fixed beforehand; with looks, as many as there might be at most."""
    looks: list[int] = []
    """After how many pairs it was decided whether to go on; empty: their number was fixed beforehand."""
    warm_ups: list[WarmUp]
    arms: list[Arm]
    distributions: dict[str, Distribution]
    comparisons: list[Comparison]
    refused: list[str]
    """Why nothing is concluded from it; empty: it counts."""
    explanation: Explanation | None = None
    """Which functions make the difference; None: nobody asked, or there is none."""


def _from_version_1(document: Decoded) -> Decoded:
    machine = dict(document["machine"])
    return {**document, "machine": machine, "testbed": {name: machine.pop(name) for name in ("mode", "generator")}}


class BenchResult(Envelope, frozen=True, kw_only=True):
    """Everything that table, report, comparison and history are made from."""

    file_format: ClassVar[Format] = Format(
        "serving-lab.bench/4",
        command="bench",
        # What versions 3 and 4 add has defaults.
        earlier={"lab.bench/1": _from_version_1, "serving-lab.bench/2": dict, "serving-lab.bench/3": dict},
    )

    schema: str = file_format.schema
    margin: float
    """What counts as equivalent, as a share."""
    budget_seconds: float | None = None
    """How long it might take in all; None: it measured as many pairs as were fixed beforehand."""
    targets: list[TargetRecord]
    conditions: list[ConditionRecord]
    withheld: list[str]
    """Why no verdict is given although there are measurements, such as unequal conditions."""
    testbed: TestbedFacts
    verification: Verification
    scenarios: list[Scenario]
    unexplained: str | None = None
    """Why there is no explanation although one was asked for."""

    @property
    def baseline(self) -> TargetRecord:
        """What the others are compared with."""
        return self.targets[0]

    @property
    def comparisons(self) -> list[tuple[Scenario, Comparison]]:
        """Every verdict with its scenario."""
        return [(scenario, comparison) for scenario in self.scenarios for comparison in scenario.comparisons]
