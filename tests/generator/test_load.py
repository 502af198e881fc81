"""Load on a real server: when requests are sent, and from when they are timed (what is counted: test_outcomes.py)."""

import time
from collections.abc import Iterator

import numpy as np
import pytest
from serving_lab.generator.connection import CLOSED
from serving_lab.generator.fleet import Fleet
from serving_lab.generator.load_run import LATE
from serving_lab.generator.messages import Closed, Open
from serving_lab.generator.outcome import RunOutcome
from serving_lab.generator.process import HERE, processes
from support.processors import undisturbed
from support.subject import Behaviour

from generator.runs import send

pytestmark = [pytest.mark.service, pytest.mark.alone]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(processes(1, [*undisturbed(), *HERE])) as started:
        yield started


def load(fleet: Fleet, behaviour: Behaviour, loop: Closed | Open | None = None, **changes: object) -> RunOutcome:
    """Send it to a server that has a processor whenever it wants one."""
    return send(fleet, behaviour, loop, undisturbed(), **changes)


class TestClosedLoop:
    def test_each_connection_sends_after_its_answer(self, fleet: Fleet) -> None:
        outcome = load(fleet, Behaviour(work=0.005), connections=4, seconds=1.0)

        # Four connections queue at a server that takes 5 ms for each of them, or longer where the machine is busy.
        assert 20 < outcome.answered.size <= 1.0 / 0.005 + 4
        # Hence 20 ms on average: each connection always waits for one answer, but for the ends of the measured part.
        assert outcome.latencies.sum() == pytest.approx(4 * 1.0, abs=4 * 2 * outcome.latencies.max())
        assert np.array_equal(outcome.latencies, outcome.uncorrected)
        assert outcome.wrong == {}

    def test_only_answers_of_the_measured_part_count(self, fleet: Fleet) -> None:
        outcome = load(fleet, Behaviour(), lead_in_seconds=0.3, seconds=0.3)

        assert outcome.answered.min() >= 0
        assert outcome.answered.max() < 0.3
        assert outcome.all_answered > 1.5 * outcome.answered.size

    def test_a_server_that_never_answers_ends_the_run_all_the_same(self, fleet: Fleet) -> None:
        began = time.monotonic()

        outcome = load(fleet, Behaviour(silent=True), seconds=1.0, timeout_seconds=0.3)

        assert outcome.answered.size == 0
        assert set(outcome.wrong) == {LATE}
        assert time.monotonic() - began < 5


class TestOpenLoop:
    @pytest.mark.parametrize("arrivals", ["constant", "poisson"])
    def test_requests_are_sent_when_they_are_due(self, fleet: Fleet, arrivals: str) -> None:
        loop = Open(400, arrivals)  # type: ignore[arg-type]

        outcome = load(fleet, Behaviour(), loop, connections=16, seconds=1.0)

        assert outcome.planned == pytest.approx(400, abs=1 if arrivals == "constant" else 80)
        assert outcome.answered.size == outcome.planned
        gaps = np.diff(np.sort(outcome.due))
        expected_spread = 0 if arrivals == "constant" else 1 / 400
        assert gaps.std() == pytest.approx(expected_spread, abs=0.0006)

    def test_what_waits_for_a_connection_is_timed_from_when_it_was_due(self, fleet: Fleet) -> None:
        # Twice the capacity on one connection: the queue grows by half a second in a second.
        outcome = load(fleet, Behaviour(work=0.01), Open(200, "constant"), seconds=1.0, timeout_seconds=5)

        assert outcome.answered.size == outcome.planned
        assert outcome.latencies.max() > 0.8
        assert np.median(outcome.uncorrected) < np.median(outcome.latencies) / 3

    def test_what_has_no_answer_in_time_is_counted(self, fleet: Fleet) -> None:
        outcome = load(
            fleet, Behaviour(work=0.02), Open(200, "constant"), seconds=1.0, timeout_seconds=0.5, lead_in_seconds=0
        )

        assert set(outcome.wrong) == {LATE}
        assert outcome.answered.size + sum(outcome.wrong.values()) == outcome.planned

    def test_a_connection_that_is_closed_for_being_idle_costs_no_request(self, fleet: Fleet) -> None:
        outcome = load(
            fleet, Behaviour(idle_limit=0.6), Open(2, "constant"), connections=2, seconds=4.0, lead_in_seconds=0
        )

        assert outcome.wrong == {}
        assert outcome.answered.size == outcome.planned == 8
        assert 2 <= outcome.sent_again <= 6

    def test_a_connection_that_is_lost_between_two_requests_in_a_row_is_a_fault(self, fleet: Fleet) -> None:
        outcome = load(fleet, Behaviour(drop_every=2), Open(20, "constant"), connections=1, seconds=1.0)

        assert outcome.wrong == {CLOSED: 10}
        assert outcome.sent_again == 0
