"""The result as a table on the terminal."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from serving_lab.bench.hints import hints
from serving_lab.bench.result import BenchResult, Scenario
from serving_lab.experiment import wording
from serving_lab.experiment.records import METRICS, Arm, Comparison, VerdictWord
from serving_lab.explain import table as explained
from serving_lab.text import phrases
from serving_lab.text.phrases import UNKNOWN

_STYLES: dict[VerdictWord, str] = {
    "faster": "bold green",
    "slower": "bold red",
    "equivalent": "bold",
    "undecided": "yellow",
    "withheld": "yellow",
    "refused": "yellow",
}


def print_result(console: Console, result: BenchResult, files: Sequence[Path]) -> None:
    """Print every verdict with its figures, then why others are missing, then where the files are."""
    if result.partial:
        console.print("[yellow]Partial[/]: the measurement was interrupted, and no verdict is given.")
    for candidate in result.targets[1:]:
        console.print(_table(result, candidate.name))
    for scenario in result.scenarios:
        if scenario.explanation:
            for each in explained.tables(scenario.explanation, scenario.name, result.baseline.name):
                console.print(each)
    for line in dict.fromkeys(_notes(result)):
        console.print(line, soft_wrap=True, markup=False)
    for path in files:
        console.print(f"{path}", soft_wrap=True, markup=False)


def change(ratio: float | None) -> str:
    """Return a ratio as a change."""
    return UNKNOWN if ratio is None else phrases.signed(ratio)


def interval(comparison: Comparison) -> str:
    """Return the ends of the ratio's interval as changes."""
    known = comparison.low is not None and comparison.high is not None
    return f"{change(comparison.low)} to {change(comparison.high)}" if known else UNKNOWN


def detectable(comparison: Comparison) -> str:
    """Return the smallest change that so many pairs find."""
    return UNKNOWN if comparison.detectable is None else f"{comparison.detectable:.1%}"


def _table(result: BenchResult, candidate: str) -> Table:
    table = Table(title=f"{candidate} against {result.baseline.name}", title_justify="left", title_style="bold")
    table.add_column("Scenario")
    table.add_column("Metric")
    for name in (result.baseline.name, candidate, "Change", "Interval", "Detectable"):
        table.add_column(name, justify="right")
    table.add_column("Verdict")
    for scenario in result.scenarios:
        rows = [each for each in scenario.comparisons if each.candidate == candidate]
        for at, each in enumerate(rows):
            table.add_row(scenario.name if at == 0 else "", *_row(each), end_section=at == len(rows) - 1)
    return table


def _row(each: Comparison) -> tuple[str, ...]:
    return (
        METRICS[each.metric].title,
        wording.value(each.metric, each.baseline_value, narrow=True),
        wording.value(each.metric, each.candidate_value, narrow=True),
        change(each.ratio),
        interval(each),
        detectable(each),
        f"[{_STYLES[each.verdict]}]{each.verdict}[/]",
    )


def _notes(result: BenchResult) -> list[str]:
    notes = [f"withheld: {why}" for why in result.withheld]
    for scenario in result.scenarios:
        notes += [f"{scenario.name}: refused: {why}" for why in scenario.refused]
        notes += [f" hint: {hint}" for hint in hints(scenario.refused)]
        if scenario.refused and scenario.arms:
            notes.append(f"{scenario.name}: its values are shown as seen, not judged")
        notes += [
            f"{scenario.name}: {METRICS[each.metric].title}: {each.verdict}: {each.why}"
            for each in scenario.comparisons
            if each.verdict == "refused" and not scenario.refused
        ]
        if memory := _memory(scenario, [target.name for target in result.targets]):
            notes.append(f"{scenario.name}: memory under load, not judged: {memory}")
        if disturbed := [arm for arm in scenario.arms if arm.disturbances and not arm.faults]:
            notes.append(f"{scenario.name}: {_shared(scenario, disturbed)}")
        if void := _void(scenario):
            again = "" if scenario.refused else " and were measured again"
            notes.append(f"{scenario.name}: {void} arms did not count{again}")
        if scenario.explanation:
            lines = explained.lines(scenario.explanation, result.baseline.name)
            notes += [f"{scenario.name}: {line}" for line in lines]
    if result.unexplained:
        notes.append(f"not explained: {result.unexplained}")
    return notes + [f"note: {warning}" for warning in result.warnings]


def _memory(scenario: Scenario, targets: Sequence[str]) -> str:
    """The median of what each target used at the ends of its arms."""
    found = {
        name: [arm.memory_bytes for arm in scenario.arms if arm.target == name and arm.memory_bytes] for name in targets
    }
    return ", ".join(f"{name} {phrases.size(statistics.median(sizes))}" for name, sizes in found.items() if sizes)


def _shared(scenario: Scenario, disturbed: Sequence[Arm]) -> str:
    """What others did to arms that count, and what that means."""
    taken = max((each.taken for each in scenario.comparisons if each.low is not None), default=0.0)
    worst = max(disturbed, key=lambda arm: arm.taken)
    return (
        f"others took up to {taken:.0%} of the time, so intervals are wider, and P99 is judged without the "
        f"{phrases.counted(len(disturbed), 'arm')} that they disturbed; at worst, {worst.disturbances[-1]}"
    )


def _void(scenario: Scenario) -> int:
    return sum(bool(arm.faults) for arm in scenario.arms)
