"""Load on a real server: every answer is checked, counted once, and timed from when its request was due."""

import subprocess
import sys
import time
from collections.abc import Iterator
from subprocess import PIPE

import numpy as np
import pytest
from serving_lab.errors import LabError
from serving_lab.generator import messages
from serving_lab.generator.connection import CLOSED
from serving_lab.generator.fleet import HERE, Fleet, RunOutcome
from serving_lab.generator.load_run import LATE
from serving_lab.generator.messages import Closed, Open
from support.services import free_port
from support.subject import Behaviour, subject

from generator.runs import run

pytestmark = [pytest.mark.service, pytest.mark.alone]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet() as started:
        yield started


def send(fleet: Fleet, behaviour: Behaviour, loop: Closed | Open | None = None, **changes: object) -> RunOutcome:
    with subject(behaviour) as url:
        return fleet.run(run(url, loop, **changes))


class TestClosedLoop:
    def test_each_connection_sends_after_its_answer(self, fleet: Fleet) -> None:
        outcome = send(fleet, Behaviour(work=0.005), connections=4, seconds=1.0)

        # Four connections queue at a server that takes 5 ms for each of them, or longer where the machine is busy.
        assert 20 < outcome.answered.size <= 1.0 / 0.005 + 4
        # Hence 20 ms on average: each connection always waits for one answer, but for the ends of the measured part.
        assert outcome.latencies.sum() == pytest.approx(4 * 1.0, abs=4 * 2 * outcome.latencies.max())
        assert np.array_equal(outcome.latencies, outcome.uncorrected)
        assert outcome.wrong == {}

    def test_only_answers_of_the_measured_part_count(self, fleet: Fleet) -> None:
        outcome = send(fleet, Behaviour(), lead_in_seconds=0.3, seconds=0.3)

        assert outcome.answered.min() >= 0
        assert outcome.answered.max() < 0.3
        assert outcome.all_answered > 1.5 * outcome.answered.size

    def test_wrong_answers_are_counted_by_what_is_wrong(self, fleet: Fleet) -> None:
        outcome = send(fleet, Behaviour(work=0.001, wrong_every=10))

        expected = outcome.answered.size / 9
        assert outcome.wrong == {"$.prediction is null, not a number": pytest.approx(expected, abs=2)}

    def test_every_status_that_was_not_expected_is_wrong(self, fleet: Fleet) -> None:
        outcome = send(fleet, Behaviour(work=0.001, status=503))

        assert outcome.answered.size == 0
        assert list(outcome.wrong) == ["status 503"]

    def test_a_connection_that_is_closed_after_an_answer_is_replaced(self, fleet: Fleet) -> None:
        outcome = send(fleet, Behaviour(work=0.001, close_every=5), connections=3)

        assert outcome.answered.size > 20
        assert outcome.wrong == {}

    def test_a_connection_that_is_closed_instead_of_an_answer_is_a_wrong_answer(self, fleet: Fleet) -> None:
        outcome = send(fleet, Behaviour(work=0.001, drop_every=10), connections=3)

        assert outcome.wrong == {
            "the connection was closed before the answer": pytest.approx(outcome.answered.size / 9, abs=4)
        }

    def test_a_server_that_never_answers_ends_the_run_all_the_same(self, fleet: Fleet) -> None:
        began = time.monotonic()

        outcome = send(fleet, Behaviour(silent=True), seconds=1.0, timeout_seconds=0.3)

        assert outcome.answered.size == 0
        assert set(outcome.wrong) == {LATE}
        assert time.monotonic() - began < 5


