"""`lab rollout` with a real gateway before real services, one of which has a planted fault."""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest
from serving_lab import exit_codes
from serving_lab.gateway.config import BUCKETS, TAP
from serving_lab.rollout.judge import Outcome
from serving_lab.rollout.result import Ending
from serving_lab.rollout.state import StateFile
from support.services import wait_until

from rollout.worlds import ALL_WELL, IN_SHADOW, NEW, OLD, SHORT, STAGES, World, world

pytestmark = pytest.mark.service
EASILY_PASSED = """
shadow: {requests: 100, hold: {least: 1, most: 60}}
hold: {least: 1, most: 60}
limits: {error_points: 20, p50: 20, p99: null, memory_per_hour: null}
stages: [{share: 10}, {share: 50}, {share: 100}]
machine: {stolen: 1, waiting: 1.1}
"""


@pytest.fixture
def healthy(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as running:
        yield running


def test_a_healthy_candidate_gets_everything_and_nobody_notices(healthy: World) -> None:
    ran = healthy.lab("run")
    met = healthy.met()

    result = healthy.result()
    # On a busy machine the two may not be told to be alike in the time there is; then nothing is at the candidate.
    assert (ran.returncode, result.ending) in {
        (exit_codes.OK, Ending.PROMOTED),
        (exit_codes.CANNOT_TELL, Ending.CANNOT_TELL),
    }, ran.stdout
    assert set(met) == ALL_WELL
    assert healthy.gateway.control.share() == result.share == (BUCKETS if ran.returncode == 0 else 0)
    assert [stage.outcome for stage in result.stages[:-1]] == [Outcome.PROMOTE] * (len(result.stages) - 1)
    assert all(stage.looks for stage in result.stages)
    # Requests that were under way when the share grew belong to the stage before.
    assert {stage.observed_share for stage in result.stages if stage.share == BUCKETS} <= {1.0}
    assert result.exit_code == ran.returncode


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("failing=0.4", "failed"),
        ("dies=2", "not ready"),
    ],
)
def test_a_candidate_with_a_fault_is_rolled_back(tmp_path: Path, fault: str, why: str) -> None:
    with world(tmp_path, fault) as running:
        ran = running.lab("run")
        met = running.met()
        result = running.result()

        assert (ran.returncode, result.ending) == (exit_codes.FOUND, Ending.ROLLED_BACK), ran.stdout
        assert why in result.why
        assert running.gateway.control.share() == result.share == 0
        assert [stage.name for stage in result.stages] == ["10%"]
        assert result.rollback_seconds is not None  # how short it is, `make rollout-proof` shows
        # A share of the users saw it, and no more than that.
        assert sum(met.values()) - met["200"] - met["101"] <= 0.3 * sum(met.values())


def test_a_candidate_that_answers_wrongly_is_stopped_in_the_shadow_and_nobody_meets_it(tmp_path: Path) -> None:
    with world(tmp_path, "wrong=0.02", stages=IN_SHADOW) as running:
        ran = running.lab("run")
        result = running.result()

        assert (ran.returncode, result.ending) == (exit_codes.FOUND, Ending.ROLLED_BACK), ran.stdout
        assert "$.value: 42 became 43" in result.why
        assert [(stage.name, stage.share) for stage in result.stages] == [("shadow", 0)]
        assert result.mirror is not None
        assert result.mirror.causes[0].what == "number: $.value"
        assert set(running.met()) == ALL_WELL


def test_a_healthy_candidate_passes_the_shadow_and_a_mirror_that_dies_is_no_pass(tmp_path: Path) -> None:
    stages = IN_SHADOW.replace("{least: 2, most: 25}\nlimits", "{least: 2, most: 8}\nlimits")
    with world(tmp_path, stages=stages) as running:
        process = started(running)
        state = StateFile(running.output).read()
        assert state is not None
        assert state.tap is not None
        assert state.stages[0].outcome is Outcome.PROMOTE

        os.kill(state.tap, signal.SIGKILL)

        assert process.wait(60) == exit_codes.CANNOT_TELL
        assert "lab tap ended" in running.result().why
        assert running.gateway.control.share() == 0
        # What was on its way through the tap when it died is lost with it, and nothing else.
        assert running.met()["200"] > 200


def test_a_rollout_that_was_killed_is_told_rightly_resumed_and_aborted(healthy: World) -> None:
    first = started(healthy)
    second = healthy.lab("run")
    assert second.returncode == exit_codes.CANNOT_TELL
    assert f"process {first.pid}" in second.stderr

    first.kill()
    first.wait()
    told = json.loads(healthy.lab("status", "--json").stdout)
    assert (told["running"], told["share"], told["agrees"]) == (False, 1000, True)
    assert told["state"]["stage_name"] == "10%"
    assert "was killed in stage 10%" in healthy.lab("status").stdout
    refused = healthy.lab("run")
    assert (refused.returncode, healthy.gateway.control.share()) == (exit_codes.CANNOT_TELL, 1000)
    assert "10% of the users are at new already" in refused.stderr

    resumed = subprocess.Popen(healthy.command("resume"), stdout=subprocess.DEVNULL)
    state = StateFile(healthy.output)
    wait_until(lambda: state.holder() == resumed.pid, "the rollout is resumed")
    aborted = healthy.lab("abort")
    assert (aborted.returncode, resumed.wait(10)) == (exit_codes.OK, exit_codes.INTERRUPTED)
    assert healthy.gateway.control.share() == 0
    assert "No rollout runs" in healthy.lab("status").stdout
    assert set(healthy.met()) == ALL_WELL


