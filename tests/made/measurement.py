"""Results of `lab bench`: whole ones, and those drawn from a known truth, to compare and to make histories of."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np
from serving_lab.bench.result import BenchResult, Scenario
from serving_lab.experiment.records import (
    Arm,
    ConditionRecord,
    GeneratorHealth,
    Loop,
    TargetRecord,
    TestbedFacts,
    Verification,
)
from serving_lab.experiment.verdicts import comparisons
from serving_lab.results.machine import Machine

BASELINE, CANDIDATE, THIRD = "flask-api", "fastapi-api", "go-api"
MARGIN = 0.03
PAIRS = 10
MACHINE = Machine(processor="AMD EPYC 7B13", cores=4, memory_bytes=16 << 30, kernel="Linux 6.12.0", load=0.21)
_PORTS = {BASELINE: 5000, CANDIDATE: 8000, THIRD: 9000}
TRUTH: Mapping[str, Mapping[str, float]] = {
    "flask": {"throughput": 1000.0, "p50": 0.010, "p99": 0.040, "cpu": 0.9},
    "fastapi": {"throughput": 1200.0, "p50": 0.008, "p99": 0.030, "cpu": 0.8},
}
"""True values, by target and metric."""


def make_arm(target: str, pair: int, values: Mapping[str, float], **changes: object) -> Arm:
    """An arm of a closed loop without faults, unless changed."""
    arm = Arm(
        target=target,
        pair=pair,
        position=1,
        started=10.0 * pair,
        seconds=5.0,
        rate=None,
        planned=None,
        answered=5000,
        wrong={},
        values=dict(values),
        uncorrected={},
        generator=GeneratorHealth(cpu_share=0.41, waited_share=0.01, lag_p99=None),
        other_cpu=0.05,
        faults=[],
    )
    return msgspec.structs.replace(arm, **changes)


def make_arms(
    seed: int, factors: Mapping[str, float], noise: float = 0.02, pairs: int = PAIRS, machine: float = 1.0
) -> list[Arm]:
    """Return arms of both targets.

    Args:
        seed: Of the noise.
        factors: How far from the truth, by metric, target/metric or target; 1.1 is a tenth more.
        noise: Standard deviation of each value, as a share.
        pairs: Arms of each target.
        machine: How much slower it is: it multiplies times and divides throughput.
    """
    generator = np.random.default_rng(seed)
    arms = []
    for pair in range(1, pairs + 1):
        for target, truth in TRUTH.items():
            values = {}
            for metric, value in truth.items():
                factor = math.prod(factors.get(key, 1.0) for key in (metric, target, f"{target}/{metric}"))
                slowness = 1 / machine if metric == "throughput" else machine
                values[metric] = value * factor * slowness * math.exp(generator.normal(0, noise))
            arms.append(make_arm(target, pair, values))
    return arms


def make_scenario(
    arms: Sequence[Arm],
    loop: Loop = "closed",
    *,
    targets: Sequence[str] = tuple(TRUTH),
    refused: Sequence[str] = (),
    withheld: str | None = None,
    **changes: object,
) -> Scenario:
    """A scenario of arms, with the verdicts that the lab gives on them."""
    scenario = Scenario(
        name="steady",
        title="steady load",
        loop=loop,
        connections=dict.fromkeys(targets, 16),
        rate=None,
        arrivals=None,
        requests={"predict": 1.0},
        objective=None,
        arm_seconds=5.0,
        pairs_planned=PAIRS,
        warm_ups=[],
        arms=list(arms),
        distributions={},
        comparisons=comparisons(
            loop, list(targets), arms, margin=MARGIN, refused="; ".join(refused) or None, withheld=withheld
        ),
        refused=list(refused),
    )
    return msgspec.structs.replace(scenario, **changes)


def make_condition(
    name: str, *values: str | None, targets: Iterable[str] = TRUTH, meant: bool = False
) -> ConditionRecord:
    """A condition with a value of each target; where they differ they may be meant to."""
    differs: Literal["differs", "meant to differ"] = "meant to differ" if meant else "differs"
    return ConditionRecord(
        name=name, values=dict(zip(targets, values, strict=True)), verdict=differs if len(set(values)) > 1 else "same"
    )


def make_conditions(targets: Sequence[str] = tuple(TRUTH)) -> list[ConditionRecord]:
    """Equal ones, but for the framework."""
    return [
        make_condition("Framework", *(f"framework {at}" for at, _ in enumerate(targets)), targets=targets, meant=True),
        make_condition("Model", *["1 abc"] * len(targets), targets=targets),
        make_condition("Workers", *["2"] * len(targets), targets=targets),
    ]


def make_bench(*scenarios: Scenario, **changes: object) -> BenchResult:
    """A measurement of scenarios: whole, and under equal conditions, unless changed."""
    names = list(scenarios[0].connections) if scenarios else list(TRUTH)
    result = BenchResult(
        started="2026-11-22T08:00:00+00:00",
        seconds=612.0,
        partial=False,
        seed=7,
        revision="1d5f80b+",
        margin=MARGIN,
        targets=[TargetRecord(name=name, url=f"http://127.0.0.1:{_PORTS.get(name, 7000)}") for name in names],
        conditions=make_conditions(names),
        withheld=[],
        machine=MACHINE,
        testbed=TestbedFacts(mode="containers", generator="2 processes on the host"),
        verification=Verification(requests=75, compared=["$.prediction", "$.predictions"]),
        scenarios=list(scenarios),
        warnings=[],
        versions={"lab": "0.1.0", "python": "3.13.9"},
    )
    return msgspec.structs.replace(result, **changes)


def measured(seed: int = 0, *, noise: float = 0.02, machine: float = 1.0, **changes: object) -> BenchResult:
    """Return a result of the truth as it is."""
    return make_bench(make_scenario(make_arms(seed, {}, noise, machine=machine)), **changes)


def slower(factors: Mapping[str, float], seed: int = 1, *, machine: float = 1.0, **changes: object) -> BenchResult:
    """Return a result in which values are farther off, as in `make_arms`."""
    return make_bench(make_scenario(make_arms(seed, factors, machine=machine)), **changes)
