"""`lab gate` on servers whose speed and answers a test decides."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from serving_lab.gate.result import GateResult
from serving_lab.results import files
from support import subject
from support.subject import Behaviour

LAB = Path(sys.executable).parent / "lab"
# It waits instead of working, so that what else runs on the machine hardly moves it.
AS_BEFORE = Behaviour(wait=0.003)
PROFILE = """
requests:
  predict:
    request: {method: POST, path: /predict, json: {features: [1, 2]}}
    expect: {json: {$.prediction: number, $.cached: false}}
bench:
  scenarios:
    sequential: {requests: {predict: 1}, connections: 1}
footprint: {ready: /ready}
"""


@dataclass(frozen=True)
class Run:
    """What a run of the command left."""

    code: int
    stdout: str
    stderr: str
    result: GateResult | None


def program(behaviour: Behaviour) -> str:
    """Return the command that starts such a server."""
    return shlex.join([sys.executable, subject.__file__, json.dumps(vars(behaviour)), "--port", "${port}"])


def command(directory: Path, base: Behaviour, head: Behaviour, *options: str, first: Sequence[str] = ()) -> list[str]:
    """Return the command that gates one server against another, begun with `first`."""
    profile = directory / "profile.yaml"
    profile.write_text(PROFILE)
    sides = ("--base-command", program(base), "--head-command", program(head))
    return [*first, str(LAB), "gate", *sides, "--profile", str(profile), "--output", str(directory / "gate"), *options]


def gate(
    directory: Path, base: Behaviour, head: Behaviour, *options: str, first: Sequence[str] = (), seconds: float = 280
) -> Run:
    """Run the command to its end, which comes within so many seconds."""
    done = subprocess.run(
        command(directory, base, head, *options, first=first),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        cwd=directory,
        env=os.environ,
    )
    path = directory / "gate" / "gate.json"
    return Run(done.returncode, done.stdout, done.stderr, files.read(path, GateResult) if path.exists() else None)


def marked(mark: str) -> list[str]:
    """Return the processes that have a mark in their environment, in words."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MARK") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid} {' '.join(process.cmdline())[:100]}")
        except (psutil.Error, OSError):
            continue
    return found
