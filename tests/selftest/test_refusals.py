"""A generator that lacks its processor is refused, and a healthy one is not: both loads need a good part of one."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import pytest
from bench.measured import spares_the_targets
from serving_lab.bench.design import Design
from support.processors import MOST_LOST, lost_to_others, undisturbed
from support.subject import Behaviour, subject

from selftest.proof import (
    FULL,
    GENERATOR,
    SERVER,
    counted,
    generator,
    measure,
    say,
)

pytestmark = pytest.mark.alone

TIMES = 5 if FULL else 3
"""With each of the two loads; in the short form one that is right suffices."""
PATIENCE_SECONDS = 60.0
"""In the short form; a healthy generator is rightly refused while the machine's host takes its processor."""
WORK_SECONDS = 0.0001
BURNERS = 8


@contextlib.contextmanager
def burners(count: int) -> Iterator[None]:
    """Keep the generator's processor busy with others, each in a session of its own: Linux shares out by session."""
    command = ["taskset", "--cpu-list", str(GENERATOR), sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command, start_new_session=True) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.timeout(60 + 60 * TIMES)
@pytest.mark.parametrize("scenario", ["flood", "too_fast"])
def test_a_starved_generator_is_refused(scenario: str) -> None:
    refused = 0
    with _subjects() as urls, burners(BURNERS), generator([]) as fleet:
        for seed in range(TIMES):
            found = measure(fleet, urls, scenario, Design(3, 0.6, seed, 0.03))
            assert all(map(spares_the_targets, found.refused)), "the targets are not to blame"
            say(f"starved, {scenario}, {seed + 1}: {found.refused or 'accepted'}")
            blamed = any("the generator was" in why for why in found.refused)
            refused += blamed
            if blamed and not FULL:
                return

    say(counted(f"starved generator ({scenario}) refused", refused, TIMES))
    assert refused == TIMES


@pytest.mark.timeout(60 + PATIENCE_SECONDS + 60 * TIMES)
@pytest.mark.parametrize("scenario", ["flood", "too_fast"])
def test_a_healthy_generator_is_accepted(scenario: str) -> None:
    tries = accepted = 0
    lost = 0.0
    patient_until = time.monotonic() + PATIENCE_SECONDS
    with _subjects(undisturbed()) as urls, generator() as fleet:
        while tries < TIMES or (not FULL and time.monotonic() < patient_until):
            found = measure(fleet, urls, scenario, Design(3, 0.6, tries, 0.03))
            tries += 1
            say(f"healthy, {scenario}, {tries}: {found.refused or 'accepted'}")
            accepted += not found.refused
            if accepted and not FULL:
                return
            lost = max(lost, lost_to_others())
            blameless = all(map(spares_the_targets, found.refused))
            assert blameless or lost > MOST_LOST, "the targets are not to blame"

    say(counted(f"healthy generator ({scenario}) accepted", accepted, tries))
    if lost > MOST_LOST and not FULL:
        pytest.skip(f"processors of this machine are taken away, up to {lost:.1%} of the time")
    assert accepted == tries


@contextlib.contextmanager
def _subjects(first: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    behaviour = Behaviour(work=WORK_SECONDS)
    with subject(behaviour, SERVER, first) as old, subject(behaviour, SERVER, first) as new:
        yield {"old": old, "new": new}
