"""The candidate with a planted fault: what it changes, and that all else passes as it is."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from pytest_httpserver import HTTPServer
from serving_lab.tour.planted import DELAY_SECONDS, WithoutDecimals
from support.services import free_port, wait_until

ANSWER = b'{"prediction":152.1337,"cached":false,"model_version":"1.2.3"}'
CHANGED = b'{"prediction":152.0000,"cached":false,"model_version":"1.2.3"}'


@pytest.mark.parametrize("size", [1, 2, 5, 14, len(ANSWER)])
def test_decimals_of_a_prediction_become_zeros_however_the_bytes_arrive(size: int) -> None:
    change = WithoutDecimals()
    pieces = [ANSWER[begin : begin + size] for begin in range(0, len(ANSWER), size)]

    assert b"".join(map(change, pieces)) == CHANGED


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (b'{"prediction": -1.75}', b'{"prediction": -1.00}'),
        (b'{"prediction":152,"share":0.25}', b'{"prediction":152,"share":0.25}'),
        (b'{"predictions":[1.25,2.5]}', b'{"predictions":[1.25,2.5]}'),
        (
            b'{"a":"\\"prediction","prediction":1.5}{"prediction":2.5}',
            b'{"a":"\\"prediction","prediction":1.0}{"prediction":2.0}',
        ),
        (b'""prediction":1.5', b'""prediction":1.0'),
        (b"X-Process-Time: 0.123", b"X-Process-Time: 0.123"),
    ],
)
def test_nothing_else_changes(sent: bytes, received: bytes) -> None:
    assert WithoutDecimals()(sent) == received


@pytest.fixture
def service(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/predict").respond_with_data(ANSWER, headers={"X-Process-Time": "0.25"})
    return httpserver


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/predict").is_success
    except httpx.TransportError:
        return False


@contextmanager
def planted(service: HTTPServer, fault: str) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "serving_lab.tour.planted", str(port), service.url_for(""), "--fault", fault]
    with subprocess.Popen(command) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: answers(url), "the planted candidate")
            yield url
        finally:
            process.terminate()


@pytest.mark.service
def test_a_wrong_candidate_changes_the_prediction_alone(service: HTTPServer) -> None:
    with planted(service, "wrong") as url:
        got = [httpx.get(f"{each}/predict") for each in (service.url_for(""), url)]

    right, wrong = got
    assert wrong.content == CHANGED
    assert json.loads(right.content) | {"prediction": 152.0} == wrong.json()
    assert {**right.headers, "date": ""} == {**wrong.headers, "date": ""}


@pytest.mark.service
def test_a_slow_candidate_answers_right_but_later(service: HTTPServer) -> None:
    with planted(service, "slow") as url, httpx.Client() as client:
        started = time.perf_counter()
        answer = client.get(f"{url}/predict")
        seconds = time.perf_counter() - started

    assert answer.content == ANSWER
    assert seconds > DELAY_SECONDS