def test_a_rollout_that_is_killed_in_any_stage_is_told_rightly_and_resumed(tmp_path: Path) -> None:
    with world(tmp_path, stages=EASILY_PASSED) as running:
        file, control = StateFile(running.output), running.gateway.control
        process = subprocess.Popen(running.command("run"), stdout=subprocess.DEVNULL)
        for stage, share in (("shadow", 0), ("10%", 1000), ("50%", 5000), ("100%", 10_000)):

            def reached(stage: str = stage, share: int = share) -> bool:
                state = file.read()
                return state is not None and state.stage_name == stage and control.share() == share

            wait_until(reached, f"the stage {stage}", seconds=90)
            process.kill()
            process.wait()
            told = json.loads(running.lab("status", "--json").stdout)
            assert (told["running"], told["share"], told["agrees"]) == (False, share, True)
            assert told["state"]["stage_name"] == stage
            tap = told["state"]["tap"]
            process = subprocess.Popen(running.command("resume"), stdout=subprocess.DEVNULL)
            wait_until(partial(holds, file, process.pid), "the rollout is resumed")
            wait_until(partial(has_ended, tap), "the tap of the killed one has ended")

        assert running.lab("abort").returncode == exit_codes.OK
        process.wait(10)
        assert control.share() == 0
        assert not control.server(OLD, TAP).up
        assert set(running.met()) == ALL_WELL


def test_a_rollout_that_was_killed_can_be_aborted_too(healthy: World) -> None:
    killed = started(healthy)
    killed.kill()
    killed.wait()

    assert healthy.lab("abort").returncode == exit_codes.OK

    assert healthy.gateway.control.share() == 0
    state = StateFile(healthy.output).read()
    assert state is not None
    assert (state.ending, state.share) == (Ending.INTERRUPTED, 0)


def test_an_interrupted_rollout_takes_the_share_back(healthy: World) -> None:
    running = started(healthy)
    for _ in range(3):
        running.send_signal(signal.SIGINT)

    assert running.wait(10) == exit_codes.INTERRUPTED
    assert healthy.gateway.control.share() == 0
    assert healthy.result().ending is Ending.INTERRUPTED


def test_a_gateway_that_ends_is_no_pass(healthy: World) -> None:
    running = started(healthy)

    healthy.gateway.process.kill()

    assert running.wait(60) == exit_codes.CANNOT_TELL
    assert "its share is unknown" in healthy.lab("status").stdout


def test_a_share_that_somebody_else_changes_is_no_pass(tmp_path: Path) -> None:
    with world(tmp_path, stages=STAGES.replace(*SHORT)) as running:
        process = started(running)

        running.gateway.control.set_share(900)

        assert process.wait(60) == exit_codes.CANNOT_TELL
        assert "somebody else changed the share: 9% of the users are at new" in running.result().why
        assert running.gateway.control.share() == 0


def test_nobody_is_asked_without_a_terminal(healthy: World) -> None:
    ran = healthy.lab("run", "--approve")

    assert ran.returncode == exit_codes.CANNOT_TELL
    assert "--yes" in ran.stderr


def test_a_person_who_does_not_approve_ends_it(healthy: World) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(healthy.command("run", "--approve"), stdin=theirs, stdout=subprocess.DEVNULL)
    state = StateFile(healthy.output)

    def held() -> bool:
        found = state.read()
        return found is not None and [stage.name for stage in found.stages] == ["10%"]

    wait_until(held, "the first stage is over", seconds=60)
    assert healthy.gateway.control.share() == 1000
    os.write(ours, b"n\n")

    assert process.wait(20) == exit_codes.CANNOT_TELL
    assert (healthy.result().ending, healthy.gateway.control.share()) == (Ending.REFUSED, 0)
    os.close(ours)
    os.close(theirs)


def holds(file: StateFile, process: int) -> bool:
    """Whether this process conducts the rollout."""
    return file.holder() == process


def has_ended(process: int) -> bool:
    """Whether there is no such process any more."""
    return not psutil.pid_exists(process)


def started(running: World) -> subprocess.Popen[bytes]:
    """A rollout that has given the candidate its first share."""
    process = subprocess.Popen(running.command("run"), stdout=subprocess.DEVNULL)
    wait_until(lambda: running.gateway.control.share() > 0, f"{NEW} has a share")
    return process
