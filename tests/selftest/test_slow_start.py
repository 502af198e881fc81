"""A slow start is warmed up, not measured."""

from serving_lab.bench.scenario_run import Design
from support.processors import undisturbed
from support.subject import Behaviour, subject

from selftest.proof import SERVER, generator, measure, say

SLOW_SECONDS = 6.0


def test_a_slow_start_prolongs_the_warm_up_and_is_in_no_arm() -> None:
    slow = Behaviour(work=0.001, slow_until=SLOW_SECONDS, slow_factor=3)
    first = undisturbed()
    with (
        subject(Behaviour(work=0.001), SERVER, first) as old,
        subject(slow, SERVER, first) as new,
        generator() as fleet,
    ):
        scenario = measure(fleet, {"old": old, "new": new}, "sequential", Design(3, 0.6, 0, 0.03))

    warm_ups = {each.target: each for each in scenario.warm_ups}
    took = {name: f"{each.seconds:g} s" for name, each in warm_ups.items()}
    say(f"warm-up: {took['old']}; with a slow start of {SLOW_SECONDS:g} s: {took['new']}")
    assert warm_ups["old"].seconds < SLOW_SECONDS < warm_ups["new"].seconds
    assert warm_ups["new"].throughput[0] < 0.5 * warm_ups["new"].throughput[-1]
    slowest = {name: min(arm.values["throughput"] for arm in scenario.arms if arm.target == name) for name in warm_ups}
    assert slowest["new"] > 0.8 * slowest["old"]
