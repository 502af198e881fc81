"""A planted slowdown is found nearly always."""

import pytest
from serving_lab.bench.design import Design
from support.processors import undisturbed
from support.subject import Behaviour, subject

from selftest.proof import FULL, SERVER, counted, generator, measure, say

pytestmark = pytest.mark.alone

WORK_SECONDS = 0.001
# The arms are half a second long instead of half a minute: the statistics are the same, the noise is larger.
CASES = [(0.10, 6, 20, 18), (0.05, 10, 20, 15)] if FULL else [(0.10, 10, 3, 1)]


@pytest.mark.timeout(5000)
@pytest.mark.parametrize(("slowdown", "pairs", "runs", "fewest"), CASES)
def test_a_slowdown_is_found(slowdown: float, pairs: int, runs: int, fewest: int) -> None:
    found = 0
    slower = Behaviour(work=WORK_SECONDS * (1 + slowdown))
    with (
        subject(Behaviour(work=WORK_SECONDS), SERVER, undisturbed()) as old,
        subject(slower, SERVER, undisturbed()) as new,
        generator() as fleet,
    ):
        for seed in range(runs):
            scenario = measure(fleet, {"old": old, "new": new}, "sequential", Design(pairs, 0.5, seed, 0.03))
            throughput = next(each for each in scenario.comparisons if each.metric == "throughput")
            found += throughput.verdict == "slower"
            say(f"{slowdown:.0%} {seed + 1}: {throughput.verdict}, {throughput.why}")
            if found and not FULL:
                break

    say(counted(f"a slowdown by {slowdown:.0%} found with {pairs} pairs", found, runs))
    assert found >= fewest