class TestOpenLoop:
    @pytest.mark.parametrize("arrivals", ["constant", "poisson"])
    def test_requests_are_sent_when_they_are_due(self, fleet: Fleet, arrivals: str) -> None:
        loop = Open(400, arrivals)  # type: ignore[arg-type]

        outcome = send(fleet, Behaviour(), loop, connections=16, seconds=1.0)

        assert outcome.planned == pytest.approx(400, abs=1 if arrivals == "constant" else 80)
        assert outcome.answered.size == outcome.planned
        gaps = np.diff(np.sort(outcome.due))
        expected_spread = 0 if arrivals == "constant" else 1 / 400
        assert gaps.std() == pytest.approx(expected_spread, abs=0.0006)

    def test_the_same_seed_asks_at_the_same_times(self, fleet: Fleet) -> None:
        dues = [send(fleet, Behaviour(), Open(200), connections=8, seed=seed).due for seed in (5, 5, 6)]

        assert np.allclose(np.sort(dues[0]), np.sort(dues[1]), atol=1e-6)
        assert dues[0].size != dues[2].size or not np.allclose(np.sort(dues[0]), np.sort(dues[2]), atol=1e-3)

    def test_what_waits_for_a_connection_is_timed_from_when_it_was_due(self, fleet: Fleet) -> None:
        # Twice the capacity on one connection: the queue grows by half a second in a second.
        outcome = send(fleet, Behaviour(work=0.01), Open(200, "constant"), seconds=1.0, timeout_seconds=5)

        assert outcome.answered.size == outcome.planned
        assert outcome.latencies.max() > 0.8
        assert np.median(outcome.uncorrected) < np.median(outcome.latencies) / 3

    def test_what_has_no_answer_in_time_is_counted(self, fleet: Fleet) -> None:
        outcome = send(
            fleet, Behaviour(work=0.02), Open(200, "constant"), seconds=1.0, timeout_seconds=0.5, lead_in_seconds=0
        )

        assert set(outcome.wrong) == {LATE}
        assert outcome.answered.size + sum(outcome.wrong.values()) == outcome.planned

    def test_dropped_connections_lose_their_request_alone(self, fleet: Fleet) -> None:
        outcome = send(fleet, Behaviour(drop_every=20), Open(300), connections=8, seconds=1.0)

        assert outcome.answered.size + sum(outcome.wrong.values()) == outcome.planned
        assert sum(outcome.wrong.values()) == pytest.approx(outcome.planned / 20, abs=4)

    def test_a_connection_that_is_closed_for_being_idle_costs_no_request(self, fleet: Fleet) -> None:
        outcome = send(
            fleet, Behaviour(idle_limit=0.6), Open(2, "constant"), connections=2, seconds=4.0, lead_in_seconds=0
        )

        assert outcome.wrong == {}
        assert outcome.answered.size == outcome.planned == 8
        assert 2 <= outcome.sent_again <= 6

    def test_a_connection_that_is_lost_between_two_requests_in_a_row_is_a_fault(self, fleet: Fleet) -> None:
        outcome = send(fleet, Behaviour(drop_every=2), Open(20, "constant"), connections=1, seconds=1.0)

        assert outcome.wrong == {CLOSED: 10}
        assert outcome.sent_again == 0


class TestFleet:
    def test_processes_share_connections_and_rate(self) -> None:
        with subject() as url, Fleet(processes=2) as fleet:
            outcome = fleet.run(run(url, Open(400, "constant"), connections=5, seconds=1.0))

        assert outcome.planned == pytest.approx(400, abs=2)
        assert outcome.answered.size == outcome.planned

    def test_more_processes_than_connections_are_no_harm(self) -> None:
        with subject(Behaviour(work=0.002)) as url, Fleet(processes=3) as fleet:
            outcome = fleet.run(run(url, connections=2))

        assert outcome.answered.size > 20

    def test_a_target_that_is_not_there_is_named(self, fleet: Fleet) -> None:
        port = free_port()

        with pytest.raises(LabError, match=f"cannot connect to 127.0.0.1:{port}"):
            fleet.run(run(f"http://127.0.0.1:{port}"))

    def test_it_goes_on_after_a_run_that_failed(self) -> None:
        with subject(Behaviour(work=0.001)) as url, Fleet(processes=2) as fleet:
            with pytest.raises(LabError):
                fleet.run(run(f"http://127.0.0.1:{free_port()}", connections=2))

            assert fleet.run(run(url, connections=2)).answered.size > 20

    def test_a_process_that_ends_is_noticed(self) -> None:
        with subject() as url, Fleet([sys.executable, "-c", "pass"]) as fleet, pytest.raises(LabError, match="ended"):
            fleet.run(run(url))

    def test_processes_end_with_it(self) -> None:
        with Fleet(processes=2) as fleet:
            processes = list(fleet._processes)

        assert [process.poll() for process in processes] == [0, 0]


def test_a_process_ends_without_a_word_where_the_laboratory_is_gone() -> None:
    with subject() as url, subprocess.Popen(HERE, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.close()
        messages.write(process.stdin, run(url))
        process.stdin.close()
        complaint = process.stderr.read() if process.stderr else None

    assert (process.returncode, complaint) == (0, b"")
