"""Threads that wait for clients are replaced meanwhile, and do not wait for ever."""

import socket
from collections.abc import Callable, Iterator

import pytest
from serving_core.thread_worker import PatientSocket, Threads

Wait = Callable[[PatientSocket], object]
waits = pytest.mark.parametrize(
    "wait", [lambda client: client.recv(1), lambda client: client.sendall(bytes(10_000_000))], ids=["recv", "sendall"]
)


@pytest.fixture
def threads() -> Threads:
    return Threads(1)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """One end of a connection; at the other is nobody who sends or reads."""
    end, other = socket.socketpair()
    with end, other:
        yield end


@waits
def test_a_thread_that_waits_is_replaced(threads: Threads, silent: socket.socket, wait: Wait) -> None:
    client = PatientSocket(silent, threads, patience_seconds=60)
    waiting = [threads.submit(wait, client) for _ in range(3)]

    assert threads.submit(lambda: "answered").result(timeout=20) == "answered"
    assert not any(future.done() for future in waiting)
    client.close()


@waits
def test_no_thread_waits_for_ever(threads: Threads, silent: socket.socket, wait: Wait) -> None:
    client = PatientSocket(silent, threads, patience_seconds=0.01)

    assert isinstance(threads.submit(wait, client).exception(timeout=20), ConnectionResetError)
    client.close()


@waits
def test_it_can_be_told_not_to_wait(threads: Threads, silent: socket.socket, wait: Wait) -> None:
    client = PatientSocket(silent, threads, patience_seconds=60)
    client.setblocking(False)

    with pytest.raises(BlockingIOError):
        wait(client)
    client.close()
