"""Two results are judged by what changed between them, and by nothing that changed with them."""

import io
import math
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from made.measurement import (
    MACHINE,
    make_arms,
    make_bench,
    make_condition,
    make_conditions,
    make_scenario,
    measured,
    slower,
)
from rich.console import Console
from serving_lab.bench.compare_table import print_compared
from serving_lab.bench.comparing import Change, CompareResult, compare
from serving_lab.bench.result import BenchResult
from serving_lab.results import files
from support.command import lab

RATIO = "fastapi / flask"
ELSEWHERE = msgspec.structs.replace(MACHINE, processor="Another processor", kernel="6.18.0")


def compared(
    old: BenchResult, new: BenchResult, *, allow_unequal: bool = False, only_ratio: bool = False
) -> CompareResult:
    return compare(old, new, margin=0.03, allow_unequal=allow_unequal, only_ratio=only_ratio)


def change(found: CompareResult, of: str, metric: str) -> Change:
    (one,) = (each for each in found.scenarios[0].comparisons if (each.candidate, each.metric) == (of, metric))
    return one


def verdicts(found: CompareResult, kind: str) -> set[str]:
    return {each.verdict for scenario in found.scenarios for each in scenario.comparisons if each.kind == kind}


def printed(found: CompareResult, width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    print_compared(console, found)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_slower_target_is_found_with_its_ratio_and_the_other_one_is_not() -> None:
    found = compared(measured(), slower({"fastapi/p99": 1.15}))

    p99 = change(found, "fastapi", "p99")
    assert (p99.verdict, p99.pairs) == ("slower", 10)
    assert p99.low is not None
    assert p99.high is not None
    assert 1.05 < p99.low < 1.15 < p99.high < 1.25
    assert change(found, RATIO, "p99").verdict == "slower"
    assert change(found, "flask", "p99").verdict in {"undecided", "equivalent"}
    assert change(found, RATIO, "p50").verdict in {"undecided", "equivalent"}


def test_more_throughput_is_faster_and_more_time_is_not() -> None:
    found = compared(measured(), slower({"throughput": 1.2, "p50": 1.2}))

    assert change(found, "flask", "throughput").verdict == "faster"
    assert change(found, "flask", "p50").verdict == "slower"


def test_values_are_judged_by_welchs_test_on_their_logarithms_all_verdicts_of_a_scenario_together() -> None:
    from scipy import stats  # not above: every process that collects tests would spend a second on it

    old, new = measured(), slower({"p99": 1.1})
    logs = [
        np.log([arm.values["p99"] for arm in result.scenarios[0].arms if arm.target == "flask"])
        for result in (old, new)
    ]

    found = change(compared(old, new), "flask", "p99")

    assert found.confidence == pytest.approx(1 - 0.05 / 12)  # 4 metrics of 2 targets and their ratio
    theirs = stats.ttest_ind(logs[1], logs[0], equal_var=False).confidence_interval(found.confidence)
    assert (found.low, found.high) == pytest.approx((math.exp(theirs.low), math.exp(theirs.high)))
    assert found.baseline_value == pytest.approx(np.exp(logs[0].mean()))
    assert found.candidate_value == pytest.approx(np.exp(logs[1].mean()))


def test_of_a_result_that_stopped_when_it_was_known_intervals_are_wider() -> None:
    old, new = measured(1), measured(2)
    looked = msgspec.structs.replace(new, scenarios=[msgspec.structs.replace(new.scenarios[0], looks=[4, 10])])

    for before, after in ((old, looked), (looked, old)):
        usual = compare(*((old, new) if before is old else (new, old)), margin=0.03).scenarios[0].comparisons
        wider = compare(before, after, margin=0.03).scenarios[0].comparisons
        for one, other in zip(usual, wider, strict=True):
            assert 1 - other.confidence == pytest.approx((1 - one.confidence) / 3)
            assert (other.high or 0) > (one.high or 9)


def test_equal_results_of_little_noise_are_proved_equivalent() -> None:
    found = compared(measured(noise=0.01), measured(seed=1, noise=0.01))

    assert verdicts(found, "value") == verdicts(found, "ratio") == {"equivalent"}


def test_what_is_undecided_says_what_so_many_arms_or_pairs_would_have_found() -> None:
    found = compared(measured(noise=0.2), measured(seed=1, noise=0.2))

    value, ratio = change(found, "fastapi", "p99"), change(found, RATIO, "p99")
    assert (value.verdict, ratio.verdict) == ("undecided", "undecided")
    assert f"10 arms of each find changes from {value.detectable:.1%}" in value.why
    assert f"10 pairs of each find changes from {ratio.detectable:.1%}" in ratio.why


@pytest.mark.service
def test_in_equal_results_a_scenario_has_a_false_verdict_at_most_once_in_twenty() -> None:
    results = [measured(seed, noise=0.05) for seed in range(200)]

    found = [compare(*pair, margin=0.03) for pair in zip(results[::2], results[1::2], strict=True)]

    wrong = sum(bool({"faster", "slower"} & (verdicts(each, "value") | verdicts(each, "ratio"))) for each in found)
    assert wrong <= 10
    assert all(each.concluded for each in found)


def test_a_slower_machine_moves_values_but_not_the_ratio_and_values_get_no_verdict() -> None:
    found = compared(measured(), other_machine())

    assert verdicts(found, "value") == {"withheld"}
    assert verdicts(found, "ratio") <= {"undecided", "equivalent"}
    assert [str(each) for each in found.circumstances] == [
        "processor: AMD EPYC 7B13 -> Another processor",
        "kernel: Linux 6.12.0 -> 6.18.0",
    ]
    assert change(found, "flask", "p99").ratio == pytest.approx(2, rel=0.05)
    assert "processor: AMD EPYC 7B13 -> Another processor" in change(found, "flask", "p99").why


def other_machine(**factors: float) -> BenchResult:
    """Return a result of a machine that is half as fast."""
    keys = {key.replace("__", "/"): value for key, value in factors.items()}
    return msgspec.structs.replace(slower(keys, machine=2.0), machine=ELSEWHERE)


def test_on_another_machine_a_slower_candidate_is_found_by_the_ratio() -> None:
    found = compared(measured(), other_machine(fastapi__p99=1.15))

    assert change(found, RATIO, "p99").verdict == "slower"
    assert change(found, RATIO, "p99").ratio == pytest.approx(1.15, rel=0.05)


def test_who_allows_unequal_conditions_gets_verdicts_on_values() -> None:
    found = compared(measured(), other_machine(), allow_unequal=True)

    assert change(found, "flask", "p99").verdict == "slower"


def test_who_wants_ratios_only_gets_no_values() -> None:
    found = compared(measured(), slower({"p99": 1.5}), only_ratio=True)

    assert {each.kind for each in found.scenarios[0].comparisons} == {"ratio"}


@pytest.mark.parametrize(
    ("conditions", "named", "ratio_stands"),
    [
        ((make_condition("Model", "2 def", "2 def"),), "Model: flask 1 abc -> 2 def, fastapi 1 abc -> 2 def", True),
        ((make_condition("Workers", "4", "4"),), "Workers: flask 2 -> 4, fastapi 2 -> 4", True),
        ((make_condition("Workers", "2", "4"),), "Workers: fastapi 2 -> 4", False),
    ],
)
def test_a_condition_that_differs_withholds_values_and_the_ratio_where_it_touches_one_alone(
    conditions: tuple[object, ...], named: str, *, ratio_stands: bool
) -> None:
    names = [each.name for each in conditions]  # type: ignore[attr-defined]
    changed = [*conditions, *(each for each in make_conditions() if each.name not in names)]

    found = compared(measured(), measured(seed=1, conditions=changed))

    assert [str(each) for each in found.circumstances] == [named]
    assert verdicts(found, "value") == {"withheld"}
    assert ("withheld" not in verdicts(found, "ratio")) is ratio_stands


def test_what_is_meant_to_differ_between_targets_is_what_a_change_changes() -> None:
    newer = [make_condition("Framework", "framework 0", "framework 1.1", meant=True), *make_conditions()[1:]]

    found = compared(measured(), measured(seed=1, conditions=newer))

    assert [str(each) for each in found.circumstances] == ["Framework: fastapi framework 1 -> framework 1.1"]
    assert "withheld" not in verdicts(found, "value")


@pytest.mark.parametrize(
    ("load", "named"),
    [
        ({"arm_seconds": 10.0}, "seconds of an arm: 5 -> 10"),
        ({"connections": {"flask": 32, "fastapi": 32}}, "connections: flask 16 -> 32, fastapi 16 -> 32"),
        ({"requests": {"predict": 0.5, "health": 0.5}}, "requests: predict 100% -> health 50%, predict 50%"),
        ({"rate": 100.0}, "rate: none -> 100.0/s"),
    ],
)
def test_another_load_is_named_and_withholds_values_of_that_scenario(load: dict[str, object], named: str) -> None:
    old = make_bench(make_scenario(make_arms(0, {})), make_scenario(make_arms(2, {}), name="other"))
    new = make_bench(
        msgspec.structs.replace(make_scenario(make_arms(1, {})), **load), make_scenario(make_arms(3, {}), name="other")
    )

    found = compared(old, new)

    assert [str(each) for each in found.scenarios[0].circumstances] == [named]
    assert {each.verdict for each in found.scenarios[0].comparisons if each.kind == "value"} == {"withheld"}
    assert all(each.verdict != "withheld" for each in found.scenarios[1].comparisons)


def test_a_rate_that_was_found_anew_is_the_same_within_a_hundredth() -> None:
    rates = (100.0, 100.9, 102.0)
    first, close, far = (make_bench(make_scenario(make_arms(0, {}), rate=rate)) for rate in rates)

    assert compared(first, close).scenarios[0].circumstances == []
    assert [each.name for each in compared(first, far).scenarios[0].circumstances] == ["rate"]


def test_a_little_more_memory_and_a_busier_minute_are_no_difference() -> None:
    machine = msgspec.structs.replace(MACHINE, memory_bytes=MACHINE.memory_bytes - (40 << 20), load=1.5)

    assert compared(measured(), make_bench(machine=machine)).circumstances == []


def test_what_only_one_of_them_has_is_named() -> None:
    extra = make_scenario(make_arms(3, {}), name="burst")
    arms = [
        msgspec.structs.replace(arm, values={k: v for k, v in arm.values.items() if k != "cpu"})
        for arm in make_arms(0, {})
    ]

    found = compared(measured(), make_bench(make_scenario(arms), extra))

    assert found.only_old == ["steady/cpu"]
    assert found.only_new == ["scenario burst"]
    assert {each.metric for each in found.scenarios[0].comparisons} == {"throughput", "p50", "p99"}


def test_arms_that_do_not_count_are_not_counted() -> None:
    arms = make_arms(0, {})
    stalled = [
        msgspec.structs.replace(arm, values={"p99": 9.0}, faults=["the generator waited"])
        for arm in arms
        if arm.pair == 1
    ]

    found = compared(make_bench(make_scenario([*arms, *stalled])), measured(seed=1))

    assert change(found, "flask", "p99").baseline_value == pytest.approx(0.04, rel=0.05)


def test_a_refused_scenario_and_an_arm_without_a_value_are_refused_with_the_file_that_has_them() -> None:
    arms = make_arms(0, {})
    arms[0] = msgspec.structs.replace(arms[0], values={**arms[0].values, "p99": 0.0})

    refused = compared(measured(), make_bench(make_scenario([], refused=["no steady state"])))
    valueless = compared(measured(), make_bench(make_scenario(arms)))

    assert refused.scenarios[0].refused == ["new: no steady state"]
    assert not refused.concluded
    assert change(valueless, "flask", "p99").verdict == "refused"
    assert change(valueless, "flask", "p99").why == "an arm of new has no P99 latency"
    assert change(valueless, RATIO, "p99").verdict == "refused"
    assert change(valueless, "fastapi", "p99").verdict in {"undecided", "equivalent"}


def test_a_ratio_that_was_withheld_when_it_was_measured_stays_so() -> None:
    unfair = make_bench(make_scenario(make_arms(1, {}), withheld="Workers: flask 2, fastapi 4"))

    found = compared(measured(), unfair)

    assert verdicts(found, "ratio") == {"withheld"}
    assert "new: Workers: flask 2, fastapi 4" in change(found, RATIO, "p99").why
    assert "withheld" not in verdicts(found, "value")


@pytest.mark.parametrize("width", [100, 160])
def test_the_console_names_differences_verdicts_and_the_machine(width: int) -> None:
    text = " ".join(printed(compared(measured(), other_machine(fastapi__p99=1.15)), width).split())

    assert "old (commit 1d5f80b" in text
    assert "not the same in both: kernel: Linux 6.12.0 -> 6.18.0" in text
    assert re.search(r"fastapi / flask x 0\.7\d+ x 0\.8\d+ \+1[3-7]\.\d%", text)
    assert "slower" in text
    assert text.count("steady: values withheld: not the same in both: processor") == 1
    assert "Values also move with the machine between two runs." in text


@pytest.mark.parametrize(
    ("new", "options", "code", "told"),
    [
        (slower({"fastapi/p99": 1.3}), (), 0, "slower"),
        (slower({"fastapi/p99": 1.3}), ("--fail-if", "p99:slower"), 1, "fails: p99:slower: steady/p99 fastapi slower"),
        (slower({"fastapi/p99": 1.3}), ("--fail-if", "p99:slower:90%"), 0, "slower"),
        (slower({"fastapi/p99": 1.3}), ("--fail-if", "p50:slower"), 0, "slower"),
        (other_machine(), ("--fail-if", "slower"), 0, "values withheld"),
        (other_machine(fastapi__p99=1.3), ("--fail-if", "slower"), 1, "steady/p99 fastapi / flask slower: the"),
        (other_machine(fastapi__p99=1.3), ("--only-ratio", "--fail-if", "slower:99%"), 0, "slower"),
        (slower({}), ("--fail-if", "knee:slower"), 2, "knee was not compared"),
        (slower({}), ("--fail-if", "slowly"), 2, "'slowly' is not one of slower"),
        (make_bench(make_scenario([], refused=["no steady state"])), (), 2, "refused: new.json: no steady state"),
        (make_bench(), (), 2, "only in old: scenario steady"),
    ],
)  # fmt: skip
def test_the_command_says_it_by_its_exit_code(
    tmp_path: Path, new: BenchResult, options: tuple[str, ...], code: int, told: str
) -> None:
    files.write(tmp_path / "old.json", measured())
    files.write(tmp_path / "new.json", new)

    ended = lab("compare", "old.json", "new.json", *options, cwd=tmp_path)

    assert ended.returncode == code, ended.stdout + ended.stderr
    assert told in " ".join((ended.stdout + ended.stderr).split())
    assert "Traceback" not in ended.stderr


def test_the_verdicts_can_be_kept_in_a_file(tmp_path: Path) -> None:
    files.write(tmp_path / "old.json", measured())
    files.write(tmp_path / "new.json", slower({"fastapi/p99": 1.3}))

    ended = lab("compare", "old.json", "new.json", "--json", "kept/found.json", cwd=tmp_path)

    found = files.read(tmp_path / "kept" / "found.json", CompareResult)
    assert ended.returncode == 0
    assert change(found, "fastapi / flask", "p99").verdict == "slower"


def test_a_condition_that_could_not_be_judged_everywhere_is_no_pass(tmp_path: Path) -> None:
    burst = make_scenario(make_arms(5, {}), name="burst")
    files.write(tmp_path / "old.json", make_bench(make_scenario(make_arms(0, {})), burst))
    stopped = make_scenario([], name="burst", refused=["no steady state"])
    files.write(tmp_path / "new.json", make_bench(make_scenario(make_arms(1, {})), stopped))

    gated = lab("compare", "old.json", "new.json", "--fail-if", "slower:50%", cwd=tmp_path)
    narrowed = lab("compare", "old.json", "new.json", "--fail-if", "steady/slower:50%", cwd=tmp_path)

    assert gated.returncode == 2
    assert "could not tell: slower:50%: burst: new.json: no steady state" in gated.stdout
    assert narrowed.returncode == 0
