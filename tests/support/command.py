"""The lab's command line, run in the process of the tests: starting a program for each question takes a second.

The program itself is run by tests/lab/test_exit_codes.py, and wherever a test starts what has to be stopped again.
"""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from serving_lab import cli


def lab(
    *arguments: str | Path, cwd: Path = Path(), environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a directory; with an environment it has no other, as a process has."""
    stdout, stderr = io.StringIO(), io.StringIO()
    words = ["lab", *map(str, arguments)]
    code: object = None
    with (
        chdir(cwd),
        patch.dict(os.environ, environment or {}, clear=environment is not None),
        patch.object(sys, "argv", words),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
    ):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
    return subprocess.CompletedProcess(
        words, code if isinstance(code, int) else 0, stdout.getvalue(), stderr.getvalue()
    )
