"""A tap between real sockets: what passes through it is what was sent, and clients never wait for anything else."""

import contextlib
import socket
import threading
from pathlib import Path

import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.wire.message import Ending
from support.services import free_port, wait_until

from tap.running import GET, OK, Service, answering, exactly, service, tapping, to_the_end

pytestmark = pytest.mark.service

ODD = (
    b"get-IT /a%2f?b=c;d HTTP/1.1\r\nhOST: elsewhere\r\nX-Request-ID:  7 \r\n"
    b"X-Forwarded-For: 1.2.3.4\r\nX-A: 1\r\nx-a: 2\r\n\r\n"
)


def test_bytes_pass_as_they_are_on_connections_that_are_kept(tmp_path: Path) -> None:
    with service(answering()) as primary, tapping(primary.endpoint, tmp_path) as tap:
        with tap.connect() as client:
            for _ in range(3):
                client.sendall(ODD)
                assert exactly(client, len(OK)) == OK
        assert bytes(primary.received) == ODD * 3
        assert len(primary.connections) == 1

        recorded = tap.recorded()

    assert [(each.connection, each.number) for each in recorded] == [(1, 0), (1, 1), (1, 2)]
    assert recorded[0].request.method == "get-IT"
    assert recorded[0].primary.body == b"hi"
    assert recorded[0].primary.ending is Ending.KEPT


def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    with service(answering()) as primary, tapping(primary.endpoint, tmp_path) as tap, tap.connect() as client:
        client.sendall(GET * 50)
        assert exactly(client, len(OK) * 50) == OK * 50
        client.close()
        assert len(tap.recorded()) == 50


def test_a_primary_that_accepts_no_connection_is_told_as_502(tmp_path: Path) -> None:
    nobody = Endpoint.parse(f"http://127.0.0.1:{free_port()}")
    with tapping(nobody, tmp_path) as tap:
        with tap.connect() as client:
            client.sendall(GET)
            answer = to_the_end(client)
        recorded = tap.recorded()

    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert f"lab tap: {nobody.url} accepts no connection".encode() in answer
    assert (recorded[0].primary.status, recorded[0].primary.ending) == (0, Ending.REFUSED)
    assert tap.counts.refused == 1


def test_a_stream_arrives_part_by_part(tmp_path: Path) -> None:
    seen = threading.Event()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"

    def stream(connection: socket.socket, _: Service) -> None:
        connection.recv(65536)
        connection.sendall(head)
        assert seen.wait(10)
        connection.sendall(b"data: 2\n\n")

    with service(stream) as primary, tapping(primary.endpoint, tmp_path) as tap:
        with tap.connect() as client:
            client.sendall(GET)
            assert exactly(client, len(head)) == head
            seen.set()
            assert to_the_end(client) == b"data: 2\n\n"
        (recorded,) = tap.recorded()

    assert recorded.primary.body == b"data: 1\n\ndata: 2\n\n"
    assert recorded.primary.ending is Ending.CLOSED


def test_a_client_that_waits_for_100_continue_gets_it(tmp_path: Path) -> None:
    def careful(connection: socket.socket, running: Service) -> None:
        running.received += connection.recv(65536)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        running.received += exactly(connection, 4)
        connection.sendall(OK)

    asks = b"PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    with service(careful) as primary, tapping(primary.endpoint, tmp_path) as tap:
        with tap.connect() as client:
            client.sendall(asks)
            assert exactly(client, 25) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(b"body")
            assert exactly(client, len(OK)) == OK
        (recorded,) = tap.recorded()

    assert (recorded.request.body, recorded.primary.status) == (b"body", 200)


