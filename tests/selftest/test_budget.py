"""With a budget, a large difference is known soon, a small one in time, and a service is not different from itself."""

import time

import pytest
from serving_lab.bench.design import Design
from support.processors import undisturbed
from support.subject import Behaviour, subject

from selftest.proof import FULL, SERVER, counted, generator, measure, say

pytestmark = pytest.mark.alone

WORK_SECONDS = 0.001
BUDGET_SECONDS = 75.0
"""A quarter of the usual one, which has four scenarios."""
CASES = [(0.5, 20, 18, 25.0), (0.1, 20, 18, BUDGET_SECONDS)] if FULL else [(0.5, 3, 1, 40.0)]
RUNS = 20
SOON = 5.0
"""Beyond the budget: what was begun ends, and is concluded."""


@pytest.mark.timeout(60 + 2 * BUDGET_SECONDS * 20)
@pytest.mark.parametrize(("slowdown", "runs", "fewest", "seconds"), CASES)
def test_a_slowdown_is_known_in_time(slowdown: float, runs: int, fewest: int, seconds: float) -> None:
    found = 0
    slower = Behaviour(work=WORK_SECONDS * (1 + slowdown))
    with (
        subject(Behaviour(work=WORK_SECONDS), SERVER, undisturbed()) as old,
        subject(slower, SERVER, undisturbed()) as new,
        generator() as fleet,
    ):
        for seed in range(runs):
            began = time.monotonic()
            scenario = measure(
                fleet, {"old": old, "new": new}, "sequential", Design(None, None, seed, 0.05, BUDGET_SECONDS)
            )
            took = time.monotonic() - began
            throughput = next(each for each in scenario.comparisons if each.metric == "throughput")
            in_time = throughput.verdict == "slower" and took <= seconds
            found += in_time
            say(f"{slowdown:.0%} {seed + 1}: {throughput.verdict} after {took:.0f} s, {throughput.why}")
            assert took <= BUDGET_SECONDS + SOON
            assert scenario.looks or scenario.refused
            if in_time and not FULL:
                break

    say(counted(f"a slowdown by {slowdown:.0%} known within {seconds:.0f} s", found, runs))
    assert found >= fewest


@pytest.mark.skipif(not FULL, reason="one run proves nothing of how often: make selftest")
@pytest.mark.timeout(60 + 2 * BUDGET_SECONDS * RUNS)
def test_a_server_is_hardly_ever_different_from_itself() -> None:
    wrong = same = 0
    behaviour = Behaviour(work=WORK_SECONDS)
    with (
        subject(behaviour, SERVER, undisturbed()) as old,
        subject(behaviour, SERVER, undisturbed()) as new,
        generator() as fleet,
    ):
        for seed in range(RUNS):
            scenario = measure(
                fleet, {"old": old, "new": new}, "sequential", Design(None, None, seed, 0.05, BUDGET_SECONDS)
            )
            words = {each.metric: each.verdict for each in scenario.comparisons}
            wrong += bool({"faster", "slower"} & set(words.values()))
            same += words["throughput"] == words["p50"] == "equivalent"
            say(f"A/A {seed + 1}: {words} {scenario.refused}")

    say(counted("called different from itself", wrong, RUNS))
    say(counted("called equivalent within 5%", same, RUNS))
    assert wrong <= 1
    assert same > RUNS / 2
