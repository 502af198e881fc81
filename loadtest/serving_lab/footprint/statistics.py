"""Samples summed up, and a candidate against the baseline."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from serving_lab.experiment.statistics import FEWEST, paired
from serving_lab.footprint.result import STAGES, Difference, Round, Spread, Target

ROUND_MEASURES: dict[str, Callable[[Round], float | None]] = {
    "idle_cgroup_bytes": lambda each: each.idle_cgroup_bytes,
    "idle_pss_bytes": lambda each: each.idle_pss_bytes,
    "loaded_cgroup_bytes": lambda each: each.loaded_cgroup_bytes,
    "loaded_pss_bytes": lambda each: each.loaded_pss_bytes,
    "peak_cgroup_bytes": lambda each: each.peak_cgroup_bytes,
    "peak_pss_bytes": lambda each: each.peak_pss_bytes,
    "cpu_seconds_per_1000": lambda each: each.cpu_seconds_per_1000,
}


def spread(values: Sequence[float]) -> Spread:
    """Sum up numbers; there is at least one."""
    low, median, high = (float(value) for value in np.quantile(values, [0.25, 0.5, 0.75]))
    return Spread(count=len(values), median=median, lowest=min(values), highest=max(values), quartiles=(low, high))


def differences(targets: Sequence[Target]) -> list[Difference]:
    """Return every candidate against the first target, in all that was measured in pairs."""
    if not targets:
        return []
    baseline, *candidates = targets
    return [each for candidate in candidates for each in _differences(baseline, candidate)]


def _differences(baseline: Target, candidate: Target) -> Iterator[Difference]:
    own, other = _samples(baseline), _samples(candidate)
    for measure in own:
        pairs = sorted(own[measure].keys() & other[measure].keys())
        ratios = [math.log(other[measure][pair] / own[measure][pair]) for pair in pairs]
        estimate = paired(ratios)
        if estimate.ratio is None:
            continue
        enough = estimate.n >= FEWEST
        yield Difference(
            measure=measure,
            baseline=baseline.name,
            candidate=candidate.name,
            pairs=estimate.n,
            ratio=estimate.ratio,
            low=estimate.low if enough else None,
            high=estimate.high if enough else None,
        )


def _samples(target: Target) -> dict[str, dict[int, float]]:
    """By measure: its values above 0, by pair."""
    found: dict[str, dict[int, float]] = {}
    for stage in STAGES:
        starts = target.start_up.starts if target.start_up else []
        found[f"start:{stage}"] = {each.pair: each.seconds[stage] for each in starts if stage in each.seconds}
    for name, value in ROUND_MEASURES.items():
        values = {each.number: value(each) for each in target.rounds}
        found[name] = {number: measured for number, measured in values.items() if measured}
    return found
