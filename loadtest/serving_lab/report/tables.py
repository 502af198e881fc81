"""Tables of a report, whatever it is written in, and those that a measurement fills."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from serving_lab.bench.result import Scenario
from serving_lab.experiment import wording
from serving_lab.experiment.records import METRICS, Comparison, ConditionRecord, VerdictWord
from serving_lab.text import phrases

Tone = Literal["", "good", "bad", "unsure"]
TONES: dict[VerdictWord, Tone] = {"faster": "good", "slower": "bad", "equivalent": ""}
"""Of a verdict; of others it is unsure."""


@dataclass(frozen=True)
class Cell:
    """The text of a cell, with a remark in small print."""

    text: str
    hint: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Row:
    """A row: what it is about, and its cells."""

    name: str
    cells: tuple[Cell, ...]
    hint: str = ""


@dataclass(frozen=True)
class Table:
    """A table; the first column names the rows."""

    columns: tuple[str, ...]
    """With the first one's."""
    rows: tuple[Row, ...]
    targets: tuple[str, ...] = ()
    """Those of the columns that are names of targets: they are shown by labels and marks."""
    rows_are_targets: bool = False
    """Whether the names of the rows are those of targets, likewise."""


def tone(verdict: VerdictWord) -> Tone:
    """Return how a verdict looks."""
    return TONES.get(verdict, "unsure")


def overview(scenarios: Sequence[Scenario], candidate: str) -> Table:
    """Return every verdict about a candidate: a row a scenario, a column a metric."""
    found = {
        (scenario.name, each.metric): each
        for scenario in scenarios
        for each in scenario.comparisons
        if each.candidate == candidate
    }
    metrics = [name for name in METRICS if any(metric == name for _, metric in found)]
    return Table(
        columns=("Scenario", *(_heading(name) for name in metrics)),
        rows=tuple(
            Row(scenario.title, tuple(_verdict_cell(found.get((scenario.name, name))) for name in metrics))
            for scenario in scenarios
        ),
    )


def comparisons(scenario: Scenario, baseline: str, candidate: str) -> Table:
    """Return what a scenario found of a candidate, a row a metric."""
    return Table(
        columns=("Metric", baseline, candidate, "Change", "Interval", "Verdict", "Detectable from"),
        rows=tuple(_comparison_row(each) for each in scenario.comparisons if each.candidate == candidate),
        targets=(baseline, candidate),
    )


def conditions(found: Sequence[ConditionRecord], targets: Sequence[str]) -> Table:
    """Return under which conditions the targets ran, those first that differ."""
    order = ("differs", "unknown", "meant to differ", "same")
    tones: dict[str, Tone] = {"differs": "bad", "unknown": "unsure"}
    return Table(
        columns=("Condition", *targets, "Equal?"),
        rows=tuple(
            Row(
                each.name,
                (
                    *(Cell(each.values.get(target) or "does not say") for target in targets),
                    Cell(each.verdict, tone=tones.get(each.verdict, "")),
                ),
            )
            for each in sorted(found, key=lambda each: order.index(each.verdict))
        ),
        targets=tuple(targets),
    )


def describe(scenario: Scenario, label: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Yield what a scenario was: names of facts and facts; `label` says what people call a target."""
    loops = {
        "closed": "closed loop: each connection sends its next request when it has an answer",
        "open": "open loop: requests are due at their times, answered or not",
        "knee": "open loops of rising rate, searching the largest that keeps to the objective",
    }
    yield "load", loops[scenario.loop]
    if scenario.objective:
        yield "objective", scenario.objective
    if scenario.rate is not None:
        yield "rate", f"{phrases.rate(scenario.rate)}{f', {scenario.arrivals} arrivals' if scenario.arrivals else ''}"
    elif scenario.arrivals:
        yield "arrivals", scenario.arrivals
    alike = set(scenario.connections.values())
    if len(alike) == 1:
        yield "connections", f"{alike.pop():,} to each"
    elif alike:
        yield "connections", ", ".join(f"{count:,} to {label(name)}" for name, count in scenario.connections.items())
    shares = sorted(scenario.requests.items(), key=lambda item: -item[1])
    yield "requests", ", ".join(f"{name} {phrases.percent(share)}" for name, share in shares)
    void = {arm.pair for arm in scenario.arms if arm.faults}
    pairs = {arm.pair for arm in scenario.arms}
    arms = "each arm a search of its own" if scenario.loop == "knee" else f"arms of {scenario.arm_seconds:g} s"
    left_out = f", {len(void)} more left out" if void else ""
    planned = f"of {scenario.pairs_planned} planned"
    if scenario.looks:
        planned = f"of {scenario.pairs_planned} at most, looked at after {', '.join(map(str, scenario.looks))}"
    yield "pairs", f"{len(pairs - void)} {planned}{left_out}; {arms}"
    for name in dict.fromkeys(arm.target for arm in scenario.arms):
        faults = [arm.faults for arm in scenario.arms if arm.target == name]
        if all(faults):
            counts = "1 arm does not count" if len(faults) == 1 else f"{len(faults)} arms do not count"
            yield "left out", f"{label(name)}, whose {counts}: {faults[0][0]}"


def _comparison_row(each: Comparison) -> Row:
    words = wording.words_of(each.metric)
    ends = phrases.UNKNOWN if each.low is None or each.high is None else phrases.interval(words, each.low, each.high)
    return Row(
        METRICS[each.metric].title,
        (
            Cell(wording.value(each.metric, each.baseline_value)),
            Cell(wording.value(each.metric, each.candidate_value)),
            Cell(phrases.UNKNOWN if each.ratio is None else phrases.change(words, each.ratio)),
            Cell(ends, hint=f"at {phrases.level(each.confidence)}, {each.pairs} pairs"),
            Cell(each.verdict, hint=each.why, tone=tone(each.verdict)),
            Cell(phrases.detectable_change(each.detectable) or phrases.UNKNOWN),
        ),
    )


def _verdict_cell(each: Comparison | None) -> Cell:
    if each is None:
        return Cell(phrases.UNKNOWN)
    if each.verdict in {"refused", "withheld"} or each.ratio is None:
        return Cell(each.verdict, tone=tone(each.verdict))
    return Cell(phrases.change(wording.words_of(each.metric), each.ratio), hint=each.verdict, tone=tone(each.verdict))


def _heading(metric: str) -> str:
    title = METRICS[metric].title
    return title[:1].upper() + title[1:]
