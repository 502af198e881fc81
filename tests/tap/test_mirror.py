"""Copies of requests: which are sent, what is recorded of their answers, and that no client ever waits for them."""

import socket
import threading
from pathlib import Path

import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.profile_file import read_description
from serving_lab.tap.surface import Surface, WithoutSecrets
from serving_lab.wire.message import Ending
from support.checkout import REPOSITORY
from support.services import free_port, wait_until

from tap.running import GET, OK, Service, answering, exactly, service, tapping

pytestmark = pytest.mark.service

OURS = Surface.of(read_description(REPOSITORY / "loadtest" / "api.yaml", WithoutSecrets()))
OTHER = OK.replace(b"hi", b"ho")


def post(path: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode()


def test_what_is_safe_or_repeatable_is_sent_to_the_candidate_as_it_was(tmp_path: Path) -> None:
    asked = [GET, post("/predict"), post("/login"), post("/cache/clear"), post("/batch-predict?a=b")]
    with (
        service(answering()) as primary,
        service(answering(OTHER)) as candidate,
        tapping(primary.endpoint, tmp_path, candidate.endpoint, OURS) as tap,
    ):
        for request in asked:
            tap.ask(request)
        wait_until(lambda: tap.counts.mirrored == 3, "copies are sent")
        recorded = sorted(tap.recorded(), key=lambda each: each.at)
        received = bytes(candidate.received)

    assert [each.candidate and each.candidate.body for each in recorded] == [b"ho", b"ho", None, None, b"ho"]
    assert [each.primary.body for each in recorded] == [b"hi"] * 5
    assert sorted([received.count(each) for each in asked]) == [0, 0, 1, 1, 1]
    assert len(received) == len(asked[0] + asked[1] + asked[4])


def test_chunks_and_the_wish_for_100_continue_are_for_one_connection_alone(tmp_path: Path) -> None:
    head = b"OPTIONS /a HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    with (
        service(answering()) as primary,
        service(answering()) as candidate,
        tapping(primary.endpoint, tmp_path, candidate.endpoint) as tap,
    ):
        tap.ask(head + b"2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n")
        wait_until(lambda: candidate.received.endswith(b"0\r\n\r\n"), "the copy arrives")

    expected = b"OPTIONS /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhi!\r\n0\r\n\r\n"
    assert bytes(candidate.received) == expected


def test_a_full_queue_drops_copies_counts_them_and_delays_nobody(tmp_path: Path) -> None:
    never = threading.Event()
    with (
        service(answering()) as primary,
        service(answering(before=never.wait)) as candidate,
        tapping(primary.endpoint, tmp_path, candidate.endpoint, queue=5) as tap,
    ):
        for _ in range(100):
            tap.ask()  # it would never come back if it waited for the candidate
        wait_until(lambda: tap.counts.mirrored + tap.counts.mirror_dropped == 100, "all are decided")
        assert tap.counts.mirrored <= 32 + 5
        assert tap.counts.mirror_dropped >= 100 - 32 - 5
        never.set()
        recorded = tap.recorded()

    assert len(recorded) == 100
    assert sum(each.candidate is not None for each in recorded) == tap.counts.mirrored


def test_large_bodies_fill_the_queue_before_they_fill_the_memory(tmp_path: Path) -> None:
    never = threading.Event()
    body = bytes(1 << 20)
    request = b"OPTIONS /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with (
        service(answering()) as primary,
        service(answering(before=never.wait)) as candidate,
        tapping(primary.endpoint, tmp_path, candidate.endpoint) as tap,
    ):
        for _ in range(110):
            tap.ask(request)
        wait_until(lambda: tap.counts.mirrored + tap.counts.mirror_dropped == 110, "all are decided")
        assert tap.counts.mirrored <= 32 + 64 + 1
        never.set()


def test_a_candidate_that_is_down_is_recorded_as_such(tmp_path: Path) -> None:
    nobody = Endpoint.parse(f"http://127.0.0.1:{free_port()}")
    with service(answering()) as primary, tapping(primary.endpoint, tmp_path, nobody) as tap:
        for _ in range(3):
            tap.ask()
        recorded = tap.recorded()

    assert [each.candidate and each.candidate.ending for each in recorded] == [Ending.REFUSED] * 3


def test_the_primary_is_asked_again_to_learn_what_varies_by_itself(tmp_path: Path) -> None:
    answers = iter(range(100))

    with (
        service(answering()) as primary,
        service(answering(OTHER, before=lambda: next(answers))) as candidate,
        tapping(primary.endpoint, tmp_path, candidate.endpoint, again=1.0) as tap,
    ):
        tap.ask()
        (recorded,) = tap.recorded()

    assert recorded.again is not None
    assert (recorded.again.body, primary.received.count(GET)) == (b"hi", 2)


def test_a_kept_connection_that_the_candidate_closes_costs_no_copy(tmp_path: Path) -> None:
    closing = OTHER.replace(b"Content", b"Connection: close\r\nContent")
    with (
        service(answering()) as primary,
        service(answering(closing)) as candidate,
        tapping(primary.endpoint, tmp_path, candidate.endpoint) as tap,
    ):
        for _ in range(20):
            tap.ask()
        recorded = tap.recorded()

    assert [each.candidate and each.candidate.status for each in recorded] == [200] * 20
    assert {each.candidate.ending for each in recorded if each.candidate} == {Ending.CLOSED}


def test_many_clients_at_once_get_their_own_answers_and_all_is_recorded(tmp_path: Path) -> None:
    def echo(connection: socket.socket, _: Service) -> None:
        """Answer with the path, in pieces."""
        held = b""
        while data := connection.recv(65536):
            held += data
            while (end := held.find(b"\r\n\r\n")) >= 0:
                path, held = held.split(b" ")[1], held[end + 4 :]
                for piece in (b"HTTP/1.1 200 OK\r\nContent-", b"Length: %d\r\n\r\n" % len(path), path):
                    connection.sendall(piece)

    wrong: list[bytes] = []

    def ask(client: int) -> None:
        with tap.connect() as connection:
            for number in range(50):
                path = b"/%d/%d" % (client, number)
                expected = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path)
                connection.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path)
                if (answer := exactly(connection, len(expected))) != expected:
                    wrong.append(answer)

    with (
        service(echo) as primary,
        service(echo) as candidate,
        tapping(primary.endpoint, tmp_path, candidate.endpoint) as tap,
    ):
        clients = [threading.Thread(target=ask, args=(client,)) for client in range(10)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        recorded = tap.recorded()

    assert wrong == []
    assert len(recorded) == 500
    for each in recorded:
        assert each.primary.body == each.request.target.encode()
        assert each.candidate is None or each.candidate.body == each.primary.body
    assert sum(each.candidate is not None for each in recorded) == tap.counts.mirrored
