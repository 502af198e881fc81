"""What ends a measurement early, and how that is told. Nothing is judged by its size: other tests may run meanwhile."""

import signal
import subprocess
from pathlib import Path

import pytest
from serving_lab.footprint.result import FootprintResult
from serving_lab.results import files
from support.services import wait_until

from footprint.files import LAB, footprint, running, target, write

pytestmark = pytest.mark.service


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_in_order_and_keeps_what_was_measured(tmp_path: Path, number: signal.Signals) -> None:
    path = write(tmp_path, {"one": target(folder=tmp_path), "other": target(folder=tmp_path, sleep=0.3)})
    command = [str(LAB), "footprint", "--profile", str(path), "--starts", "500"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(line.startswith("start 3 of 500") for line in process.stdout)
        process.send_signal(number)
        process.stdout.read()

    assert process.returncode == 130
    assert running(tmp_path) == []
    result = files.read(tmp_path / "results" / "footprint.json", FootprintResult)
    assert result.partial
    starts = [each.start_up.starts for each in result.targets if each.start_up]
    assert [len(each) >= 2 for each in starts] == [True, True]


def test_an_interruption_before_anything_was_measured_leaves_no_result(tmp_path: Path) -> None:
    path = write(tmp_path, {name: target(folder=tmp_path, sleep=2) for name in ("one", "other")})
    command = [str(LAB), "footprint", "--profile", str(path)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(line.startswith("trying one, other") for line in process.stdout)
        wait_until(lambda: bool(running(tmp_path)), "an instance that starts")
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=60)

    assert process.returncode == 130
    assert complaint == "error: interrupted before anything was measured\n"
    assert not (tmp_path / "results").exists()
    assert running(tmp_path) == []


def test_a_service_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    path = write(tmp_path, {"broken": target(fail=1)})

    run = footprint("--profile", path, cwd=tmp_path)

    assert run.returncode == 2
    assert "broken ended while it started: exit code 1: no model to serve" in run.stderr
    assert "Traceback" not in run.stderr
