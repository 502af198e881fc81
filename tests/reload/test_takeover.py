"""A new generation of workers takes over from the old one, and no client notices. SIGHUP asks for it."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.exposition import scrape
from support.services import SERVICE_NAMES, RunningService, running_service, wait_until
from support.wire import Request, encode, read_response

from reload.traffic import Expected, Traffic

WORKERS = 2
TIMES = 3


@pytest.fixture(scope="module", params=SERVICE_NAMES)
def service(request: pytest.FixtureRequest, model_dir: Path) -> Iterator[RunningService]:
    with running_service(request.param, model_dir, WORKERS=WORKERS, KEEP_ALIVE_SECONDS=600) as service:
        wait_until(lambda: len(service.worker_pids()) == WORKERS, "all workers alive")
        yield service


@pytest.fixture
def expected(model_dir: Path) -> Expected:
    return Expected.of([model_dir])


def replace_workers(service: RunningService) -> list[int]:
    """Ask for a new generation and wait until the old one has ended; returns the new workers."""
    before = set(service.worker_pids())
    os.kill(service.pid, signal.SIGHUP)
    wait_until(
        lambda: len(now := service.worker_pids()) == WORKERS and not before & set(now), "others", explain=service.stderr
    )
    return service.worker_pids()


def test_no_client_notices(service: RunningService, expected: Expected) -> None:
    counted = scrape(service).value("predictions_total")
    with Traffic(service, expected) as traffic:
        for _ in range(TIMES):
            replace_workers(service)
            traffic.wait_for_more()

    assert traffic.failed == []
    after = scrape(service)
    rows = after.value("predictions_total") - counted
    assert rows >= len(traffic.answers), "counts of workers that have ended are kept"
    assert after.value("service_workers") == WORKERS
    assert after.value("http_requests_in_progress") == 1


def test_an_idle_connection_is_passed_on(service: RunningService) -> None:
    """It is neither closed, nor does the next request on it go to a worker that should have ended."""
    request = encode(Request("GET", "/model-info", headers=(("Connection", "keep-alive"),)), service)
    with socket.create_connection(service.address, timeout=20) as connection:
        for _ in range(TIMES):
            connection.sendall(request)
            answer = read_response(connection, "GET")
            assert answer.status_code == 200
            assert answer.headers.get("Connection", "keep-alive") == "keep-alive"
            replace_workers(service)


def test_a_worker_that_died_is_replaced_in_the_generation_that_serves(service: RunningService) -> None:
    [victim, other] = replace_workers(service)

    os.kill(victim, signal.SIGKILL)

    wait_until(lambda: victim not in service.worker_pids() and len(service.worker_pids()) == WORKERS, "a successor")
    assert other in service.worker_pids()


def test_workers_that_die_meanwhile_do_not_stop_it(service: RunningService, expected: Expected) -> None:
    before = set(service.worker_pids())
    os.kill(service.pid, signal.SIGHUP)
    wait_until(lambda: bool(set(service.worker_pids()) - before), "a new worker")
    os.kill(min(before), signal.SIGKILL)
    os.kill(min(set(service.worker_pids()) - before), signal.SIGKILL)

    wait_until(
        lambda: len(now := service.worker_pids()) == WORKERS and not before & set(now), "others", explain=service.stderr
    )
    with Traffic(service, expected) as traffic:
        traffic.wait_for_more()
    assert traffic.failed == []


def test_many_at_once_leave_one_generation(service: RunningService, expected: Expected) -> None:
    before = set(service.worker_pids())
    with Traffic(service, expected) as traffic:
        for _ in range(5):
            os.kill(service.pid, signal.SIGHUP)
            time.sleep(0.03)  # in the midst of the one before
        wait_until(
            lambda: len(now := service.worker_pids()) == WORKERS and not before & set(now),
            "one generation",
            explain=service.stderr,
        )
        traffic.wait_for_more()

    assert traffic.failed == []


def test_the_number_of_workers_can_change_meanwhile(service: RunningService) -> None:
    before = set(service.worker_pids())
    os.kill(service.pid, signal.SIGHUP)
    os.kill(service.pid, signal.SIGTTIN)
    wait_until(lambda: len(now := service.worker_pids()) == WORKERS + 1 and not before & set(now), "one more")

    os.kill(service.pid, signal.SIGTTOU)
    wait_until(lambda: len(service.worker_pids()) == WORKERS, "one less")


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_a_stop_in_the_midst_ends_all_generations(model_dir: Path, name: str) -> None:
    with running_service(name, model_dir, WORKERS=WORKERS) as service:
        before = set(service.worker_pids())
        os.kill(service.pid, signal.SIGHUP)
        wait_until(lambda: bool(set(service.worker_pids()) - before), "a new worker")
