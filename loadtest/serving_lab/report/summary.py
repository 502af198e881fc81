"""The few numbers that a decision is made with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from serving_lab.bench.result import Scenario
from serving_lab.experiment import wording
from serving_lab.experiment.records import METRICS, Comparison
from serving_lab.footprint.result import FootprintResult
from serving_lab.report.deployment import ratio_to_baseline
from serving_lab.report.inputs import ReportInputs
from serving_lab.report.tables import Tone, tone
from serving_lab.text import phrases
from serving_lab.text.phrases import Words

_MOST = 5
_UNTOLD = {"refused", "withheld"}
_COST = (
    (("loaded_pss_bytes", "loaded_cgroup_bytes"), "Memory under load", "memory", phrases.AMOUNT),
    (("start:answered", "start:ready"), "Start-up", "", phrases.LENGTH),
)


@dataclass(frozen=True)
class KeyNumber:
    """A number that can be read from across the table, and what it means."""

    name: str
    """What it is, such as `Throughput`."""
    scenario: str
    """Under which load; empty in a footprint."""
    big: str
    words: str
    verdict: str
    """The measurement's word; a footprint gives none."""
    tone: Tone

    @property
    def label(self) -> str:
        """What it is, and under which load."""
        return f"{self.name}: {self.scenario}" if self.scenario else self.name


def figures(inputs: ReportInputs, candidate: str) -> list[KeyNumber]:
    """Return at most five: the largest throughput, the rate within the objective, the slowest answers, CPU, memory."""
    return list(islice(_figures(inputs, candidate), _MOST))


def _figures(inputs: ReportInputs, candidate: str) -> Iterator[KeyNumber]:
    told = [
        (scenario, each)
        for scenario, each in (inputs.bench.comparisons if inputs.bench else [])
        if each.candidate == candidate and each.verdict not in _UNTOLD and each.ratio is not None
    ]
    for metric in ("throughput", "knee"):
        if found := _largest(told, metric):
            yield _measured(*found)
    tails = [(scenario, each) for scenario, each in told if each.metric == "p99"]
    if tails:
        yield _measured(*next((found for found in tails if found[0].loop == "open"), tails[-1]))
    if found := _largest(told, "cpu"):
        yield _measured(*found)
    # Ratios to another baseline would say something else.
    if inputs.footprint and inputs.footprint.baseline.name == inputs.names[0]:
        yield from _costs(inputs.footprint, candidate)


def _largest(told: Sequence[tuple[Scenario, Comparison]], metric: str) -> tuple[Scenario, Comparison] | None:
    """Return the comparison in whose scenario most was answered."""
    of_metric = [found for found in told if found[1].metric == metric]
    return max(of_metric, key=lambda found: _rate(found[0]), default=None)


def _rate(scenario: Scenario) -> float:
    return max((arm.answered / arm.seconds for arm in scenario.arms), default=0.0)


def _measured(scenario: Scenario, each: Comparison) -> KeyNumber:
    metric = METRICS[each.metric]
    of = "CPU time" if each.metric == "cpu" else "requests a second"
    return KeyNumber(
        name=f"{metric.title[:1].upper()}{metric.title[1:]}",
        scenario=scenario.title,
        big=phrases.short(each.ratio or 1),
        words=_in_words(of, wording.words_of(each.metric), each.ratio or 1, each.low, each.high),
        verdict=each.verdict,
        tone=tone(each.verdict),
    )


def _costs(footprint: FootprintResult, candidate: str) -> Iterator[KeyNumber]:
    for measures, name, of, words in _COST:
        found = next(filter(None, (ratio_to_baseline(footprint, measure, candidate) for measure in measures)), None)
        if found:
            yield KeyNumber(
                name=name,
                scenario="",
                big=phrases.short(found.ratio),
                words=_in_words(of, words, found.ratio, found.low, found.high),
                verdict="",
                tone="",
            )


def _in_words(of: str, words: Words, ratio: float, low: float | None, high: float | None) -> str:
    told = phrases.change(words, ratio)
    text = f"about {told}"
    if words in {phrases.COUNTED, phrases.AMOUNT} and told != phrases.NO_CHANGE:
        text = f"{text} {of}"
    return text if low is None or high is None else f"{text}; {phrases.interval(words, low, high)}"
