"""docs/scaling.md and its plot: what was measured, the model that is fitted to it, and what follows from it."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from serving_lab.results import files
from support.checkout import REPOSITORY

from benchmark.scaling import model, plot
from benchmark.scaling.model import Model
from benchmark.scaling.result import Arrangement, Measured, ScalingResult, ServiceScaling

PAGE = REPOSITORY / "docs" / "scaling.md"
PLOT = REPOSITORY / "docs" / "scaling.svg"
RESULT = REPOSITORY / "docs" / "results" / "scaling.json"
RATES = (1_000, 100_000, 10_000_000)
UTILIZATION = 0.6
"""How busy processors and networks may be on purpose: the rest is for what is uneven, and for what fails."""
WORKERS = 4
"""Of an instance that is planned with."""
NETWORK_BITS = 10e9
_MARKED = re.compile(r"(?P<begin><!-- filled: (?P<name>[a-z]+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class Fitted:
    """A service with its model."""

    service: ServiceScaling
    model: Model
    result: ScalingResult
    """That it is part of."""

    @property
    def processors(self) -> int:
        """Of the machine that it was measured on."""
        return _processors(self.result)


def write() -> None:
    """Fill the page and draw the plot from the result."""
    result = files.read(RESULT, ScalingResult)
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), result), encoding="utf-8")
    PLOT.write_text(drawn(result), encoding="utf-8")


def filled(page: str, result: ScalingResult) -> str:
    """The page with each of its tables as the result gives it."""
    services = fitted(result)

    def block(found: re.Match[str]) -> str:
        lines = "\n".join(TABLES[found["name"]](services))
        return f"{found['begin']}\n{lines}\n\n{found['end']}"

    return _MARKED.sub(block, page)


def drawn(result: ScalingResult) -> str:
    """The plot: what the model says of each arrangement, against what was measured."""
    return plot.svg(
        [
            plot.Mark(
                target=number,
                measured=1000 * model.cost(model.typical(each.rounds)),
                expected=1000 * one.model.cost(each.arrangement, one.processors),
                held_out=each.arrangement.held_out,
                says=f"{one.service.label}: {each.arrangement.name}",
            )
            for number, one in enumerate(fitted(result))
            for each in one.service.measured
        ],
        [service.label for service in result.services],
    )


def fitted(result: ScalingResult) -> list[Fitted]:
    """Each service with its model."""
    return [Fitted(each, model.fit(each.measured, _processors(result)), result) for each in result.services]


def names(page: str) -> list[str]:
    """Of the tables that the page has."""
    return [found["name"] for found in _MARKED.finditer(page)]


def _processors(result: ScalingResult) -> int:
    assert result.machine is not None
    return result.machine.cores


def _measured(services: Sequence[Fitted]) -> Iterator[str]:
    heads = [f"{one.service.label}: {what}" for one in services for what in ("requests/s", "µs of CPU (not its own)")]
    yield _line("instances of so many workers", *heads)
    yield _rule(1 + len(heads))
    for place, each in enumerate(services[0].service.measured):
        cells = []
        for one in services:
            found = model.typical(one.service.measured[place].rounds)
            others = found.gateway + found.caches
            cells += [f"{found.per_second:,.0f}", _micro(model.cost(found)) + f" ({_micro(others)})" * bool(others)]
        yield _line(each.arrangement.name, *cells)


def _model(services: Sequence[Fitted]) -> Iterator[str]:
    rows: Mapping[str, tuple[Callable[[Model], float], Callable[[float], str]]] = {
        "a request, in a service with one worker": (lambda each: each.worker, _micros),
        "more for each further processor with workers of the instance": (lambda each: each.coherency, _percent),
        "more for each further instance on the same processors": (lambda each: each.crowding, _percent),
        "more in the service if its cache is a Redis": (lambda each: each.shared_cache, _micros),
        "in Redis": (lambda each: each.cache, _micros),
        "in the gateway": (lambda each: each.gateway, _micros),
        "in the program that sends": (lambda each: each.load, _micros),
        "throughput, as a share of its bound": (lambda each: each.efficiency, _percent),
    }
    yield _line("processor time", *(one.service.label for one in services))
    yield _rule(1 + len(services))
    by_round = [_models_of_rounds(one) for one in services]
    for name, (figure, shown) in rows.items():
        cells = [
            f"{shown(figure(one.model))} ({shown(min(map(figure, each)))} to {shown(max(map(figure, each)))})"
            for one, each in zip(services, by_round, strict=True)
        ]
        yield _line(name, *cells)
    standing = [_standing(one.service.measured) for one in services]
    yield _line("an instance that nobody asks, of a processor", *(f"{100 * share:.1f}%" for share in standing))


def _heldout(services: Sequence[Fitted]) -> Iterator[str]:
    yield _line(
        "", "instances of so many workers", "µs of CPU, expected", "measured", "requests/s, expected", "measured"
    )
    yield _rule(6)
    for one in services:
        for each in one.service.measured:
            if not each.arrangement.held_out:
                continue
            found = model.typical(each.rounds)
            cost = one.model.cost(each.arrangement, one.processors), model.cost(found)
            rate = one.model.throughput(each.arrangement, one.processors), found.per_second
            cells = (
                f"{_micro(cost[0])} ({_off(*cost)})",
                _micro(cost[1]),
                f"{rate[0]:,.0f} ({_off(*rate)})",
                f"{rate[1]:,.0f}",
            )
            yield _line(one.service.label, each.arrangement.name, *cells)


def _waiting(services: Sequence[Fitted]) -> Iterator[str]:
    yield _line("", "requests/s", "busy", "mean: expected", "measured", "P99: expected", "measured")
    yield _rule(7)
    for one in services:
        if not one.service.latencies:
            yield _line(one.service.label, "it did not keep up: the machine was too busy", *[""] * 5)
        for each in one.service.latencies:
            expected = model.expected_latency(one.service.alone, one.model.worker, each.rate)
            times = expected.mean, each.mean, expected.p99, each.p99
            cells = (
                f"{each.rate:,.0f}",
                f"{100 * each.rate * one.model.worker:.0f}%",
                *(f"{1000 * time:.2f} ms" for time in times),
            )
            yield _line(one.service.label, *cells)


def _one(services: Sequence[Fitted]) -> Iterator[str]:
    yield _line(f"at {UTILIZATION:.0%} of it", *(f"{one.service.label}: requests/s" for one in services))
    yield _rule(1 + len(services))
    rows = [_capacities(one) for one in services]
    for name in sorted(rows[0], key=lambda name: rows[0][name]):
        yield _line(name, *(_round(row[name]) for row in rows))


def _plan(services: Sequence[Fitted]) -> Iterator[str]:
    yield _line("", "", *(f"{rate:,} requests/s" for rate in RATES))
    yield _rule(2 + len(RATES))
    for one in services:
        needs = [_needs(one, rate) for rate in RATES]
        for name in needs[0]:
            yield _line(one.service.label, name, *(need[name] for need in needs))


def _conditions(services: Sequence[Fitted]) -> Iterator[str]:
    result = services[0].result
    machine = result.machine
    assert machine is not None
    versions = ", ".join(f"{name} {number}" for name, number in result.versions.items())
    rounds = len(result.services[0].measured[0].rounds)
    yield f"- {result.started[:10]}, {result.seconds:.0f} s, rounds: {rounds}; commit {result.commit[:12]}"
    yield f"- {machine.processor}, {machine.cores} processors, {machine.kernel}"
    yield f"- {machine.load or 0:.1f} programs wanted a processor in the minute before it began"
    yield f"- {versions}"


TABLES: Mapping[str, Callable[[Sequence[Fitted]], Iterator[str]]] = {
    "conditions": _conditions,
    "heldout": _heldout,
    "measured": _measured,
    "model": _model,
    "one": _one,
    "plan": _plan,
    "waiting": _waiting,
}


def _capacities(one: Fitted) -> dict[str, float]:
    """Requests/s that one of each carries at the utilization that is planned with."""
    fit, apart, shared = one.model, Arrangement(workers=WORKERS), Arrangement(workers=WORKERS, caches=1)
    exchange_bits = 8 * (one.service.request_bytes + one.service.answer_bytes)
    return {
        "one worker, on one processor": UTILIZATION / fit.worker,
        f"one instance of {WORKERS} workers, on {WORKERS} processors": UTILIZATION
        * WORKERS
        / fit.service(apart, WORKERS),
        f"one instance of {WORKERS} workers, with Redis as its cache": UTILIZATION
        * WORKERS
        / fit.service(shared, WORKERS),
        "one Redis, which uses one processor": UTILIZATION / fit.cache,
        f"one gateway on {WORKERS} processors": UTILIZATION * WORKERS / fit.gateway,
        "one network interface of 10 Gbit/s, of the gateway": UTILIZATION * NETWORK_BITS / exchange_bits,
    }


def _needs(one: Fitted, rate: float) -> dict[str, str]:
    fit = one.model
    apart, shared = Arrangement(workers=WORKERS), Arrangement(workers=WORKERS, caches=1)
    instances = math.ceil(rate * fit.service(apart, WORKERS) / UTILIZATION / WORKERS)
    with_redis = math.ceil(rate * fit.service(shared, WORKERS) / UTILIZATION / WORKERS)
    gateways = math.ceil(rate * fit.gateway / UTILIZATION / WORKERS)
    redis = math.ceil(rate * fit.cache / UTILIZATION)
    bits = 8 * rate * (one.service.request_bytes + one.service.answer_bytes)
    return {
        f"instances of {WORKERS} workers, caches of their own": f"{instances:,}",
        f"gateways of {WORKERS} processors": f"{gateways:,}",
        "processors of both": f"{WORKERS * (instances + gateways):,}",
        f"with shared caches: instances of {WORKERS} workers": f"{with_redis:,}",
        "and Redis": f"{redis:,}",
        "network at the gateways": f"{bits / 1e9:,.2g} Gbit/s" if bits < 1e9 else f"{bits / 1e9:,.0f} Gbit/s",
        "time series of the services": f"{instances * one.service.series:,}",
    }


def _models_of_rounds(one: Fitted) -> list[Model]:
    """The model that each round alone would give."""
    rounds = range(len(one.service.measured[0].rounds))
    return [
        model.fit(
            [
                Measured(arrangement=each.arrangement, standing=each.standing, rounds=[each.rounds[number]])
                for each in one.service.measured
            ],
            one.processors,
        )
        for number in rounds
    ]


def _standing(measured: Sequence[Measured]) -> float:
    """Of one instance with one worker, as a share of a processor."""
    return next(each.standing for each in measured if each.arrangement == Arrangement())


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return f"| {' | '.join(['---'] * columns)} |"


def _micro(seconds: float) -> str:
    return f"{1e6 * seconds:,.0f}"


def _micros(seconds: float) -> str:
    return f"{_micro(seconds)} µs"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _off(expected: float, measured: float) -> str:
    return f"{100 * (expected / measured - 1):+.0f}%"


def _round(value: float) -> str:
    """Two digits count: the model is no better."""
    return f"{float(f'{value:.2g}'):,.0f}"
