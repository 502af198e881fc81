"""`lab gate` from its command line to its exit code, on servers that a test slows down or breaks."""

import os
import shlex
import signal
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
from support.services import wait_until
from support.subject import Behaviour

from gate.gated import AS_BEFORE, command, gate, marked, program

pytestmark = [pytest.mark.service, pytest.mark.timeout(900)]

BROKEN = Behaviour(wait=0.003, wrong_every=1)
ANSWERS = ("--part", "parity", "--budget", "60s")


def test_different_answers_fail(tmp_path: Path) -> None:
    run = gate(tmp_path, AS_BEFORE, BROKEN, *ANSWERS)

    assert run.code == 1, run.stdout
    assert run.stdout.splitlines()[-1].startswith("Failed: answers differ: ")
    assert run.result is not None
    [service] = run.result.services
    assert "type: $.prediction at POST /predict" in {each.name for each in service.checks if each.outcome == "failed"}


def test_the_footprint_is_that_of_the_same_commands(tmp_path: Path) -> None:
    run = gate(tmp_path, AS_BEFORE, AS_BEFORE, "--part", "footprint", "--budget", "2m")

    assert run.code == 0, run.stdout
    assert run.result is not None
    [service] = run.result.services
    assert service.footprint is not None
    assert [len(each.start_up.starts) for each in service.footprint.targets if each.start_up] == [3, 3]


def test_everything_ends_within_the_budget(tmp_path: Path) -> None:
    run = gate(tmp_path, AS_BEFORE, AS_BEFORE, "--part", "bench", "--budget", "30s")

    assert run.code == 2, run.stdout
    assert run.result is not None
    assert run.result.seconds < 30


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_gate_that_is_killed_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    mark = f"gate-{uuid4().hex}"
    in_background = f"sh -c {shlex.quote(f'setsid {program(AS_BEFORE)} & wait')}"
    words = command(tmp_path, AS_BEFORE, AS_BEFORE, "--part", "bench", "--budget", "2m")
    words[words.index("--head-command") + 1] = in_background
    log = tmp_path / "gate" / "logs" / "bench.log"
    with subprocess.Popen(words, env=os.environ | {"MARK": mark}, stdout=subprocess.DEVNULL, cwd=tmp_path) as process:
        wait_until(lambda: log.exists() and "warm-up" in log.read_text(), "the measurement has begun", seconds=60)
        assert len(marked(mark)) > 5
        process.send_signal(number)
        code = process.wait(60)

    assert code == (-number if number is signal.SIGKILL else 130)
    wait_until(lambda: not marked(mark), "nothing is left", seconds=30, explain=lambda: str(marked(mark)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "is not inside a checkout of the lab"),
        (("--base-url", "http://127.0.0.1:9", "--base-command", "x ${port}"), "base is to be given in one way"),
        (("--base-command", "python app.py", "--head-url", "http://127.0.0.1:9"), "where the service is to listen"),
        (("--base-command", "'", "--head-url", "http://127.0.0.1:9"), "is not a command"),
        (("--base-url", "nowhere", "--head-url", "http://127.0.0.1:9"), "it must begin with http"),
        (("--base-url", "http://127.0.0.1:9", "--head-url", "http://127.0.0.1:9"), "what is to be sent"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = run_with(tmp_path, *options)

    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("sh -c 'echo broken; exit 3' ${port}", "base ended while it started: exit code 3: broken"),
        ("no-such-program ${port}", "no-such-program cannot be started"),
    ],
)
def test_a_side_that_does_not_start_is_said_with_its_last_words(tmp_path: Path, base: str, said: str) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text("requests: {}")
    head = ("--head-command", program(AS_BEFORE))

    done = run_with(tmp_path, "--base-command", base, *head, "--profile", str(profile))

    assert done.returncode == 2
    assert said in done.stderr


def run_with(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    words = command(directory, AS_BEFORE, AS_BEFORE)
    return subprocess.run(
        [words[0], "gate", *options], capture_output=True, text=True, timeout=100, check=False, cwd=directory
    )
