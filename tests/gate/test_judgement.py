"""From results to a verdict: what passes, what fails, and what is said in one line."""

import os

import msgspec
import pytest
from made.comparison import make_cause, make_parity
from made.measurement import TRUTH, make_arms, make_bench, make_scenario
from made.simulated import make_refused
from serving_lab.bench.result import BenchResult, Scenario
from serving_lab.experiment.fail_if import FailIf
from serving_lab.gate import judgement
from serving_lab.gate.result import Broken, ContractResult, Found, Gated, Missing

FULL = os.environ.get("GATE_PROOF") == "full"
SLOWER = [FailIf.parse("slower")]
QUIET = 0.004
"""Noise of a quiet machine."""


def test_equal_answers_and_equal_speed_pass() -> None:
    gated = judged(Found(parity=make_parity(), bench=bench(0)))

    assert gated.outcome == "passed"
    assert gated.sentence.endswith("equivalent within 3%")
    assert gated.sentence.startswith("same answers (")


def test_a_slowdown_fails_once_a_second_measurement_says_so_too() -> None:
    first, second = bench(1, latency=1.1), bench(2, latency=1.1)

    assert judgement.to_confirm(first, SLOWER) == ["steady"]
    gated = judged(Found(bench=first, confirmation=second))

    assert gated.outcome == "failed"
    assert gated.sentence.startswith("slower by ")
    assert "(steady, P" in gated.sentence
    failed = [each for each in gated.checks if each.outcome == "failed"]
    assert {each.name for each in failed} == {"steady: P50 latency", "steady: P99 latency"}
    assert all(each.conditions == ["slower"] for each in failed)


def test_the_size_of_a_slowdown_is_that_of_the_second_measurement() -> None:
    gated = judged(Found(bench=bench(1, latency=1.4), confirmation=bench(2, latency=1.1)))

    low, high = (float(each) for each in gated.sentence.split(" by ")[1].split("%")[0].split(" to "))
    assert 5 < low < 10 < high < 15


def test_what_a_second_measurement_does_not_show_passes() -> None:
    gated = judged(Found(bench=bench(1, latency=1.1), confirmation=bench(2)))

    assert gated.outcome == "passed"
    assert "slower by" not in gated.sentence
    assert any("the first measurement said slower" in each.why for each in gated.checks)


def test_a_slowdown_that_was_not_measured_again_is_no_failure_and_no_pass() -> None:
    gated = judged(Found(bench=bench(1, latency=1.1)))

    assert gated.outcome == "cannot tell"


def test_only_the_second_measurement_says_slower() -> None:
    gated = judged(Found(bench=bench(1), confirmation=bench(2, latency=1.1)))

    assert gated.outcome == "passed"


def test_noise_says_what_this_runner_can_tell() -> None:
    gated = judged(Found(bench=bench(3, noise=0.1)))

    assert gated.outcome == "passed"
    assert gated.sentence.startswith("this runner cannot tell less than ")


def test_a_condition_may_ask_for_an_answer() -> None:
    gated = judged(Found(bench=bench(3, noise=0.1)), "undecided")

    assert gated.outcome == "failed"


def test_a_speedup_passes_and_is_said() -> None:
    gated = judged(Found(bench=bench(1, latency=0.8)))

    assert gated.outcome == "passed"
    assert gated.sentence.startswith("faster by ")


def test_different_answers_fail_whatever_the_speed() -> None:
    gated = judged(Found(parity=make_parity(verdict="different", causes=[make_cause()]), bench=bench(0)))

    assert gated.outcome == "failed"
    assert gated.sentence.startswith("answers differ: status at POST /predict")


def test_a_break_of_the_contract_fails_and_is_named() -> None:
    broken = [Broken(test="test_tokens: test_needed[x]", why="200 is not 401")]
    gated = judged(Found(contract=ContractResult(tests=9, complete=True, broken=broken, once=[])))

    assert (gated.outcome, gated.sentence) == ("failed", "the contract is broken: test_tokens: test_needed[x]")
    assert [(each.part, each.name, each.why) for each in gated.checks] == [
        ("contract", "test_tokens: test_needed[x]", "200 is not 401")
    ]


