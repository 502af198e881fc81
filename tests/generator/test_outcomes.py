"""Load on a real server: every answer is checked and counted once, whatever becomes of connections and processes."""

import subprocess
import sys
from collections.abc import Iterator
from subprocess import PIPE

import numpy as np
import psutil
import pytest
from serving_lab.errors import LabError
from serving_lab.generator import messages
from serving_lab.generator.fleet import Fleet
from serving_lab.generator.messages import Open
from serving_lab.generator.process import HERE, processes
from support.services import free_port
from support.subject import Behaviour, subject

from generator.runs import run, send

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet() as started:
        yield started


class TestClosedLoop:
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


class TestOpenLoop:
    def test_the_same_seed_asks_at_the_same_times(self, fleet: Fleet) -> None:
        dues = [send(fleet, Behaviour(), Open(200), connections=8, seed=seed).due for seed in (5, 5, 6)]

        assert np.allclose(np.sort(dues[0]), np.sort(dues[1]), atol=1e-6)
        assert dues[0].size != dues[2].size or not np.allclose(np.sort(dues[0]), np.sort(dues[2]), atol=1e-3)

    def test_dropped_connections_lose_their_request_alone(self, fleet: Fleet) -> None:
        outcome = send(fleet, Behaviour(drop_every=20), Open(300), connections=8, seconds=1.0)

        assert outcome.answered.size + sum(outcome.wrong.values()) == outcome.planned
        assert sum(outcome.wrong.values()) == pytest.approx(outcome.planned / 20, abs=4)


class TestFleet:
    def test_processes_share_connections_and_rate(self) -> None:
        with subject() as url, Fleet(processes(2)) as fleet:
            outcome = fleet.run(run(url, Open(400, "constant"), connections=5, seconds=1.0))

        assert outcome.planned == pytest.approx(400, abs=2)
        assert outcome.answered.size == outcome.planned

    def test_more_processes_than_connections_are_no_harm(self) -> None:
        with subject(Behaviour(work=0.002)) as url, Fleet(processes(3)) as fleet:
            outcome = fleet.run(run(url, connections=2))

        assert outcome.answered.size > 20

    def test_a_target_that_is_not_there_is_named(self, fleet: Fleet) -> None:
        port = free_port()

        with pytest.raises(LabError, match=f"cannot connect to 127.0.0.1:{port}"):
            fleet.run(run(f"http://127.0.0.1:{port}"))

    def test_it_goes_on_after_a_run_that_failed(self) -> None:
        with subject(Behaviour(work=0.001)) as url, Fleet(processes(2)) as fleet:
            with pytest.raises(LabError):
                fleet.run(run(f"http://127.0.0.1:{free_port()}", connections=2))

            assert fleet.run(run(url, connections=2)).answered.size > 20

    def test_a_process_that_ends_is_noticed(self) -> None:
        with (
            subject() as url,
            Fleet(processes(1, [sys.executable, "-c", "pass"])) as fleet,
            pytest.raises(LabError, match="ended"),
        ):
            fleet.run(run(url))

    def test_processes_end_with_it(self) -> None:
        with Fleet(processes(2)) as fleet:
            pids = [link.pid for link in fleet.links if link.pid]

        assert not any(map(psutil.pid_exists, pids))


def test_a_process_ends_without_a_word_where_the_laboratory_is_gone() -> None:
    with subject() as url, subprocess.Popen(HERE, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.close()
        messages.write(process.stdin, run(url))
        process.stdin.close()
        complaint = process.stderr.read() if process.stderr else None

    assert (process.returncode, complaint) == (0, b"")
