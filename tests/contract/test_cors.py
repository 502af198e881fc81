"""CORS_ORIGINS: which pages of other origins a browser lets call the services."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support.answers import assert_all_alike, assert_contract_headers, comparable
from support.services import SERVICE_NAMES, RunningService, running_services
from support.wire import Request, send

from contract.cases.bodies import GOOD

ALLOWED = "https://app.example.org"
OTHER_ALLOWED = "http://localhost:3000"
STRANGERS = [
    "https://evil.example",
    "http://app.example.org",
    "https://app.example.org:444",
    "https://app.example.org.evil.example",
    "https://sub.app.example.org",
    "null",
    "*",
]

SIMPLE = {
    "health": (Request("GET", "/health"), 200),
    "prediction": (Request("POST", "/predict", body=GOOD), 200),
    "not found": (Request("GET", "/no-such-path"), 404),
    "no token": (Request("POST", "/predict", body=GOOD, signed_in=False), 401),
    "bad body": (Request("POST", "/predict", body=b"{"), 400),
}
simple = pytest.mark.parametrize(("request_", "status"), SIMPLE.values(), ids=SIMPLE)


@pytest.fixture(scope="module")
def group(model_dir: Path) -> Iterator[Mapping[str, RunningService]]:
    with running_services(model_dir, CORS_ORIGINS=f"{ALLOWED}, {OTHER_ALLOWED}", WORKERS=1) as group:
        yield group


@pytest.fixture(params=SERVICE_NAMES)
def shared(request: pytest.FixtureRequest, group: Mapping[str, RunningService]) -> RunningService:
    """Each service with two origins allowed."""
    return group[request.param]


def preflight(path: str, method: str, origin: str, headers: str = "authorization, content-type") -> Request:
    """Return what a browser sends ahead of a request that is not simple."""
    return Request(
        "OPTIONS",
        path,
        headers=(
            ("Origin", origin),
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", headers),
        ),
        signed_in=False,
    )


@pytest.mark.parametrize("origin", [ALLOWED, OTHER_ALLOWED])
@simple
def test_an_allowed_origin_may_read_every_kind_of_answer(
    shared: RunningService, request_: Request, status: int, origin: str
) -> None:
    response = send(shared, request_.with_headers(("Origin", origin)), shared.login())

    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert "origin" in response.headers["Vary"].lower()
    assert "x-request-id" in response.headers["Access-Control-Expose-Headers"].lower()
    assert_contract_headers(response)


@pytest.mark.parametrize("origin", STRANGERS)
@simple
def test_another_origin_may_not(shared: RunningService, request_: Request, status: int, origin: str) -> None:
    response = send(shared, request_.with_headers(("Origin", origin)), shared.login())

    assert response.status_code == status
    assert "Access-Control-Allow-Origin" not in response.headers


def test_an_answer_says_that_it_depends_on_the_origin_even_without_one(shared: RunningService) -> None:
    response = send(shared, Request("GET", "/health"))

    assert "origin" in response.headers.get("Vary", "").lower(), "or a cache gives one page's answer to another"
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(("method", "path"), [("POST", "/predict"), ("POST", "/login"), ("GET", "/cache/stats")])
def test_a_preflight_of_an_allowed_origin_is_granted(shared: RunningService, method: str, path: str) -> None:
    response = send(shared, preflight(path, method, ALLOWED))

    assert response.status_code in {200, 204}
    assert response.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert method in response.headers["Access-Control-Allow-Methods"]
    granted = {name.strip().lower() for name in response.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"authorization", "content-type"} <= granted
    assert_contract_headers(response)


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_preflight_of_another_origin_is_not(shared: RunningService, origin: str) -> None:
    response = send(shared, preflight("/predict", "POST", origin))

    assert "Access-Control-Allow-Origin" not in response.headers
    assert "Access-Control-Allow-Methods" not in response.headers
    assert_contract_headers(response)


def test_options_that_is_no_preflight_is_a_wrong_method(shared: RunningService) -> None:
    response = send(shared, Request("OPTIONS", "/predict", headers=()))

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


UNSAID = {
    "unknown path": preflight("/no-such-path", "GET", ALLOWED),
    "wrong method": preflight("/predict", "DELETE", ALLOWED),
    "unknown header": preflight("/predict", "POST", ALLOWED, "x-unknown"),
    "stranger": preflight("/predict", "POST", STRANGERS[0]),
    "no method": Request("OPTIONS", "/predict", headers=(("Origin", ALLOWED),)),
    "no origin": Request("OPTIONS", "/predict", headers=(("Access-Control-Request-Method", "POST"),)),
    "head": preflight("/health", "HEAD", ALLOWED),
    "granted": preflight("/predict", "POST", ALLOWED),
    "simple": Request("GET", "/health", headers=(("Origin", ALLOWED),)),
    "simple of a stranger": Request("GET", "/health", headers=(("Origin", STRANGERS[0]),)),
    "upper case": Request("GET", "/health", headers=(("Origin", ALLOWED.upper()),)),
    "trailing slash": Request("GET", "/health", headers=(("Origin", ALLOWED + "/"),)),
    "twice": Request("GET", "/health", headers=(("Origin", ALLOWED), ("Origin", STRANGERS[0]))),
}


@pytest.mark.parametrize("request_", UNSAID.values(), ids=UNSAID)
def test_the_rest_is_the_same_on_all(group: Mapping[str, RunningService], request_: Request) -> None:
    assert_all_alike({name: comparable(send(service, request_)) for name, service in group.items()})
