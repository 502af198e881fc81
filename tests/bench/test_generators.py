"""`lab bench` with generators elsewhere: what becomes of a measurement that loses one for good."""

import contextlib
import re
import subprocess
import threading
from pathlib import Path

import pytest
from generator.listening import Certificate, listening, secret_file
from serving_lab.bench.result import BenchResult
from serving_lab.results import files
from support.services import wait_until

from bench.measured import FAST, command, output, subjects

_A_PAIR = re.compile("pair 2 of|1 pair did not count")
pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]


def test_what_was_measured_is_kept_without_a_verdict(tmp_path: Path) -> None:
    secret, certificate = secret_file(tmp_path), Certificate.make(tmp_path)
    with (
        subjects(FAST, FAST) as targets,
        listening(secret, certificate) as lost,
        listening(secret, certificate) as kept,
        contextlib.ExitStack() as ended,
    ):
        process = subprocess.Popen(
            command(
                tmp_path,
                *targets,
                *("--scenario", "flood", "--pairs", "50", "--seconds", "1"),
                *("--generators", f"{lost.address},{kept.address}"),
                *("--generator-secret-file", str(secret), "--generator-ca", str(certificate.file)),
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        ended.callback(process.kill)
        said: list[str] = []
        reader = threading.Thread(target=lambda: said.extend(process.stdout or ()))
        reader.start()
        wait_until(lambda: any(map(_A_PAIR.search, said)) or process.poll() is not None, "a pair", 60)
        lost.process.kill()
        _, complaint = process.communicate(timeout=60)
        reader.join()

    result = files.read(output(tmp_path), BenchResult)
    assert process.returncode == 2
    assert f"error: a generator cannot be used: {lost.address} cannot be reached: Connection refused" in complaint
    assert result.partial
    assert result.testbed.generator == f"elsewhere: {lost.address}, {kept.address}"
    (scenario,) = result.scenarios
    assert {each.verdict for each in scenario.comparisons} <= {"withheld"}
    assert [part.name for part in scenario.arms[0].generator.parts] == [lost.address, kept.address]
