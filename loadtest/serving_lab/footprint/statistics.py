"""Samples summed up, and a candidate against the baseline."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from serving_lab.experiment.statistics import FEWEST, paired, simultaneous
from serving_lab.footprint.result import MILESTONES, RatioToBaseline, Round, Spread, TargetFootprint

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


def ratios_to_baseline(targets: Sequence[TargetFootprint]) -> list[RatioToBaseline]:
    """Return every candidate against the first target, in all that was measured in pairs.

    The intervals of a measure hold together for all candidates.
    """
    if not targets:
        return []
    baseline, *candidates = targets
    confidence = simultaneous(len(candidates))
    return [each for candidate in candidates for each in _ratios(baseline, candidate, confidence)]


def _ratios(baseline: TargetFootprint, candidate: TargetFootprint, confidence: float) -> Iterator[RatioToBaseline]:
    own, other = _samples(baseline), _samples(candidate)
    for measure in own:
        pairs = sorted(own[measure].keys() & other[measure].keys())
        estimate = paired([math.log(other[measure][pair] / own[measure][pair]) for pair in pairs], confidence)
        if estimate.ratio is None:
            continue
        enough = estimate.n >= FEWEST
        yield RatioToBaseline(
            measure=measure,
            baseline=baseline.name,
            candidate=candidate.name,
            pairs=estimate.n,
            ratio=estimate.ratio,
            low=estimate.low if enough else None,
            high=estimate.high if enough else None,
            confidence=confidence,
        )


def _samples(target: TargetFootprint) -> dict[str, dict[int, float]]:
    """By measure: its values above 0, by pair."""
    found: dict[str, dict[int, float]] = {}
    for milestone in MILESTONES:
        starts = target.start_up.starts if target.start_up else []
        found[f"start:{milestone}"] = {
            each.pair: each.seconds[milestone] for each in starts if milestone in each.seconds
        }
    for name, value in ROUND_MEASURES.items():
        values = {each.number: value(each) for each in target.rounds}
        found[name] = {number: measured for number, measured in values.items() if measured}
    return found
