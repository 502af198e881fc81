"""Whether a candidate's memory grows without end: its slope against the primary's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from serving_lab.experiment import statistics
from serving_lab.rollout.intervals import Interval

LEAST_GROWTH = 0.2
"""What a candidate must have grown by, as a share, before it can leak: first requests fill caches and touch pages."""

_FEWEST_SEGMENTS, _MOST_SEGMENTS = 6, 12
"""A few of them prove little: so often as a rollout looks, the t distribution asks much of a small sample."""
_SETTLED = 1 / 3
"""Share of the stage that is left out at its beginning, while memory grows in any service."""
_PER_SEGMENT = 2
_HOUR = 3600.0


@dataclass(frozen=True)
class MemoryReading:
    """Resident memory of both services at one moment."""

    at: float
    """Seconds since the stage began."""
    candidate: float
    """Bytes."""
    primary: float | None
    """None: not known."""


def growth_per_hour(readings: Sequence[MemoryReading], alpha: float) -> Interval | None:
    """The candidate's growth in an hour beyond the primary's, as a share of its memory; None with too few readings.

    The later part of the stage is cut into segments; the differences between their medians are the sample, so a service
    that reaches its size has some that are 0, and one that leaks has not.
    """
    if not readings:
        return None
    end = readings[-1].at
    late = [reading for reading in readings if reading.at >= readings[0].at + (end - readings[0].at) * _SETTLED]
    segments = min(len(late) // _PER_SEGMENT, _MOST_SEGMENTS)
    if segments < _FEWEST_SEGMENTS or end <= late[0].at:
        return None
    first = late[0]
    grown = [
        reading.candidate / first.candidate
        - (reading.primary / first.primary if reading.primary and first.primary else 1)
        for reading in late
    ]
    parts = np.array_split(np.asarray(grown), segments)
    steps = np.diff([float(np.median(part)) for part in parts])
    hours = (end - first.at) / segments / _HOUR
    estimate = statistics.paired(list(steps), 1 - alpha)
    if estimate.mean is None or estimate.error is None or estimate.degrees is None:
        return None
    # The estimate's own ends are ratios of logarithms, and these are differences.
    low, high = (math.log(max(ratio, 1e-300)) for ratio in estimate.interval(1 - alpha) or (1.0, 1.0))
    return Interval(estimate.mean / hours, low / hours, high / hours)


def grown(readings: Sequence[MemoryReading]) -> float:
    """What the candidate has grown by during the stage, as a share of what it was."""
    return readings[-1].candidate / readings[0].candidate - 1 if readings else 0.0
