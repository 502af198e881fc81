"""Connections on which nothing happens, or which stop in the middle of a request, hold up nobody else."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.processors import undisturbed
from support.services import SERVICE_NAMES, RunningService, running_service
from support.wire import JSON_TYPE, TIMEOUT_SECONDS, Request, encode, read_response

from contract.cases.bodies import GOOD

IDLE = 1000
OF_EACH_KIND = 20
"""More than a worker has threads."""
KEPT = (*JSON_TYPE, ("Connection", "keep-alive"))
HEALTH = Request("GET", "/health", headers=KEPT)


@pytest.fixture
def _many_files() -> Iterator[None]:
    """Let this process open as many connections as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def opened(stack: ExitStack, service: RunningService, count: int, content: bytes) -> list[socket.socket]:
    """Open connections until the end of the test, and send this on each."""
    connections = [
        stack.enter_context(socket.create_connection(service.address, TIMEOUT_SECONDS)) for _ in range(count)
    ]
    for connection in connections:
        connection.sendall(content)
    return connections


def is_closed(connection: socket.socket) -> bool:
    """Whether the service has closed it; it must not have sent anything."""
    connection.setblocking(False)
    try:
        assert connection.recv(1) == b""
    except BlockingIOError:
        return False
    return True


@pytest.mark.alone
@pytest.mark.usefixtures("_many_files")
@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_a_new_request_is_answered_at_once_beside_idle_and_unfinished_ones(model_dir: Path, name: str) -> None:
    with running_service(name, model_dir, undisturbed(), WORKERS=1) as service, ExitStack() as stack:
        token, health = service.login(), encode(HEALTH, service)
        whole = encode(Request("POST", "/predict", headers=KEPT, body=GOOD), service, token)
        chunked = encode(Request("POST", "/predict", headers=KEPT, body=GOOD, chunked=True), service, token)
        idle = opened(stack, service, IDLE, health)
        assert {read_response(connection, "GET").status_code for connection in idle} == {200}
        idle += opened(stack, service, OF_EACH_KIND, b"")
        unfinished: list[tuple[socket.socket, bytes]] = []
        for content, sent in ((whole, 10), (whole, len(whole) - 10), (chunked, len(chunked) - 10)):
            begun = opened(stack, service, OF_EACH_KIND, content[:sent])
            unfinished += [(connection, content[sent:]) for connection in begun]
        # Clients that do not close what the service closes.
        opened(stack, service, OF_EACH_KIND, encode(Request("GET", "/health"), service))
        opened(stack, service, OF_EACH_KIND, b"no HTTP\r\n\r\n")

        began = time.monotonic()
        with socket.create_connection(service.address, TIMEOUT_SECONDS) as connection:
            connection.sendall(encode(Request("GET", "/ready"), service))
            assert read_response(connection, "GET").status_code == 200
        took = time.monotonic() - began

        assert not [connection for connection in idle if is_closed(connection)]
        for connection, rest in unfinished:
            connection.sendall(rest)
        assert {read_response(connection).status_code for connection, _ in unfinished} == {200}
    assert took < 1
