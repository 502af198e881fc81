"""Ctrl-C while services are compared: what was found is kept, and the exit code tells it from an answer."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from serving_lab import exit_codes
from serving_lab.parity.result import ParityResult
from serving_lab.results import files
from support.fake_server import Asked, Says, fake_server

LAB = Path(sys.executable).parent / "lab"
CORPUS = "requests: [{name: ask, method: GET, path: /ask}]\n"

pytestmark = pytest.mark.service


@pytest.mark.parametrize(
    ("candidate", "code", "verdict"),
    [({"a": 1}, exit_codes.INTERRUPTED, "cannot tell"), ({"a": 2}, exit_codes.FOUND, "different")],
)
def test_an_interruption_is_no_answer_unless_a_difference_was_found(
    tmp_path: Path, candidate: object, code: int, verdict: str
) -> None:
    def saying(answer: object) -> Callable[[Asked], Says]:
        return lambda asked: Says(answer, 404 if asked.path == "/openapi.json" else 200)

    with fake_server(saying({"a": 1})) as old, fake_server(saying(candidate)) as new:
        (tmp_path / "corpus.yaml").write_text(CORPUS)
        urls = ("--primary", old.base_url, "--candidate", new.base_url, "--corpus", "corpus.yaml")
        process = subprocess.Popen(
            [str(LAB), "parity", *urls, "--generate", "1000000"], stdout=subprocess.PIPE, text=True, cwd=tmp_path
        )
        assert process.stdout is not None
        assert any(line.startswith("generated:") for line in process.stdout)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    result = files.read(tmp_path / "results" / "parity.json", ParityResult)
    assert process.returncode == code
    assert (result.verdict, result.partial) == (verdict, True)
