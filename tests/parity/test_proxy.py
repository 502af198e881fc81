"""The proxy that differences are planted in: invisible where it changes nothing, and exact where it does."""

import contextlib
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from support.services import RunningService
from support.wire import chunks

from parity.mutants.http import Answer, Request
from parity.mutants.proxy import Mutation, proxied

GET = b"GET /model-info HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /model-info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
SILENCE_SECONDS = 1.5
LARGE = b"x" * 1_048_577

RAW = {
    "one": LAST,
    "pipelined": GET + GET + LAST,
    "head": b"HEAD /ready HTTP/1.1\r\nHost: x\r\n\r\n" + LAST,
    "kept open": GET,
    "chunked": b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    + b"Content-Type: application/json\r\n\r\n"
    + chunks(b'{"username": 1}', 3)
    + LAST,
    "expecting": b"POST /login HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}" + LAST,
    "too large": b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(LARGE), LARGE),
    "body missing": b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{}",
    "two lengths": b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "old": b"GET /model-info HTTP/1.0\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    "half a head": b"GET /health HTTP/1.1\r\nHo",
    "odd header": b"GET /health HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n",
    "invalid UTF-8": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("content", RAW.values(), ids=RAW)
def test_without_a_mutation_every_byte_is_passed(service: RunningService, content: bytes) -> None:
    with proxied(service.address) as url, ThreadPoolExecutor() as pool:
        through, direct = pool.map(conversation, (_address(url), service.address), (content, content))

    assert steady(through) == steady(direct)


def test_a_mutation_knows_the_request_and_changes_the_answer(baseline: RunningService) -> None:
    def mutation(request: Request, answer: Answer) -> Answer:
        return answer.with_json({"then": request.operation}) if request.pipelined else answer

    with proxied(baseline.address, mutation) as url:
        answers = conversation(_address(url), GET + GET + LAST)

    assert answers.count(b"feature_names") == 1
    assert answers.count(b"Content-Length: 26") == answers.count(b'\r\n\r\n{"then":"GET /model-info"}') == 2


@pytest.mark.parametrize(
    ("mutation", "expected"),
    [
        pytest.param(lambda _, answer: replace(answer, close=True), 1, id="closed after each answer"),
        pytest.param(lambda request, answer: None if request.pipelined else answer, 1, id="pipelined answers lost"),
    ],
)
def test_answers_can_be_lost(baseline: RunningService, mutation: Mutation, expected: int) -> None:
    with proxied(baseline.address, mutation) as url:
        assert conversation(_address(url), GET + GET + LAST).count(b"HTTP/1.1 200 OK") == expected


def test_a_connection_can_be_reset(baseline: RunningService) -> None:
    with (
        proxied(baseline.address, lambda _, answer: replace(answer, reset=True)) as url,
        pytest.raises(ConnectionResetError),
    ):
        conversation(_address(url), GET)


def test_a_request_can_be_rewritten(baseline: RunningService) -> None:
    with proxied(baseline.address, rewrite=lambda sent: sent.replace(b"/model-info", b"/ready")) as url:
        assert b'"status":"ready"' in conversation(_address(url), LAST)


def conversation(address: tuple[str, int], content: bytes) -> bytes:
    """Send the bytes and return all that is answered until the service closes, or has been silent for a while."""
    received = b""
    with socket.create_connection(address, timeout=SILENCE_SECONDS) as connection, contextlib.suppress(TimeoutError):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(content)
        while part := connection.recv(65536):
            received += part
    return received


def steady(answers: bytes) -> bytes:
    """Return the answers without the headers that differ every time."""
    return re.sub(rb"(?i)((?:date|x-request-id|x-process-time): )[^\r]*", rb"\1", answers)


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)
