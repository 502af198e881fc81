"""What is said on a connection is read from the bytes that pass by, however they are split; nothing is sent here."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving_lab.tap.conversation import Conversation, Seen
from serving_lab.wire.message import Ending

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
CHUNKED = b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@dataclass(frozen=True)
class Said:
    """What one side sent in one go."""

    by: str
    data: bytes


def client(data: bytes) -> Said:
    return Said("client", data)


def server(data: bytes) -> Said:
    return Said("server", data)


def listen(*said: Said, room: int = 1000, ends: str | None = "server", step: int = 1_000_000) -> list[Seen]:
    """The exchanges of a connection whose bytes pass by in pieces of this size."""
    conversation, found, now = Conversation(room), [], 0.0
    for each in said:
        for at in range(0, len(each.data), step):
            now += 1
            piece = each.data[at : at + step]
            if each.by == "client":
                conversation.client_sent(piece, now)
            else:
                found += conversation.server_sent(piece, now)
    if ends:
        found += conversation.server_closed(now + 1) if ends == "server" else conversation.client_closed(now + 1)
    return found


def told(seen: Seen) -> tuple[object, ...]:
    answer = seen.answer
    asked = seen.request.method, seen.request.target, seen.request.body
    return (*asked, *((answer.status, answer.body) if answer else (None, None)), str(seen.ending))


KEPT, CLOSED = "kept open", "closed"
CASES = {
    "a request and its answer": ([client(GET), server(OK)], [("GET", "/a", b"", 200, b"hi", KEPT)]),
    "a body": ([client(POST), server(OK)], [("POST", "/b", b"body", 200, b"hi", KEPT)]),
    "a body in chunks, with extension and trailer": (
        [client(CHUNKED), server(OK)],
        [("POST", "/c", b"abcde", 200, b"hi", KEPT)],
    ),
    "an answer in chunks": (
        [client(GET), server(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")],
        [("GET", "/a", b"", 200, b"hi", KEPT)],
    ),
    "an answer that lasts until the end": (
        [client(GET), server(b"HTTP/1.1 200 OK\r\n\r\nhi")],
        [("GET", "/a", b"", 200, b"hi", CLOSED)],
    ),
    "HEAD has no body, whatever the length says": (
        [client(GET.replace(b"GET", b"HEAD")), server(OK[:-2]), client(GET), server(OK)],
        [("HEAD", "/a", b"", 200, b"", KEPT), ("GET", "/a", b"", 200, b"hi", KEPT)],
    ),
    "HEAD of an answer in chunks": (
        [
            client(GET.replace(b"GET", b"HEAD") + GET),
            server(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + OK),
        ],
        [("HEAD", "/a", b"", 200, b"", KEPT), ("GET", "/a", b"", 200, b"hi", KEPT)],
    ),
    "204 and 304 have no body": (
        [
            client(GET + GET + GET),
            server(b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n" + OK),
        ],
        [("GET", "/a", b"", 204, b"", KEPT), ("GET", "/a", b"", 304, b"", KEPT), ("GET", "/a", b"", 200, b"hi", KEPT)],
    ),
    "pipelining": (
        [client(GET + POST + CHUNKED), server(OK + OK + OK)],
        [
            ("GET", "/a", b"", 200, b"hi", KEPT),
            ("POST", "/b", b"body", 200, b"hi", KEPT),
            ("POST", "/c", b"abcde", 200, b"hi", KEPT),
        ],
    ),
    "100 Continue is no answer": (
        [
            client(b"POST /b HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"),
            server(b"HTTP/1.1 100 Continue\r\n\r\n"),
            client(b"body"),
            server(OK),
        ],
        [("POST", "/b", b"body", 200, b"hi", KEPT)],
    ),
    "empty lines before a request": ([client(b"\r\n\r\n" + GET), server(OK)], [("GET", "/a", b"", 200, b"hi", KEPT)]),
    "either side says that it closes": (
        [client(GET), server(OK.replace(b"Content", b"Connection: Close\r\nContent"))],
        [("GET", "/a", b"", 200, b"hi", CLOSED)],
    ),
    "HTTP/1.0 closes": (
        [client(GET.replace(b"1.1", b"1.0")), server(OK.replace(b"1.1", b"1.0"))],
        [("GET", "/a", b"", 200, b"hi", CLOSED)],
    ),
    "HTTP/1.0 is kept where both say so": (
        [
            client(GET.replace(b"1.1\r\n", b"1.0\r\nConnection: keep-alive\r\n")),
            server(OK.replace(b"1.1 200 OK\r\n", b"1.0 200 OK\r\nConnection: keep-alive\r\n")),
        ],
        [("GET", "/a", b"", 200, b"hi", KEPT)],
    ),
    "no answer": ([client(GET)], [("GET", "/a", b"", None, None, CLOSED)]),
    "an answer that breaks off": ([client(GET), server(OK[:-1])], [("GET", "/a", b"", 200, b"h", CLOSED)]),
    "an answer before the request is complete": (
        [client(POST[:-2]), server(OK)],
        [("POST", "/b", b"bo", 200, b"hi", CLOSED)],
    ),
    "a wish to switch that is not granted": (
        [client(GET.replace(b"Host", b"Upgrade: h2c\r\nConnection: Upgrade\r\nHost") + GET), server(OK + OK)],
        [("GET", "/a", b"", 200, b"hi", KEPT), ("GET", "/a", b"", 200, b"hi", KEPT)],
    ),
}


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("name", CASES)
def test_exchanges_are_read_however_their_bytes_are_split(name: str, step: int) -> None:
    said, expected = CASES[name]

    assert [told(seen) for seen in listen(*said, step=step)] == expected


@pytest.mark.parametrize("step", [1, 5, 1000])
def test_a_switched_connection_is_one_exchange_with_what_was_sent_on_it(step: int) -> None:
    asks = GET.replace(b"Host", b"Upgrade: websocket\r\nConnection: Upgrade\r\nHost")
    grants = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"

    (seen,) = listen(
        client(asks + b"early"), server(grants + b"\x81\x02hi"), client(b"\x81\x80abcd"), server(b"\x88\x00"), step=step
    )

    assert seen.answer is not None
    assert (seen.answer.status, seen.bytes_up, seen.bytes_down) == (101, 11, 6)


def test_times_are_those_of_the_first_and_the_last_byte() -> None:
    (seen,) = listen(client(POST[:10]), client(POST[10:]), server(OK[:5]), server(OK[5:]))

    assert seen.answer is not None
    assert (seen.request.begun, seen.request.ended, seen.answer.begun, seen.answer.ended) == (1, 2, 3, 4)


def test_bodies_are_kept_up_to_a_bound_and_counted_to_their_end() -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000

    (seen,) = listen(client(POST), server(long), room=3, step=100)

    assert (seen.request.body, seen.request.body_bytes, seen.request.cut) == (b"bod", 4, True)
    assert seen.answer is not None
    assert (seen.answer.body, seen.answer.body_bytes, seen.answer.cut) == (b"xxx", 5000, True)


def test_a_client_that_goes_away_says_nothing_of_the_service() -> None:
    (seen,) = listen(client(GET), server(OK[:-1]), ends="client")

    assert seen.by_client
    assert seen.ending is Ending.UNFINISHED


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([client(b"\x16\x03\x01\x02\r\n\r\n")], "a request: no request line"),
        ([client(b"GET /a HTTP/1.1\r\nContent-Length: x\r\n\r\n")], "a request: a length that is no number"),
        ([client(b"P /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")], "a request: a length that is"),
        ([client(b"P /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n")], "a request: a chunk without a length"),
        ([client(CHUNKED.replace(b"abc", b"abcd"))], "a request: a chunk that is longer than it says"),
        ([client(b"GET /" + b"a" * 200_000)], "a request: a head without an end"),
        ([server(OK)], "an answer: nothing was asked"),
        ([client(GET), server(b"SSH-2.0-x\r\n\r\n")], "an answer: no status line"),
    ],
)
def test_what_is_not_http_is_said_and_nothing_is_made_of_it(said: list[Said], why: str) -> None:
    conversation = Conversation(1000)
    for each in said:
        if each.by == "client":
            conversation.client_sent(each.data, 1)
        else:
            assert conversation.server_sent(each.data, 1) == []

    assert (conversation.unreadable or "").startswith(why)
    conversation.client_sent(GET, 2)
    assert conversation.server_sent(OK, 2) == []
    assert conversation.server_closed(3) == []


FRAGMENTS = st.one_of(
    st.sampled_from([GET, POST, CHUNKED, OK, b"HTTP/1.1 101 X\r\n\r\n"]),
    st.sampled_from([b"Upgrade: x\r\n", b"\r\n", b"0\r\n", b"HTTP/1.1 "]),
    st.binary(max_size=20),
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), FRAGMENTS), max_size=20), st.booleans())
def test_whatever_passes_by_nothing_fails_and_every_exchange_is_told_once(
    said: list[tuple[bool, bytes]], reset: bool
) -> None:
    conversation, found = Conversation(50), []
    for now, (by_client, data) in enumerate(said):
        if by_client:
            conversation.client_sent(data, now)
        else:
            found += conversation.server_sent(data, now)
    found += conversation.server_closed(99, reset=reset)

    assert [seen.number for seen in found] == list(range(len(found)))
    assert conversation.client_closed(100) == conversation.server_closed(100) == []
    for seen in found:
        assert len(seen.request.body) <= 50
        assert seen.ended >= seen.request.begun
