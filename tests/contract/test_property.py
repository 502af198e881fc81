"""Whatever is sent, all services answer the same: generated requests, sent to all in the same order."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.answers import assert_all_alike, assert_contract_headers, comparable
from support.services import BASELINE, RunningService
from support.tokens import claims, sign
from support.wire import Request, send

from contract.cases import ROW, random_rows

EXAMPLES = settings(
    max_examples=150,
    deadline=None,
    # The services are shared by all examples on purpose; their caches see the same sequence.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

POST_PATHS = st.sampled_from(["/predict", "/batch-predict", "/login", "/cache/clear"])
PATHS = POST_PATHS | st.sampled_from(
    ["/health", "/model-info", "/cache/stats", "/ready", "/no-such-path", "/predict/", "//predict", "/"]
)
METHODS = st.sampled_from(["POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])

FINITE = st.floats(-1000, 1000)
NUMBERS = (
    FINITE | st.integers(-1000, 1000) | st.sampled_from([0, -0.0, 1000, 1000.0000000000001, -1001, 1e308, 10**400])
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=11) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
# Few distinct rows, so that some are cached.
ROWS = st.sampled_from([list(ROW), *random_rows(5, seed=20)]) | st.lists(FINITE, min_size=10, max_size=10)


@st.composite
def nearly_right_row(draw: st.DrawFn) -> list[Any]:
    """Return a good row with up to three changes."""
    row: list[Any] = list(draw(ROWS))
    for _ in range(draw(st.integers(0, 3))):
        match draw(st.sampled_from(["replace", "drop", "add"])):
            case "replace" if row:
                row[draw(st.integers(0, len(row) - 1))] = draw(NUMBERS | JSON)
            case "drop" if row:
                row.pop()
            case _:
                row.append(draw(NUMBERS))
    return row


FEATURES = ROWS | nearly_right_row() | JSON
SAMPLES = st.lists(ROWS | nearly_right_row(), max_size=4) | st.lists(FEATURES, max_size=3) | JSON
CREDENTIALS = st.sampled_from(["tester", "admin", "", "correct horse battery staple"]) | JSON
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "features": FEATURES, "samples": SAMPLES, "username": CREDENTIALS, "password": CREDENTIALS, "note": JSON,
    },
)  # fmt: skip

FRAGMENTS = st.sampled_from([b"NaN", b"-", b"0", b"1e999", b"\\u", b"\xff", b'"', b"[", b"}", b","])


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """Return JSON with some bytes cut out, changed or added."""
    text = bytearray(encode(draw(OBJECTS)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 3))] = draw(
            st.binary(max_size=3)
            | st.sampled_from([b"NaN", b"-", b"0", b"1e999", b"\\u", b"\xff", b'"', b"[", b"}", b","])
        )
    return bytes(text)


def encode(value: object) -> bytes:
    """Return Python's JSON, which may hold NaN, lone surrogates and endless integers."""
    return json.dumps(value).encode()


BODIES = OBJECTS.map(encode) | JSON.map(encode) | spoilt() | st.binary(max_size=40)
# Control characters are refused by the servers' parsers, before there is a request.
HEADER_TEXT = st.lists(st.integers(32, 126) | st.integers(128, 255), max_size=12).map(
    lambda codes: bytes(codes).strip()
)
CONTENT_TYPES = (
    st.sampled_from(["application/json", "application/json; charset=utf-8", "Application/JSON", "text/plain", ""])
    | HEADER_TEXT
)
REQUEST_IDS = st.text("Aa0._-", min_size=1, max_size=130).map(str.encode) | HEADER_TEXT
CLAIMS = st.fixed_dictionaries(
    {},
    optional={name: st.none() | st.integers(0, 2**40) | JSON for name in ("user", "iat", "exp", "nbf", "sub", "aud")},
)


@pytest.fixture(scope="module")
def shared_token(services: Mapping[str, RunningService]) -> str:
    """One token for all services, whose caches start empty."""
    token = services[BASELINE].login()
    for service in services.values():
        send(service, Request("POST", "/cache/clear", headers=()), token)
    return token


def assert_same(services: Mapping[str, RunningService], request: Request, token: str) -> None:
    """Send one request to all and compare."""
    responses = {name: send(service, request, token) for name, service in services.items()}
    answers = {name: comparable(response) for name, response in responses.items()}

    if request.target == "/cache/stats" and answers[BASELINE].json is not None:
        # Hits and misses are as old as the services, which other tests have asked differently.
        answers = {name: replace(answer, json=sorted(answer.json)) for name, answer in answers.items()}
    assert_all_alike(answers)
    assert answers[BASELINE].status < 500
    for response in responses.values():
        assert_contract_headers(response)


@EXAMPLES
@given(path=POST_PATHS, body=BODIES)
@example(path="/predict", body=encode({"features": list(ROW)}))
@example(path="/batch-predict", body=encode({"samples": [list(ROW)]}))
def test_any_body(services: Mapping[str, RunningService], shared_token: str, path: str, body: bytes) -> None:
    assert_same(services, Request("POST", path, body=body), shared_token)


@EXAMPLES
@given(features=ROWS | nearly_right_row())
def test_nearly_right_features(services: Mapping[str, RunningService], shared_token: str, features: list[Any]) -> None:
    assert_same(services, Request("POST", "/predict", body=encode({"features": features})), shared_token)


@EXAMPLES
@given(samples=st.lists(ROWS | nearly_right_row(), max_size=6))
def test_nearly_right_samples(services: Mapping[str, RunningService], shared_token: str, samples: list[Any]) -> None:
    assert_same(services, Request("POST", "/batch-predict", body=encode({"samples": samples})), shared_token)


@EXAMPLES
@given(
    method=METHODS,
    path=PATHS,
    body=BODIES,
    content_type=st.none() | CONTENT_TYPES,
    request_id=st.none() | REQUEST_IDS,
    chunked=st.booleans(),
    signed_in=st.booleans(),
)
def test_any_request(
    services: Mapping[str, RunningService],
    shared_token: str,
    method: str,
    path: str,
    body: bytes,
    content_type: str | bytes | None,
    request_id: bytes | None,
    *,
    chunked: bool,
    signed_in: bool,
) -> None:
    headers = [("Content-Type", content_type), ("X-Request-ID", request_id)]
    given_headers = tuple((name, value) for name, value in headers if value is not None)

    assert_same(services, Request(method, path, given_headers, body, signed_in, chunked), shared_token)


@EXAMPLES
@given(changes=CLAIMS, algorithm=st.sampled_from(["HS256", "HS256", "HS512", "none"]))
def test_any_claims(services: Mapping[str, RunningService], changes: dict[str, Any], algorithm: str) -> None:
    token = sign(claims(**changes), services[BASELINE].secret_key, algorithm)

    assert_same(services, Request("POST", "/predict", body=b"{}"), token)


@EXAMPLES
@given(authorization=HEADER_TEXT | HEADER_TEXT.map(lambda value: b"Bearer " + value))
def test_any_authorization(services: Mapping[str, RunningService], authorization: bytes) -> None:
    request = Request("POST", "/predict", body=b"{}", signed_in=False)

    assert_same(services, request.with_headers(("Authorization", authorization)), "")
