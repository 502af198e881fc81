"""A connection that is passed on stays open, and what arrives meanwhile is not lost."""

import socket
from collections.abc import Iterator

import pytest
from serving_core.runtime.handover import Handover


@pytest.fixture
def handover() -> Iterator[Handover]:
    handover = Handover()
    yield handover
    handover.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_connection_comes_with_what_arrived_meanwhile(handover: Handover, listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname(), timeout=20) as client:
        accepted, address = listener.accept()
        assert handover.give(accepted.fileno())
        accepted.close()
        client.sendall(b"next request")

        taken, same_address = handover.accept()

        assert same_address == address
        assert taken.recv(100) == b"next request"
        taken.sendall(b"answer")
        assert client.recv(100) == b"answer"
        taken.close()


def test_without_a_connection_nobody_waits(handover: Handover) -> None:
    with pytest.raises(BlockingIOError):
        handover.accept()


def test_a_client_that_has_left_is_skipped(handover: Handover, listener: socket.socket) -> None:
    client = socket.create_connection(listener.getsockname(), timeout=20)
    accepted, _ = listener.accept()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # its close is a reset
    client.close()
    handover.give(accepted.fileno())
    accepted.close()

    with pytest.raises(ConnectionAbortedError):
        handover.accept()


def test_where_there_is_no_room_the_giver_keeps_it(handover: Handover, listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname(), timeout=20):
        accepted, _ = listener.accept()
        given = 0
        while handover.give(accepted.fileno()):
            given += 1
            assert given < 100_000

        for _ in range(given):
            taken, _ = handover.accept()
            taken.close()
        assert given > 100
        assert handover.give(accepted.fileno())
        accepted.close()
