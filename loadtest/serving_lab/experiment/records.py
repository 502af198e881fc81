"""The records of a measurement: what an arm measured, under which conditions, and the verdicts over many of them.

Times are in seconds and rates in requests a second, unless a name says otherwise.
"""

import math
from typing import Literal

import msgspec

from serving_lab.generator.outcome import GeneratorPart

QUANTILES = (*(step / 100 for step in range(100)), 0.995, 0.999, 0.9999, 1.0)
"""Shares at which a distribution is kept."""

RATIO_SIGN = " / "
"""Between the names of a candidate and its baseline, where their ratio is spoken of."""

Loop = Literal["closed", "open", "knee"]
VerdictWord = Literal["faster", "slower", "equivalent", "undecided", "withheld", "refused"]


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is measured of each arm."""

    name: str
    """Such as `p99`: the key of an arm's values."""
    title: str
    """For people, such as `P99 latency`."""
    unit: Literal["requests/s", "seconds"]
    better: Literal["higher", "lower"]


METRICS = {
    metric.name: metric
    for metric in (
        Metric(name="throughput", title="throughput", unit="requests/s", better="higher"),
        Metric(name="knee", title="largest rate within the objective", unit="requests/s", better="higher"),
        Metric(name="mean", title="mean latency", unit="seconds", better="lower"),
        Metric(name="p50", title="P50 latency", unit="seconds", better="lower"),
        Metric(name="p90", title="P90 latency", unit="seconds", better="lower"),
        Metric(name="p95", title="P95 latency", unit="seconds", better="lower"),
        Metric(name="p99", title="P99 latency", unit="seconds", better="lower"),
        Metric(name="cpu", title="CPU time for 1,000 requests", unit="seconds", better="lower"),
    )
}


class TargetRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A service that was measured. The first of a result is the baseline."""

    name: str
    label: str | None = None
    """What people call it; None: its name."""
    colour: str | None = None
    """Of its marks and lines, such as `#e0751a`; None: the report chooses one."""
    url: str
    """Where the generator sent its requests."""


class ConditionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One fact of how the targets ran."""

    name: str
    values: dict[str, str | None]
    """By target; None where it does not say."""
    verdict: Literal["same", "differs", "meant to differ", "unknown"]


class TestbedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Where targets and generator ran."""

    mode: Literal["containers", "native", "kubernetes", "elsewhere"]
    """How the targets ran: in the lab's stack, or somewhere else."""
    generator: str
    """Where the generator ran, such as `2 processes on the host`."""


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the targets gave right and equal answers before anything was timed."""

    requests: int
    """Sent to each target."""
    compared: list[str]
    """JSON paths at which the answers were compared between targets."""


class GeneratorHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the generator itself fared during an arm; each figure is the worst of its parts."""

    cpu_share: float
    """CPU time used, as a share of the time that passed; 1 is a whole core."""
    waited_share: float
    """Time spent ready to run but without a processor, as a share; throttling included."""
    lag_p99: float | None
    """How late requests were handed out, at P99; None in a closed loop, which has no due times."""
    start_skew: float = 0.0
    """How far apart two parts may have begun."""
    parts: list[GeneratorPart] = []
    """Each process of it, here or elsewhere, that was not lost."""
    lost: dict[str, str] = {}
    """Parts that are gone, by name, and what became of them: their share of the load is missing."""


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """One target under one load for one stretch of time: the sample of the statistics."""

    target: str
    pair: int
    """Counted from 1; arms of the same pair got the same requests."""
    position: int
    """In which order within the pair, counted from 1."""
    started: float
    """Seconds since the measurement began."""
    seconds: float
    """How long was measured, without the lead-in."""
    rate: float | None
    """Planned requests a second; None in a closed loop."""
    planned: int | None
    """Requests that were due; None in a closed loop."""
    answered: int
    """Right answers."""
    wrong: dict[str, int]
    """What was wrong, and how often."""
    sent_again: int = 0
    """Requests that met a connection which the target was closing because it had been idle; they count once."""
    memory_bytes: float | None = None
    """What the target used at the end; None: unknown."""
    values: dict[str, float]
    """By name of the metric. Latency counts from when a request was due (open loop) or sent (closed loop)."""
    uncorrected: dict[str, float]
    """Latency metrics counted from when a request was sent, in an open loop: what hides stalls."""
    generator: GeneratorHealth
    other_cpu: float | None
    """Cores used by programs that are neither target nor generator; None: unknown."""
    taken: float = 0.0
    """Of a disturbed arm: share of the time, at most, in which others had what target or generator wanted."""
    disturbances: list[str] = []
    """What others did that its slowest answers are likely to show; empty: nothing."""
    faults: list[str]
    """Why the arm does not count; empty: it does."""


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies of a target over all arms that count, exact."""

    count: int
    seconds: list[float]
    """At each of `QUANTILES`."""
    uncorrected: list[float]
    """Likewise, counted from when a request was sent; the same in a closed loop."""


class WarmUp(msgspec.Struct, frozen=True, kw_only=True):
    """How a target became steady."""

    target: str
    connections: int
    seconds: float
    steady: bool
    throughput: list[float]
    """Of each window, in requests/s."""
    kept_up: bool = True
    """Whether it answered what was due; in a closed loop it always does."""
    faults: list[str] = []
    """Of the generator: where it has some, nothing is said of the target."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict: one metric of a candidate against the baseline, over all pairs that count."""

    metric: str
    baseline: str
    candidate: str
    verdict: VerdictWord
    why: str
    """The verdict in a sentence."""
    pairs: int
    """That count; of a percentile for which arms have too few answers, groups of them."""
    log_ratios: list[float]
    """Of each pair, or group: ln(candidate / baseline)."""
    baseline_value: float | None
    """Geometric mean over the arms that count; where it is refused, over all that were measured."""
    candidate_value: float | None
    ratio: float | None
    """Geometric mean of candidate / baseline; 1.1 is a tenth more."""
    low: float | None
    """Ends of the ratio's interval: those of all metrics and candidates of a scenario hold together with 95%."""
    high: float | None
    confidence: float
    """Level of this one interval, above 0.95 where there are several."""
    taken: float = 0.0
    """Share of the time that others took, at most: the interval's ends are farther from 1 for it."""
    spread: float | None
    """Standard deviation of the log-ratios."""
    detectable: float | None
    """Smallest true change, as a share, that so many pairs of such a spread find four times out of five."""

    @property
    def better(self) -> bool | None:
        """Whether the candidate's mean is on the better side of the baseline's."""
        if self.ratio is None:
            return None
        return (self.ratio > 1) is (METRICS[self.metric].better == "higher")

    @property
    def certain_change(self) -> float:
        """The smallest change, as a share, within the interval; 0 where it contains none at all."""
        if self.low is None or self.high is None or self.low <= 1 <= self.high:
            return 0.0
        return math.exp(min(abs(math.log(self.low)), abs(math.log(self.high)))) - 1
