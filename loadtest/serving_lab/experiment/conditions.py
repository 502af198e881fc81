"""Under which conditions targets run, and whether they are equal."""

from collections.abc import Mapping, Sequence

import psutil

from serving_lab.experiment import readings
from serving_lab.experiment.records import ConditionRecord
from serving_lab.experiment.targets import Target
from serving_lab.targets.fairness import judge, stated


def conditions(targets: Sequence[Target], known: Mapping[str, Mapping[str, str]]) -> list[ConditionRecord]:
    """Return what the targets say of themselves, and what else is known of them.

    Args:
        targets: Each is asked for its /metrics.
        known: By target: names of conditions that need not agree, and their values, such as its image's digest.
    """
    found = [readings.metrics(target.endpoint) for target in targets]
    names = [target.name for target in targets]
    of_metrics = stated([reading.conditions if reading else None for reading in found])
    more = dict.fromkeys(name for facts in known.values() for name in facts)
    rows = [*of_metrics, *((name, [known.get(target, {}).get(name) for target in names], False) for name in more)]
    return [
        ConditionRecord(
            name=name,
            values=dict(zip(names, values, strict=True)),
            verdict=judge(values, must_agree=must_agree).value,
        )
        for name, values, must_agree in rows
        if any(value is not None for value in values)
    ]


def unequal(found: Sequence[ConditionRecord]) -> list[str]:
    """Return each condition that must agree and does not, in words."""
    return [
        f"{each.name}: " + ", ".join(f"{target} {value}" for target, value in each.values.items())
        for each in found
        if each.verdict == "differs"
    ]


class Identity:
    """Tells whether a target was started anew between two looks."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = tuple(targets)
        self._before = [_identity(target) for target in targets]

    def restarted(self) -> list[str]:
        """Return the names of targets that are not the ones they were."""
        return [
            target.name
            for target, before in zip(self._targets, self._before, strict=True)
            if _is_other(before, _identity(target))
        ]


def _identity(target: Target) -> tuple[float | None, float | None, float | None]:
    """When its first process started, how many workers live, and the requests it has counted."""
    started = None
    if target.pid:
        try:
            started = psutil.Process(target.pid).create_time()
        except psutil.Error:
            started = -1.0
    reading = readings.metrics(target.endpoint)
    if reading is None:
        return started, None, None
    return started, reading.gauges.workers, reading.counters.requests


def _is_other(
    before: tuple[float | None, float | None, float | None], after: tuple[float | None, float | None, float | None]
) -> bool:
    fewer = before[2] is not None and after[2] is not None and after[2] < before[2]
    return before[0] != after[0] or before[1] != after[1] or fewer
