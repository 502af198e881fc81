"""`lab bench` from the outside: what it measures, what it refuses, and what it says of mistakes."""

import re
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from serving_lab.bench.result import BenchResult
from serving_lab.experiment.records import QUANTILES
from serving_lab.results import files
from support.services import free_port, wait_until
from support.subject import Behaviour, subject

from bench.measured import PROFILE, bench, command, fairly, output, subjects

pytestmark = [pytest.mark.service, pytest.mark.alone, pytest.mark.timeout(600)]

# They wait instead of working, so that what else runs on the machine hardly moves them.
FAST = Behaviour(wait=0.004)
HALF_AS_FAST = Behaviour(wait=0.008)
SHORT = ("--pairs", "3", "--seconds", "1.2")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> BenchResult:
    """One measurement of a server against one that is half as fast."""
    directory = tmp_path_factory.mktemp("measured")
    with subjects(FAST, HALF_AS_FAST) as targets:
        done = fairly(directory, *targets, *SHORT, "--scenario", "sequential", "--scenario", "steady")
    assert done.result is not None, done.stderr
    assert "new against old" in done.stdout
    return done.result


def test_a_server_that_is_half_as_fast_is_slower_and_by_how_much(measured: BenchResult) -> None:
    found = {(scenario.name, each.metric): each for scenario, each in measured.comparisons}

    throughput = found["sequential", "throughput"]
    assert throughput.verdict == "slower", throughput.why
    assert throughput.ratio == pytest.approx(0.53, abs=0.1)
    # How wide the interval is, the machine decides; it holds what was planted, and not "as fast".
    assert (throughput.low or 1) < 0.53 < (throughput.high or 0) < 1
    assert found["steady", "p50"].verdict == "slower", found["steady", "p50"].why


def test_what_is_planned_is_measured_in_pairs(measured: BenchResult) -> None:
    for scenario in measured.scenarios:
        whole = [arm for arm in scenario.arms if not arm.faults]
        assert scenario.pairs_planned == 3
        assert {arm.target for arm in whole} == {"old", "new"}
        assert len({arm.pair for arm in whole}) >= 3
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
    assert measured.warnings == ["the targets do not state their conditions (no /metrics that the lab can read)"]
    assert {"serving-lab", "numpy", "python"} <= measured.versions.keys()
    assert not measured.partial


def test_wrong_answers_are_not_timed(tmp_path: Path) -> None:
    with subjects(FAST, Behaviour(status=500)) as targets:
        done = bench(tmp_path, *targets)

    assert (done.code, done.result) == (2, None)
    assert done.stderr.startswith("error: new answers predict wrongly: status 500")


def test_answers_that_must_agree_and_do_not_are_not_timed(tmp_path: Path) -> None:
    with subjects(FAST, Behaviour(wrong_every=7)) as targets:
        text = PROFILE.replace("$.prediction: number, $.cached: false", "$.prediction: any")
        done = bench(tmp_path, *targets, text=text)

    assert (done.code, done.result) == (2, None)
    assert "old and new do not answer predict alike: $.prediction is 1.5 and null" in done.stderr


def test_a_scenario_with_wrong_answers_is_refused(tmp_path: Path) -> None:
    with subjects(FAST, Behaviour(wait=0.004, wrong_every=300)) as targets:
        done = fairly(tmp_path, *targets, *SHORT)

    assert done.code == 2
    assert done.result is not None
    (scenario,) = done.result.scenarios
    assert any("new answered wrongly: $.prediction is null, not a number" in why for why in scenario.refused)
    assert {each.verdict for each in scenario.comparisons} == {"refused"}


def test_a_rate_that_a_target_cannot_carry_is_refused(tmp_path: Path) -> None:
    with subjects(FAST, FAST) as targets:
        done = fairly(tmp_path, *targets, "--pairs", "3", "--seconds", "0.5", "--scenario", "beyond")

    assert done.code == 2
    assert done.result is not None
    (scenario,) = done.result.scenarios
    assert any("does not keep up with the rate" in why for why in scenario.refused), scenario.refused


def test_a_condition_that_is_met_fails_the_run(tmp_path: Path) -> None:
    with subjects(FAST, HALF_AS_FAST) as targets:
        done = fairly(tmp_path, *targets, *SHORT, "--fail-if", "sequential/throughput:slower:5%")

    assert done.code == 1, done.stdout
    assert "fails: " in done.stdout


def test_an_interruption_keeps_what_was_measured_and_says_that_it_is_partial(tmp_path: Path) -> None:
    with subjects(FAST, FAST) as targets:
        process = subprocess.Popen(
            command(tmp_path, *targets, "--pairs", "50", "--seconds", "0.5"),
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        said: list[str] = []
        reader = threading.Thread(target=lambda: said.extend(iter(process.stdout.readline, "")))  # type: ignore[union-attr]
        reader.start()
        wait_until(lambda: any("pair 3 of 50" in line for line in said), "two pairs", seconds=60)
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


def test_an_interruption_before_the_first_pair_leaves_no_result(tmp_path: Path) -> None:
    with subjects(FAST, FAST) as targets:
        process = subprocess.Popen(
            command(tmp_path, *targets), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
        )
        assert process.stdout is not None
        assert "warm-up" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=30)

    assert process.returncode == 130
    assert complaint == "error: interrupted before anything was measured\n"
    assert not output(tmp_path).exists()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--target", "old=http://127.0.0.1:1"), "two targets at least are needed to compare"),
        (("--target", "old", "--target", "new=http://127.0.0.1:1"), "'old' is not a target"),
        (("--target", "a=http://127.0.0.1:1", "--target", "a=http://127.0.0.1:2"), "two targets have the same name"),
        (("--target", "a=ftp://x", "--target", "b=http://127.0.0.1:2"), "'ftp://x' is not a valid base URL"),
        (("--pairs", "2"), "greater than or equal to 3"),
        (("--fail-if", "sluggish"), "sluggish"),
    ],
)
def test_a_mistake_is_a_line_and_exit_code_2(tmp_path: Path, options: tuple[str, ...], complaint: str) -> None:
    two = ("--target", "a=http://127.0.0.1:1", "--target", "b=http://127.0.0.1:2")

    done = bench(tmp_path, *options, *(() if "--target" in options else two))

    assert done.code == 2
    assert re.match(r"error: .+\n( hint: .+\n)?$", done.stderr), done.stderr
    assert complaint in done.stderr


def test_a_target_that_is_not_there_is_named(tmp_path: Path) -> None:
    port = free_port()
    with subject() as url:
        done = bench(tmp_path, "--target", f"old={url}", "--target", f"new=http://127.0.0.1:{port}")

    assert done.code == 2
    assert done.stderr.startswith(f"error: http://127.0.0.1:{port} does not answer")


def test_a_scenario_that_is_not_there_is_named(tmp_path: Path) -> None:
    with subjects(FAST, FAST) as targets:
        done = bench(tmp_path, *targets, "--scenario", "fast")

    assert (done.code, done.result) == (2, None)
    assert "there is no scenario 'fast'" in done.stderr
    assert "sequential" in done.stderr
