"""What changed between two results besides what was measured: conditions, machine, versions, load."""

import math
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from serving_lab.bench.result import BenchResult, Scenario
from serving_lab.experiment.records import ConditionRecord
from serving_lab.text import phrases

_SAME_MEMORY = 0.01
"""The memory that the same machine reports varies a little with its kernel."""
_SAME_RATE = 0.01


class CircumstanceChange(msgspec.Struct, frozen=True, kw_only=True):
    """One fact that is not the same in both results."""

    name: str
    """Such as `kernel`, or `Workers`."""
    change: str
    """In words, such as `old 2 -> 4`."""
    hinders: bool
    """Whether values of both results say nothing of a target's code; False: it is what a change of code changes."""
    even: bool
    """Whether it concerns all targets alike, so that their ratio may still be compared."""

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.name}: {self.change}"


def circumstance_changes(old: BenchResult, new: BenchResult) -> list[CircumstanceChange]:
    """Return what changed between two results as a whole."""
    names = [target.name for target in old.targets if target.name in {other.name for other in new.targets}]
    return [
        *_conditions(old.conditions, new.conditions, names),
        *_hosts(old, new, names),
        *_testbed(old, new),
        *_facts(old.versions, new.versions, "version of "),
    ]


def load_changes(old: Scenario, new: Scenario) -> list[CircumstanceChange]:
    """Return how the load of a scenario changed between two results."""
    before, after = _load(old), _load(new)
    if old.rate and new.rate and math.isclose(old.rate, new.rate, rel_tol=_SAME_RATE):
        after["rate"] = before["rate"]
    names = [name for name in old.connections if name in new.connections]
    ends = {name: (f"{old.connections[name]:,}", f"{new.connections[name]:,}") for name in names}
    return [*_facts(before, after), *_by_target("connections", ends, hinders=True)]


def _conditions(
    old: Sequence[ConditionRecord], new: Sequence[ConditionRecord], targets: Sequence[str]
) -> Iterator[CircumstanceChange]:
    before, after = {each.name: each for each in old}, {each.name: each for each in new}
    for name in dict.fromkeys((*before, *after)):
        sides = [each for each in (before.get(name), after.get(name)) if each]
        ends = {target: (_value(before.get(name), target), _value(after.get(name), target)) for target in targets}
        # What is meant to differ between targets, such as the framework, is what a change of code changes.
        yield from _by_target(name, ends, hinders=any(each.verdict != "meant to differ" for each in sides))


def _value(condition: ConditionRecord | None, target: str) -> str | None:
    return condition.values.get(target) if condition else None


def _by_target(
    name: str, ends: Mapping[str, tuple[str | None, str | None]], *, hinders: bool
) -> Iterator[CircumstanceChange]:
    changed = [f"{target} {_arrow(*pair)}" for target, pair in ends.items() if pair[0] != pair[1]]
    if changed:
        even = len(set(ends.values())) == 1
        yield CircumstanceChange(name=name, change=", ".join(changed), hinders=hinders, even=even)


def _hosts(old: BenchResult, new: BenchResult, targets: Sequence[str]) -> Iterator[CircumstanceChange]:
    before, after = ({each.name: urlsplit(each.url).hostname for each in result.targets} for result in (old, new))
    yield from _by_target("host", {name: (before[name], after[name]) for name in targets}, hinders=False)


def _testbed(old: BenchResult, new: BenchResult) -> Iterator[CircumstanceChange]:
    before, after = _facts_of(old), _facts_of(new)
    sizes = [result.machine.memory_bytes for result in (old, new) if result.machine]
    if len(sizes) > 1 and math.isclose(*sizes, rel_tol=_SAME_MEMORY):
        after["memory"] = before["memory"]
    yield from _facts(before, after)


def _facts_of(result: BenchResult) -> dict[str, str]:
    facts = {"mode": str(result.testbed.mode), "generator": result.testbed.generator}
    if machine := result.machine:
        facts |= {
            "processor": machine.processor,
            "cores": str(machine.cores),
            "memory": phrases.size(machine.memory_bytes),
            "kernel": machine.kernel,
        }
    return facts


def _load(scenario: Scenario) -> dict[str, str]:
    shares = ", ".join(f"{name} {share:.0%}" for name, share in sorted(scenario.requests.items()))
    facts = {
        "loop": scenario.loop,
        "rate": f"{scenario.rate:,.1f}/s" if scenario.rate else None,
        "arrivals": scenario.arrivals,
        "burstiness": f"{scenario.burstiness:g}" if scenario.arrivals else None,
        "requests": shares,
        "objective": scenario.objective,
        "seconds of an arm": f"{scenario.arm_seconds:g}",
    }
    return {name: value or "none" for name, value in facts.items()}


def _facts(old: Mapping[str, str], new: Mapping[str, str], prefix: str = "") -> Iterator[CircumstanceChange]:
    for name in dict.fromkeys((*old, *new)):
        before, after = old.get(name), new.get(name)
        if before != after:
            yield CircumstanceChange(name=f"{prefix}{name}", change=_arrow(before, after), hinders=True, even=True)


def _arrow(old: str | None, new: str | None) -> str:
    return f"{old or 'not said'} -> {new or 'not said'}"
