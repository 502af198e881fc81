"""Verdicts are made from whole pairs of arms that count, metric by metric."""

import math

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from serving_lab.experiment import statistics
from serving_lab.experiment.records import Arm, Comparison, GeneratorHealth, Loop
from serving_lab.experiment.sequential import Looks
from serving_lab.experiment.verdicts import COMPARED, comparisons, decided

OLD, NEW = "old", "new"
NOISE = (0.98, 1.01, 1.0, 1.02, 0.99, 1.015, 0.985, 1.005)


def arm(target: str, pair: int, faults: tuple[str, ...] = (), **values: float) -> Arm:
    return Arm(
        target=target,
        pair=pair,
        position=1,
        started=0,
        seconds=1,
        rate=None,
        planned=None,
        answered=640,
        wrong={},
        values=values,
        uncorrected={},
        generator=GeneratorHealth(cpu_share=0.1, waited_share=0, lag_p99=None),
        other_cpu=0,
        faults=list(faults),
    )


def arms(ratio: float, noise: tuple[float, ...] = NOISE) -> list[Arm]:
    """Pairs in which the new one answers `ratio` times as many requests in as much less time."""
    found = []
    for pair, factor in enumerate(noise, start=1):
        found.append(arm(OLD, pair, throughput=1000.0, p50=0.01, p99=0.02, cpu=0.5))
        rate = ratio * factor
        found.append(arm(NEW, pair, throughput=1000 * rate, p50=0.01 / rate, p99=0.02 / rate, cpu=0.5))
    return found


def judged(given: list[Arm], refused: str | None = None, withheld: str | None = None) -> dict[str, Comparison]:
    found = comparisons("closed", [OLD, NEW], given, margin=0.03, refused=refused, withheld=withheld)
    return {each.metric: each for each in found}


@pytest.mark.parametrize(("ratio", "word"), [(1.2, "faster"), (0.8, "slower"), (1.0, "equivalent")])
def test_more_requests_and_less_time_are_both_faster(ratio: float, word: str) -> None:
    found = judged(arms(ratio))

    assert [found[metric].verdict for metric in ("throughput", "p50", "p99")] == [word] * 3
    assert found["throughput"].ratio == pytest.approx(ratio, rel=0.01)
    assert found["p50"].ratio == pytest.approx(1 / ratio, rel=0.01)
    assert found["cpu"].verdict == "equivalent"


def test_means_are_geometric_and_ratios_are_kept_pair_by_pair() -> None:
    found = judged(arms(1.1))["throughput"]

    assert found.baseline_value == pytest.approx(1000)
    assert found.candidate_value == pytest.approx(math.exp(sum(map(math.log, NOISE)) / len(NOISE)) * 1100)
    assert found.log_ratios == pytest.approx([math.log(1.1 * factor) for factor in NOISE])


def test_intervals_hold_together() -> None:
    found = judged(arms(1.2))

    assert [each.confidence for each in found.values()] == [pytest.approx(1 - 0.05 / 4)] * 4


def test_much_noise_leaves_it_undecided_and_says_what_could_be_found() -> None:
    found = judged(arms(1.05, (0.7, 1.3, 1.0, 1.4, 0.6)))["throughput"]

    assert found.verdict == "undecided"
    assert found.detectable is not None
    assert f"5 pairs find changes from {found.detectable:.1%}" in found.why


def test_a_pair_with_an_arm_that_does_not_count_is_left_out() -> None:
    given = arms(1.2)
    spoiled = [arm(OLD, 90, ("starved",), throughput=1.0), arm(NEW, 90, throughput=900.0), arm(OLD, 91, throughput=5.0)]

    assert judged([*given, *spoiled])["throughput"].log_ratios == judged(given)["throughput"].log_ratios


def test_a_metric_that_an_arm_cannot_tell_is_refused_alone() -> None:
    given = arms(1.2)
    del given[3].values["p99"]

    found = judged(given)

    assert found["p99"].verdict == "refused"
    assert found["p99"].why == "an arm has no P99 latency"
    assert found["throughput"].verdict == "faster"


def test_what_is_refused_or_withheld_says_why_and_keeps_its_numbers() -> None:
    assert {each.verdict for each in judged(arms(1.2), withheld="workers differ").values()} == {"withheld"}
    refused = judged(arms(1.2), refused="old was restarted", withheld="workers differ")["throughput"]

    assert (refused.verdict, refused.why) == ("refused", "old was restarted")
    assert refused.ratio == pytest.approx(1.2, rel=0.01)


def test_what_is_withheld_may_lack_a_metric() -> None:
    short = [msgspec.structs.replace(each, values={"throughput": each.values["throughput"]}) for each in arms(1.2)]

    found = judged(short, withheld="it was interrupted")

    assert (found["p99"].verdict, found["p99"].baseline_value, found["p99"].ratio) == ("withheld", None, None)
    assert found["throughput"].ratio == pytest.approx(1.2, rel=0.01)


def test_values_of_what_is_refused_are_shown_as_seen_without_an_interval() -> None:
    void = [msgspec.structs.replace(each, faults=["other programs kept 1.77 cores busy"]) for each in arms(1.2)]
    of_void, of_wrong = (judged(given, refused="why")["throughput"] for given in (void, arms(1.2)))

    for found in (of_void, of_wrong):
        assert found.baseline_value
        assert (found.candidate_value or 0) / found.baseline_value == pytest.approx(1.2, rel=0.02)
        assert (found.low, found.high, found.detectable) == (None, None, None)
    assert (of_void.ratio, of_void.pairs) == (None, 0)


