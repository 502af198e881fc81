"""The end of a service: it says so first, finishes what it has begun, and leaves nothing behind."""

import contextlib
import os
import re
import signal
import socket
import sys
import threading
from pathlib import Path

import httpx
import pytest
from support import services
from support.answers import assert_error
from support.services import (
    SERVICE_NAMES,
    RunningService,
    children,
    launched_service,
    process_group,
    refusal,
    report,
    running_service,
    terminate,
    wait_stopped,
    wait_until,
)
from support.wire import Request, encode, read_response, send

from contract.cases import ROW
from contract.cases.bodies import GOOD

each_service = pytest.mark.parametrize("name", SERVICE_NAMES)


def is_refused(service: RunningService) -> bool:
    """Whether nobody listens any more."""
    with socket.socket() as probe:
        return probe.connect_ex(service.address) != 0


@each_service
def test_a_draining_service_is_not_ready_but_still_answers(model_dir: Path, name: str) -> None:
    with running_service(name, model_dir, DRAIN_SECONDS=3, WORKERS=2) as service:
        token = service.login()
        terminate(service)
        wait_until(lambda: send(service, Request("GET", "/ready")).status_code == 503, "not ready", seconds=2)

        ready = [send(service, Request("GET", "/ready")) for _ in range(8)]
        served = [send(service, Request("POST", "/predict", body=GOOD), token).status_code for _ in range(8)]
        health = send(service, Request("GET", "/health")).status_code

        wait_stopped(service)

    for response in ready:
        assert_error(response, 503, "Service unavailable")
    assert (served, health) == ([200] * 8, 200)


@each_service
def test_a_request_in_flight_is_finished_after_the_listener_has_closed(model_dir: Path, name: str) -> None:
    with running_service(name, model_dir, DRAIN_SECONDS=0, WORKERS=2) as service:
        begun = encode(Request("POST", "/predict", body=GOOD), service, service.login())
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(socket.create_connection(service.address, 20)) for _ in range(4)]
            for connection in connections:
                connection.sendall(begun[:-10])
            wait_until(lambda: in_progress(service) >= 5, "four requests and the scrape in progress")

            terminate(service)
            wait_until(lambda: is_refused(service), "a closed listener")
            for connection in connections:
                connection.sendall(begun[-10:])
            responses = [read_response(connection) for connection in connections]

        wait_stopped(service)

    assert [response.status_code for response in responses] == [200] * 4


def has_ended(service: RunningService) -> bool:
    """Whether the process is no more."""
    return service.process is not None and service.process.poll() is not None


def in_progress(service: RunningService) -> float:
    text = send(service, Request("GET", "/metrics")).text
    match = re.search(r"^http_requests_in_progress (\S+)", text, re.MULTILINE)
    assert match
    return float(match[1])


@each_service
def test_clients_that_leave_when_told_lose_nothing(model_dir: Path, name: str) -> None:
    """Clients on kept-alive connections that stop, as a load balancer does, once /ready says so."""
    answers: list[int] = []
    failures: list[Exception] = []
    leave = threading.Event()

    def ask(service: RunningService, token: str) -> None:
        with service.client(token) as client:
            while not leave.is_set():
                try:
                    answers.append(client.post("/predict", json={"features": ROW}).status_code)
                except httpx.TransportError as error:
                    failures.append(error)

    with running_service(name, model_dir, DRAIN_SECONDS=2, WORKERS=2) as service:
        clients = [threading.Thread(target=ask, args=(service, service.login())) for _ in range(4)]
        for client in clients:
            client.start()
        wait_until(lambda: len(answers) > 40, "traffic")
        terminate(service)
        wait_until(lambda: send(service, Request("GET", "/ready")).status_code == 503, "not ready", seconds=2)
        answered_before = len(answers)
        wait_until(lambda: len(answers) > answered_before + 40, "traffic while draining")
        leave.set()
        for client in clients:
            client.join()
        wait_stopped(service)

    assert failures == []
    assert set(answers) == {200}


@each_service
def test_an_idle_connection_does_not_hold_up_the_end(model_dir: Path, name: str) -> None:
    with (
        running_service(
            name, model_dir, DRAIN_SECONDS=0, KEEP_ALIVE_SECONDS=600, GRACEFUL_TIMEOUT_SECONDS=40
        ) as service,
        service.client() as client,
    ):
        client.get("/health").raise_for_status()
        terminate(service)
        wait_until(lambda: has_ended(service), "its end", seconds=10)


@each_service
def test_a_request_that_never_ends_is_cut_off(model_dir: Path, name: str) -> None:
    with running_service(name, model_dir, DRAIN_SECONDS=0, GRACEFUL_TIMEOUT_SECONDS=1) as service:
        begun = encode(Request("POST", "/predict", body=GOOD), service, service.login())[:-10]
        with socket.create_connection(service.address, 20) as connection:
            connection.sendall(begun)
            wait_until(lambda: in_progress(service) >= 2, "the request and the scrape in progress")
            terminate(service)
            wait_until(lambda: has_ended(service), "its end", seconds=15)


@each_service
def test_nothing_is_left_behind(model_dir: Path, name: str) -> None:
    with running_service(name, model_dir) as service:
        send(service, Request("GET", "/metrics"))
        scratch = {path.parent for pid in [service.pid, *service.worker_pids()] for path in mapped_metrics(pid)}
        assert scratch, "metrics are kept in files"
        assert all(directory.is_dir() for directory in scratch)
        terminate(service)
        wait_stopped(service)

        assert process_group(service.pid) == []
        assert not [directory for directory in scratch if directory.exists()]
        assert is_refused(service)


def mapped_metrics(pid: int) -> set[Path]:
    """Return the metrics files that a process has mapped."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    return {Path(path) for path in re.findall(r"(/\S+\.db)$", maps, re.MULTILINE)}


@each_service
def test_an_interrupt_from_the_keyboard_ends_it_too(model_dir: Path, name: str) -> None:
    with running_service(name, model_dir) as service:
        os.kill(service.pid, signal.SIGINT)
        wait_until(lambda: has_ended(service), "its end")


SLOW_FORK = """
import time
from gunicorn.arbiter import util
util._setproctitle = lambda title: time.sleep(0.7 * title.startswith("worker"))
from {package}.__main__ import main
main()
"""


@each_service
def test_a_stop_right_after_a_fork_is_not_lost(model_dir: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a worker has handlers of its own, it has copies of the arbiter's, which only put signals into a queue."""
    script = SLOW_FORK.format(package=name.replace("-", "_"))
    monkeypatch.setattr(services, "command", lambda _: [sys.executable, "-c", script])
    with launched_service(name, model_dir, WORKERS=1, GRACEFUL_TIMEOUT_SECONDS=60) as service:
        wait_until(lambda: len(children(service.pid)) > 0, "the fork")
        os.kill(service.pid, signal.SIGINT)
        wait_until(lambda: has_ended(service), "its end", explain=lambda: report(service))


@each_service
def test_a_taken_port_is_named(model_dir: Path, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = refusal(name, model_dir, PORT=port)

    assert ended.exit_code not in {0, 2}
    assert str(port) in ended.stderr
    assert "Traceback" not in ended.stderr
