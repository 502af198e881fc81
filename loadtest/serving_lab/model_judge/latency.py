"""How long a prediction takes, old against new: rounds in random order, so that the machine treats both alike."""

import math
import random

from serving_lab.experiment.statistics import paired
from serving_lab.model_judge.result import LatencyRecord
from serving_lab.model_judge.running import RunningModel
from serving_lab.model_judge.thresholds import Latency
from serving_lab.predictions.populations import Numbers


def measure(
    old: RunningModel, new: RunningModel, rows: Numbers, limits: Latency, *, seed: int, alpha: float
) -> LatencyRecord:
    """Both versions in pairs, one row at a time.

    Args:
        old: The old version.
        new: The new one.
        rows: What they are asked in turn.
        limits: How many rounds, and how many predictions in each.
        seed: Of the order within rounds.
        alpha: Probability that the interval misses.

    Raises:
        ModelRunError: one of them cannot be asked.
    """
    # A first round each, which does not count: code and data are not in the processor's caches yet.
    for each in (old, new):
        each.seconds(rows, limits.calls)
    order = random.Random(seed)  # noqa: S311 - an order, not a secret
    rounds: list[tuple[float, float]] = []
    for _ in range(limits.rounds):
        if order.random() < 0.5:
            before = old.seconds(rows, limits.calls)
            rounds.append((before, new.seconds(rows, limits.calls)))
        else:
            after = new.seconds(rows, limits.calls)
            rounds.append((old.seconds(rows, limits.calls), after))
    logs = [math.log(after / before) for before, after in rounds]
    estimate = paired(logs, 1 - alpha)
    assert estimate.ratio is not None  # noqa: S101 - there are five rounds at least
    assert estimate.low is not None  # noqa: S101
    assert estimate.high is not None  # noqa: S101
    means = [math.exp(sum(map(math.log, side)) / len(side)) for side in zip(*rounds, strict=True)]
    return LatencyRecord(
        rounds=limits.rounds,
        calls=limits.calls,
        old_seconds=means[0],
        new_seconds=means[1],
        log_ratios=logs,
        ratio=estimate.ratio,
        low=estimate.low,
        high=estimate.high,
        confidence=1 - alpha,
    )
