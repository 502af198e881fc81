"""`lab gate` measures: a revision that is slower fails it, and one without a change passes."""

import time
from pathlib import Path

import pytest
from bench.measured import PATIENCE_SECONDS, not_measured, spares_the_targets
from support.processors import lost_to_others, undisturbed
from support.subject import Behaviour

from gate.gated import AS_BEFORE, Run, gate

pytestmark = [pytest.mark.service, pytest.mark.alone, pytest.mark.timeout(900)]

SLOWER_BY_HALF = Behaviour(wait=0.0045)
MEASURED = ("--part", "bench", "--budget", "150s")


def test_a_revision_without_a_change_passes(tmp_path: Path) -> None:
    run = fairly(tmp_path, AS_BEFORE)

    assert run.code == 0, run.stdout
    last = run.stdout.splitlines()[-1]
    assert last.startswith(("Passed: equivalent within 5%", "Passed: this runner cannot tell less than ")), last


def test_a_revision_that_is_slower_by_half_fails_and_says_by_how_much(tmp_path: Path) -> None:
    run = fairly(tmp_path, SLOWER_BY_HALF)

    assert run.code == 1, run.stdout
    assert run.stdout.splitlines()[-1].startswith("Failed: slower by ")
    assert run.result is not None
    [service] = run.result.services
    assert service.confirmation is not None
    first, second = ({each.name for each in of.scenarios} for of in (service.bench, service.confirmation) if of)
    assert first == second == {"sequential"}


def fairly(directory: Path, head: Behaviour) -> Run:
    """Gate a server against the usual one, with a processor whenever it wants one.

    Again while it says of the machine and not of the targets why it cannot tell.
    """
    deadline, lost = time.monotonic() + PATIENCE_SECONDS, 0.0
    while True:
        run = gate(directory, AS_BEFORE, head, *MEASURED, first=undisturbed())
        assert run.result is not None, run.stderr
        untold = [each.why for service in run.result.services for each in service.checks if each.outcome != "passed"]
        if run.code != 2 or not all(map(spares_the_targets, untold)):
            return run
        lost = max(lost, lost_to_others())
        if time.monotonic() > deadline:
            not_measured(untold[0], lost)
