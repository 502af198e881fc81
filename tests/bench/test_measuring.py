"""`lab bench` on servers of known speed: what it finds, and what it refuses to conclude."""

import re
import signal
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from serving_lab.bench.result import BenchResult
from serving_lab.experiment.records import QUANTILES
from serving_lab.results import files
from support.processors import lost_to_others, undisturbed
from support.services import wait_until
from support.subject import Behaviour

from bench.measured import FAST, Run, command, fairly, not_measured, output, subjects

pytestmark = [pytest.mark.service, pytest.mark.alone, pytest.mark.timeout(600)]

HALF_AS_FAST = Behaviour(wait=0.008)
SHORT = ("--pairs", "4", "--seconds", "1.2")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One measurement of a server against one that is half as fast, with a condition that is met."""
    directory = tmp_path_factory.mktemp("measured")
    condition = ("--fail-if", "sequential/throughput:slower:5%")
    with subjects(FAST, HALF_AS_FAST) as targets:
        return fairly(directory, *targets, *SHORT, "--scenario", "sequential", "--scenario", "steady", *condition)


@pytest.fixture(scope="module")
def measured(run: Run) -> BenchResult:
    assert run.result is not None, run.stderr
    return run.result


def test_a_server_that_is_half_as_fast_is_slower_and_by_how_much(measured: BenchResult) -> None:
    found = {(scenario.name, each.metric): each for scenario, each in measured.comparisons}

    throughput = found["sequential", "throughput"]
    assert throughput.verdict == "slower", throughput.why
    assert throughput.ratio == pytest.approx(0.53, abs=0.1)
    # How wide the interval is, the machine decides. What was planted is 0.5 for the waits alone, and more with what
    # either server adds to them, hardly a millisecond: (4 + 1) / (8 + 1).
    assert throughput.low is not None
    assert throughput.high is not None
    assert throughput.low < 0.56
    assert 0.5 < throughput.high < 1
    assert found["steady", "p50"].verdict == "slower", found["steady", "p50"].why


def test_what_is_planned_is_measured_in_pairs(measured: BenchResult) -> None:
    for scenario in measured.scenarios:
        whole = [arm for arm in scenario.arms if not arm.faults]
        assert scenario.pairs_planned == 4
        assert {arm.target for arm in whole} == {"old", "new"}
        assert len({arm.pair for arm in whole}) >= 4
        assert {arm.position for arm in whole} == {1, 2}


def test_a_rate_that_both_can_carry_is_found(measured: BenchResult) -> None:
    (steady,) = (scenario for scenario in measured.scenarios if scenario.name == "steady")

    assert steady.rate is not None
    assert steady.rate == pytest.approx(60, abs=12)  # half of what the slower one can: 1 / 8 ms, less the way there
    for arm in steady.arms:
        assert arm.planned == pytest.approx(steady.rate * arm.seconds, rel=0.25)
        assert arm.answered == arm.planned
        assert arm.uncorrected["mean"] < arm.values["mean"]


def test_the_distribution_is_that_of_all_arms_that_count(measured: BenchResult) -> None:
    scenario = measured.scenarios[0]
    for target, distribution in scenario.distributions.items():
        arms = [arm for arm in scenario.arms if arm.target == target and not arm.faults]
        assert distribution.count == sum(arm.answered for arm in arms)
        assert distribution.seconds == sorted(distribution.seconds)
        middle = distribution.seconds[QUANTILES.index(0.5)]
        assert min(arm.values["p50"] for arm in arms) <= middle <= max(arm.values["p50"] for arm in arms)


def test_place_and_conditions_are_recorded(measured: BenchResult) -> None:
    assert measured.testbed.mode == "elsewhere"
    assert measured.machine is not None
    assert measured.machine.cores > 0
    assert measured.verification.requests == 25
    assert measured.verification.compared == ["$.prediction"]
    assert measured.warnings[0] == "the targets do not state their conditions (no /metrics that the lab can read)"
    for target, warning in zip(("old", "new"), measured.warnings[1:], strict=True):
        told = rf"{target} has no /metrics: CPU time and memory are those of process \d+ and all below it"
        assert re.fullmatch(told, warning)


def test_cpu_time_and_memory_of_targets_without_metrics_are_what_the_kernel_says(
    run: Run, measured: BenchResult
) -> None:
    arms = [arm for scenario in measured.scenarios for arm in scenario.arms]
    # Of an idle wait of some milliseconds hardly anything is CPU time; a Python process has some MiB.
    assert all(0 < arm.values["cpu"] < 5 for arm in arms)
    assert all(1e6 < (arm.memory_bytes or 0) < 1e9 for arm in arms)
    assert re.search(r"sequential: memory under load, not judged: old [\d.]+ MiB, new [\d.]+ MiB", run.stdout)
    assert {"serving-lab", "numpy", "python"} <= measured.versions.keys()
    assert not measured.partial


def test_wrong_answers_and_a_rate_that_a_target_cannot_carry_are_refused(tmp_path: Path) -> None:
    with subjects(FAST, replace(FAST, wrong_every=300)) as targets:
        done = fairly(tmp_path, *targets, *SHORT, "--scenario", "sequential", "--scenario", "beyond")

    assert done.code == 2
    assert done.result is not None
    wrong, beyond = done.result.scenarios
    assert any("new answered wrongly: $.prediction is null, not a number" in why for why in wrong.refused)
    assert any("does not keep up with the rate" in why for why in beyond.refused), beyond.refused
    assert {each.verdict for scenario in (wrong, beyond) for each in scenario.comparisons} == {"refused"}


def test_a_condition_that_is_met_fails_the_run(run: Run) -> None:
    assert run.code == 1, run.stdout
    assert "new against old" in run.stdout
    assert "fails: " in run.stdout


def test_an_interruption_keeps_what_was_measured_and_says_that_it_is_partial(tmp_path: Path) -> None:
    with subjects(FAST, FAST) as targets:
        process = subprocess.Popen(
            command(tmp_path, *targets, "--pairs", "50", "--seconds", "0.5", first=undisturbed()),
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        said: list[str] = []
        reader = threading.Thread(target=lambda: said.extend(iter(process.stdout.readline, "")))  # type: ignore[union-attr]
        reader.start()
        wait_until(
            lambda: any("pair 3 of 50" in line for line in said) or process.poll() is not None, "two pairs", seconds=60
        )
        if process.poll() is not None:
            not_measured("".join(said), lost_to_others())
        process.send_signal(signal.SIGINT)
        code = process.wait(30)
        reader.join()

    result = files.read(output(tmp_path), BenchResult)
    assert code == 130
    assert result.partial
    assert any("Partial" in line for line in said)
    (scenario,) = result.scenarios
    assert len({arm.pair for arm in scenario.arms}) >= 2
    assert {each.verdict for each in scenario.comparisons} == {"withheld"}
    assert all(each.ratio is not None for each in scenario.comparisons if each.metric != "p99")
