"""Results as `lab bench` would leave them, drawn from a known truth, to compare and to make histories of."""

import math
from collections.abc import Mapping, Sequence
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

TRUTH: Mapping[str, Mapping[str, float]] = {
    "flask": {"throughput": 1000.0, "p50": 0.010, "p99": 0.040, "cpu": 0.9},
    "fastapi": {"throughput": 1200.0, "p50": 0.008, "p99": 0.030, "cpu": 0.8},
}
"""True values, by target and metric."""
PAIRS = 10


def make_arm(target: str, pair: int, values: Mapping[str, float], **changes: object) -> Arm:
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
        generator=GeneratorHealth(cpu_share=0.3, waited_share=0.0, lag_p99=None),
        other_cpu=0.01,
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
    arms: Sequence[Arm], loop: Loop = "closed", withheld: str | None = None, **changes: object
) -> Scenario:
    refused = changes.get("refused")
    scenario = Scenario(
        name="steady",
        title="steady load",
        loop=loop,
        connections={"flask": 16, "fastapi": 16},
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
            loop, list(TRUTH), arms, margin=0.03, refused="; ".join(refused) if isinstance(refused, list) else None,
            withheld=withheld,
        ),
        refused=[],
    )  # fmt: skip
    return msgspec.structs.replace(scenario, **changes)


def make_condition(name: str, flask: str | None, fastapi: str | None, *, meant: bool = False) -> ConditionRecord:
    verdict: Literal["same", "differs", "meant to differ"] = "same" if flask == fastapi else "differs"
    return ConditionRecord(
        name=name, values={"flask": flask, "fastapi": fastapi}, verdict="meant to differ" if meant else verdict
    )


CONDITIONS = (
    make_condition("Framework", "Flask 3.1", "FastAPI 0.120", meant=True),
    make_condition("Model", "1 abc", "1 abc"),
    make_condition("Workers", "2", "2"),
)
MACHINE = Machine(
    processor="A processor",
    cores=2,
    memory_bytes=8 << 30,
    kernel="6.1.0",
    load=0.1,
)
TESTBED = TestbedFacts(mode="containers", generator="1 process on the host")


def make_result(*scenarios: Scenario, **changes: object) -> BenchResult:
    result = BenchResult(
        started="2026-11-20T08:00:00+00:00",
        seconds=180.0,
        partial=False,
        seed=0,
        revision="c0ffee0000000000000000000000000000000000",
        margin=0.03,
        targets=[TargetRecord(name=name, url=f"http://127.0.0.1:{5000 + i}") for i, name in enumerate(TRUTH)],
        conditions=list(CONDITIONS),
        withheld=[],
        machine=MACHINE,
        testbed=TESTBED,
        verification=Verification(requests=100, compared=["$.predictions"]),
        scenarios=list(scenarios),
        warnings=[],
        versions={"lab": "0.1.0", "python": "3.13.1"},
    )
    return msgspec.structs.replace(result, **changes)


def measured(seed: int = 0, *, noise: float = 0.02, machine: float = 1.0, **changes: object) -> BenchResult:
    """Return a result of the truth as it is."""
    return make_result(make_scenario(make_arms(seed, {}, noise, machine=machine)), **changes)


def slower(factors: Mapping[str, float], seed: int = 1, *, machine: float = 1.0, **changes: object) -> BenchResult:
    """Return a result in which values are farther off, as in `make_arms`."""
    return make_result(make_scenario(make_arms(seed, factors, machine=machine)), **changes)