@pytest.mark.parametrize(("complete", "outcome"), [(True, "passed"), (False, "cannot tell")])
def test_a_contract_is_kept_if_all_tests_came_to_an_end(complete: bool, outcome: str) -> None:
    gated = judged(Found(contract=ContractResult(tests=9, complete=complete, broken=[], once=[])))

    assert gated.outcome == outcome


def test_a_refused_scenario_cannot_be_told() -> None:
    gated = judged(Found(bench=make_refused()))

    assert gated.outcome == "cannot tell"
    assert gated.sentence.endswith("could not be given")


def test_a_percentile_that_nobody_asked_for_and_that_too_few_answers_tell_changes_nothing() -> None:
    measured = bench(0)
    [scenario] = measured.scenarios
    p99 = next(each for each in scenario.comparisons if each.metric == "p99")
    untold = [
        *(each for each in scenario.comparisons if each is not p99),
        msgspec.structs.replace(p99, verdict="refused"),
    ]
    measured = make_bench(msgspec.structs.replace(scenario, comparisons=untold))

    assert judged(Found(bench=measured)).outcome == "passed"
    assert judged(Found(bench=measured), "p99:slower").outcome == "cannot tell"


def test_a_part_without_a_result_cannot_be_told() -> None:
    gated = judged(Found(bench=bench(0), missing=[Missing(part="parity", why="no document")]))

    assert gated.outcome == "cannot tell"
    assert gated.sentence.endswith("no parity: no document")


def test_a_footprint_without_a_result_changes_nothing() -> None:
    gated = judged(Found(bench=bench(0), missing=[Missing(part="footprint", why="no time")]))

    assert gated.outcome == "passed"
    assert gated.sentence.endswith("no footprint: no time")


def test_services_of_which_the_same_is_said_share_a_line() -> None:
    same = judged(Found(bench=bench(0)))
    slow = judged(Found(bench=bench(1, latency=1.1), confirmation=bench(2, latency=1.1)))
    named = [msgspec.structs.replace(each, name=name) for each, name in ((same, "one"), (same, "two"), (slow, "three"))]

    assert judgement.sentence(named[:2]) == same.sentence
    assert judgement.sentence(named) == f"one and two: {same.sentence} | three: {slow.sentence}"


@pytest.mark.parametrize("noise", [QUIET, 0.02, 0.1] if FULL else [0.02])
def test_a_hundred_gates_without_a_change_hardly_ever_fail(noise: float) -> None:
    failures = sum(simulated(seed, noise).outcome == "failed" for seed in range(100))

    assert failures <= 1


def test_ten_percent_is_found_nine_times_of_ten() -> None:
    found = sum(simulated(seed, 0.02, latency=1.1).outcome == "failed" for seed in range(20))

    assert found >= 18


def simulated(seed: int, noise: float, latency: float = 1.0) -> Gated:
    """A gate with four scenarios, measured again where the first measurement meets the condition."""
    first = four_scenarios(2 * seed, noise, latency)
    again = judgement.to_confirm(first, SLOWER)
    second = four_scenarios(2 * seed + 1, noise, latency)
    kept = [each for each in second.scenarios if each.name in again]
    confirmation = msgspec.structs.replace(second, scenarios=kept) if again else None
    return judged(Found(bench=first, confirmation=confirmation))


def four_scenarios(seed: int, noise: float, latency: float) -> BenchResult:
    return make_bench(*(scenario(1000 * at + seed, noise, latency, name=f"load{at}") for at in range(4)))


def bench(seed: int, *, latency: float = 1.0, noise: float = QUIET) -> BenchResult:
    return make_bench(scenario(seed, noise, latency))


def scenario(seed: int, noise: float, latency: float, name: str = "steady") -> Scenario:
    """Base and head, equal but for head's latencies."""
    equal = {f"fastapi/{name}": TRUTH["flask"][name] / TRUTH["fastapi"][name] for name in TRUTH["flask"]}
    slowed = {name: factor * (latency if name.endswith(("p50", "p99")) else 1.0) for name, factor in equal.items()}
    return make_scenario(make_arms(seed, slowed, noise), name=name)


def judged(found: Found, *conditions: str) -> Gated:
    return judgement.judged("", ("old", "new"), found, [FailIf.parse(each) for each in conditions] or SLOWER)
