"""One arm: a stretch of load on one target, what was measured in it, and whether it counts."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.bench import readings, validity
from lab.bench.profile import Profile
from lab.bench.readings import Processors
from lab.bench.result import Arm, Generator
from lab.bench.targets import Target
from lab.generator.fleet import Fleet, Outcome
from lab.generator.messages import Closed, Open, Run

LEAD_IN_SECONDS = 0.5
TIMEOUT_SECONDS = 10.0
LATENCY_SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}

Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class Load:
    """What is sent: requests by weight, over so many connections, in a loop."""

    requests: Mapping[str, float]
    connections: int
    loop: Closed | Open


@dataclass(frozen=True)
class Measured:
    """An arm, and the latencies it was made of (s)."""

    arm: Arm
    latencies: Seconds
    uncorrected: Seconds


class Bench:
    """Measures arms: a generator, the targets, and the requests they know."""

    def __init__(self, fleet: Fleet, targets: Sequence[Target], profile: Profile) -> None:
        self.targets = tuple(targets)
        self.profile = profile
        self._fleet = fleet
        self._began = time.monotonic()

    def send(self, target: Target, load: Load, *, seed: int, seconds: float, lead_in: float = 0.0) -> Outcome:
        """Send a load and return what came of it.

        Raises:
            LabError: it cannot be sent.
        """
        requests = self.profile.requests
        return self._fleet.run(
            Run(
                host=target.inside.hostname,
                port=target.inside.port,
                tls=target.inside.scheme == "https",
                templates=[
                    target.template(requests[name], weight, inside=True) for name, weight in load.requests.items()
                ],
                values=dict(self.profile.values),
                seed=seed,
                connections=load.connections,
                loop=load.loop,
                lead_in_seconds=lead_in,
                seconds=seconds,
                timeout_seconds=TIMEOUT_SECONDS,
            )
        )

    def arm(self, target: Target, load: Load, *, pair: int, position: int, seed: int, seconds: float) -> Measured:
        """Measure one arm.

        Raises:
            LabError: it cannot be measured.
        """
        started = time.monotonic() - self._began
        cpu, processors, clock = self._cpu(), Processors.now(), time.perf_counter()
        outcome = self.send(target, load, seed=seed, seconds=seconds, lead_in=LEAD_IN_SECONDS)
        passed = time.perf_counter() - clock
        used = Processors.now()
        targets_cpu = {name: _grown(cpu[name], now) for name, now in self._cpu().items()}
        known = [grown for grown in targets_cpu.values() if grown is not None]
        other = None
        if len(known) == len(self.targets):
            other = max(0.0, used.busy - processors.busy - sum(known) - outcome.cpu_seconds) / passed
        values = values_of(outcome, closed=isinstance(load.loop, Closed))
        if (grown := targets_cpu[target.name]) and outcome.all_answered:
            values["cpu"] = grown / outcome.all_answered * 1000
        generator = Generator(
            cpu_share=outcome.cpu_share,
            waited_share=outcome.waited_share,
            lag_p99=float(np.quantile(outcome.lags, 0.99)) if outcome.lags.size else None,
        )
        arm = Arm(
            target=target.name,
            pair=pair,
            position=position,
            started=started,
            seconds=outcome.seconds,
            rate=load.loop.rate if isinstance(load.loop, Open) else None,
            planned=outcome.planned if isinstance(load.loop, Open) else None,
            answered=outcome.answered.size,
            wrong=outcome.wrong,
            values=values,
            uncorrected=latency_values(outcome.uncorrected) if isinstance(load.loop, Open) else {},
            generator=generator,
            other_cpu=other,
            faults=validity.faults(generator, values, other, (used.stolen - processors.stolen) / passed),
        )
        return Measured(arm, outcome.latencies, outcome.uncorrected)

    def _cpu(self) -> dict[str, float | None]:
        return {target.name: readings.cpu_seconds(target) for target in self.targets}


def values_of(outcome: Outcome, *, closed: bool) -> dict[str, float]:
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


def _grown(before: float | None, after: float | None) -> float | None:
    return after - before if before is not None and after is not None and after >= before else None
