"""`lab bench` on servers whose speed a test decides."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest
from serving_lab.bench.result import BenchResult
from serving_lab.results import files
from support.needs import lacking
from support.processors import MOST_LOST, lost_to_others, undisturbed
from support.subject import Behaviour, subject

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
    beyond: {requests: {predict: 1}, loop: open, rate: 1000, connections: 16}
    flood: {requests: {predict: 1}, connections: 16}
    knee: {requests: {predict: 1}, loop: knee, connections: 64, objective: {p99_seconds: 0.05}}
  default: [sequential]
"""
# It waits instead of working, so that what else runs on the machine hardly moves it.
FAST = Behaviour(wait=0.004)
PATIENCE_SECONDS = 300.0


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
    """Run two servers, with processors whenever they want them, and yield the options that name them."""
    first = undisturbed()
    with subject(old, first=first) as old_url, subject(new, first=first) as new_url:
        yield "--target", f"old={old_url}", "--target", f"new={new_url}"


def command(directory: Path, *options: str, text: str = PROFILE, first: Sequence[str] = ()) -> list[str]:
    return [
        *first,
        str(LAB),
        "bench",
        "--profile",
        str(profile(directory, text)),
        "--output",
        str(output(directory)),
        *options,
    ]


def output(directory: Path) -> Path:
    return directory / "results" / "bench.json"


def bench(directory: Path, *options: str, text: str = PROFILE, seconds: float = 200, first: Sequence[str] = ()) -> Run:
    """Run the command, with the profile above or another, and begun with `first`."""
    done = subprocess.run(
        command(directory, *options, text=text, first=first),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        cwd=directory,
    )
    path = output(directory)
    written = path.exists() and path.stat().st_size
    return Run(done.returncode, done.stdout, done.stderr, files.read(path, BenchResult) if written else None)


def fairly(directory: Path, *options: str) -> Run:
    """Run the command, with a processor whenever it wants one.

    Again while it says of the machine and not of the targets why it cannot tell.
    """
    deadline, lost = time.monotonic() + PATIENCE_SECONDS, 0.0
    while True:
        done = bench(directory, *options, first=undisturbed())
        if done.result is None or not (why := _lies_with_the_machine(done.result)):
            return done
        lost = max(lost, lost_to_others())
        if time.monotonic() > deadline:
            not_measured(why, lost)


def not_measured(why: str, lost: float) -> NoReturn:
    """Skip a test where the host takes this machine's processors away; else the machine lacks what CI has.

    Args:
        why: What `lab bench` says.
        lost: As `lost_to_others` has it.
    """
    if lost > MOST_LOST:
        pytest.skip(f"processors of this machine are taken away, up to {lost:.1%} of the time: {why}")
    lacking(f"nothing could be measured in {PATIENCE_SECONDS:.0f} s: {why}")


def spares_the_targets(why: str) -> bool:
    """Whether a refusal blames the generator or the machine, whose host may take processors away."""
    return any(words in why for words in ("the generator was", "the machine", "other programs"))


def _lies_with_the_machine(result: BenchResult) -> str | None:
    for scenario in result.scenarios:
        if scenario.refused and all(map(spares_the_targets, scenario.refused)):
            return "; ".join(scenario.refused)
    if any(scenario.refused for scenario in result.scenarios):
        return None
    # P99 needs longer arms than tests have time for, and a server that waits hardly uses CPU time.
    words = [each.verdict for _, each in result.comparisons if each.metric not in ("p99", "cpu")]
    return "the intervals are too wide" if "undecided" in words else None