def test_without_any_pair_nothing_is_told() -> None:
    found = judged([])["throughput"]

    assert (found.verdict, found.ratio, found.why) == ("refused", None, "no pair is valid")


def test_cpu_is_compared_only_where_targets_say_it() -> None:
    silent = arms(1.0)
    for each in silent:
        del each.values["cpu"]

    assert "cpu" not in judged(silent)


def test_every_candidate_is_compared_with_the_first() -> None:
    third = [arm("third", pair, throughput=500.0, p50=0.02, p99=0.04, cpu=1.0) for pair in range(1, len(NOISE) + 1)]

    found = comparisons("closed", [OLD, NEW, "third"], [*arms(1.2), *third], margin=0.03, refused=None, withheld=None)

    assert {each.candidate for each in found} == {NEW, "third"}
    assert [each.confidence for each in found] == [pytest.approx(1 - 0.05 / 8)] * 8


@pytest.mark.service
def test_equal_services_are_told_apart_in_at_most_one_of_twenty_scenarios_whatever_their_number() -> None:
    from scipy import stats  # not above: every process that collects tests would spend a second on it

    """Three candidates, four metrics: twelve occasions for a false alarm, which together must stay at 5%."""
    scenarios, pairs, names = 600, 8, [OLD, NEW, "third", "fourth"]
    usual = {"throughput": 1000.0, "p50": 0.01, "p99": 0.02, "cpu": 0.5}

    def values_of(noises: NDArray[np.float64]) -> dict[str, float]:
        return {metric: usual[metric] * math.exp(noise) for metric, noise in zip(usual, noises, strict=True)}

    chance = np.random.default_rng(11)
    alarms = alarms_by_metrics_alone = 0
    for _ in range(scenarios):
        machine, own = chance.normal(0, 0.05, pairs), chance.normal(0, 0.02, (pairs, len(names), len(usual)))
        given = [
            arm(name, pair, (), **values_of(machine[pair] + noises))
            for pair in range(pairs)
            for name, noises in zip(names, own[pair], strict=True)
        ]
        found = comparisons("closed", names, given, margin=0, refused=None, withheld=None)
        alarms += any(each.verdict in {"faster", "slower"} for each in found)
        narrower = [statistics.paired(each.log_ratios, statistics.simultaneous(len(usual))) for each in found]
        alarms_by_metrics_alone += any(statistics.verdict(each, 0, "lower") != "undecided" for each in narrower)

    most = stats.binom.ppf(0.999, scenarios, 0.05)
    assert alarms <= most
    # What would happen if only the metrics counted: it shows that this test can fail.
    assert alarms_by_metrics_alone > most


def is_decided(loop: Loop = "closed", pairs: int = 100, **noise: float | tuple[float, float]) -> bool:
    """Whether ten pairs decide it; of each metric the ratio, and with a second number how far pairs are from it."""
    found = []
    for pair in range(1, 11):
        values = {}
        for metric in COMPARED[loop]:
            given = noise.get(metric, 1.0)
            ratio, spread = given if isinstance(given, tuple) else (given, 0.01)
            values[metric] = ratio * math.exp(spread * (-1) ** pair)
        found += [arm(OLD, pair, (), **dict.fromkeys(values, 1.0)), arm(NEW, pair, (), **values)]
    looks = Looks((10,), 20)
    compared = comparisons(loop, [OLD, NEW], found, margin=0.05, refused=None, withheld=None, looks=looks)
    return decided(loop, compared, 0.05, pairs)


def test_a_scenario_is_decided_when_its_main_metrics_are_beyond_the_margin_or_all_are_within() -> None:
    assert is_decided()
    assert is_decided(throughput=0.8, p50=1.25)
    assert is_decided("knee", knee=0.7)
    assert not is_decided(throughput=(0.9, 0.2))
    assert not is_decided(p50=1.06), "it may be within the margin or beyond"


def test_other_metrics_are_waited_for_only_if_the_main_ones_are_within_and_the_time_left_can_tell() -> None:
    assert not is_decided(p99=(1.0, 0.1))
    assert is_decided(p99=(1.0, 0.1), pairs=12)
    assert is_decided(p99=(1.0, 0.1), p50=1.25)
    assert not is_decided("open", cpu=(1.0, 0.1))


def test_a_metric_that_no_arm_can_tell_is_not_waited_for() -> None:
    short = [msgspec.structs.replace(each, values={"throughput": 1.0, "p50": 1.0}) for each in arms(1.0)]

    found = comparisons("closed", [OLD, NEW], short, margin=0.05, refused=None, withheld=None)

    assert {each.metric: each.verdict for each in found}["p99"] == "refused"
    assert decided("closed", found, 0.05, 100)


def test_arms_without_any_answer_are_not_waited_for() -> None:
    none = [msgspec.structs.replace(each, values={}, answered=0) for each in arms(1.0)]
    latencies = {name: dict.fromkeys(range(1, len(NOISE) + 1), np.empty(0)) for name in (OLD, NEW)}

    found = comparisons("closed", [OLD, NEW], none, margin=0.05, refused=None, withheld=None, latencies=latencies)

    assert {each.metric: each.verdict for each in found} == {
        "throughput": "refused",
        "p50": "undecided",
        "p99": "undecided",
    }
    assert not decided("closed", found, 0.05, 100)
