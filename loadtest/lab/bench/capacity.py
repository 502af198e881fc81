"""How much a target can answer: the best number of connections, and the largest rate within an objective."""

import math
from dataclasses import dataclass, replace

from lab.bench.arms import LEAD_IN_SECONDS, Bench, Load, latency_values
from lab.bench.profile import ObjectiveForm
from lab.bench.targets import Target
from lab.bench.validity import samples_needed
from lab.generator.fleet import Outcome
from lab.generator.messages import Closed, Open

STEP_SECONDS = 1.5
MOST_CONNECTIONS = 128
GROWTH = 1.05
"""More connections must bring so much more, or they are too many."""
RESOLUTION = 1.03
"""Neighbouring rates of a knee's search, as a ratio."""
PROBE_SECONDS, LONGEST_PROBE_SECONDS = 2.0, 10.0
HOLD = 3
"""A knee is held so many times as long as a probe."""
MOST_PROBES = 16


@dataclass(frozen=True)
class Peak:
    """The largest throughput found."""

    connections: int
    throughput: float
    """In requests/s."""


def peak(bench: Bench, target: Target, load: Load, seed: int) -> Peak:
    """Return how many connections give the largest throughput, doubling them until it grows no more.

    Raises:
        LabError: no load can be sent.
    """
    best = Peak(1, 0.0)
    connections, without_growth = 1, 0
    while connections <= MOST_CONNECTIONS and without_growth < 2:
        found = bench.send(
            target,
            replace(load, connections=connections, loop=Closed()),
            seed=seed + connections,
            seconds=STEP_SECONDS,
            lead_in=LEAD_IN_SECONDS,
        )
        throughput = found.answered.size / found.seconds
        without_growth = 0 if throughput > best.throughput * GROWTH else without_growth + 1
        if throughput > best.throughput:
            best = Peak(connections, throughput)
        connections *= 2
    return best


@dataclass(frozen=True)
class Knee:
    """The largest rate that kept to the objective, and the outcome of holding it; 0 where none did."""

    rate: float
    """In requests/s, as achieved while it was held."""
    held: Outcome | None
    probes: int


def knee(bench: Bench, target: Target, load: Load, objective: ObjectiveForm, start: Peak, seed: int) -> Knee:
    """Search the largest rate whose P99 and share of wrong answers meet the objective, and confirm it by a hold.

    Halves the logarithm of the distance between a rate that keeps to the objective and one that does not, from a tenth
    of the closed loop's largest throughput to a quarter above it.

    Raises:
        LabError: no load can be sent.
    """
    low, high = start.throughput / 10, start.throughput * 1.25
    probes = 0

    def probe(rate: float, times: int = 1) -> tuple[bool, Outcome]:
        nonlocal probes
        probes += 1
        seconds = times * min(LONGEST_PROBE_SECONDS, max(PROBE_SECONDS, samples_needed(0.99) / rate))
        loop = Open(rate, load.loop.arrivals if isinstance(load.loop, Open) else "poisson")
        outcome = bench.send(
            target, replace(load, loop=loop), seed=seed + probes, seconds=seconds, lead_in=LEAD_IN_SECONDS
        )
        return meets(outcome, objective), outcome

    while high / low > RESOLUTION and probes < MOST_PROBES:
        rate = math.sqrt(low * high)
        kept, _ = probe(rate)
        low, high = (rate, high) if kept else (low, rate)
    for _ in range(MOST_PROBES):
        kept, outcome = probe(low, HOLD)
        if kept:
            return Knee(outcome.answered.size / outcome.seconds, outcome, probes)
        low /= RESOLUTION
    return Knee(0.0, None, probes)


def meets(outcome: Outcome, objective: ObjectiveForm) -> bool:
    """Whether what came of a rate meets the objective; too few answers for a P99 do not."""
    wrong = sum(outcome.wrong.values())
    share = wrong / max(1, wrong + outcome.answered.size)
    p99 = latency_values(outcome.latencies).get("p99")
    return p99 is not None and p99 <= objective.p99_seconds and share <= objective.wrong_share
