"""docs/clients.md: its Python code runs as it stands there, with every service."""

import re
import subprocess
import sys

from support.page import Page
from support.services import RunningService

BLOCKS = [block.text for block in Page("docs/clients.md").blocks if block.language == "python"]
PRINTED = (
    r"\d+\.\d+ 1\.0\.0",
    "250",
    "healthy",
    r"400 Expected 10 features None [\w.-]+",
    r"200 HealthResponse\(status='healthy', .*\)",
)
"""The pattern of what each block prints: one line."""


def test_python_code_runs_as_it_stands_there(service: RunningService) -> None:
    code = "\n".join(BLOCKS).replace("http://localhost:8000", service.base_url)
    code = code.replace('"lab"', repr(service.username)).replace('"secret"', repr(service.password))

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert len(BLOCKS) == len(PRINTED)
    assert re.fullmatch("\n".join(PRINTED), done.stdout.strip()), done.stdout
