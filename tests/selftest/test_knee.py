"""The knee of a server whose capacity is known lies where queueing theory has it."""

import numpy as np
import pytest
from serving_lab.experiment import capacity
from serving_lab.experiment.arms import ArmSlot, Load
from serving_lab.experiment.profile import ObjectiveForm
from serving_lab.generator.messages import Closed, Open
from support.processors import undisturbed
from support.subject import Behaviour, subject

from selftest.proof import FULL, SERVER, bench, generator, say

pytestmark = pytest.mark.alone

WORK_SECONDS, OBJECTIVE_SECONDS = 0.002, 0.05
TIMES, FEWEST = (5, 5) if FULL else (3, 1)


@pytest.mark.timeout(60 + 120 * TIMES)
def test_the_knee_of_a_known_server_is_found() -> None:
    expected = rate_that_meets(OBJECTIVE_SECONDS, WORK_SECONDS)
    found = []
    with subject(Behaviour(work=WORK_SECONDS), SERVER, undisturbed()) as url, generator() as fleet:
        measuring = bench(fleet, url)
        (target,) = measuring.targets
        for seed in range(TIMES):
            peak = capacity.peak(measuring, target, Load({"predict": 1}, 8, Closed()), seed)
            load = Load({"predict": 1}, 64, Open(1.0))
            turn = ArmSlot(pair=seed, position=1, seed=seed * 1000)
            arm = capacity.knee(measuring, target, load, ObjectiveForm(p99_seconds=OBJECTIVE_SECONDS), peak, turn).arm
            found.append(arm.values["knee"])
            say(f"knee {seed + 1}: {found[-1]:.0f} requests/s, computed {expected:.0f}")
            if len(_near(found, expected)) == FEWEST:
                break

    assert len(_near(found, expected)) == FEWEST, found


def _near(found: list[float], expected: float) -> list[float]:
    return [each for each in found if each == pytest.approx(expected, rel=0.1)]


def rate_that_meets(objective_seconds: float, work_seconds: float) -> float:
    """The largest rate of Poisson arrivals at one server of constant service time whose P99 meets the objective."""
    chance = np.random.default_rng(1)
    gaps = chance.exponential(1.0, 400_000)
    rates = np.arange(0.70, 1.0, 0.005) / work_seconds
    kept = [rate for rate in rates if _p99(gaps / rate, work_seconds) <= objective_seconds]
    return float(max(kept))


def _p99(gaps: np.ndarray[tuple[int], np.dtype[np.float64]], work_seconds: float) -> float:
    # Lindley: who arrives waits for what the one before left unfinished. Written with running minima.
    steps = np.cumsum(work_seconds - gaps[1:])
    waits = steps - np.minimum.accumulate(np.minimum(steps, 0.0))
    return float(np.quantile(waits, 0.99)) + work_seconds
