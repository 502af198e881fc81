"""What the tour says of results: their figures if what was planted was found, and an error if not."""

import pytest
from made.comparison import make_cannot_tell, make_cause, make_different, make_parity
from made.simulated import make_equivalent, make_loss, make_win
from msgspec.structs import replace
from serving_lab import exit_codes
from serving_lab.bench.result import BenchResult
from serving_lab.errors import LabError
from serving_lab.experiment.records import VerdictWord
from serving_lab.parity.result import ParityResult
from serving_lab.targets.reading import Counters
from serving_lab.tour import findings

PLANTED = make_cause(kind="number", where="$.prediction", primary="152.13", candidate="152.0", count=850, compared=1200)


def flowing(text: str) -> str:
    return " ".join(text.split())


def test_a_difference_that_was_found_is_told_with_its_figures() -> None:
    said = flowing(findings.of_difference(make_different(PLANTED)))

    assert "850 of 1,200" in said
    assert "such as 152.13 from the old service and 152.0 from the candidate" in said
    assert "Nothing else differs" in said


def test_what_else_differs_is_told_too() -> None:
    assert "1 other cause came with it" in findings.of_difference(make_different(make_cause(), PLANTED))


@pytest.mark.parametrize("result", [make_parity(), make_cannot_tell(), make_different(make_cause())])
def test_a_difference_that_was_not_found_fails(result: ParityResult) -> None:
    with pytest.raises(findings.NotFoundError, match=f"not found: the verdict is {result.verdict}") as raised:
        findings.of_difference(result)
    assert raised.value.exit_code == exit_codes.FOUND


def test_a_slowdown_that_was_found_is_told_with_its_figures() -> None:
    result = make_loss()
    p50 = next(each for _, each in result.comparisons if each.metric == "p50")

    said = flowing(findings.of_slowdown(result, 0.005))

    assert "Found: slower" in said
    assert "of which 5.00 ms are planted" in said
    assert f"from {p50.pairs} pairs" in said


@pytest.mark.parametrize("result", [make_win(), make_equivalent()])
def test_a_slowdown_that_was_not_found_fails(result: BenchResult) -> None:
    with pytest.raises(findings.NotFoundError):
        findings.of_slowdown(result, 0.005)


@pytest.mark.parametrize("verdict", ["refused", "withheld", "undecided"])
def test_a_slowdown_without_a_verdict_is_measured_again(verdict: VerdictWord) -> None:
    result = make_loss()
    scenario = result.scenarios[0]
    comparisons = [replace(each, verdict=verdict, why="the machine was busy") for each in scenario.comparisons]
    result = replace(result, scenarios=[replace(scenario, comparisons=comparisons)])

    with pytest.raises(findings.RefusedError, match="could not be judged: the machine was busy") as raised:
        findings.of_slowdown(result, 0.005)
    assert raised.value.exit_code == exit_codes.CANNOT_TELL


def test_answers_that_agree_are_told() -> None:
    said = findings.of_answers({"Old": '{"prediction": 152.5}', "New": '{"cached":true,"prediction":152.50}'})

    assert said.startswith("Old and New predict 152.5.")


@pytest.mark.parametrize("body", ['{"prediction": 1}', '{"error": "Token is invalid"}', "", "<html>", "[]"])
def test_answers_that_do_not_agree_fail(body: str) -> None:
    with pytest.raises(LabError, match=r"predictions differ|answered no prediction"):
        findings.of_answers({"Old": '{"prediction": 152.5}', "New": body})


def test_load_is_told_as_the_services_counted_it() -> None:
    said = flowing(findings.of_load({"Old": Counters(requests=1200), "New": Counters(requests=1.0)}, 30.4))

    assert said.startswith("In 30 s, Old answered 1,200 requests and New answered 1 request.")


def test_the_recommendation_is_quoted() -> None:
    said = flowing(findings.of_report("# Report\n\n## Recommendation\n\n**Stay.** It is slower.\n\n- reasons\n"))

    assert said.startswith("It recommends: Stay. It is slower.")
    with pytest.raises(findings.NotFoundError):
        findings.of_report("# Report\n\nNothing.\n")
