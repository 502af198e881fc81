"""A condition under which a measurement fails is judged as it reads, and a wrong one is never silently unmet."""

import msgspec
import pytest
from made.measurement import CANDIDATE, THIRD, make_arms, make_bench, make_scenario, measured
from made.simulated import make_three
from serving_lab.bench.result import BenchResult
from serving_lab.errors import LabError
from serving_lab.experiment.fail_if import FailIf
from serving_lab.experiment.records import Comparison, VerdictWord

# FastAPI against Flask: in truth 20% more throughput, 20% less P50, 25% less P99.
SLOWER_P99 = {"fastapi/p99": 1.2 / 0.75}
RESULT = make_bench(
    make_scenario(make_arms(1, {})),
    make_scenario(make_arms(2, SLOWER_P99), name="a/b: burst"),
)


def met(text: str, result: BenchResult = RESULT) -> list[str]:
    return FailIf.parse(text).met(result)


def with_verdict(word: VerdictWord) -> BenchResult:
    """Return a result all of whose verdicts are this one."""
    scenario = make_scenario(make_arms(1, {}))
    changed: list[Comparison] = [msgspec.structs.replace(each, verdict=word) for each in scenario.comparisons]
    return make_bench(msgspec.structs.replace(scenario, comparisons=changed))


def test_any_metric_of_any_scenario_meets_a_bare_word() -> None:
    (reason,) = met("slower")

    assert reason.startswith("a/b: burst/p99 fastapi slower: the change surely lies between +")
    assert len(met("faster")) == 7
    assert len(met("changed")) == 8


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("p99:slower", 1),
        ("p50:slower", 0),
        ("steady/slower", 0),
        ("steady/p99:slower", 0),
        ("a/b: burst/p99:slower", 1),
        ("a/b: burst/slower", 1),
        ("p99:faster", 1),
        ("slower:5%", 1),
        ("faster:99%", 0),
        ("undecided", 0),
        ("refused", 0),
    ],
)
def test_a_scenario_and_a_metric_narrow_it(text: str, times: int) -> None:
    assert len(met(text)) == times


def test_a_candidate_narrows_it() -> None:
    three = make_three()  # one candidate is better than the baseline in everything, the other one worse

    assert len(met("slower", three)) == len(met(f"slower@{THIRD}", three)) == 7
    assert met(f"slower@{CANDIDATE}", three) == []
    (reason,) = met(f"peak/p99:slower:10%@{THIRD}", three)
    assert reason.startswith(f"peak/p99 {THIRD} slower")


def test_a_percentage_is_exceeded_by_the_nearer_end_of_the_interval_only() -> None:
    (p99,) = (each for _, each in RESULT.comparisons if each.metric == "p99" and each.verdict == "slower")
    certain, estimate = 100 * p99.certain_change, 100 * ((p99.ratio or 0) - 1)
    assert certain < estimate - 0.5

    assert met(f"p99:slower:{certain - 0.1:.3f}%")
    assert not met(f"p99:slower:{certain + 0.1:.3f}%")
    assert not met(f"p99:slower:{estimate:.3f}%")
    assert met("p99:slower:0%") == met("p99:slower")


@pytest.mark.parametrize(
    ("word", "text"), [("undecided", "undecided"), ("withheld", "refused"), ("refused", "refused")]
)
def test_what_was_not_concluded_can_fail_too(word: VerdictWord, text: str) -> None:
    assert len(met(text, with_verdict(word))) == 4
    assert met("changed", with_verdict(word)) == []


def test_a_scenario_that_was_refused_is_told_with_its_reason() -> None:
    result = make_bench(make_scenario([], refused=["fastapi did not become steady"]))

    assert met("refused", result) == ["steady refused: fastapi did not become steady"]
    assert met("p99:slower", result) == []
    assert FailIf.parse("p99:slower").unanswered(result) == ["steady: fastapi did not become steady"]


def test_what_could_not_be_judged_is_told_apart_from_what_is_not_so() -> None:
    assert FailIf.parse("p99:slower").unanswered(measured()) == []
    assert len(FailIf.parse("p99:slower").unanswered(with_verdict("withheld"))) == 1
    assert FailIf.parse("refused").unanswered(with_verdict("withheld")) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is not a condition"),
        ("slow", "'slow' is not one of slower, faster, changed, undecided, refused"),
        ("p98:slower", "'p98' is not one of throughput, knee, mean, p50, p90, p95, p99, cpu"),
        ("p99:slower:10", "is not a condition"),
        ("p99:slower:ten%", "is not a condition"),
        ("p99:slower:-1%", "is not a condition"),
        ("undecided:10%", "'undecided' has no size; slower, faster, changed have"),
        ("steady/", "is not a condition"),
        ("p99", "'p99' is not one of slower"),
        (":slower", "is not a condition"),
    ],
)
def test_what_is_no_condition_is_refused_with_what_may_be_written(text: str, complaint: str) -> None:
    with pytest.raises(LabError) as refused:
        FailIf.parse(text)

    assert complaint in str(refused.value)
    assert refused.value.exit_code == 2
    assert "[SCENARIO/][METRIC:]WORD[:PERCENT%][@CANDIDATE]" in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("knee:slower", "knee was not compared, only: throughput, p50, p99, cpu"),
        ("nightly/p99:slower", "there is no such scenario, only: steady, a/b: burst"),
        ("nightly/refused", "there is no such scenario"),
        ("slower@django", "there is no candidate 'django', only: fastapi"),
    ],
)
def test_what_the_result_has_not_is_an_error_and_not_unmet(text: str, complaint: str) -> None:
    with pytest.raises(LabError, match=complaint) as refused:
        met(text)

    assert refused.value.exit_code == 2


def test_a_result_without_any_verdict_answers_no_condition() -> None:
    with pytest.raises(LabError, match="nothing was compared"):
        met("slower", make_bench())
    with pytest.raises(LabError, match="nothing was compared"):
        met("slower", make_bench(make_scenario([], comparisons=[])))
