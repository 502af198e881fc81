"""Requests go out as they are, and what becomes of the connection is seen."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.errors import LabError
from serving_lab.wire import connection
from serving_lab.wire.connection import Client
from serving_lab.wire.exchange import send
from serving_lab.wire.message import Answer, Ending, RawRequest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextlib.contextmanager
def server(*talks: Callable[[socket.socket], object]) -> Iterator[Client]:
    """Run a server that treats its first connection as the first talk says, and so on, and yield a client of it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for talk in talks:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with contextlib.closing(Client(Endpoint.parse(f"http://127.0.0.1:{listener.getsockname()[1]}"), 0.5)) as client:
            yield client
    finally:
        listener.close()


def says(*answers: bytes, then_wait: bool = True) -> Callable[[socket.socket], object]:
    def talk(connection: socket.socket) -> None:
        for answer in answers:
            connection.recv(65536)
            connection.sendall(answer)
        if then_wait:
            connection.recv(65536)

    return talk


def test_a_connection_is_kept_for_the_next_request() -> None:
    with server(says(OK, OK)) as client:
        endings = [client.send(Request("GET", "/")).ending for _ in range(2)]

    assert endings == [Ending.KEPT] * 2


def test_a_kept_connection_that_was_closed_meanwhile_says_nothing_about_the_request() -> None:
    with server(says(OK, then_wait=False), says(OK)) as client:
        exchanges = [client.send(Request("GET", "/")) for _ in range(2)]

    assert [(e.answers[0].status, e.ending) for e in exchanges] == [(200, Ending.KEPT)] * 2


@pytest.mark.parametrize(
    ("talk", "ending"),
    [
        (says(b"", then_wait=False), Ending.CLOSED),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", then_wait=False), Ending.RESET),
        (says(b"hello\r\n\r\n"), Ending.NOT_HTTP),
        (lambda _: threading.Event().wait(0.8), Ending.TIMED_OUT),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nok" % 10**30), Ending.RESET),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nok" % 2**62), Ending.RESET),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nok\r\n"), Ending.NOT_HTTP),
    ],
    ids=["closed", "cut off", "no http", "silent", "longer than a number", "longer than memory", "negative chunk"],
)
def test_how_an_exchange_without_an_answer_ended_is_told(
    talk: Callable[[socket.socket], object], ending: Ending
) -> None:
    with server(talk) as client:
        exchange = client.send(Request("GET", "/"))

    assert (exchange.answers, exchange.ending) == ((), ending)


def test_an_announced_end_is_one() -> None:
    with server(says(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")) as client:
        assert client.send(Request("GET", "/")).ending is Ending.CLOSED


def test_an_answer_in_chunks_an_answer_to_head_and_headers_that_repeat() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: 1\r\nA: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"

    with server(says(chunked, head, OK)) as client:
        first, second, third = (client.send(Request(method, "/")).answers[0] for method in ("GET", "HEAD", "GET"))

    assert (first.body, first.header("a")) == (b"ok", "1, 2")
    assert (second.body, second.header("content-length")) == (b"", "2")
    assert third.body == b"ok"


def test_an_answer_to_a_body_that_is_not_read_to_its_end_counts() -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 413 Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with server(refuse) as client:
        assert client.send(Request("POST", "/", body=b"x" * 10_000_000)).answers[0].status == 413


def test_all_answers_to_raw_requests_are_read_and_the_connection_is_watched() -> None:
    two = RawRequest(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n")

    with server(says(OK + OK), says(OK + OK, then_wait=False), says(OK, then_wait=False)) as client:
        kept, closed, lost = (client.send(two) for _ in range(3))

    assert (len(kept.answers), kept.ending) == (2, Ending.KEPT)
    assert (len(closed.answers), closed.ending) == (2, Ending.CLOSED)
    assert (len(lost.answers), lost.ending) == (1, Ending.CLOSED)


def test_a_raw_request_may_end_what_it_sends() -> None:
    def until_end(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass
        connection.sendall(OK)

    raw = b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"
    with server(until_end, until_end) as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "RAW_TIMEOUT_SECONDS", 0.3)
        ended = client.send(RawRequest(raw, half_close=True))
        waiting = client.send(RawRequest(raw))

    assert [answer.status for answer in ended.answers] == [200]
    assert (waiting.answers, waiting.ending) == ((), Ending.TIMED_OUT)


def test_a_request_is_sent_as_it_is() -> None:
    received: list[bytes] = []

    def record(connection: socket.socket) -> None:
        received.append(connection.recv(65536))
        connection.sendall(OK)

    request = Request("POST", "/a?b", (("X-Odd", "\xff"), ("x-odd", "")), b"\x00body", chunked=True)
    with server(record) as client:
        client.send(request)
        host = client.endpoint.host

    assert received == [
        b"POST /a?b HTTP/1.1\r\nHost: " + host.encode() + b"\r\nX-Odd: \xff\r\nx-odd: \r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n\x00body\r\n0\r\n\r\n"
    ]


def test_one_request_on_a_connection_of_its_own_has_one_answer() -> None:
    with server(says(OK)) as client:
        answer = send(client.endpoint, Request("GET", "/"), 0.5)

    assert answer == Answer(200, (("content-length", "2"),), b"ok")


@pytest.mark.parametrize(
    "talk",
    [
        says(b"", then_wait=False),
        says(b"hello\r\n\r\n"),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nok\r\n"),
        lambda _: threading.Event().wait(0.8),
    ],
    ids=["closed", "no http", "negative chunk", "silent"],
)
def test_one_request_that_gets_no_answer_is_an_error(talk: Callable[[socket.socket], object]) -> None:
    with server(talk) as client, pytest.raises(LabError, match="does not answer"):
        send(client.endpoint, Request("GET", "/"), 0.3)


@pytest.mark.parametrize(
    ("url", "host", "prefix"),
    [
        ("http://example.org", "example.org", ""),
        ("http://example.org:80/api/", "example.org", "/api"),
        ("https://example.org:8443/api/v1", "example.org:8443", "/api/v1"),
        ("http://[::1]:5000", "[::1]:5000", ""),
    ],
)
def test_base_urls(url: str, host: str, prefix: str) -> None:
    endpoint = Endpoint.parse(url)

    assert (endpoint.host, endpoint.prefix) == (host, prefix)


@pytest.mark.parametrize(
    "url",
    [
        *("", "localhost:5000", "ftp://x", "http://", "http://x:port", "http://x/?a=1", "http://u@x", "http://[::1"),
        *(f"http://{'a' * 64}.org", "http://a..org", "http://\udcff/", "http://x/a b", "http://x/a\x00"),
    ],
)
def test_what_is_no_base_url_is_told(url: str) -> None:
    with pytest.raises(LabError, match="is not a valid base URL") as refused:
        Endpoint.parse(url)

    assert refused.value.exit_code == 2
