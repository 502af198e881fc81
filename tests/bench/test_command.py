"""`lab bench` from the outside: what it does not begin to measure, and what it says of mistakes."""

import re
import signal
import subprocess
from pathlib import Path

import pytest
from support.services import free_port
from support.subject import Behaviour, subject

from bench.measured import FAST, PROFILE, bench, command, output, subjects

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]


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
        (("--pairs", "5", "--budget", "5m"), "--budget and --pairs exclude each other"),
        (("--budget", "soon"), "--budget 'soon' is not a length of time"),
        (("--budget", "0s"), "--budget '0s' is not a length of time"),
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


def test_a_budget_that_no_measurement_fits_in_says_how_much_it_takes(tmp_path: Path) -> None:
    with subjects(FAST, FAST) as targets:
        done = bench(tmp_path, *targets, "--budget", "10s")

    assert (done.code, done.result) == (2, None)
    assert re.search(r"a budget of 10 s is too short for 1 scenario: \d+ s at least\n hint: --budget 1m", done.stderr)


def test_a_scenario_that_is_not_there_is_named(tmp_path: Path) -> None:
    with subjects(FAST, FAST) as targets:
        done = bench(tmp_path, *targets, "--scenario", "fast")

    assert (done.code, done.result) == (2, None)
    assert "there is no scenario 'fast'" in done.stderr
    assert "sequential" in done.stderr
