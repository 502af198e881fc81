"""`lab bench` on servers whose speed a test decides."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from serving_lab.bench.result import BenchResult
from serving_lab.results import files
from support.subject import Behaviour, subject

if TYPE_CHECKING:
    from collections.abc import Iterator

LAB = Path(sys.executable).parent / "lab"
PROFILE = """
values: {row: {row: [{quantiles: [0, 10], decimals: 2}]}}
requests:
  predict:
    request: {method: POST, path: /predict, json: {features: "${row}"}}
    expect: {json: {$.prediction: number, $.cached: false}}
    agree: [$.prediction]
bench:
  scenarios:
    sequential: {requests: {predict: 1}, connections: 1}
    peak: {requests: {predict: 1}, connections: best}
    steady: {requests: {predict: 1}, loop: open, rate: {of_peak: 0.5}, connections: 16}
    too_fast: {requests: {predict: 1}, loop: open, rate: 5000, connections: 16}
    flood: {requests: {predict: 1}, connections: 16}
    knee: {requests: {predict: 1}, loop: knee, connections: 64, objective: {p99_seconds: 0.05}}
  default: [sequential]
"""
TRIES = 3


@dataclass(frozen=True)
class Run:
    """What a run of the command left."""

    code: int
    stdout: str
    stderr: str
    result: BenchResult | None


def profile(directory: Path, text: str = PROFILE) -> Path:
    path = directory / "profile.yaml"
    path.write_text(text)
    return path


@contextlib.contextmanager
def subjects(old: Behaviour, new: Behaviour) -> Iterator[tuple[str, ...]]:
    """Run two servers and yield the options that name them."""
    with subject(old) as old_url, subject(new) as new_url:
        yield "--target", f"old={old_url}", "--target", f"new={new_url}"


def command(directory: Path, *options: str, text: str = PROFILE) -> list[str]:
    return [str(LAB), "bench", "--profile", str(profile(directory, text)), "--output", str(output(directory)), *options]


def output(directory: Path) -> Path:
    return directory / "results" / "bench.json"


def bench(directory: Path, *options: str, text: str = PROFILE, seconds: float = 200) -> Run:
    """Run the command, with the profile above or another."""
    done = subprocess.run(
        command(directory, *options, text=text),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        cwd=directory,
    )
    path = output(directory)
    written = path.exists() and path.stat().st_size
    return Run(done.returncode, done.stdout, done.stderr, files.read(path, BenchResult) if written else None)


def accepted(directory: Path, *options: str) -> Run:
    """Run the command, again where the machine had too much else to do: that it is refused then is tested elsewhere."""
    for _ in range(TRIES):
        done = bench(directory, *options)
        if done.result is None or not any(scenario.refused for scenario in done.result.scenarios):
            break
    return done
