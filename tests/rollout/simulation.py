"""Traffic that never was: lognormal times, users that differ, drift, bursts, and stalls that both sides feel."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np
from numpy.typing import NDArray
from serving_lab.rollout import plan
from serving_lab.rollout.harm import Past
from serving_lab.rollout.judge import Evidence, Judgement, Look, Outcome, judge
from serving_lab.rollout.plan import Limits, RolloutPlan, Stage
from serving_lab.rollout.requests import Columns, stretched

BUCKETS = 10_000
OPERATIONS = ("POST /predict", "POST /batch-predict", "GET /health")
MIX, LEVELS = np.array([0.7, 0.2, 0.1]), np.log([4.0, 12.0, 1.0])


@dataclass(frozen=True)
class Traffic:
    """What clients send."""

    rate: float
    """Requests a second."""
    users: int
    failing: float = 0.0005
    """Share of requests that fail whoever answers."""


@dataclass(frozen=True)
class Planted:
    """What is wrong with the candidate."""

    slower: float = 1.0
    failing: float = 0.0
    tail: float = 1.0
    """How much longer its slowest 2% take."""
    operation: int | None = None
    """The failures are of this operation alone."""
    one_user: bool = False
    """All requests of its busiest user fail, and no others."""


@dataclass
class World:
    """One run of traffic."""

    traffic: Traffic
    planted: Planted
    random: np.random.Generator
    activity: NDArray[np.float64] = field(init=False)
    levels: NDArray[np.float64] = field(init=False)
    buckets: NDArray[np.int64] = field(init=False)
    drift: float = 0.0

    def __post_init__(self) -> None:
        users = self.traffic.users
        self.activity = self.random.lognormal(0, 1, users)
        self.activity /= self.activity.sum()
        self.levels = self.random.normal(0, 0.1, users)
        self.buckets = self.random.integers(0, BUCKETS, users)

    def second(self, at: float, share: int) -> Mapping[str, Columns]:
        """The requests of both slices in one second: `candidate` and `control`."""
        bursts = self.random.gamma(4, 0.25)
        chosen = self.random.choice(
            self.traffic.users, self.random.poisson(self.traffic.rate * bursts), p=self.activity
        )
        self.drift = 0.98 * self.drift + self.random.normal(0, 0.02)
        stalled = self.random.random() < 0.005
        n = len(chosen)
        operation = self.random.choice(len(OPERATIONS), n, p=MIX)
        log_ms = LEVELS[operation] + self.levels[chosen] + self.drift + self.random.normal(0, 0.4, n)
        if stalled:
            log_ms[: n // 2] = np.logaddexp(log_ms[: n // 2], np.log(self.random.uniform(20, 200)))
        failed = self.random.random(n) < self.traffic.failing
        bucket = self.buckets[chosen]
        on_candidate = bucket < share
        self._plant(on_candidate, bucket, share, operation, log_ms, failed)
        when = at + np.sort(self.random.random(n))
        every = Columns(when, log_ms, failed, bucket, operation, np.zeros(n, dtype=np.bool_))
        return {
            "candidate": every.where(on_candidate),
            "control": every.where((bucket >= share) & (bucket < 2 * share)),
        }

    def _plant(
        self,
        on_candidate: NDArray[np.bool_],
        bucket: NDArray[np.int64],
        share: int,
        operation: NDArray[np.int64],
        log_ms: NDArray[np.float64],
        failed: NDArray[np.bool_],
    ) -> None:
        planted = self.planted
        log_ms[on_candidate] += np.log(planted.slower)
        log_ms[on_candidate & (self.random.random(len(log_ms)) < 0.02)] += np.log(planted.tail)
        wrong = on_candidate & (self.random.random(len(log_ms)) < planted.failing)
        if planted.operation is not None:
            wrong &= operation == planted.operation
        failed |= wrong
        if planted.one_user:
            inside = np.flatnonzero(self.buckets < share)
            if len(inside):
                busiest = self.buckets[inside[np.argmax(self.activity[inside])]]
                failed |= on_candidate & (bucket == busiest)


@dataclass(frozen=True)
class Run:
    """How a rollout ended."""

    outcome: Outcome
    stage: str
    why: str
    seconds: float


def rollout(stages: RolloutPlan, world: World) -> Run:
    """Conduct a rollout in simulated time."""
    past = Past(np.full(BUCKETS, 50), np.zeros(BUCKETS, dtype=np.int64))
    total = 0.0
    before, before_seconds = Columns.none(), 0.0
    judgement = Judgement(Outcome.HOLD, "")
    for stage in stages.stages:
        judgement, seconds, before, before_seconds = _stage(stages, stage, world, past, before, before_seconds)
        total += seconds
        if judgement.outcome is not Outcome.PROMOTE:
            return Run(judgement.outcome, stage.name, judgement.why, total)
    return Run(Outcome.PROMOTE, stages.stages[-1].name, judgement.why, total)


def _stage(
    stages: RolloutPlan, stage: Stage, world: World, past: Past, before: Columns, before_seconds: float
) -> tuple[Judgement, float, Columns, float]:
    seconds: list[Mapping[str, Columns]] = []
    looks = stage.hold.looks
    candidate = control = Columns.none()
    for look in looks:
        while len(seconds) < look:
            seconds.append(world.second(len(seconds), stage.share))
        candidate = joined([each["candidate"] for each in seconds])
        control = joined([each["control"] for each in seconds])
        beside = len(control) > 0
        evidence = Evidence(
            seconds=len(seconds),
            candidate=candidate,
            control=control if beside else stretched(before, len(seconds) / before_seconds),
            operations=OPERATIONS,
            past=past,
            met=met_by(candidate),
        )
        judgement = judge(evidence, stage, stages, Look(look == looks[-1], look >= stage.hold.least))
        if judgement.outcome is not Outcome.HOLD:
            break
    return judgement, len(seconds), control, len(seconds)


def met_by(columns: Columns) -> Past:
    """What each bucket met in these requests."""
    return Past(
        np.bincount(columns.user, minlength=BUCKETS), np.bincount(columns.user[columns.failed], minlength=BUCKETS)
    )


def joined(parts: list[Columns]) -> Columns:
    """Several as one."""
    names = ("at", "log_ms", "failed", "user", "operation", "websocket")
    return Columns(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


HIGH, MIDDLE, LOW = Traffic(1000, 5000), Traffic(200, 2000), Traffic(20, 500)


def plan_for(traffic: Traffic) -> RolloutPlan:
    """The stages by default, judged by answers alone; with little traffic, they begin at 25%, as the guide says."""
    default = plan.read(None, "primary", "candidate")
    stages = [
        replace(stage, within=_no_memory(stage.within), beyond=_no_memory(stage.beyond)) for stage in default.stages
    ]
    if traffic.users < 1000:
        stages = stages[2:]
    return replace(default, stages=tuple(stages))


def _no_memory(limits: Limits) -> Limits:
    return msgspec.structs.replace(limits, memory_per_hour=None)
