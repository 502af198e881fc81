"""docs/clients.md: its code runs as it stands there, with the old service and with the new one."""

import re
import subprocess
import sys

import pytest
from support.checkout import REPOSITORY
from support.services import RunningService

TEXT = (REPOSITORY / "docs" / "clients.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
PRINTED = {
    "PredictionClient(": r"\d+\.\d+ 1\.0\.0",
    "asyncio.run": "250",
    "Retries(": "healthy",
    "ApiError": r"400 Expected 10 features None [\w.-]+",
    "sync_detailed": r"(200|HTTPStatus.OK) HealthResponse\(status='healthy', .*\)",
}
"""What each block prints, in order, by a text in it."""


def printed_by(block: str) -> str:
    """The pattern of what a block prints; the last that fits, because the first fits several."""
    return next(pattern for mark, pattern in reversed(PRINTED.items()) if mark in block)


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_python_code_runs_as_it_stands_there(service: RunningService, number: int) -> None:
    block = PYTHON[number]
    here = block.replace("http://localhost:8000", service.base_url)
    here = here.replace('"lab"', repr(service.username)).replace('"secret"', repr(service.password))

    done = subprocess.run([sys.executable, "-c", here], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(printed_by(block), done.stdout.strip()), done.stdout


def test_each_block_has_what_it_prints() -> None:
    assert [printed_by(block) for block in PYTHON] == list(PRINTED.values())
