"""The benchmark table: figures over all arms that count, and a winner only where a verdict names one."""

import msgspec
import numpy as np
import pytest
from made.measurement import BASELINE, CANDIDATE, THIRD, make_arm, make_scenario
from made.simulated import BETTER, MIXED, NOISY, SAME, WORSE, Service, make_win, simulate
from serving_lab.bench.result import Scenario
from serving_lab.bench.scenario_run import curve
from serving_lab.experiment.records import Distribution
from serving_lab.report.benchmark import benchmark, winners
from serving_lab.report.inputs import ReportInputs
from serving_lab.report.method import paragraphs
from serving_lab.report.tables import Table, describe

NAMES = (BASELINE, CANDIDATE)


def table_of(scenario: Scenario, names: tuple[str, ...] = NAMES) -> Table:
    return benchmark(scenario, names, str.upper)


def cells(table: Table, row: str) -> list[str]:
    return next([cell.text for cell in each.cells] for each in table.rows if each.name == row)


def test_figures_are_those_of_all_requests_of_the_arms_that_count() -> None:
    latencies = {BASELINE: np.linspace(0.010, 0.110, 2_001), CANDIDATE: np.linspace(0.002, 0.022, 4_001)}
    arms = [
        make_arm(name, pair, {"throughput": each.size / 5, "mean": mean}, answered=each.size)
        for name, each in latencies.items()
        for pair, mean in ((1, each.mean() - 0.001), (2, each.mean() + 0.001))
    ]
    arms.append(make_arm(BASELINE, 3, {"throughput": 9e9, "mean": 9e9}, answered=10**9, faults=["disturbed"]))
    arms[0] = make_arm(BASELINE, 1, arms[0].values, answered=2_001, wrong={"status 500": 4})
    table = table_of(
        make_scenario(
            arms,
            targets=NAMES,
            distributions={
                name: Distribution(count=each.size, seconds=curve(each), uncorrected=curve(each))
                for name, each in latencies.items()
            },
        )
    )

    assert [row.name for row in table.rows] == [
        *("Requests/s", "Min", "Mean", "P50", "P90", "P95", "P99", "P99.9", "Max", "Errors"),
    ]
    assert cells(table, "Requests/s")[:2] == ["400", "800"]
    assert cells(table, "Min")[:2] == ["10.0 ms", "2.00 ms"]
    assert cells(table, "Mean")[:2] == ["60.0 ms", "12.0 ms"]
    assert cells(table, "P95")[:2] == ["105 ms", "21.0 ms"]
    assert cells(table, "Max")[:2] == ["110 ms", "22.0 ms"]
    assert cells(table, "Errors")[:2] == ["0.1%", "0%"]


@pytest.mark.parametrize(("service", "winner"), [(BETTER, "FASTAPI-API"), (WORSE, "FLASK-API")])
def test_the_winner_is_whom_the_verdict_names_and_by_how_much(service: Service, winner: str) -> None:
    scenario = simulate({CANDIDATE: service})
    ratio = next(each.ratio for each in scenario.comparisons if each.metric == "throughput")
    assert ratio is not None

    gain = max(ratio, 1 / ratio) - 1

    assert cells(table_of(scenario), "Requests/s")[2] == f"{winner}, {gain:.0%} more"
    assert next(winners(scenario, str.upper))[1].startswith(f"{winner}: throughput {gain:.0%} more, ")


def test_without_a_verdict_nobody_wins() -> None:
    noisy, same = simulate({CANDIDATE: NOISY}), simulate({CANDIDATE: SAME})
    refused, withheld = simulate({CANDIDATE: BETTER}, refused=["x"]), simulate({CANDIDATE: BETTER}, withheld="unequal")

    for scenario, word in ((noisy, "undecided"), (same, "equivalent"), (refused, "refused"), (withheld, "withheld")):
        assert cells(table_of(scenario), "P50")[2] == word
        assert list(winners(scenario, str)) == [("winner", word)]


def test_what_was_not_to_be_judged_has_a_change_and_no_winner() -> None:
    row = next(row for row in table_of(simulate({CANDIDATE: BETTER})).rows if row.name == "P95")

    assert row.cells[2].text == "not judged"
    assert row.cells[2].hint == "FASTAPI-API 48% lower"
    assert row.cells[2].tone == ""


def test_who_is_better_in_one_thing_and_worse_in_another_has_not_won() -> None:
    ((_, word),) = winners(simulate({CANDIDATE: MIXED}), str)

    assert word.startswith(f"neither: {CANDIDATE} has throughput ")
    assert f"{BASELINE} has P99 latency " in word


def test_each_of_several_candidates_has_a_column_that_says_whom_it_was_compared_with() -> None:
    scenario = simulate({CANDIDATE: BETTER, THIRD: WORSE})
    table = table_of(scenario, (BASELINE, CANDIDATE, THIRD))

    assert table.columns[4:] == ("Winner, FLASK-API or FASTAPI-API", "Winner, FLASK-API or GO-API")
    assert [name for name, _ in winners(scenario, str)] == [
        f"winner, {BASELINE} or {CANDIDATE}",
        f"winner, {BASELINE} or {THIRD}",
    ]


def test_a_target_that_answered_nothing_has_no_latencies() -> None:
    answered = simulate({CANDIDATE: BETTER})
    silent = Distribution(count=0, seconds=[], uncorrected=[])
    table = table_of(msgspec.structs.replace(answered, distributions={**answered.distributions, CANDIDATE: silent}))

    assert cells(table, "P50")[1] == cells(table, "Max")[1] == "\N{EN DASH}"
    assert cells(table, "P95")[2] == "\N{EN DASH}"


def test_in_an_open_loop_the_rate_is_given_and_nobody_wins_by_it() -> None:
    assert cells(table_of(simulate({CANDIDATE: BETTER}, "open")), "Requests/s")[2] == "\N{EN DASH}"


def test_a_target_of_which_no_arm_counts_is_named_with_the_reason() -> None:
    fault = "other programs kept 0.90 cores busy: ffmpeg 0.90"
    arms = [
        make_arm(BASELINE, 1, {"throughput": 1000.0}),
        make_arm(CANDIDATE, 1, {"throughput": 1000.0}, faults=[fault]),
        make_arm(BASELINE, 2, {"throughput": 1000.0}, faults=[fault]),
        make_arm(CANDIDATE, 2, {"throughput": 1000.0}, faults=[fault, "the generator was saturated"]),
    ]
    facts = list(describe(make_scenario(arms, targets=NAMES), str.upper))

    assert [fact for name, fact in facts if name == "left out"] == [f"FASTAPI-API, whose 2 arms do not count: {fault}"]


def test_a_scenario_that_stopped_when_it_was_known_says_when_it_was_looked_at() -> None:
    fixed = simulate({CANDIDATE: BETTER}, pairs=7)
    looked = msgspec.structs.replace(fixed, pairs_planned=40, looks=[4, 5, 7])

    assert dict(describe(fixed, str))["pairs"] == "7 of 7 planned; arms of 5 s"
    assert dict(describe(looked, str))["pairs"] == "7 of 40 at most, looked at after 4, 5, 7; arms of 5 s"


def test_the_method_says_which_design_it_was() -> None:
    fixed, within = make_win(), make_win(budget_seconds=300.0)

    assert "The number of pairs is fixed before anything is measured." in paragraphs(ReportInputs(fixed))[0]
    assert "It ends when it is known, or after 5 min" in paragraphs(ReportInputs(within))[0]
