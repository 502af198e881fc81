"""A client cannot tell a candidate from the baseline: same answers, also where the contract leaves it open."""

import time
from typing import Any

import pytest
from support.answers import REQUEST_ID, comparable
from support.services import RunningService
from support.tokens import claims, sign
from support.wire import Request, send

from contract.cases.access import BAD_TOKENS, LOGIN_FAULTS, NO_TOKEN
from contract.cases.bodies import BODY_FAULTS, CONTENT_TYPE_FAULTS, SIZE_FAULTS
from contract.cases.features import BATCH_FAULTS, PREDICT_FAULTS
from contract.cases.order import ORDER
from contract.cases.paths import ALLOWED, GET_PATHS, UNKNOWN_PATHS, WRONG_METHODS
from contract.cases.silent import SILENT

FAULTS = {
    fault.id: fault.request
    for table in (
        UNKNOWN_PATHS, WRONG_METHODS, ORDER, SIZE_FAULTS, NO_TOKEN, BAD_TOKENS, CONTENT_TYPE_FAULTS, BODY_FAULTS,
        PREDICT_FAULTS, BATCH_FAULTS, LOGIN_FAULTS,
    )
    for fault in table
}  # fmt: skip


@pytest.fixture(scope="module")
def shared_token(baseline: RunningService) -> str:
    """One token for all."""
    return baseline.login()


def assert_same(baseline: RunningService, candidate: RunningService, request: Request, token: str) -> None:
    """Send the same to both and compare everything but clocks and ids."""
    expected, answered = (comparable(send(service, request, token)) for service in (baseline, candidate))

    assert answered == expected
    assert answered.status < 500


@pytest.mark.parametrize("request_", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_in_the_same_words(
    baseline: RunningService, candidate: RunningService, shared_token: str, request_: Request
) -> None:
    assert_same(baseline, candidate, request_, shared_token)


@pytest.mark.parametrize("request_", SILENT.values(), ids=SILENT)
def test_what_the_contract_leaves_open_is_the_same(
    baseline: RunningService, candidate: RunningService, shared_token: str, request_: Request
) -> None:
    for service in (baseline, candidate):
        send(service, Request("POST", "/cache/clear", headers=()), shared_token)

    assert_same(baseline, candidate, request_, shared_token)


@pytest.mark.parametrize("path", ALLOWED)
@pytest.mark.parametrize("method", ["OPTIONS", "DELETE"])
def test_allowed_methods_are_listed_in_the_same_order(
    baseline: RunningService, candidate: RunningService, path: str, method: str
) -> None:
    expected, answered = (send(service, Request(method, path)).headers["Allow"] for service in (baseline, candidate))

    assert answered == expected


@pytest.mark.parametrize("path", GET_PATHS)
def test_head_has_the_same_headers(
    baseline: RunningService, candidate: RunningService, shared_token: str, path: str
) -> None:
    assert_same(baseline, candidate, Request("HEAD", path, headers=()), shared_token)
    for service in (baseline, candidate):
        assert "Content-Length" in send(service, Request("HEAD", path, headers=()), shared_token).headers


@pytest.mark.parametrize(
    "ids", [("a",), ("a", "b"), ("", "b"), ("a,b",), ("a ",), (" a",), ("a\t",), ("a", "a")], ids=repr
)
def test_the_same_request_ids_are_kept(
    baseline: RunningService, candidate: RunningService, ids: tuple[str, ...]
) -> None:
    kept = []
    for service in (baseline, candidate):
        headers = tuple(("X-Request-ID", value) for value in ids)
        answered = send(service, Request("GET", "/health", headers=headers)).headers["X-Request-ID"]
        assert REQUEST_ID.fullmatch(answered)
        kept.append(answered if len(answered) < 8 else "new")

    assert kept[0] == kept[1]


STRANGE_CLAIMS: dict[str, dict[str, Any]] = {
    "user is a number": {"user": 1},
    "user is a list": {"user": ["tester"]},
    "user is empty": {"user": ""},
    "user in another script": {"user": "тестер"},
    "user is a lone surrogate": {"user": "\ud800"},
    "exp is text": {"exp": "tomorrow"},
    "exp is digits": {"exp": str(int(time.time()) + 1000)},
    "exp is a fraction": {"exp": time.time() + 1000.5},
    "exp is enormous": {"exp": 10**400},
    "exp is infinite": {"exp": float("inf")},
    "exp is true": {"exp": True},
    "exp is negative": {"exp": -1},
    "iat is text": {"iat": "yesterday"},
    "iat is a list": {"iat": []},
    "iat is after exp": {"iat": int(time.time()) + 7200},
    "not before": {"nbf": int(time.time()) + 600},
    "audience": {"aud": "somebody"},
    "subject is a number": {"sub": 1},
    "id is a number": {"jti": 1},
}


@pytest.mark.parametrize("changes", STRANGE_CLAIMS.values(), ids=STRANGE_CLAIMS)
def test_strange_claims_are_judged_alike(
    baseline: RunningService, candidate: RunningService, changes: dict[str, Any]
) -> None:
    token = sign(claims(**changes), baseline.secret_key)

    assert_same(baseline, candidate, Request("POST", "/predict", body=b"{}"), token)


@pytest.mark.parametrize("path", ["/health", "/predict", "/no-such-path"])
def test_an_upgrade_that_is_not_offered_is_no_fault_of_the_service(service: RunningService, path: str) -> None:
    handshake = (
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    )

    assert send(service, Request("GET", path, headers=handshake)).status_code < 500
