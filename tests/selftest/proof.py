"""What the proofs share: generator and servers on processors of their own, whole measurements, counts with intervals.

SELFTEST=full, which `make selftest` sets, runs them at the length that was promised. Without it they are short, and
where the outcome is a count, one right outcome in a few tries suffices: the machine may be busy otherwise.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.measured import PROFILE
from scipy import stats
from serving_lab.bench.design import Design
from serving_lab.bench.result import Scenario
from serving_lab.bench.run import BenchMeasurement
from serving_lab.experiment.arms import LoadDriver
from serving_lab.experiment.profile import Profile
from serving_lab.experiment.records import TestbedFacts
from serving_lab.experiment.targets import Target, parse
from serving_lab.experiment.testbed import Testbed
from serving_lab.generator.fleet import Fleet
from serving_lab.generator.process import HERE, processes
from support.processors import undisturbed
from support.quiet import Quiet

FULL = os.environ.get("SELFTEST") == "full"
SERVER, GENERATOR = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
"""Processors, so that a server's speed is its own."""


@contextlib.contextmanager
def generator(first: Sequence[str] | None = None) -> Iterator[Fleet]:
    """Start the generator on a processor of its own, by a command that begins with this; unless said, `undisturbed`."""
    command = ["taskset", "--cpu-list", str(GENERATOR), *(undisturbed() if first is None else first), *HERE]
    with Fleet(processes(1, command)) as fleet:
        yield fleet


def profile(text: str = PROFILE, environment: Mapping[str, str] | None = None) -> Profile:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "profile.yaml"
        path.write_text(text)
        return Profile.load(path, environment or {})


def targets(urls: Mapping[str, str]) -> list[Target]:
    return [parse(f"{name}={url}") for name, url in urls.items()]


def bench(fleet: Fleet, url: str) -> LoadDriver:
    return LoadDriver(fleet, targets({"subject": url}), profile().api)


def measure(
    fleet: Fleet,
    urls: Mapping[str, str],
    scenario: str,
    plan: Design,
    known: Profile | None = None,
) -> Scenario:
    """Measure one scenario from sign-in to verdicts, as `lab bench` does."""
    testbed = Testbed(targets(urls), TestbedFacts(mode="elsewhere", generator="a proof"), Path.cwd())
    measurement = BenchMeasurement(testbed, known or profile(), plan, [scenario], allow_unequal=False)
    measurement.run(fleet, Quiet())
    (found,) = measurement.result().scenarios
    return found


def counted(what: str, hits: int, of: int) -> str:
    """Say how many of how many, with the 95% interval of the share (Clopper-Pearson)."""
    interval = stats.binomtest(hits, of).proportion_ci()
    return f"{what}: {hits} of {of} (95% interval {interval.low:.0%} to {interval.high:.0%})"


def say(line: str) -> None:
    """Print past pytest, so that a proof's figures can be read while it runs."""
    sys.__stderr__.write(f"\n{line}\n")  # type: ignore[union-attr]
    sys.__stderr__.flush()  # type: ignore[union-attr]
