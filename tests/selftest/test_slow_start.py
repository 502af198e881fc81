"""A slow start is warmed up, not measured."""

import pytest
from serving_lab.bench.design import Design
from serving_lab.bench.result import Scenario
from serving_lab.experiment.warm_up import WINDOW_SECONDS, WINDOWS_A_RUN
from support.processors import undisturbed
from support.subject import Behaviour, subject

from selftest.proof import FULL, SERVER, generator, measure, say

pytestmark = pytest.mark.alone

SLOW_REQUESTS = 600
"""At 3 ms each: half of the shortest warm-up, so that its halves differ."""
TIMES = 1 if FULL else 3
SHORTEST_SECONDS = WINDOW_SECONDS * WINDOWS_A_RUN


def test_a_slow_start_prolongs_the_warm_up_and_is_in_no_arm() -> None:
    # A machine that others use may prolong a warm-up by itself: then the plain server shows it.
    for seed in range(TIMES):
        scenario = _measured(seed)
        warm_ups = {each.target: each for each in scenario.warm_ups}
        took = {name: f"{each.seconds:g} s" for name, each in warm_ups.items()}
        say(f"warm-up: {took['old']}; with a slow start of {SLOW_REQUESTS} requests: {took['new']}")
        if warm_ups["old"].seconds <= SHORTEST_SECONDS:
            break

    assert warm_ups["old"].seconds == SHORTEST_SECONDS < warm_ups["new"].seconds
    assert warm_ups["new"].throughput[0] < 0.5 * warm_ups["new"].throughput[-1]
    slowest = {name: min(arm.values["throughput"] for arm in scenario.arms if arm.target == name) for name in warm_ups}
    assert slowest["new"] > 0.8 * slowest["old"]


def _measured(seed: int) -> Scenario:
    slow = Behaviour(work=0.001, slow_requests=SLOW_REQUESTS, slow_factor=3)
    first = undisturbed()
    with (
        subject(Behaviour(work=0.001), SERVER, first) as old,
        subject(slow, SERVER, first) as new,
        generator() as fleet,
    ):
        return measure(fleet, {"old": old, "new": new}, "sequential", Design(3, 0.6, seed, 0.03))
