"""The headers on every response."""

import time

import pytest
from support.answers import REQUEST_ID, assert_contract_headers
from support.services import RunningService
from support.wire import LIMIT_BYTES, Request, send

from contract.cases.access import login
from contract.cases.bodies import GOOD, padded

EVERY_KIND = {
    "health": (Request("GET", "/health"), 200),
    "head": (Request("HEAD", "/health"), 200),
    "metrics": (Request("GET", "/metrics"), 200),
    "prediction": (Request("POST", "/predict", body=GOOD), 200),
    "batch": (
        Request(
            "POST",
            "/batch-predict",
            body=GOOD.replace(b"features", b"samples").replace(b"[", b"[[").replace(b"]", b"]]"),
        ),
        200,
    ),
    "fields": (Request("POST", "/predict", body=b'{"x": 1}'), 400),
    "json": (Request("POST", "/predict", body=b"{"), 400),
    "token": (Request("POST", "/predict", body=GOOD, signed_in=False), 401),
    "credentials": (login('{"username": "x", "password": "y"}'), 401),
    "path": (Request("GET", "/no-such-path"), 404),
    "method": (Request("DELETE", "/predict"), 405),
    "options": (Request("OPTIONS", "/predict"), 405),
    "size": (Request("POST", "/predict", body=padded(LIMIT_BYTES + 1)), 413),
    "type": (Request("POST", "/predict", headers=(), body=GOOD), 415),
}

every_kind = pytest.mark.parametrize(("request_", "status"), EVERY_KIND.values(), ids=EVERY_KIND)


@every_kind
def test_every_kind_of_response_carries_the_contract_headers(
    service: RunningService, token: str, request_: Request, status: int
) -> None:
    response = send(service, request_, token)

    assert response.status_code == status
    assert_contract_headers(response)
    for header in ("X-Request-ID", "X-Process-Time", "Content-Type"):
        assert len(response.headers.get_list(header)) == 1, header


@every_kind
def test_every_kind_of_response_echoes_the_request_id(
    service: RunningService, token: str, request_: Request, status: int
) -> None:
    response = send(service, request_.with_headers(("X-Request-ID", "Order-66_b.7")), token)

    assert response.status_code == status
    assert response.headers["X-Request-ID"] == "Order-66_b.7"


@every_kind
def test_no_response_shares_its_resource_unasked(
    service: RunningService, token: str, request_: Request, status: int
) -> None:
    response = send(service, request_.with_headers(("Origin", "https://elsewhere.example")), token)

    assert response.status_code == status
    assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("request_id", ["x", "0", ".", "-", "_", "a.b-c_D.9", "A" * 128], ids=lambda value: value[:12])
def test_a_well_formed_request_id_is_kept(service: RunningService, request_id: str) -> None:
    response = send(service, Request("GET", "/health", headers=(("X-Request-ID", request_id),)))

    assert response.headers["X-Request-ID"] == request_id


@pytest.mark.parametrize(
    "request_id",
    ["", "A" * 129, "a b", "a/b", "a,b", "a;b", "{a}", "a\tb", "é", b"\xff\xfe", "%41", '"a"', "<script>", "٣", "a:b"],
    ids=lambda value: repr(value)[:20],
)
def test_any_other_request_id_is_replaced(service: RunningService, request_id: str | bytes) -> None:
    response = send(service, Request("GET", "/health", headers=(("X-Request-ID", request_id),)))

    assert response.status_code == 200
    new = response.headers["X-Request-ID"]
    assert REQUEST_ID.fullmatch(new)
    assert new != request_id


def test_new_request_ids_are_all_different(service: RunningService) -> None:
    ids = {send(service, Request("GET", "/health", headers=())).headers["X-Request-ID"] for _ in range(50)}

    assert len(ids) == 50


def test_process_time_is_seconds_within_what_the_client_waited(service: RunningService, token: str) -> None:
    started = time.perf_counter()
    response = send(service, Request("POST", "/predict", body=GOOD), token)
    waited = time.perf_counter() - started

    assert 0 < float(response.headers["X-Process-Time"]) < waited
