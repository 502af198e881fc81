"""Results of `lab bench` on services whose arms and latencies are simulated: a win, a loss, and what cannot be told."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special
from serving_lab.bench.result import BenchResult, Scenario
from serving_lab.experiment.records import QUANTILES, Arm, ConditionRecord, Distribution, GeneratorHealth, Loop, WarmUp

from made.measurement import BASELINE, CANDIDATE, PAIRS, THIRD, make_arm, make_bench, make_condition, make_scenario

HOSTILE = (
    "</script><script>alert('x')</script> | **b** `c` [d](http://evil.example) <img src=x onerror=e()> \u202e&amp;"
)
REQUESTS = 4_000


@dataclass(frozen=True)
class Service:
    """What a simulated service can do: how many times the baseline's throughput, latency and CPU time."""

    throughput: float = 1.0
    latency: float = 1.0
    cpu: float = 1.0
    tail: float = 1.0
    """How many times as slow the slowest fiftieth is, besides."""
    noise: float = 0.02
    """Standard deviation of an arm's logarithms, of its own."""


SAME = Service(noise=0.006)
BETTER = Service(throughput=1.92, latency=0.52, cpu=0.58)
WORSE = Service(throughput=0.71, latency=1.44, cpu=1.35)
MIXED = Service(throughput=1.31, latency=0.84, cpu=0.83, tail=1.9)
NOISY = Service(throughput=1.02, latency=0.97, noise=0.16)
_RATE, _LATENCY_SECONDS, _CPU_SECONDS = 640.0, 0.0145, 1.42
_TITLES: Mapping[Loop, str] = {
    "closed": "As many requests as it can answer",
    "open": "A mixed load at a rate that all can carry",
    "knee": "The largest rate at which it still answers in time",
}


def simulate(
    candidates: Mapping[str, Service],
    loop: Loop = "closed",
    *,
    pairs: int = PAIRS,
    name: str | None = None,
    title: str | None = None,
    refused: Sequence[str] = (),
    withheld: str | None = None,
    void: int = 0,
) -> Scenario:
    """A scenario against the baseline; `void` pairs more were left out."""
    services = {BASELINE: Service(noise=max(service.noise for service in candidates.values())), **candidates}
    name = name or {"closed": "peak", "open": "steady", "knee": "knee"}[loop]
    generator = np.random.default_rng(zlib.crc32(f"{name} {loop} {pairs} {sorted(services)}".encode()))
    latencies: dict[str, list[np.ndarray]] = {target: [] for target in services}
    arms = []
    for pair in range(1, pairs + void + 1):
        shared = generator.normal(0, 0.04)
        for position, target in enumerate(generator.permutation(list(services)), start=1):
            own = shared + generator.normal(0, services[target].noise)
            answers = _answers(generator, services[target], own)
            faults = ["other programs kept 0.61 cores busy"] if pair > pairs else []
            if not faults:
                latencies[target].append(answers)
            arms.append(_arm(str(target), services[target], loop, pair, position, own, answers, faults))
    whole = loop != "knee"
    names = list(services)
    return make_scenario(
        arms,
        loop,
        targets=names,
        refused=refused,
        withheld=withheld,
        name=name,
        title=title or _TITLES[loop],
        connections=dict.fromkeys(names, 64) if loop != "closed" else {each: 8 + 8 * i for i, each in enumerate(names)},
        rate=320.0 if loop == "open" else None,
        arrivals=None if loop == "closed" else "poisson",
        requests={"predict": 0.7, "batch_predict": 0.2, "model_info": 0.1} if loop == "open" else {"predict": 1.0},
        objective="P99 within 100 ms and at most 0.100% wrong answers" if loop == "knee" else None,
        pairs_planned=pairs,
        warm_ups=[
            WarmUp(target=each, connections=8, seconds=6.0, steady=True, throughput=[610.0, 641.0]) for each in names
        ],
        distributions={each: _distribution(np.concatenate(latencies[each]), loop) for each in names if whole},
    )


def of(service: Service, **changes: object) -> BenchResult:
    """A measurement of one candidate in all kinds of loops."""
    return make_bench(*_in_all_loops(service), **changes)


@cache
def _in_all_loops(service: Service) -> list[Scenario]:
    loops: tuple[Loop, ...] = ("closed", "open", "knee")
    return [simulate({CANDIDATE: service}, loop) for loop in loops]


def make_win(**changes: object) -> BenchResult:
    return of(BETTER, **changes)


@cache
def make_loss() -> BenchResult:
    return of(WORSE)


@cache
def make_mixed() -> BenchResult:
    return of(MIXED)


