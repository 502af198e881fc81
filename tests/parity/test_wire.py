"""Requests go out as they are, and what becomes of the connection is seen."""

import contextlib
import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable
from functools import partial

import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.errors import LabError
from serving_lab.wire import connection, response
from serving_lab.wire.connection import Client
from serving_lab.wire.exchange import send
from serving_lab.wire.message import Answer, Ending, RawRequest
from serving_lab.wire.packing import unpacked

from parity.talks import OK, says, server

# Without the time: tests are named by it, and all processes of a test run must give them the same names.
gzipped = partial(gzip.compress, mtime=0)


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
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nok\r\n"), Ending.NOT_HTTP),
    ],
    ids=["closed", "cut off", "no http", "silent", "negative chunk"],
)
def test_how_an_exchange_without_an_answer_ended_is_told(
    talk: Callable[[socket.socket], object], ending: Ending
) -> None:
    with server(talk) as client:
        exchange = client.send(Request("GET", "/"))

    assert (exchange.answers, exchange.ending) == ((), ending)


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"


@pytest.mark.parametrize(
    ("talk", "body"),
    [
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nok" % 10**30), b"ok"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nok" % 2**62), b"ok"),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"), b"ok"),
        (says(STREAM), b"data: 1\n\n"),
    ],
    ids=["longer than a number", "longer than memory", "chunks without an end", "events"],
)
def test_an_answer_that_does_not_end_is_cut(talk: Callable[[socket.socket], object], body: bytes) -> None:
    with server(talk) as client:
        exchange = client.send(Request("GET", "/"))

    assert ([(each.body, each.cut) for each in exchange.answers], exchange.ending) == (
        [(body, True)],
        Ending.UNFINISHED,
    )


def test_no_more_of_an_answer_is_read_than_of_any() -> None:
    def pour(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(bytes(65536))

    # 16 MiB may take longer than the others' answers, on a busy machine.
    with server(pour) as client, contextlib.closing(Client(client.endpoint, 10)) as patient:
        exchange = patient.send(Request("GET", "/"))

    assert (len(exchange.answers[0].body), exchange.ending) == (response.MOST_BYTES, Ending.UNFINISHED)


def test_interim_answers_are_read_past() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"

    with server(says(early + OK, OK), says(early + OK)) as client:
        statuses = [client.send(Request("GET", "/")).answers[0].status for _ in range(2)]
        client.close()
        alone = send(client.endpoint, Request("GET", "/"), 0.5)

    assert (statuses, alone.status) == ([200, 200], 200)


def test_a_head_may_be_large() -> None:
    head = b"".join(b"x-%d: %d\r\n" % (number, number) for number in range(500)) + b"x-long: " + b"a" * 100_000

    with server(says(b"HTTP/1.1 200 OK\r\n" + head + b"\r\nContent-Length: 2\r\n\r\nok")) as client:
        (answer,) = client.send(Request("GET", "/")).answers

    assert (len(answer.headers), answer.body) == (502, b"ok")


@pytest.mark.parametrize(
    ("method", "said"),
    [("HEAD", OK), ("GET", OK + b"more"), ("GET", b"HTTP/1.1 204 No Content\r\n\r\nbody")],
    ids=["a body for HEAD", "longer than its length", "a body without content"],
)
def test_more_than_was_announced_belongs_to_the_request_that_was_answered(method: str, said: bytes) -> None:
    with server(says(said), says(OK)) as client:
        first, second = client.send(Request(method, "/")), client.send(Request("GET", "/"))

    assert (len(first.answers), first.ending) == (1, Ending.SURPLUS)
    assert (second.answers[0].body, second.ending) == (b"ok", Ending.KEPT)


@pytest.mark.parametrize(
    ("method", "head"),
    [("HEAD", b"Transfer-Encoding: chunked"), ("HEAD", b"Content-Length: 4"), ("GET", b"Content-Length: 0")],
)
def test_more_than_was_announced_is_waited_for_until_the_close_that_was_announced(method: str, head: bytes) -> None:
    def late(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + head + b"\r\n\r\n")
        time.sleep(0.05)  # the client has read the head by then
        connection.sendall(b"body")

    with server(late) as client:
        assert client.send(Request(method, "/")).ending is Ending.SURPLUS


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzipped(b"one") + gzipped(b" two")),
        ("deflate", zlib.compress(b"one two")),
        ("deflate", zlib.compress(b"one two", wbits=-15)),
        ("gzip, deflate", zlib.compress(gzipped(b"one two"))),
    ],
)
def test_a_packed_body_is_unpacked_and_its_head_left(coding: str, body: bytes) -> None:
    headers = (("content-encoding", coding),)

    assert unpacked(Answer(200, headers, body), 100) == Answer(200, headers, b"one two")


def test_of_a_body_that_unpacks_to_very_much_there_is_as_much_as_of_any() -> None:
    bomb = Answer(200, (("content-encoding", "gzip"),), gzip.compress(bytes(10_000_000)))

    assert (len(unpacked(bomb, 1000).body), unpacked(bomb, 1000).cut) == (1000, True)


@pytest.mark.parametrize("body", [b"not packed", gzipped(b"it breaks off")[:-9]])
def test_a_body_that_is_not_packed_as_its_head_says_stays_as_it_came(body: bytes) -> None:
    answer = Answer(200, (("content-encoding", "gzip"),), body)

    assert unpacked(answer, 100) is answer


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


def test_one_request_whose_answer_does_not_end_is_an_error() -> None:
    with server(says(STREAM)) as client, pytest.raises(LabError, match="its answer does not end: 9 bytes so far"):
        send(client.endpoint, Request("GET", "/"), 0.3)


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
