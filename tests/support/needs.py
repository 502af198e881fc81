"""Programs that a test needs and a machine may not have."""

from __future__ import annotations

import os
import shutil

import pytest


def needed(program: str, *, package: str) -> str:
    """Return where a program is; without it the test is skipped, or fails where everything is checked (CI=true)."""
    found = shutil.which(program) or shutil.which(program, path="/usr/bin")
    if found is None:
        complaint = f"no {program} here: apt-get install {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(complaint)
        pytest.skip(complaint)
    return found
