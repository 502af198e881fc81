"""A generator that lacks its processor is refused, and a healthy one is not: both loads need a good part of one."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import pytest
from bench.measured import spares_the_targets
from serving_lab.bench.scenario_run import Design
from support.subject import Behaviour, subject

from selftest.proof import FULL, GENERATOR, SERVER, counted, generator, measure, say

TIMES = 5 if FULL else 3
"""With each of the two loads; in the short form one that is right suffices."""
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
@pytest.mark.parametrize("starved", [True, False], ids=["starved", "healthy"])
@pytest.mark.parametrize("scenario", ["flood", "too_fast"])
def test_a_starved_generator_is_refused_and_a_healthy_one_accepted(starved: bool, scenario: str) -> None:
    refused = 0
    with (
        subject(Behaviour(work=WORK_SECONDS), SERVER) as old,
        subject(Behaviour(work=WORK_SECONDS), SERVER) as new,
        burners(BURNERS if starved else 0),
        generator() as fleet,
    ):
        for seed in range(TIMES):
            found = measure(fleet, {"old": old, "new": new}, scenario, Design(3, 0.6, seed, 0.03))
            blamed = any("the generator was" in why for why in found.refused)
            refused += blamed if starved else bool(found.refused)
            assert all(map(spares_the_targets, found.refused)), "the targets are not to blame"
            say(f"{'starved' if starved else 'healthy'}, {scenario}, {seed + 1}: {found.refused or 'accepted'}")
            if not FULL and (blamed if starved else not found.refused):
                return

    say(counted(f"{'starved' if starved else 'healthy'} generator ({scenario}) refused", refused, TIMES))
    assert refused == (TIMES if starved else 0)
