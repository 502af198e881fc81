"""docs/clients.md: its code runs as it stands there, with every service."""

import re
import subprocess
import sys

import pytest
from support.page import Page
from support.services import RunningService

PAGE = Page("docs/clients.md")
PRINTED = (
    ("print(answer.prediction", r"\d+\.\d+ 1\.0\.0"),
    ("asyncio.run", "250"),
    ("Retries(", "healthy"),
    ("except ApiError", r"400 Expected 10 features None [\w.-]+"),
    ("sync_detailed", r"200 HealthResponse\(status='healthy', .*\)"),
)
"""A text in each block of Python, and the pattern of what the block prints."""


@pytest.mark.parametrize(("having", "printed"), PRINTED, ids=[having for having, _ in PRINTED])
def test_python_code_runs_as_it_stands_there(service: RunningService, having: str, printed: str) -> None:
    code = PAGE.block("python", having).replace("http://localhost:8000", service.base_url)
    code = code.replace('"lab"', repr(service.username)).replace('"secret"', repr(service.password))

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(printed, done.stdout.strip()), done.stdout


@pytest.mark.service
def test_no_block_of_python_is_left_out() -> None:
    assert len([block for block in PAGE.blocks if block.language == "python"]) == len(PRINTED)
