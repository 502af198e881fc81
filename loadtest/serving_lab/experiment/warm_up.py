"""Load before anything is measured, until the target is steady."""

import math
from collections.abc import Sequence

import numpy as np

from serving_lab.experiment import validity
from serving_lab.experiment.arms import Load, LoadDriver, generator_of, kept_up, latency_values
from serving_lab.experiment.records import WarmUp
from serving_lab.experiment.targets import Target
from serving_lab.generator.messages import Closed
from serving_lab.generator.outcome import RunOutcome

WINDOW_SECONDS, SHORT_WINDOW_SECONDS, SHORTEST_WINDOW_SECONDS = 0.5, 0.25, 0.125
"""The short ones are for a target that was warmed up before, under another load: only what is new in this one is cold.
Where the same requests were sent before, over another number of connections, the shortest will do if it has enough
answers."""
ENOUGH_ANSWERS = 20
"""In a window: fewer vary too much to be compared."""
WINDOWS_A_RUN = 8
MOST_SECONDS = 40.0
COMPARED = 4
"""Windows that are compared with as many before them."""
TOLERANCE = 0.05
"""Change of the mean from one to the other that still counts as steady; where windows vary more, twice its error."""


def warm_up(driver: LoadDriver, target: Target, load: Load, seed: int, window: float = WINDOW_SECONDS) -> WarmUp:
    """Load a target until its throughput (in an open loop: its latency) is steady, or for `MOST_SECONDS`.

    A target that does not keep up with the rate stops the warm-up: its backlog would only grow.

    Args:
        driver: Sends the load.
        target: Is loaded.
        load: What is sent.
        seed: Of the requests.
        window: Length of the stretches that are compared (s).

    Raises:
        LabError: no load can be sent.
    """
    seconds = window * WINDOWS_A_RUN
    throughput: list[float] = []
    watched: list[float] = []
    passed = 0.0
    keeps_up = True
    while passed < MOST_SECONDS and keeps_up:
        outcome = driver.send(target, load, seed=seed + len(throughput), seconds=seconds)
        passed += seconds
        keeps_up = isinstance(load.loop, Closed) or kept_up(outcome)
        answers, latencies = _windows(outcome, window)
        throughput += answers
        watched += answers if isinstance(load.loop, Closed) else latencies
        if steady(watched):
            break
    return WarmUp(
        target=target.name,
        connections=load.connections,
        seconds=passed,
        steady=steady(watched),
        throughput=throughput,
        kept_up=keeps_up,
        faults=validity.of_generator(generator_of(outcome), latency_values(outcome.latencies)),
    )


def window_when_warm(rate: float | None) -> float:
    """Return the length of the windows for a target that was warmed up before (s).

    Args:
        rate: Answers/s to the same requests; None where they were not sent before.
    """
    enough = ENOUGH_ANSWERS / rate if rate else math.inf
    return min(SHORT_WINDOW_SECONDS, max(SHORTEST_WINDOW_SECONDS, enough))


def steady(values: Sequence[float]) -> bool:
    """Whether the last windows are like those before them."""
    if len(values) < 2 * COMPARED or min(values[-2 * COMPARED :]) <= 0:
        return False
    logs = np.log(values[-2 * COMPARED :])
    before, last = logs[:COMPARED], logs[COMPARED:]
    error = math.sqrt((before.var(ddof=1) + last.var(ddof=1)) / COMPARED)
    return bool(abs(last.mean() - before.mean()) <= max(TOLERANCE, 2 * error))


def _windows(outcome: RunOutcome, window: float) -> tuple[list[float], list[float]]:
    """Answers a second, and mean latency (s), of each window."""
    at = np.minimum((outcome.answered / window).astype(int), WINDOWS_A_RUN - 1)
    counts = np.bincount(at, minlength=WINDOWS_A_RUN)
    sums = np.bincount(at, weights=outcome.latencies, minlength=WINDOWS_A_RUN)
    return [float(count) / window for count in counts], [
        float(total / count) if count else 0.0 for total, count in zip(sums, counts, strict=True)
    ]
