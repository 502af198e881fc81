"""`lab compare`: whether a later result says something else than an earlier one."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import msgspec

from serving_lab.bench.circumstances import CircumstanceChange, circumstance_changes, load_changes
from serving_lab.bench.result import BenchResult, Scenario
from serving_lab.experiment import statistics
from serving_lab.experiment.records import METRICS, RATIO_SIGN, Comparison, VerdictWord
from serving_lab.experiment.verdicts import COMPARED, reason
from serving_lab.results.envelope import Envelope, Format, Metadata

_JUDGED_WITH = ("numpy", "scipy")
_NOT_GIVEN = "refused", "withheld"
WHERE_LOOKED = 3
"""Each verdict counts so often where a measurement stopped once its verdict was known: values that end it are more
often extreme ones, so that usual intervals of 95% miss in up to 9 of 100 cases, and those of 97.5% in 6 (simulated in
tests/selftest/test_looking.py)."""


class Change(Comparison, frozen=True, kw_only=True):
    """A verdict on new against old: the baseline's value is the old one, the candidate's the new one.

    Both names are whose change it is: a target's, or `candidate / baseline` for the ratio of two. Nothing is paired
    across results, so that there are no log-ratios; `pairs` are the values of the result that has fewer.
    """

    kind: Literal["value", "ratio"]


class ChangedScenario(msgspec.Struct, frozen=True, kw_only=True):
    """A load that both results have."""

    name: str
    circumstances: list[CircumstanceChange]
    """Of the load."""
    refused: list[str]
    """Why nothing is concluded from it; empty: it counts."""
    comparisons: list[Change]


class CompareResult(Envelope, frozen=True, kw_only=True):
    """What two results say of each other."""

    file_format: ClassVar[Format] = Format("serving-lab.compare/1", command="compare --json")

    schema: str = file_format.schema
    seed: int = 0
    old: str
    """Where it came from, with its commit."""
    new: str
    margin: float
    """What counts as equivalent, as a share."""
    circumstances: list[CircumstanceChange]
    only_old: list[str]
    """Targets, scenarios and metrics that the new result does not have."""
    only_new: list[str]
    scenarios: list[ChangedScenario]

    @property
    def concluded(self) -> bool:
        """Whether there is any verdict at all."""
        return any(change.verdict not in _NOT_GIVEN for each in self.scenarios for change in each.comparisons)

    def without_superseded(self) -> "CompareResult":
        """Return the same without values that cannot be judged where a ratio of their metric can be."""
        return msgspec.structs.replace(self, scenarios=[_without_superseded(each) for each in self.scenarios])


@dataclass(frozen=True)
class _Question:
    """Logarithms of old and new, and why they get no verdict."""

    kind: Literal["value", "ratio"]
    of: str
    metric: str
    old: Sequence[float]
    new: Sequence[float]
    word: VerdictWord | None
    why: str


def compare(
    old: BenchResult,
    new: BenchResult,
    names: tuple[str, str] = ("old", "new"),
    *,
    margin: float,
    allow_unequal: bool = False,
    only_ratio: bool = False,
) -> CompareResult:
    """Return how the new result differs from the old one.

    Values are compared by Welch's t on the logarithms of the arms that count. The ratio of candidate and baseline is
    compared by their log-ratios: what slows both alike, such as another processor, is not in it. All verdicts that are
    given of a scenario hold together with 95%.

    Args:
        old: The earlier result.
        new: The later one.
        names: What to call them.
        margin: What counts as equivalent, as a share.
        allow_unequal: Give verdicts although conditions differ.
        only_ratio: Leave values out.
    """
    metadata = Metadata.begin(_JUDGED_WITH)
    found = circumstance_changes(old, new)
    shared = [(each, _named(new, each.name)) for each in old.scenarios]
    scenarios = [
        _scenario(before, after, names, found, margin, allow_unequal=allow_unequal, only_ratio=only_ratio)
        for before, after in shared
        if after
    ]
    return CompareResult(
        started=metadata.started,
        seconds=metadata.seconds,
        machine=metadata.machine,
        versions=metadata.versions,
        old=_label(names[0], old),
        new=_label(names[1], new),
        margin=margin,
        circumstances=found,
        only_old=_only(old, new),
        only_new=_only(new, old),
        scenarios=scenarios,
    )


def logarithms(scenario: Scenario, target: str, metric: str) -> list[float] | None:
    """Return ln of the metric of each arm of the target that counts; None where one of them has no value."""
    values = [arm.values.get(metric, 0.0) for arm in scenario.arms if arm.target == target and not arm.faults]
    return [math.log(value) for value in values] if all(value > 0 for value in values) else None


def _scenario(
    old: Scenario,
    new: Scenario,
    names: tuple[str, str],
    whole: Sequence[CircumstanceChange],
    margin: float,
    *,
    allow_unequal: bool,
    only_ratio: bool,
) -> ChangedScenario:
    refused = [f"{name}: {why}" for name, each in zip(names, (old, new), strict=True) for why in each.refused]
    of_load = load_changes(old, new)
    questions: list[_Question] = []
    if not refused:
        hindrances = [] if allow_unequal else [each for each in (*whole, *of_load) if each.hinders]
        uneven = [each for each in hindrances if not each.even]
        values = () if only_ratio else _values(old, new, names, _in_words(hindrances))
        questions = [*values, *_ratios(old, new, names, _in_words(uneven), allow_unequal=allow_unequal)]
    asked = sum(question.word is None for question in questions)
    looked = bool(old.looks or new.looks)
    confidence = statistics.simultaneous(asked * (WHERE_LOOKED if looked else 1))
    return ChangedScenario(
        name=old.name,
        circumstances=of_load,
        refused=refused,
        comparisons=[_change(question, confidence, margin) for question in questions],
    )


def _values(old: Scenario, new: Scenario, names: tuple[str, str], withheld: str) -> Iterator[_Question]:
    for metric in COMPARED[old.loop]:
        for target in _targets(old):
            if not (_has(old, target, metric) and _has(new, target, metric)):
                continue
            ends = [logarithms(each, target, metric) for each in (old, new)]
            missing = [name for name, logs in zip(names, ends, strict=True) if logs is None]
            word: VerdictWord | None = "withheld" if withheld else None
            why = withheld
            if missing:
                word, why = "refused", f"an arm of {missing[0]} has no {METRICS[metric].title}"
            yield _Question("value", target, metric, ends[0] or (), ends[1] or (), word, why)


def _ratios(
    old: Scenario, new: Scenario, names: tuple[str, str], withheld: str, *, allow_unequal: bool
) -> Iterator[_Question]:
    after = {(each.metric, each.baseline, each.candidate): each for each in new.comparisons}
    for before in old.comparisons:
        now = after.get((before.metric, before.baseline, before.candidate))
        if now is None:
            continue
        word: VerdictWord | None = "withheld" if withheld else None
        why = withheld
        for name, each in zip(names, (before, now), strict=True):
            if each.verdict == "refused" or (each.verdict == "withheld" and not allow_unequal):
                word, why = each.verdict, f"{name}: {each.why}"
        of = f"{before.candidate}{RATIO_SIGN}{before.baseline}"
        yield _Question("ratio", of, before.metric, before.log_ratios, now.log_ratios, word, why)


def _change(question: _Question, confidence: float, margin: float) -> Change:
    estimate = statistics.unpaired(question.old, question.new, confidence)
    samples = f"{'arms' if question.kind == 'value' else 'pairs'} of each"
    word: VerdictWord = statistics.verdict(estimate, margin, METRICS[question.metric].better)
    return Change(
        kind=question.kind,
        metric=question.metric,
        baseline=question.of,
        candidate=question.of,
        verdict=question.word or word,
        why=question.why or reason(word, estimate, margin, samples),
        pairs=estimate.n,
        log_ratios=[],
        baseline_value=_mean(question.old),
        candidate_value=_mean(question.new),
        ratio=estimate.ratio,
        low=estimate.low,
        high=estimate.high,
        confidence=confidence,
        spread=estimate.spread,
        detectable=estimate.detectable,
    )


def _without_superseded(scenario: ChangedScenario) -> ChangedScenario:
    answered = {each.metric for each in scenario.comparisons if each.kind == "ratio" and each.verdict not in _NOT_GIVEN}
    kept = [
        each
        for each in scenario.comparisons
        if not (each.kind == "value" and each.verdict == "withheld" and each.metric in answered)
    ]
    return msgspec.structs.replace(scenario, comparisons=kept)


def _only(one: BenchResult, other: BenchResult) -> list[str]:
    targets = {target.name for target in other.targets}
    missing = [f"target {target.name}" for target in one.targets if target.name not in targets]
    for scenario in one.scenarios:
        counterpart = _named(other, scenario.name)
        if counterpart is None:
            missing.append(f"scenario {scenario.name}")
            continue
        there = _metrics(counterpart)
        missing += [f"{scenario.name}/{metric}" for metric in _metrics(scenario) if metric not in there]
    return missing


def _metrics(scenario: Scenario) -> list[str]:
    return [
        metric
        for metric in COMPARED[scenario.loop]
        if any(_has(scenario, target, metric) for target in _targets(scenario))
    ]


def _targets(scenario: Scenario) -> list[str]:
    return list(dict.fromkeys(arm.target for arm in scenario.arms))


def _has(scenario: Scenario, target: str, metric: str) -> bool:
    return any(metric in arm.values for arm in scenario.arms if arm.target == target and not arm.faults)


def _named(result: BenchResult, name: str) -> Scenario | None:
    return next((each for each in result.scenarios if each.name == name), None)


def _mean(logs: Sequence[float]) -> float | None:
    return math.exp(sum(logs) / len(logs)) if logs else None


def _in_words(hindrances: Sequence[CircumstanceChange]) -> str:
    return f"not the same in both: {'; '.join(map(str, hindrances))}" if hindrances else ""


def _label(name: str, result: BenchResult) -> str:
    interrupted = ", interrupted" if result.partial else ""
    return f"{name} (commit {result.commit}, {result.started}{interrupted})"
