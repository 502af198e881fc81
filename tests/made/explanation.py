"""Explanations drawn from a known truth, and results of `lab bench` that have one."""

from collections.abc import Sequence

import msgspec
import numpy as np
from serving_lab.bench.result import BenchResult
from serving_lab.explain.differences import PAIRS
from serving_lab.explain.folding import Profile, explained
from serving_lab.explain.records import Explained, Explanation, Sampled
from serving_lab.explain.stacks import Function, Stack

MAIN, HANDLER, WORK, ENCODE = (
    Function(name, file, package, line)
    for name, file, package, line in (
        ("main", "server/main.py", "server", 1),
        ("index", "app.py", "app", 5),
        ("work", "app.py", "app", 9),
        ("encode", "json/encoder.py", "standard library", 200),
    )
)
STACKS: tuple[Stack, ...] = ((MAIN,), (MAIN, HANDLER), (MAIN, HANDLER, WORK), (MAIN, HANDLER, ENCODE))


def make_explained(seed: int, *, planted: float = 0.0, candidate: str = "new") -> Explained:
    """Ten pairs of about 300 samples an arm, each standing for a microsecond; `planted` of them more in `work`."""
    chance = np.random.default_rng(seed)

    def profile(means: tuple[float, ...]) -> Profile:
        return {stack: float(n) * 1e-6 for stack, n in zip(STACKS, chance.poisson(means), strict=True)}

    usual = (100.0, 20.0, 80.0, 100.0)
    new = (100.0, 20.0, 80.0 + planted, 100.0)
    return explained(candidate, [(profile(usual), profile(new)) for _ in range(PAIRS)])


def make_explanation(targets: Sequence[str], *, missing: str | None = None) -> Explanation:
    """An explanation of two targets, in which `work` takes 100 us more."""
    baseline, candidate = targets
    return Explanation(
        seconds=61.0,
        arm_seconds=2.0,
        confidence=0.99,
        sampled=[
            Sampled(target=name, samples=3000, profiler_cpu=0.1, cpu_ratio=1.04, throughput_ratio=0.97)
            for name in (baseline, candidate)
        ],
        candidates=[] if missing else [make_explained(1, planted=100.0, candidate=candidate)],
        missing=missing,
    )


def with_explanation(result: BenchResult, explanation: Explanation) -> BenchResult:
    """The result with an explanation of its first scenario."""
    first, *others = result.scenarios
    scenarios = [msgspec.structs.replace(first, explanation=explanation), *others]
    return msgspec.structs.replace(result, scenarios=scenarios)
