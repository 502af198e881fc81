"""Generators that are lost: no wait is without end, what they were part of does not count, and they may return."""

import os
import signal
from collections.abc import Iterator

import pytest
from serving_lab.experiment.arms import generator_of
from serving_lab.experiment.validity import of_generator
from serving_lab.generator import fleet as fleet_module
from serving_lab.generator.fleet import Fleet
from serving_lab.generator.messages import RunCommand
from serving_lab.generator.process import processes
from support.subject import Behaviour, subject

from generator.losing import lost_in
from generator.runs import run

pytestmark = pytest.mark.service


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_module, "_SLACK_SECONDS", 1.0)


@pytest.fixture
def command() -> Iterator[RunCommand]:
    with subject(Behaviour(wait=0.002)) as url:
        yield run(url, connections=2, seconds=1.0, timeout_seconds=1)


@pytest.mark.parametrize(
    ("loss", "what"),
    [(signal.SIGKILL, "process 2 ended"), (signal.SIGSTOP, "process 2 does not answer")],
    ids=["killed", "stopped"],
)
def test_the_arm_of_a_lost_process_does_not_count_and_the_next_one_does(
    command: RunCommand, loss: signal.Signals, what: str
) -> None:
    with Fleet(processes(2)) as fleet:
        fleet.run(command)
        pid = fleet.links[1].pid
        assert pid is not None

        error = lost_in(fleet, command, lambda: os.kill(pid, loss))
        again = fleet.run(command)

    others = error.measured()
    assert f"a generator was lost: {what}" == str(error)
    assert [part.name for part in others.parts] == ["process 1"]
    assert others.answered.size > 0
    assert f"a generator was lost: {what}" in of_generator(generator_of(others), {"p99": 10})
    assert {part.name for part in again.parts} == {"process 1", "process 2"}


def test_processes_that_begin_together_say_how_well(command: RunCommand) -> None:
    with Fleet(processes(3)) as fleet:
        outcome = fleet.run(command)

    assert len(outcome.parts) == 2  # as many as there are connections
    # They have one clock: what they say of it is not further off than a round trip takes.
    assert all(0 < part.clock_uncertainty < 1 for part in outcome.parts)
    assert outcome.start_skew < 1
    assert sum(part.rate for part in outcome.parts) == pytest.approx(outcome.answered.size)