def test_an_upgraded_connection_passes_whatever_is_sent(tmp_path: Path) -> None:
    grant = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"

    def echo(connection: socket.socket, _: Service) -> None:
        connection.recv(65536)
        connection.sendall(grant)
        while data := connection.recv(65536):
            connection.sendall(data)

    with service(echo) as primary, tapping(primary.endpoint, tmp_path) as tap:
        with tap.connect() as client:
            client.sendall(GET.replace(b"Host", b"Upgrade: websocket\r\nConnection: Upgrade\r\nHost"))
            assert exactly(client, len(grant)) == grant
            client.sendall(b"\x81\x80\0\0\0\0GET / HTTP/1.1\r\n\r\n")
            assert exactly(client, 24) == b"\x81\x80\0\0\0\0GET / HTTP/1.1\r\n\r\n"
        (recorded,) = tap.recorded()

    assert (recorded.primary.status, recorded.bytes_up, recorded.bytes_down) == (101, 24, 24)


def test_a_client_that_ends_its_side_gets_its_answer(tmp_path: Path) -> None:
    def patient(connection: socket.socket, running: Service) -> None:
        running.received += to_the_end(connection)
        connection.sendall(OK)

    with service(patient) as primary, tapping(primary.endpoint, tmp_path) as tap, tap.connect() as client:
        client.sendall(GET)
        client.shutdown(socket.SHUT_WR)

        assert to_the_end(client) == OK


def test_a_connection_that_the_service_resets_is_reset_for_the_client(tmp_path: Path) -> None:
    def reset(connection: socket.socket, _: Service) -> None:
        connection.recv(65536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with service(reset) as primary, tapping(primary.endpoint, tmp_path) as tap:
        with tap.connect() as client:
            client.sendall(GET)
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(1) == b""
        (recorded,) = tap.recorded()

    assert (recorded.primary.status, recorded.primary.ending) == (0, Ending.RESET)


@pytest.mark.parametrize("slow", ["client", "primary"])
def test_who_does_not_read_holds_up_who_sends(tmp_path: Path, slow: str) -> None:
    most = 64 << 20
    sent = threading.Event()
    count = 0

    def send(connection: socket.socket, head: bytes) -> None:
        nonlocal count
        connection.settimeout(1)
        connection.sendall(head)
        try:
            while count < most:
                count += connection.send(bytes(1 << 16))
        except TimeoutError:
            pass
        finally:
            sent.set()

    def primary_side(connection: socket.socket, _: Service) -> None:
        if slow == "client":
            connection.recv(65536)
            send(connection, f"HTTP/1.1 200 OK\r\nContent-Length: {most}\r\n\r\n".encode())
        sent.wait(20)

    with service(primary_side) as primary, tapping(primary.endpoint, tmp_path) as tap, tap.connect() as client:
        if slow == "client":
            client.sendall(GET)
        else:
            send(client, f"PUT / HTTP/1.1\r\nContent-Length: {most}\r\n\r\n".encode())
        assert sent.wait(20)
        # As much as the kernel's buffers take, and a little more.
        assert count < most


def test_what_is_not_http_passes_and_is_counted(tmp_path: Path) -> None:
    def echo(connection: socket.socket, _: Service) -> None:
        connection.sendall(connection.recv(65536))

    with service(echo) as primary, tapping(primary.endpoint, tmp_path) as tap:
        with tap.connect() as client:
            client.sendall(b"EHLO you\r\n\r\n")
            assert to_the_end(client) == b"EHLO you\r\n\r\n"
        wait_until(lambda: tap.counts.unreadable == 1, "the connection is counted")
        assert tap.recorded() == []


def test_bodies_longer_than_what_is_kept_pass_whole(tmp_path: Path) -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"word " * 60_000
    with service(answering(long)) as primary, tapping(primary.endpoint, tmp_path, body_bytes=1000) as tap:
        tap.ask(expected=long)
        (recorded,) = tap.recorded()

    assert (recorded.primary.body_bytes, recorded.primary.cut) == (300_000, True)
    assert 900 < len(recorded.primary.body) <= 1000


def test_a_full_recording_ends_and_traffic_goes_on(tmp_path: Path) -> None:
    with service(answering()) as primary, tapping(primary.endpoint, tmp_path, most_bytes=1500) as tap:
        for _ in range(30):
            tap.ask()
        recorded = tap.recorded()

    assert 1 <= len(recorded) < 30
    assert len(recorded) == tap.counts.recorded
    assert tap.counts.record_dropped == 30 - len(recorded)
    assert tap.record.stat().st_size < 1600
