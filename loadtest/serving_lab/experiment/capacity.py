"""How much a target can answer: the best number of connections, and the largest rate within an objective."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from serving_lab.experiment.arms import (
    LEAD_IN_SECONDS,
    SHORTEST_LEAD_IN_SECONDS,
    ArmSlot,
    Load,
    LoadDriver,
    MeasuredArm,
    latency_values,
)
from serving_lab.experiment.profile import ObjectiveForm
from serving_lab.experiment.targets import Target
from serving_lab.experiment.validity import samples_needed
from serving_lab.generator.fleet import GeneratorLostError
from serving_lab.generator.messages import Closed, Open
from serving_lab.generator.outcome import RunOutcome

STEP_SECONDS, SHORT_STEP_SECONDS = 1.5, 0.4
"""Of a number of connections that is tried; the short one is for a measurement of some minutes."""
MOST_CONNECTIONS = 128
GROWTH = 1.05
"""Twice the connections must bring at least this much more throughput."""
AS_WELL = 0.9
"""Share of the largest throughput from which on a number of connections does about as well: what two short steps on a
shared machine may differ by."""
RESOLUTION = 1.03
"""Neighbouring rates of a knee's search, as a ratio."""
PROBE_SECONDS, LONGEST_PROBE_SECONDS = 2.0, 10.0
HOLD = 3
"""Length of the hold that confirms a knee, in probes."""
MOST_HOLDS = 12
PROBE_SAMPLES = 1.3 * samples_needed(0.99)
"""Requests a probe is made of at least: chance must not leave it with too few for a P99."""


@dataclass(frozen=True)
class Peak:
    """The largest throughput found."""

    connections: int
    throughput: float
    """In requests/s."""
    tried: Mapping[int, float] = field(default_factory=dict)
    """Throughput by number of connections."""


def alike(peaks: Mapping[str, Peak]) -> dict[str, int]:
    """Return the best number of connections of each target: the same one where each does about as well with it.

    Numbers that do about as well are told apart by noise alone, but twice the connections make twice the latency: of
    two equal targets one would look slower. Of those that suit all, it is the one with which the least is lost.
    """

    def kept(number: int) -> float:
        """The smallest share of its best that a target keeps with this number."""
        return min(peak.tried[number] / peak.throughput for peak in peaks.values())

    together = set.intersection(*(set(peak.tried) for peak in peaks.values()))
    shared = max(together, key=kept)
    if kept(shared) < AS_WELL:
        return {name: peak.connections for name, peak in peaks.items()}
    return dict.fromkeys(peaks, shared)


def peak(driver: LoadDriver, target: Target, load: Load, seed: int, step_seconds: float = STEP_SECONDS) -> Peak:
    """Return the number of connections with the largest throughput, found by doubling them until it stops growing.

    Raises:
        LabError: no load can be sent.
    """
    best = Peak(1, 0.0)
    connections, without_growth = 1, 0
    tried: dict[int, float] = {}
    while connections <= MOST_CONNECTIONS and without_growth < 2:
        found = driver.send(
            target,
            replace(load, connections=connections, loop=Closed()),
            seed=seed + connections,
            seconds=step_seconds,
            lead_in=LEAD_IN_SECONDS if step_seconds >= STEP_SECONDS else SHORTEST_LEAD_IN_SECONDS,
        )
        throughput = tried[connections] = found.answered.size / found.seconds
        without_growth = 0 if throughput > best.throughput * GROWTH else without_growth + 1
        if throughput > best.throughput:
            best = Peak(connections, throughput)
        connections *= 2
    return replace(best, tried=tried)


def knee(
    driver: LoadDriver, target: Target, load: Load, objective: ObjectiveForm, start: Peak, slot: ArmSlot
) -> MeasuredArm:
    """Search the largest rate whose P99 and share of wrong answers meet the objective, and confirm it by a hold.

    Halves the logarithm of the distance between a rate that keeps to the objective and one that does not, from a tenth
    of the closed loop's largest throughput to a quarter above it. The arm is the last hold; without one that kept to
    the objective it has no value. It does not count where a generator was lost in the search.

    Raises:
        LabError: no load can be sent.
    """
    watch = driver.watch(target, slot)
    arrivals = load.loop.arrivals if isinstance(load.loop, Open) else "poisson"
    low, high = start.throughput / 10, start.throughput * 1.25
    number = itertools.count(slot.seed)

    def probe(rate: float, times: int = 1) -> RunOutcome:
        seconds = times * min(LONGEST_PROBE_SECONDS, max(PROBE_SECONDS, PROBE_SAMPLES / rate))
        outcome = driver.send(
            target,
            replace(load, loop=Open(rate, arrivals)),
            seed=next(number),
            seconds=seconds,
            lead_in=LEAD_IN_SECONDS,
        )
        watch.count(outcome)
        return outcome

    try:
        while high / low > RESOLUTION:
            rate = math.sqrt(low * high)
            low, high = (rate, high) if meets(probe(rate), objective) else (low, rate)
        for _ in range(MOST_HOLDS):
            held = probe(low, HOLD)
            if meets(held, objective):
                return watch.end(held, {"knee": held.answered.size / held.seconds}, Open(low, arrivals))
            low /= RESOLUTION
    except GeneratorLostError as error:
        held = error.measured()
    return watch.end(held, {}, Open(low, arrivals))


def meets(outcome: RunOutcome, objective: ObjectiveForm) -> bool:
    """Whether the outcome at a rate meets the objective; too few answers for a P99 do not."""
    wrong = sum(outcome.wrong.values())
    share = wrong / max(1, wrong + outcome.answered.size)
    p99 = latency_values(outcome.latencies).get("p99")
    return p99 is not None and p99 <= objective.p99_seconds and share <= objective.wrong_share
