"""A worker that dies takes nothing with it: counters go on, the cache answers, the number of workers returns."""

import contextlib
import http.client
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.exposition import Exposition, scrape
from support.services import SERVICE_NAMES, RunningService, running_service, running_services, wait_until
from support.wire import Request, encode, send

from contract.cases.bodies import GOOD

WORKERS = 4
CLIENTS = 4
KILLS = 4


@pytest.fixture(scope="module")
def group(model_dir: Path) -> Iterator[Mapping[str, RunningService]]:
    with running_services(model_dir, WORKERS=WORKERS) as group:
        yield group


@pytest.fixture(params=SERVICE_NAMES)
def service(request: pytest.FixtureRequest, group: Mapping[str, RunningService]) -> RunningService:
    """Each service in turn, with four workers all alive."""
    service = group[request.param]
    wait_until(lambda: len(service.worker_pids()) == WORKERS, "all workers alive")
    return service


def kill_worker(service: RunningService, workers: int = WORKERS) -> None:
    """Kill the oldest worker as the kernel does when memory is short, and wait for its successor."""
    victim = service.worker_pids()[0]
    os.kill(victim, signal.SIGKILL)
    wait_until(
        lambda: victim not in (pids := service.worker_pids()) and len(pids) == workers,
        "a successor",
        explain=service.stderr,
    )


def answered_predictions(exposition: Exposition) -> float:
    """Return how many requests to /predict were answered."""
    return exposition.value("http_requests_total", handler="/predict")


def test_the_arbiter_replaces_a_killed_worker(service: RunningService) -> None:
    kill_worker(service)

    wait_until(lambda: scrape(service).value("service_workers") == WORKERS, "four workers in the metrics")
    assert {send(service, Request("GET", "/ready")).status_code for _ in range(12)} == {200}


def test_counts_of_idle_workers_are_exact_after_all_have_been_killed(service: RunningService) -> None:
    token = service.login()
    before = scrape(service)

    def risen() -> set[float]:
        after = scrape(service)
        names = ("http_requests_total", "http_request_duration_seconds_count", "predictions_total")
        return {after.value(name, handler="/predict") - before.value(name, handler="/predict") for name in names}

    for sent in range(10, 10 * WORKERS + 1, 10):
        for _ in range(10):
            assert send(service, Request("POST", "/predict", body=GOOD), token).status_code == 200
        # A worker counts an answer once it is sent: only then is it idle.
        wait_until(lambda sent=sent: risen() == {sent}, f"all {sent} requests are counted")  # type: ignore[misc]
        kill_worker(service)

    assert risen() == {10 * WORKERS}


def test_the_cache_outlives_the_workers_that_filled_it(service: RunningService) -> None:
    token = service.login()
    send(service, Request("POST", "/predict", body=GOOD), token)

    for _ in range(WORKERS):
        kill_worker(service)

    answers = [send(service, Request("POST", "/predict", body=GOOD), token).json()["cached"] for _ in range(12)]
    assert answers == [True] * 12


@dataclass
class Traffic:
    """Clients that ask for predictions as fast as they can, on a new connection each time."""

    service: RunningService
    token: str
    answered: int = 0
    broken: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Ask until told to stop."""
        while not self.stop.is_set():
            try:
                status = send(self.service, Request("POST", "/predict", body=GOOD), self.token).status_code
                assert status == 200
            except (OSError, http.client.HTTPException):
                with self.lock:
                    self.broken += 1
            else:
                with self.lock:
                    self.answered += 1

    def wait_for(self, answered: int) -> None:
        """Wait until this many requests have been answered."""
        wait_until(lambda: self.answered >= answered, f"{answered} answered", explain=self.service.stderr)


@contextlib.contextmanager
def traffic_on(service: RunningService) -> Iterator[Traffic]:
    traffic = Traffic(service, service.login())
    clients = [threading.Thread(target=traffic.run) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield traffic
    finally:
        traffic.stop.set()
        for client in clients:
            client.join()


def test_no_counter_falls_while_workers_are_killed_under_traffic(service: RunningService) -> None:
    before = last = scrape(service)
    with traffic_on(service) as traffic:
        for kill in range(KILLS):
            traffic.wait_for(50 * (kill + 1))
            os.kill(service.worker_pids()[0], signal.SIGKILL)
            for _ in range(10):
                with contextlib.suppress(OSError, http.client.HTTPException):
                    now = scrape(service)
                    fallen = {
                        series: (value, now.values.get(series))
                        for series, value in last.counters().items()
                        if now.values.get(series, -1) < value
                    }
                    assert not fallen
                    last = now
    wait_until(lambda: scrape(service).value("service_workers") == WORKERS, "four workers again")

    counted = answered_predictions(scrape(service)) - answered_predictions(before)
    # A request is counted once it is answered: a kill may fall in between, at most once a client each time.
    assert traffic.answered - KILLS * CLIENTS <= counted <= traffic.answered + traffic.broken
    assert traffic.broken <= KILLS * CLIENTS


def test_requests_that_died_with_their_worker_are_no_longer_in_progress(service: RunningService) -> None:
    idle = scrape(service).value("http_requests_in_progress")
    unfinished = encode(Request("POST", "/predict", body=GOOD), service, service.login())[:-10]

    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(socket.create_connection(service.address, 20)).sendall(unfinished)
        wait_until(lambda: scrape(service).value("http_requests_in_progress") == idle + 3, "three in progress")
        for _ in range(WORKERS):
            kill_worker(service)
        wait_until(lambda: scrape(service).value("http_requests_in_progress") == idle, "none left in progress")


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_restarts_leave_no_files_behind(model_dir: Path, tmp_path: Path, name: str) -> None:
    """Each file costs time at every scrape, so their number must not grow with the service's age."""

    def files() -> int:
        return sum(path.is_file() for path in tmp_path.rglob("*"))

    def use_all_workers(service: RunningService, token: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: send(service, Request("POST", "/predict", body=GOOD), token), range(80)))
            list(pool.map(lambda _: scrape(service), range(16)))

    with running_service(name, model_dir, WORKERS=2, RUN_DIR=tmp_path) as service:
        token = service.login()
        counts = []
        for _ in range(8):
            use_all_workers(service, token)
            counts.append(files())
            kill_worker(service, workers=2)
        use_all_workers(service, token)
        wait_until(lambda: files() <= max(counts[:3]), f"no more files than at first ({counts})", seconds=5)

    assert counts[0] > 0
