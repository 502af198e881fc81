"""One arm: a stretch of load on one target, what was measured in it, and whether it counts."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from serving_lab.api.description import Description
from serving_lab.experiment import readings, validity
from serving_lab.experiment.processes import Programs
from serving_lab.experiment.readings import Processors
from serving_lab.experiment.records import Arm, GeneratorHealth
from serving_lab.experiment.targets import Target
from serving_lab.generator.fleet import Fleet, GeneratorLostError
from serving_lab.generator.messages import Closed, Open, RunCommand
from serving_lab.generator.outcome import RunOutcome, Seconds

LEAD_IN_SECONDS, SHORTEST_LEAD_IN_SECONDS, LEAD_IN_SHARE = 0.5, 0.2, 0.1
"""Before an arm is measured, its load is sent for a share of its length, within bounds: connections are open and all
of them busy by then."""
TIMEOUT_SECONDS = 10.0
FASTER = 4.0
"""So many times the largest rate seen of the same requests is the most that any target is expected to answer."""
LATENCY_SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class Load:
    """What is sent: requests by weight, over a number of connections, in a loop."""

    requests: Mapping[str, float]
    connections: int
    loop: Closed | Open


@dataclass(frozen=True)
class ArmSlot:
    """The place of an arm in the order of a scenario."""

    pair: int
    position: int
    seed: int
    """The same for all arms of a pair, so that they send the same requests."""


@dataclass(frozen=True)
class MeasuredArm:
    """An arm, and the latencies it was made of (s)."""

    arm: Arm
    latencies: Seconds
    uncorrected: Seconds
    kept_up: bool
    """Whether the target kept up with the rate of an open loop."""


class LoadDriver:
    """Sends load to targets and measures arms: the generator, the targets, and the requests they know."""

    def __init__(self, fleet: Fleet, targets: Sequence[Target], api: Description) -> None:
        self.targets = tuple(targets)
        self.api = api
        self._rates: dict[frozenset[str], float] = {}
        """By requests, the most answers/s of any target so far."""
        self._fleet = fleet
        self._began = time.monotonic()

    def send(self, target: Target, load: Load, *, seed: int, seconds: float, lead_in: float = 0.0) -> RunOutcome:
        """Send a load and return its outcome.

        Raises:
            LabError: it cannot be sent.
        """
        requests = self.api.requests
        rate = self.largest_rate(load.requests)
        outcome = self._fleet.run(
            RunCommand(
                host=target.inside.hostname,
                port=target.inside.port,
                tls=target.inside.scheme == "https",
                templates=[
                    target.template(requests[name], weight, inside=True) for name, weight in load.requests.items()
                ],
                values=dict(self.api.values),
                seed=seed,
                connections=load.connections,
                loop=load.loop,
                lead_in_seconds=lead_in,
                seconds=seconds,
                timeout_seconds=TIMEOUT_SECONDS,
                fastest=None if rate is None else FASTER * rate,
            )
        )
        self._rates[frozenset(load.requests)] = max(rate or 0.0, outcome.answered.size / outcome.seconds)
        return outcome

    def largest_rate(self, requests: Iterable[str]) -> float | None:
        """Return the most answers/s to these requests that any target gave so far; None before the first ones."""
        return self._rates.get(frozenset(requests))

    def watch(self, target: Target, slot: ArmSlot) -> "Watch":
        """Begin to watch machine and targets for an arm."""
        return Watch(target, slot, time.monotonic() - self._began, self.targets)

    def arm(self, target: Target, load: Load, slot: ArmSlot, *, seconds: float) -> MeasuredArm:
        """Measure one arm; it does not count where a generator was lost in it.

        Raises:
            LabError: it cannot be measured.
        """
        watch = self.watch(target, slot)
        lead_in = min(LEAD_IN_SECONDS, max(SHORTEST_LEAD_IN_SECONDS, LEAD_IN_SHARE * seconds))
        try:
            outcome = self.send(target, load, seed=slot.seed, seconds=seconds, lead_in=lead_in)
        except GeneratorLostError as error:
            outcome = error.measured()
        values = values_of(outcome, closed=isinstance(load.loop, Closed))
        watch.count(outcome)
        return watch.end(outcome, values, load.loop)


class Watch:
    """What machine and targets do from the beginning of an arm to its end."""

    def __init__(self, target: Target, slot: ArmSlot, started: float, targets: Sequence[Target]) -> None:
        self._target = target
        self._slot = slot
        self._started = started
        self._targets = targets
        self._answered = 0
        self._generator_cpu = 0.0
        self._programs = Programs()
        self._cpu = self._cpu_now()
        self._waited = readings.waited_seconds(target)
        self._processors = Processors.now()
        self._clock = time.perf_counter()

    def count(self, outcome: RunOutcome) -> None:
        """Count what was sent while watching; an arm may be made of several runs."""
        self._answered += outcome.all_answered
        self._generator_cpu += outcome.cpu_seconds

    def end(self, outcome: RunOutcome, values: Mapping[str, float], loop: Closed | Open) -> MeasuredArm:
        """Return the arm, whose metrics are these values, and which the outcome stands for."""
        passed = time.perf_counter() - self._clock
        processors = Processors.now()
        waited = _grown(self._waited, readings.waited_seconds(self._target))
        targets_cpu = {name: _grown(self._cpu[name], now) for name, now in self._cpu_now().items()}
        known = [grown for grown in targets_cpu.values() if grown is not None]
        other = None
        if len(known) == len(self._targets):
            busy = processors.busy - self._processors.busy
            other = max(0.0, busy - sum(known) - self._generator_cpu) / passed
        grown = targets_cpu[self._target.name]
        cpu = {"cpu": grown / self._answered * 1000} if grown and self._answered else {}
        stolen = (processors.stolen - self._processors.stolen) / passed
        target_waited = waited / (waited + grown) if waited is not None and grown else None
        generator = generator_of(outcome)
        disturbances = validity.disturbances(
            generator,
            latency_values(outcome.latencies),
            other,
            target_waited,
            stolen,
            self._others,
        )
        taken = 0.0
        if disturbances:
            taken = validity.taken(generator.waited_share, _late(outcome), target_waited, other, stolen)
        open_loop = isinstance(loop, Open)
        in_time = not open_loop or kept_up(outcome)
        arm = Arm(
            target=self._target.name,
            pair=self._slot.pair,
            position=self._slot.position,
            started=self._started,
            seconds=outcome.seconds,
            rate=loop.rate if isinstance(loop, Open) else None,
            planned=outcome.planned if open_loop else None,
            answered=outcome.answered.size,
            wrong=outcome.wrong,
            sent_again=outcome.sent_again,
            memory_bytes=readings.memory_bytes(self._target),
            values={**values, **cpu},
            uncorrected=latency_values(outcome.uncorrected) if open_loop else {},
            generator=generator,
            other_cpu=other,
            taken=taken,
            disturbances=disturbances,
            # Whether a target keeps up is not known while others have its processor.
            faults=validity.faults(generator, taken, other, disturbances) if in_time else disturbances,
        )
        return MeasuredArm(arm, outcome.latencies, outcome.uncorrected, in_time)

    def _cpu_now(self) -> dict[str, float | None]:
        return {target.name: readings.cpu_seconds(target) for target in self._targets}

    def _others(self) -> str:
        """Who else was busy, in words."""
        return self._programs.busiest([os.getpid(), *(target.pid for target in self._targets if target.pid)])


def generator_of(outcome: RunOutcome) -> GeneratorHealth:
    """Return how the generator fared."""
    return GeneratorHealth(
        cpu_share=outcome.cpu_share,
        waited_share=outcome.waited_share,
        lag_p99=outcome.lag_p99,
        start_skew=outcome.start_skew,
        parts=list(outcome.parts),
        lost=dict(outcome.lost),
    )


def kept_up(outcome: RunOutcome) -> bool:
    """Return whether a target kept up with an open loop: what had no answer by the time the last request was due."""
    return validity.keeps_up(outcome.planned - int((outcome.answered <= outcome.seconds).sum()), outcome.planned)


def values_of(outcome: RunOutcome, *, closed: bool) -> dict[str, float]:
    """Return the metrics of an outcome by name: throughput in requests/s, latencies in seconds."""
    values = latency_values(outcome.latencies)
    if closed and outcome.answered.size:
        values["throughput"] = outcome.answered.size / outcome.seconds
    return values


def latency_values(latencies: Seconds) -> dict[str, float]:
    """Return mean and percentiles (s); those that so few answers cannot tell are left out."""
    if not latencies.size:
        return {}
    told = {name: share for name, share in LATENCY_SHARES.items() if latencies.size >= validity.samples_needed(share)}
    # No interpolation: a percentile is a latency that was measured.
    found = {name: float(np.quantile(latencies, share, method="inverted_cdf")) for name, share in told.items()}
    return {"mean": float(latencies.mean())} | found


def _late(outcome: RunOutcome) -> float:
    """Share of the median latency that is the generator's lag, in an open loop."""
    if not (outcome.lag_p50 and outcome.latencies.size):
        return 0.0
    return min(1.0, outcome.lag_p50 / float(np.median(outcome.latencies)))


def _grown(before: float | None, after: float | None) -> float | None:
    return after - before if before is not None and after is not None and after >= before else None
