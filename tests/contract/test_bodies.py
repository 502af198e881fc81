"""Request bodies: their size, their content type, and what is JSON."""

import contextlib
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support.answers import assert_error
from support.services import SERVICE_NAMES, RunningService, running_services
from support.wire import JSON_TYPE, LIMIT_BYTES, TIMEOUT_SECONDS, Request, read_response, send

from contract.cases import Accepted, Fault, each
from contract.cases.bodies import (
    BODY_ACCEPTED,
    BODY_FAULTS,
    CONTENT_TYPE_FAULTS,
    CONTENT_TYPES_ACCEPTED,
    REPEATED_KEY,
    SIZE_FAULTS,
    SIZES_ACCEPTED,
    padded,
)


@each("fault", BODY_FAULTS)
def test_a_body_that_is_no_filled_json_object_is_refused(service: RunningService, token: str, fault: Fault) -> None:
    assert_error(send(service, fault.request, token), fault.status, fault.error)


@each("accepted", BODY_ACCEPTED)
def test_a_body_may_be_any_json_object_with_the_features(
    service: RunningService, token: str, accepted: Accepted
) -> None:
    response = send(service, accepted.request, token)

    assert response.status_code == 200, response.text


def test_of_repeated_keys_the_last_counts(service: RunningService, token: str) -> None:
    assert_error(send(service, REPEATED_KEY.request, token), REPEATED_KEY.status, REPEATED_KEY.error)


@each("fault", CONTENT_TYPE_FAULTS)
def test_another_content_type_is_refused(service: RunningService, token: str, fault: Fault) -> None:
    assert_error(send(service, fault.request, token), fault.status, fault.error)


@each("accepted", CONTENT_TYPES_ACCEPTED)
def test_the_content_type_may_have_parameters_and_any_case(
    service: RunningService, token: str, accepted: Accepted
) -> None:
    response = send(service, accepted.request, token)

    assert response.status_code == 200, response.text


def test_clearing_the_cache_needs_no_body_and_no_content_type(service: RunningService, token: str) -> None:
    assert send(service, Request("POST", "/cache/clear", headers=()), token).status_code == 200


@each("accepted", SIZES_ACCEPTED)
def test_a_body_of_exactly_the_limit_is_accepted(service: RunningService, token: str, accepted: Accepted) -> None:
    response = send(service, accepted.request, token)

    assert response.status_code == 200, response.text


@each("fault", SIZE_FAULTS)
def test_a_body_above_the_limit_is_refused(service: RunningService, token: str, fault: Fault) -> None:
    assert_error(send(service, fault.request, token), fault.status, fault.error)


def test_a_refused_body_does_not_disturb_the_next_request_of_the_client(service: RunningService, token: str) -> None:
    """Whoever closes a connection after its answer has to say so in it, or a client loses what it sends next."""
    for _ in range(30):
        with service.client(token) as client:
            refused = client.post("/predict", content=padded(1_300_000), headers=dict(JSON_TYPE))
            accepted = client.post("/predict", content=padded(200), headers=dict(JSON_TYPE))

        assert (refused.status_code, accepted.status_code) == (413, 200)


@pytest.mark.parametrize("chunks", [b"x\r\n{}\r\n0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n", b"1\r\n{}\r\n0\r\n\r\n"])
def test_chunks_that_are_none_are_the_clients_fault(service: RunningService, chunks: bytes) -> None:
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

    with socket.create_connection(service.address, timeout=TIMEOUT_SECONDS) as connection:
        connection.sendall(head + chunks)
        response = read_response(connection)
        after = connection.recv(1)

    assert response.status_code == 400
    assert after == b"", "where the next request would begin, nobody knows"


@pytest.mark.parametrize("path", ["/no-such-path", "/health"])
def test_after_a_large_body_that_nobody_takes_the_connection_serves_or_says_that_it_closes(
    service: RunningService, path: str
) -> None:
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {4 * LIMIT_BYTES}\r\n\r\n".encode()

    for _ in range(5):
        with socket.create_connection(service.address, timeout=TIMEOUT_SECONDS) as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(head + bytes(4 * LIMIT_BYTES))
            refused = read_response(connection)
            if refused.headers.get("Connection") != "close":
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                assert read_response(connection).status_code == 200

            assert refused.status_code in {404, 405}


@pytest.fixture(scope="module")
def small_services(model_dir: Path) -> Iterator[Mapping[str, RunningService]]:
    with running_services(model_dir, MAX_BODY_BYTES=2048, WORKERS=1) as group:
        yield group


@pytest.mark.parametrize("chunked", [False, True], ids=["with length", "chunked"])
@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_the_limit_is_the_one_that_is_set(
    small_services: Mapping[str, RunningService], name: str, chunked: bool
) -> None:
    service = small_services[name]
    token = service.login()

    fits = send(service, Request("POST", "/predict", body=padded(2048), chunked=chunked), token)
    too_large = send(service, Request("POST", "/predict", body=padded(2049), chunked=chunked), token)

    assert fits.status_code == 200
    assert_error(too_large, 413, "Request body too large")