@cache
def make_equivalent() -> BenchResult:
    return make_bench(*(simulate({CANDIDATE: SAME}, loop, pairs=20) for loop in ("closed", "open")))


@cache
def make_undecided() -> BenchResult:
    return make_bench(*(simulate({CANDIDATE: NOISY}, loop, pairs=6) for loop in ("closed", "open")))


@cache
def make_refused() -> BenchResult:
    """A measurement that won one scenario and had to refuse the other."""
    why = ["fastapi-api does not keep up with 320 requests/s", "4 of 6 pairs do not count: the machine was busy"]
    return make_bench(
        simulate({CANDIDATE: BETTER}, void=2), simulate({CANDIDATE: BETTER}, "open", pairs=3, refused=why)
    )


@cache
def make_withheld() -> BenchResult:
    why = f"memory limit: {BASELINE} 512 MiB, {CANDIDATE} 1,024 MiB"
    limits = make_condition("memory limit", "512 MiB", "1,024 MiB", targets=(BASELINE, CANDIDATE))
    return make_bench(
        simulate({CANDIDATE: BETTER}, withheld=f"the conditions differ: {why}"),
        withheld=[f"the conditions differ: {why}"],
        conditions=[limits],
    )


@cache
def make_partial() -> BenchResult:
    interrupted = "it was interrupted: 4 of 10 pairs were measured"
    return make_bench(
        simulate({CANDIDATE: BETTER}),
        simulate({CANDIDATE: BETTER}, "open", pairs=4, withheld=interrupted),
        partial=True,
    )


@cache
def make_three() -> BenchResult:
    return make_bench(
        *(simulate({CANDIDATE: BETTER, THIRD: WORSE}, loop) for loop in ("closed", "open")),
    )


@cache
def make_hostile() -> BenchResult:
    """A measurement whose every name would be obeyed by a browser or by Markdown."""
    scenario = simulate({HOSTILE: MIXED}, title=HOSTILE, name="hostile")
    refused = simulate({HOSTILE: BETTER}, "open", title=f"{HOSTILE} | again", refused=[HOSTILE])
    return make_bench(
        scenario,
        refused,
        warnings=[HOSTILE],
        revision=HOSTILE,
        versions={HOSTILE: HOSTILE},
        conditions=[ConditionRecord(name=HOSTILE, values={BASELINE: HOSTILE, HOSTILE: None}, verdict="unknown")],
    )


def _answers(generator: np.random.Generator, service: Service, own: float) -> np.ndarray:
    """Draw latencies (s) evenly over their distribution, so that only the arm itself varies."""
    slow = REQUESTS // 50
    body, tail = (special.ndtri((np.arange(n) + 0.5) / n) for n in (REQUESTS - slow, slow))
    answers = np.concatenate([np.exp(0.24 * body), service.tail * np.exp(1.0 + 0.3 * tail)])
    return generator.permutation(_LATENCY_SECONDS * service.latency * np.exp(-own) * answers)


def _arm(
    target: str,
    service: Service,
    loop: Loop,
    pair: int,
    position: int,
    own: float,
    answers: np.ndarray,
    faults: list[str],
) -> Arm:
    throughput = _RATE * service.throughput * float(np.exp(own))
    shares = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
    times = {name: float(np.quantile(answers, share, method="inverted_cdf")) for name, share in shares.items()}
    values = {**times, "mean": float(answers.mean()), "cpu": _CPU_SECONDS * service.cpu * float(np.exp(own / 2))}
    if loop == "knee":
        values = {"knee": throughput * 0.86}
    elif loop == "closed":
        values["throughput"] = throughput
    return make_arm(
        target,
        pair,
        values,
        position=position,
        started=pair * 12.0 + position * 6.0,
        rate=320.0 if loop == "open" else None,
        planned=1600 if loop == "open" else None,
        answered=1600 if loop == "open" else int(throughput * 5),
        uncorrected={name: value * 0.8 for name, value in times.items()} if loop == "open" else {},
        generator=GeneratorHealth(cpu_share=0.41, waited_share=0.01, lag_p99=0.0002 if loop == "open" else None),
        faults=faults,
    )


def _distribution(latencies: np.ndarray, loop: Loop) -> Distribution:
    def curve(values: np.ndarray) -> list[float]:
        return [float(value) for value in np.quantile(values, QUANTILES, method="inverted_cdf")]

    uncorrected = np.minimum(latencies, np.quantile(latencies, 0.99) * 1.1) * 0.9 if loop == "open" else latencies
    return Distribution(count=latencies.size, seconds=curve(latencies), uncorrected=curve(uncorrected))
