"""A service that stops loses no connection that waits for a worker, and takes no new one."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from serving_core.runtime.listener import run_dry

pytestmark = pytest.mark.skipif(
    not hasattr(socket, "SO_BINDTODEVICE") or len(socket.if_nameindex()) < 2,
    reason="Linux with a network device beside the loopback only",
)

ACCEPTED_AFTER_SECONDS = 0.6


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_waits_until_what_is_queued_was_accepted(listener: socket.socket) -> None:
    accepted: list[socket.socket] = []
    worker = threading.Timer(ACCEPTED_AFTER_SECONDS, lambda: accepted.append(listener.accept()[0]))
    with socket.create_connection(listener.getsockname()) as client:
        started = time.monotonic()
        worker.start()

        run_dry([listener], timeout_seconds=10)

        assert ACCEPTED_AFTER_SECONDS <= time.monotonic() - started < 5
        listener.close()
        client.sendall(b"still here")
        with accepted[0] as connection:
            assert connection.recv(100) == b"still here"


def test_does_not_wait_longer_than_it_may(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()):
        started = time.monotonic()

        run_dry([listener], timeout_seconds=0.5)

        assert 0.5 <= time.monotonic() - started < 5


def test_refuses_who_comes_later(listener: socket.socket) -> None:
    run_dry([listener], timeout_seconds=1)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.getsockname(), timeout=5)


def test_leaves_sockets_without_a_network_alone() -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        started = time.monotonic()

        run_dry([listener], timeout_seconds=10)

        assert time.monotonic() - started < 0.1
